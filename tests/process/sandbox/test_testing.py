"""Tests of scripts: set-up, mocks, asserts, clocks, coverage and method logs in a real worker."""

from __future__ import annotations

import subprocess
import sys

import pytest

from circuit_link import wire

CENSUS = """
from circuitos import CircuitHTTP

class CensusAPI:
    @classmethod
    def get_median_income(cls, zip_code):
        return cls.get_median_incomes([zip_code]).get(zip_code)

    @staticmethod
    def get_median_incomes(zips):
        answer = CircuitHTTP.get("https://api.census.gov/data", params={"for": ",".join(zips)})
        return {zip_code: value for zip_code, value in answer.json().items()}
"""


def _test(run, body, *, handlers=None, files=None, method="check", **fields):
    """Run `body` as the method `check` of a test class."""
    text = "from circuitos import *\nfrom circuitos.testing import CircuitTest, Mock, test, test_setup\n" + body
    entry = wire.TestEntry(path="tests/test_it.py", class_name="It", method=method)
    answers = {wire.TestControl: lambda m, h: None, wire.Dml: _saved, wire.MockedCallout: lambda m, h: None}
    return run(
        entry,
        {"tests/test_it.py": text, "classes/census_api.py": CENSUS, **(files or {})},
        {**answers, **(handlers or {})},
        **fields,
    )


def _saved(message, host):
    count = len(message.records[0].columns[0])
    return wire.Saved(ids=["003000000000001AAA"] * count, created=[True] * count, errors={})


def test_failed_assert_shows_the_values_of_both_sides(run):
    host = _test(
        run,
        """
@test
class It:
    @test("scores")
    def check(self):
        score = {"total": 62}
        assert score["total"] >= 70, "High intent lead"
""",
    )

    error = host.done.error
    assert error.type == "AssertionError"
    assert error.message == 'High intent lead\n  assert score["total"] >= 70\n  score["total"] = 62'
    assert (error.frames[0].path, error.frames[0].line, error.frames[0].name) == (
        "tests/test_it.py",
        9,
        "It.check",
    )


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("assert a == b", "assert a == b\n  a = [1]\n  b = [1, 2]"),
        ("assert a", None),
        ("assert not a", "assert not a\n  a = [1]"),
        ("assert a == [1] and len(b) == 3", "assert a == [1] and len(b) == 3\n  a = [1]\n  len(b) = 2"),
        ("assert 2 < len(b) < len(a)", "assert 2 < len(b) < len(a)\n  len(b) = 2"),
        ("assert isinstance(a, str)", "assert isinstance(a, str)\n  a = [1]\n  isinstance(a, str) = False"),
        ("assert any(x > 1 for x in a)", "assert any(x > 1 for x in a)\n  any(x > 1 for x in a) = False"),
        ("assert False", "assert False"),
        ("assert False, 'why'", "why"),
        (
            "for n in (1, 0):\n            assert n and len(b) == 2 or n",
            "assert n and len(b) == 2 or n\n  n = 0",
        ),
    ],
)
def test_assert_explanations(run, statement, message):
    host = _test(run, f"class It:\n    def check(self):\n        a, b = [1], [1, 2]\n        {statement}\n")

    assert (host.done.error.message if host.done.error else None) == message


def test_setup_runs_first_and_statics_start_afresh(run):
    files = {"classes/counter.py": "count = 0\n"}
    host = _test(
        run,
        """
from classes import counter
print("loaded", counter.count)

@test
class It:
    @test_setup
    def rows(cls):
        counter.count += 1
        CircuitTest.create("Contact", last_name="Ada")
        print("setup", cls.__name__, counter.count)

    @test
    def check(self):
        print("test", counter.count)
""",
        files=files,
    )

    assert host.stdout.splitlines() == ["loaded 0", "setup It 1", "loaded 0", "test 0"]
    assert [type(m).__name__ for m in host.messages if isinstance(m, wire.Dml | wire.TestControl)] == [
        "Dml",
        "TestControl",
    ]


@pytest.mark.parametrize(
    "decorators", ["@classmethod\n    @test_setup", "@test_setup\n    @classmethod", "@test_setup"]
)
def test_setup_may_be_declared_in_each_way(run, decorators):
    host = _test(
        run,
        f"class It:\n    {decorators}\n    def rows(cls): print(cls.__name__)\n    def check(self): pass\n",
    )

    assert (host.stdout, host.done.error) == ("It\n", None)


def test_failure_of_the_setup_is_reported_before_setup_done(run):
    host = _test(
        run, "class It:\n    @test_setup\n    def rows(cls): 1 / 0\n    def check(self): print('never')\n"
    )

    assert host.done.error.type == "ZeroDivisionError"
    assert host.sent(wire.TestControl) == []
    assert host.stdout == ""


def test_records_are_created_for_every_object_by_its_snake_case_name(run):
    host = _test(
        run,
        """
class It:
    def check(self):
        c = CircuitTest.create_test_contact(last_name="Thompson", score=3)
        z = CircuitTest.create_test_zip_income(name="10019")
        print(c.id, c.last_name, z.object_name)
        CircuitTest.create_test_nothing()
""",
    )

    assert host.stdout == "003000000000001AAA Thompson ZipIncome\n"
    assert [dml.object_name for dml in host.sent(wire.Dml)] == ["Contact", "ZipIncome"]
    assert host.done.error.type == "AttributeError"


def test_mock_replaces_methods_and_counts_calls(run):
    host = _test(
        run,
        """
from classes.census_api import CensusAPI

class It:
    def check(self):
        CircuitTest.set_mock(CensusAPI, Mock.CensusAPIMock({"10019": {"medianIncome": 87450}}))
        print(CensusAPI.get_median_income("10019"), CensusAPI.get_median_income("1"))
        print(CensusAPI.get_median_incomes(["10019", "1"]))
        print(CircuitTest.get_mock_call_count(CensusAPI, "get_median_income"),
              CircuitTest.get_mock_call_count(CensusAPI, "get_median_incomes"))

        class Fixed:
            def get_median_income(self, zip_code): return 5
        CircuitTest.set_mock(CensusAPI, Fixed())
        print(CensusAPI.get_median_income("1"), CircuitTest.get_mock_call_count(CensusAPI, "get_median_income"))
        CircuitTest.set_mock(CensusAPI, {"get_median_income": 7})
        print(CensusAPI.get_median_income("1"))
""",
    )

    assert host.done.error is None, host.done.error.text
    assert host.stdout.splitlines() == ["87450 None", "{'10019': 87450}", "2 1", "5 1", "7"]


def test_callout_without_a_mock_is_refused_in_a_test(run):
    host = _test(
        run,
        """
from classes.census_api import CensusAPI
class It:
    def check(self):
        with CircuitTest.raises(CalloutException, match="do not support Web service callouts") as caught:
            CensusAPI.get_median_income("10019")
        print(type(caught.value).__name__)
""",
    )

    assert (host.stdout, host.done.error) == ("CalloutException\n", None)
    assert host.sent(wire.Callout) == []


def test_http_mock_answers_and_the_host_counts(run):
    host = _test(
        run,
        """
from classes.census_api import CensusAPI
class It:
    def check(self):
        CircuitTest.set_http_mock({"https://api.census.gov": {"10019": 87450}, "POST https://x": (404, "none"),
                                   "https://y": CalloutException("Read timed out")})
        print(CensusAPI.get_median_income("10019"))
        answer = CircuitHTTP.post("https://x/1", json={"a": 1})
        print(answer.status_code, answer.text, answer.ok)
        with CircuitTest.raises(CalloutException, match="timed out"):
            CircuitHTTP.get("https://y")
        CircuitTest.set_http_mock(lambda request: HTTPResponse(201, {}, request.method.encode() + request.body))
        print(CircuitHTTP.put("https://z", data="body").text)
""",
    )

    assert host.done.error is None, host.done.error.text
    assert host.stdout.splitlines() == ["87450", "404 none False", "PUTbody"]
    assert [(m.method, m.url) for m in host.sent(wire.MockedCallout)] == [
        ("GET", "https://api.census.gov/data?for=10019"),
        ("POST", "https://x/1"),
        ("GET", "https://y"),
        ("PUT", "https://z"),
    ]


def test_callouts_outside_tests_go_to_the_host(run):
    text = """
from circuitos import CircuitHTTP, CalloutException
answer = CircuitHTTP.post("https://x", json={"a": 1}, headers={"X-Y": "z"}, params={"q": "a b"}, timeout_s=2.5)
print(answer.status_code, answer.json(), answer.header("CONTENT-type"))
for timeout in (0, 121):
    try:
        CircuitHTTP.get("https://x", timeout_s=timeout)
    except CalloutException as exc:
        print(exc)
"""
    reply = wire.HttpAnswer(status_code=200, headers={"Content-Type": "application/json"}, body=b'{"ok": true}')

    host = run(text, handlers={wire.Callout: lambda m, h: reply})

    (callout,) = host.sent(wire.Callout)
    assert (callout.method, callout.url, callout.timeout_ms, callout.body) == (
        "POST",
        "https://x?q=a+b",
        2500,
        b'{"a": 1}',
    )
    assert callout.headers == {"X-Y": "z", "Content-Type": "application/json"}
    assert host.stdout.splitlines()[0] == "200 {'ok': True} application/json"
    assert len(host.stdout.splitlines()) == 3


def test_raises_fails_when_nothing_or_something_else_is_raised(run):
    host = _test(
        run,
        """
class It:
    def check(self):
        for action, match in ((lambda: None, None), (lambda: int("x"), "other")):
            try:
                with CircuitTest.raises(ValueError, match=match):
                    action()
            except AssertionError as exc:
                print(str(exc).splitlines()[0])
        with CircuitTest.raises(ValueError):
            {}["x"]
""",
    )

    assert host.stdout.splitlines() == [
        "ValueError was not raised",
        "ValueError was raised, but its text does not match.",
    ]
    assert host.done.error.type == "KeyError"


def test_controls_of_a_test_reach_the_host(run):
    host = _test(
        run,
        """
import datetime as dt
class It:
    def check(self):
        with CircuitTest.measure():
            pass
        CircuitTest.set_time(dt.datetime(2025, 1, 2, 3, 4))
        print(CircuitScript.now().isoformat(), CircuitScript.now() == CircuitScript.now())
        with CircuitTest.run_as({"profile": "Sales"}):
            print(CircuitScript.user().profile)
        print(repr(CircuitScript.user().profile))
        CircuitTest.set_search_results(["003000000000001AAA"])
""",
    )

    assert host.done.error is None, host.done.error.text
    assert host.stdout.splitlines() == ["2025-01-02T03:04:00+00:00 True", "Sales", "''"]
    assert [m.action for m in host.sent(wire.TestControl)] == [
        "start",
        "stop",
        "set_time",
        "run_as",
        "run_as_end",
        "search_results",
    ]


def test_user_that_the_host_answers_is_the_user_within_run_as(run):
    answered = wire.UserRef(id="005000000000002AAA", name="Grace", time_zone="Asia/Tokyo")
    body = """
class It:
    def check(self):
        with CircuitTest.run_as("005000000000002AAA"):
            print(CircuitScript.user().name, CircuitScript.today())
"""

    host = _test(run, body, handlers={wire.TestControl: lambda m, h: answered if m.action == "run_as" else None})

    assert host.stdout == "Grace 2025-11-14\n"


def test_async_tests_are_awaited(run):
    host = _test(run, "class It:\n    async def check(self):\n        assert 1 == 2\n")

    assert host.done.error.type == "AssertionError"


def test_test_helpers_are_refused_outside_tests(run):
    error = run("from circuitos.testing import CircuitTest\nCircuitTest.start_test()").done.error

    assert "circuit-cli test" in error.message


def test_secret_reaches_the_script_but_no_log(run):
    text = """
from circuitos import CircuitLog, Secrets
key = Secrets.get("API_KEY")
print(len(key), key)
CircuitLog.error("key is " + key, {"key": key})
"""

    host = run(text, handlers={wire.Secret: lambda m, h: "s3cr3t-value"})

    assert host.stdout == "12 ********\n"
    assert "s3cr3t" not in host.entries[0].text + host.entries[0].data


def test_limits_are_read_from_the_host(run):
    state = wire.LimitState(limits={"queries": (3, 100), "callouts": (1, 50)})
    text = """
from circuitos import CircuitGovernor, NotFoundException
print(CircuitGovernor.get_usage("queries"), CircuitGovernor.get_limit("api_callouts"))
print(CircuitGovernor.snapshot()["callouts"].used)
try:
    CircuitGovernor.get_usage("querys")
except NotFoundException as exc:
    print(exc)
"""

    host = run(text, handlers={wire.Usage: lambda m, h: state})

    assert host.stdout.splitlines() == ["3 50", "1", "There is no limit 'querys'. Did you mean 'queries'?"]


# ------------------------------------------------------------------------------------------- method log


def test_methods_are_logged_at_fine_and_stay_balanced(run):
    files = {
        "classes/model.py": """
class Model:
    @classmethod
    def score(cls, lead, *, weight=1):
        try:
            fail(lead)
        except ValueError:
            pass
        return [n for n in numbers(2)]

def fail(lead):
    raise ValueError(lead)

def numbers(count):
    yield from range(count)
"""
    }
    text = "import json\nfrom classes.model import Model\nModel.score(1)\njson.dumps({})\n"

    host = run(text, files, level=5)

    entries = [(entry.kind, entry.text, entry.path, entry.line) for entry in host.entries]
    assert entries[:3] == [
        ("entry", "Model.score(lead, weight)", "classes/model.py", 4),
        ("entry", "model.fail(lead)", "classes/model.py", 11),
        ("exit", "model.fail(lead)", "classes/model.py", 11),
    ]
    depth = 0
    for kind, *_ in entries:
        depth += 1 if kind == "entry" else -1
        assert depth >= 0
    assert depth == 0
    assert {text for _, text, *_ in entries} == {
        "Model.score(lead, weight)",
        "model.fail(lead)",
        "model.numbers(count)",
    }
    assert [entry.ns for entry in host.entries] == sorted(entry.ns for entry in host.entries)


def test_methods_are_not_logged_at_debug(run):
    assert run("def f(): pass\nf()\n", level=4).entries == []


def test_exception_that_leaves_the_script_is_logged(run):
    (entry,) = run("def f():\n    raise ValueError('x')\nf()\n").entries

    assert (entry.kind, entry.text, entry.path, entry.line) == ("thrown", "ValueError: x", "scripts/main.py", 2)


# ------------------------------------------------------------------------------------------- coverage

COVERED = '''"""Docstring."""

from circuitos import CircuitLog

class Model:
    """Another."""

    @staticmethod
    def score(lead):
        CircuitLog.debug("lone")
        # comment
        if lead: total = 1; other = 2
        else:
            total = 3
        try:
            return max(
                total,
                other,
            )
        finally:
            CircuitLog.info(
                "several lines"
            )

def unused():
    return 1
'''


def test_coverage_lists_executable_and_executed_lines(run):
    body = """
from classes.model import Model
class It:
    @test_setup
    def rows(cls):
        from classes.model import unused
        unused()
    def check(self):
        assert Model.score(True) == 2
"""

    host = _test(
        run, body, files={"classes/model.py": COVERED, "classes/never.py": "x = 1\n\ny = 2\n"}, mode="coverage"
    )

    assert host.done.error is None, host.done.error.text
    executable, executed = host.done.coverage["classes/model.py"]
    assert executable == [3, 5, 8, 9, 12, 14, 16, 17, 18, 25, 26]
    assert executed == [3, 5, 8, 9, 12, 16, 17, 18, 25]
    assert host.done.coverage["classes/never.py"] == ([1, 3], [])
    assert "tests/test_it.py" not in host.done.coverage
    assert host.stderr == ""


def test_coverage_of_a_run_without_project_files_is_empty_and_silent(run):
    host = run("x = 1\n", mode="coverage")

    assert (host.done.coverage, host.stderr, host.done.error) == ({}, "", None)


def test_x01_a_tests_heap_holds_nothing_of_the_coverage_library() -> None:
    """The worker's baseline lies between the making of a `CoverageRun` and its start."""
    program = """
import sys
from circuitos.worker.coverage_run import CoverageRun
run = CoverageRun({})
loaded = set(sys.modules)
run.start()
print(sorted(name for name in set(sys.modules) - loaded if name.startswith("coverage")))
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
