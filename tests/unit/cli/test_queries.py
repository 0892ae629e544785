import circuit_link.host_protocol as hp

ROWS = [
    {"id": "003A", "last_name": "Ada", "account": {"name": "Engines"}, "vlpr_score": 78},
    {"id": "003B", "last_name": None, "account": None, "vlpr_score": None},
]


def answered(rows, more=False):
    def answer(message):
        return [
            hp.QueryAnswered(
                request=message.request,
                object_name="Contact",
                columns=("id", "last_name", "account.name", "vlpr_score"),
                rows=[row],
                count=len(rows),
                limits={"queries": (1, 100)},
                duration_ms=3.5,
                more=idx < len(rows) - 1,
            )
            for idx, row in enumerate(rows)
        ]

    return answer


def test_query_prints_rows_count_and_limits(cli, host):
    fake = host(answered(ROWS))

    ended = cli("query", "SELECT id FROM Contact", "--json")

    assert ended.exit_code == 0
    assert ended.document == {"rows": ROWS, "count": 2, "limits": {"queries": [1, 100]}, "duration_ms": 3.5}
    assert fake.received == [hp.RunQuery(request=1, text="SELECT id FROM Contact")]


def test_characters_of_a_record_that_would_steer_the_terminal_are_shown_as_signs(cli, host):
    host(answered([{**ROWS[0], "last_name": "\x1b]0;own\x07\x1b[2J\x9b1m\u202eAda!"}]))

    shown = cli("query", "SELECT id FROM Contact").stdout

    assert "␛]0;own␇␛[2J�1m�Ada!" in shown


def test_query_shows_a_table(cli, host):
    host(answered(ROWS))

    ended = cli("query", "SELECT id FROM Contact")

    assert "Engines" in ended.stdout
    assert "78" in ended.stdout
    assert "2 rows" in ended.stderr


def test_query_shows_what_was_asked_of_children(cli, host):
    children = [{"id": "00TA", "subject": "Call", "done": True}, {"id": "00TB", "subject": None, "done": False}]
    host(answered([{"id": "003A", "last_name": "Ada", "account": {"name": children}}]))

    assert "Call, true; , false" in cli("query", "SELECT …").stdout


def test_a_fault_in_the_query_is_told_with_its_place(cli, host, answers):
    host(answers.failed("SOQL_INVALID", "unexpected token: FORM", line=1, column=11))

    ended = cli("query", "SELECT id FORM Contact", "--json")

    assert ended.exit_code == 1
    assert ended.document["error"] == {
        "code": "SOQL_INVALID",
        "message": "unexpected token: FORM",
        "hint": "Do this.",
        "path": "",
        "line": 1,
        "column": 11,
    }
