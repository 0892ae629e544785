from circuitos import CalloutException, CircuitDB, CircuitGovernor, CircuitHTTP, HTTPResponse
from circuitos.testing import CircuitTest, test

URL = "https://api.example.com/"
UNCOMMITTED = "You have uncommitted work pending. Please commit or rollback before calling out."
SAVEPOINTS = "All active Savepoints must be released before making callouts."


def refusal(**options):
    try:
        CircuitHTTP.get(URL, **options)
    except CalloutException as error:
        return str(error)
    return None


@test
class Uncommitted:
    @test("C01 after insert, update, delete and upsert a callout is refused with the text")
    def after_dml(self):
        CircuitTest.set_http_mock(lambda request: {})
        assert refusal() is None
        account = CircuitTest.create("Account", name="A")
        assert refusal() == UNCOMMITTED
        CircuitDB.delete("Account", account)
        assert refusal() == UNCOMMITTED

    @test("C01 a refused callout is not counted, and a query is no work")
    def not_counted(self):
        CircuitTest.set_http_mock(lambda request: {})
        CircuitDB.query("SELECT id FROM Account")
        assert refusal() is None
        CircuitTest.create("Account", name="A")
        refusal()
        assert CircuitGovernor.get_usage("callouts") == 1

    @test("C01 DML that failed, and DML that was rolled back, is no work")
    def undone(self):
        CircuitTest.set_http_mock(lambda request: {})
        assert not CircuitDB.insert("Account", {"phone": "1"}, all_or_none=False)[0].success
        point = CircuitDB.savepoint()
        CircuitTest.create("Account", name="A")
        CircuitDB.rollback(point)
        CircuitDB.release(point)
        assert refusal() is None

    @test("C02 an open savepoint, also an unused one, stands in the way until it is released")
    def savepoint(self):
        CircuitTest.set_http_mock(lambda request: {})
        point = CircuitDB.savepoint()
        assert refusal() == SAVEPOINTS
        CircuitDB.rollback(point)
        assert refusal() == SAVEPOINTS
        CircuitDB.release(point)
        assert refusal() is None

    @test("C02 the text about savepoints comes first")
    def both(self):
        CircuitTest.set_http_mock(lambda request: {})
        CircuitDB.savepoint()
        CircuitTest.create("Account", name="A")
        assert refusal() == SAVEPOINTS

    @test("C04 DML before start_test does not matter within it; DML within does")
    def measured(self):
        CircuitTest.create("Account", name="A")
        CircuitTest.start_test()
        CircuitTest.set_http_mock({URL: {"ok": True}})
        assert CircuitHTTP.get(URL).json() == {"ok": True}
        CircuitTest.create("Account", name="B")
        assert refusal() == UNCOMMITTED
        CircuitTest.stop_test()


@test
class Limits:
    @test("C03 a hundred callouts are fine")
    def at_limit(self):
        CircuitTest.set_http_mock(lambda request: {})
        for _ in range(100):
            CircuitHTTP.get(URL)
        assert CircuitGovernor.get_usage("callouts") == 100

    @test("C03 the timeout lies between 1 and 120,000 milliseconds")
    def timeouts(self):
        CircuitTest.set_http_mock(lambda request: {})
        for timeout_s in (0, -1, 0.0001, 120.001, 121, float("nan"), float("inf")):
            assert refusal(timeout_s=timeout_s) is not None
        for timeout_s in (0.001, 1, 120):
            assert refusal(timeout_s=timeout_s) is None
        assert CircuitGovernor.get_usage("callouts") == 3


@test
class Mocks:
    @test("C04 without a mock every method is refused")
    def none(self):
        for method in ("get", "post", "put", "patch", "delete"):
            with CircuitTest.raises(CalloutException, match="has no mock"):
                getattr(CircuitHTTP, method)(URL)

    @test("C04 a function answers, and sees the whole request")
    def function(self):
        seen = []

        def answer(request):
            seen.append((request.method, request.url, request.headers["X-Key"], request.json()))
            return HTTPResponse(201, {"Location": "/1"}, b'{"id": 1}')

        CircuitTest.set_http_mock(answer)
        response = CircuitHTTP.post(URL, json={"a": 1}, headers={"X-Key": "k"}, params={"q": "x y"})

        assert seen == [("POST", f"{URL}?q=x+y", "k", {"a": 1})]
        assert (response.status_code, response.headers["Location"], response.json()) == (201, "/1", {"id": 1})

    @test("C04 a mock's answer is made of bytes, of a text or of a value")
    def answers(self):
        for made in (
            HTTPResponse(201, {}, b'{"a": "\xc3\xa9"}'),
            HTTPResponse(201, {}, '{"a": "é"}'),
            HTTPResponse(status_code=201, headers={}, text='{"a": "é"}'),
            HTTPResponse(201, json={"a": "é"}),
        ):
            CircuitTest.set_http_mock({URL: made})
            response = CircuitHTTP.get(URL)
            assert (response.status_code, response.json()) == (201, {"a": "é"})

    @test("C04 a text in a named character set reads as it was written")
    def charset(self):
        CircuitTest.set_http_mock({URL: HTTPResponse(200, {"content-type": "text/plain; charset=latin-1"}, "é")})
        assert CircuitHTTP.get(URL).text == "é"

    @test("C04 headers are found in any case, in the request and in the answer")
    def headers(self):
        seen = []

        def answer(request):
            seen.append((request.headers["x-key"], "CONTENT-TYPE" in request.headers, request.headers.get("accept")))
            return HTTPResponse(200, {"Location": "/1"}, "")

        CircuitTest.set_http_mock(answer)
        response = CircuitHTTP.post(URL, json={}, headers={"X-Key": "k"})

        assert seen == [("k", True, None)]
        assert response.headers["location"] == response.headers.get("LOCATION") == "/1"
        assert list(response.headers) == ["Location"]

    @test("C04 a static answer serves every request")
    def static(self):
        CircuitTest.set_http_mock({"https://": (202, {"static": True})})
        for path in ("", "a", "b"):
            response = CircuitHTTP.get(URL + path)
            assert (response.status_code, response.json()) == (202, {"static": True})

    @test("C04 several answers are chosen by the address; the longest beginning wins")
    def several(self):
        CircuitTest.set_http_mock({URL: "root", f"{URL}a": "a", f"POST {URL}a": "posted"})
        assert [CircuitHTTP.get(URL).text, CircuitHTTP.get(f"{URL}a/b").text] == ["root", "a"]
        assert CircuitHTTP.post(f"{URL}a").text == "posted"
        with CircuitTest.raises(CalloutException):
            CircuitHTTP.get("https://other.example.com/")

    @test("C04 an exception as answer is raised")
    def exception(self):
        CircuitTest.set_http_mock({URL: CalloutException("Read timed out")})
        with CircuitTest.raises(CalloutException, match="Read timed out"):
            CircuitHTTP.get(URL)
