import datetime as dt

import pytest

import circuit_link.host_protocol as hp

RUN_ID = "20260102T030405000000-1-ab12"
LIMITS = {"queries": (2, 100), "dml_statements": (1, 150)}
GOLDEN_EXEC = {
    "outcome": "error",
    "error": {
        "type": "ZeroDivisionError",
        "message": "division by zero",
        "file": "a.py",
        "line": 3,
        "column": 0,
        "traceback": "Traceback…",
    },
    "exit_code": 1,
    "stdout": "hi\n",
    "limits": {"queries": [2, 100], "dml_statements": [1, 150]},
    "duration_ms": 12.5,
    "log": "/p/.circuit/logs/x.log",
    "run": RUN_ID,
    "committed": False,
}


@pytest.fixture
def script(project):
    path = project / "a.py"
    path.write_text("print('hi')\n")
    return path


@pytest.fixture
def error_result(answers):
    return answers.result(
        outcome="error",
        error=hp.RunError(
            type="ZeroDivisionError", message="division by zero", file="a.py", line=3, traceback="Traceback…"
        ),
        exit_code=1,
        stdout="hi\n",
    )


def test_exec_prints_its_document(cli, host, script, answers, error_result):
    host(answers.run(error_result, [("stdout", "hi\n")]))

    ended = cli("exec", script, "--json")

    assert ended.document == GOLDEN_EXEC
    assert ended.exit_code == 1


def test_exec_sends_what_it_was_given(cli, host, script, project, answers):
    fake = host(answers.run(answers.result()))

    ended = cli(
        "exec", script, "one", "two", "--commit", "--now", "2025-11-13T17:45:23Z", "--log-level", "DB,FINE"
    )

    assert ended.exit_code == 0
    (message,) = fake.received
    assert message.run == hp.RunRequest(
        entry=hp.ExecEntry(path="a.py", text="print('hi')\n", argv=("one", "two")),
        commit=True,
        now=dt.datetime(2025, 11, 13, 17, 45, 23, tzinfo=dt.UTC),
        log_levels="DB,FINE",
    )


def test_exec_reads_standard_input(cli, host, project, answers):
    fake = host(answers.run(answers.result()))

    cli("exec", "-", stdin="x = 1\n")

    assert fake.received[0].run.entry.text == "x = 1\n"


def test_exec_shows_output_on_stdout_and_the_outcome_on_stderr(cli, host, script, answers, error_result):
    host(answers.run(error_result, [("stdout", "hi\n"), ("stderr", "oops\n")]))

    ended = cli("exec", script)

    assert ended.stdout == "hi\n"
    assert "oops" in ended.stderr
    assert "ZeroDivisionError: division by zero" in ended.stderr
    assert "a.py:3" in ended.stderr
    assert "/p/.circuit/logs/x.log" in ended.stderr
    assert "queries" in ended.stderr


def test_a_script_that_exits_with_a_code_fails_the_command(cli, host, script, answers):
    host(answers.run(answers.result(exit_code=3)))

    ended = cli("exec", script, "--json")

    assert (ended.exit_code, ended.document["exit_code"], ended.document["outcome"]) == (1, 3, "success")


def test_a_run_that_cannot_start_has_the_same_document(cli, host, script, answers):
    host(answers.failed("PROJECT_BROKEN", "Syntax error: invalid syntax", path="triggers/t.py", line=4, column=2))

    ended = cli("exec", script, "--json")

    assert ended.exit_code == 1
    assert ended.document.keys() == GOLDEN_EXEC.keys()
    assert ended.document["outcome"] == "error"
    error = ended.document["error"]
    assert (error["type"], error["file"], error["line"]) == ("PROJECT_BROKEN", "triggers/t.py", 4)
    assert "triggers/t.py:4:2" in ended.stderr
    assert "Do this." in ended.stderr


def test_event_prints_its_document_with_the_records(cli, host, project, answers):
    (project / "e.json").write_text("{}")
    records = (hp.RecordWritten(object="Contact", id="003000000000001AAA", operation="insert"),)
    fake = host(answers.run(answers.result(records=records, committed=True)))

    ended = cli("event", "e.json", "--source", "ghl", "--json")

    assert ended.exit_code == 0
    assert ended.document.keys() == {*GOLDEN_EXEC, "records"}
    assert ended.document["records"] == [{"object": "Contact", "id": "003000000000001AAA", "operation": "insert"}]
    assert ended.document["limits"] == {name: list(use) for name, use in LIMITS.items()}
    run = fake.received[0].run
    assert (run.entry, run.commit) == (hp.EventEntry(source="ghl", path="e.json", payload=b"{}"), True)


@pytest.mark.parametrize("text", ['{"X-GHL-Signature": "s"}', "X-GHL-Signature: s\n\n"])
def test_event_sends_the_recorded_headers(cli, host, project, text, answers):
    (project / "e.json").write_text("{}")
    (project / "h").write_text(text)
    fake = host(answers.run(answers.result()))

    cli("event", "e.json", "--source", "ghl", "--headers", "h")

    assert fake.received[0].run.entry.headers == {"X-GHL-Signature": "s"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("exec",),
        ("exec", "missing.py"),
        ("exec", "a.py", "--now", "yesterday"),
        ("exec", "a.py", "--log-level", "NOPE,FINE"),
        ("exec", "a.py", "--project", "/nowhere"),
        ("exec", "a.py", "--unknown"),
        ("event", "a.py"),
        ("event", "a.py", "--source", "other"),
        ("nothing",),
    ],
)
def test_wrong_use_exits_2_without_starting_anything(cli, script, arguments):
    ended = cli(*arguments)

    assert ended.exit_code == 2
    assert ended.stdout == ""
    assert ended.stderr


def test_a_folder_that_is_no_project_is_told(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    ended = cli("query", "SELECT id FROM Contact", "--json")

    assert ended.exit_code == 2
    assert ended.document["error"]["code"] == "NOT_A_PROJECT"
