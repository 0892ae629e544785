import datetime as dt
import json
import subprocess
import sys

import pytest

import circuit_link.host_protocol as hp
from circuit_log.apex_writer import ApexLogWriter
from circuit_log.events import (
    CodeUnitFinished,
    CodeUnitStarted,
    ExecutionFinished,
    ExecutionStarted,
    SoqlBegin,
    SoqlEnd,
)
from circuit_log.levels import LogLevels

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.fixture
def log_file(tmp_path):
    writer = ApexLogWriter(LogLevels(), NOW, "")
    events = (
        ExecutionStarted(seq=0, ns=0),
        CodeUnitStarted(seq=1, ns=1_000_000, name="execute_anonymous_apex"),
        SoqlBegin(seq=2, ns=2_000_000, line=3, query="SELECT Id FROM Contact"),
        SoqlEnd(seq=3, ns=4_000_000, line=3, rows=7),
        CodeUnitFinished(seq=4, ns=9_000_000, name="execute_anonymous_apex"),
        ExecutionFinished(seq=5, ns=10_000_000),
    )
    path = tmp_path / "run.log"
    path.write_text(writer.header() + "".join(map(writer.lines, events)), "utf-8")
    return path


def test_log_stats_prints_its_document(cli, log_file):
    document = cli("log", "stats", log_file, "--json").document

    assert (document["events"], document["soql"], document["dml"], document["exceptions"]) == (6, 1, 0, 0)
    assert document["duration_ns"] == 10_000_000
    assert document["by_type"]["SOQL_EXECUTE_BEGIN"] == 1
    assert document.keys() >= {"unknown_types", "parse_errors", "limits", "truncated"}


def test_log_stats_shows_figures(cli, log_file):
    assert "SOQL_EXECUTE_BEGIN" in cli("log", "stats", log_file).stdout


def test_log_tree_shows_calls_within_calls(cli, log_file):
    ended = cli("log", "tree", log_file)

    assert "SELECT Id FROM Contact" in ended.stdout
    assert cli("log", "tree", log_file, "--json").document["tree"]


@pytest.mark.parametrize("to", ["chrome", "speedscope"])
def test_log_export_writes_json(cli, log_file, tmp_path, to):
    cli("log", "export", log_file, "--to", to, "--output", tmp_path / "out.json")

    assert json.loads((tmp_path / "out.json").read_bytes())


def test_log_export_turns_a_utf16_log_into_utf8(cli, log_file, tmp_path):
    text = log_file.read_text("utf-8")
    wide = tmp_path / "wide.log"
    wide.write_bytes(text.encode("utf-16"))

    assert cli("log", "export", wide, "--to", "apexlog").stdout == text


def test_a_log_file_that_is_missing_is_wrong_use(cli, tmp_path):
    assert cli("log", "stats", tmp_path / "none.log").exit_code == 2


def test_a_file_that_is_no_log_is_told_and_an_empty_one_is_not(cli, tmp_path, project):
    (tmp_path / "empty.log").write_text("")

    ended = cli("log", "stats", project / "circuit.toml", "--json")

    assert (ended.exit_code, ended.document["error"]["code"]) == (1, "LOG_NOT_READABLE")
    assert "is not an ApexLog" in ended.stderr
    assert cli("log", "stats", tmp_path / "empty.log", "--json").document["events"] == 0


def test_logs_prints_its_document(cli, host):
    summary = hp.LogSummary(
        id="r1",
        started_at=NOW,
        entry="a.py",
        outcome="success",
        duration_ms=2.5,
        release="",
        user="",
        bytes=100,
    )
    fake = host(lambda message: [hp.LogsListed(request=message.request, logs=(summary,))])

    ended = cli("logs", "--search", "x", "--json")

    assert ended.document == {
        "logs": [
            {
                "id": "r1",
                "started_at": "2026-01-02T03:04:05Z",
                "entry": "a.py",
                "outcome": "success",
                "duration_ms": 2.5,
                "release": "",
                "user": "",
                "bytes": 100,
            }
        ]
    }
    assert fake.received == [hp.ListLogs(request=1, search="x")]
    assert "a.py" in cli("logs").stdout


def test_doctor_prints_its_document(cli, host):
    report = hp.DoctorReport(
        guarantees=(hp.Guarantee(name="no files", enforced=False, why_not="old kernel"),),
        versions={"python": "3.11"},
        missing=(hp.MissingPart(part="git", install="apt-get install git"),),
        debug_lacks=(hp.Guarantee(name="no native code", enforced=False, why_not="it patches code"),),
        layers=(hp.SandboxLayer(name="landlock", used=True, how="version 7"),),
    )
    host(lambda message: [hp.Diagnosed(request=message.request, report=report)])

    assert cli("doctor", "--json").document == {
        "guarantees": [{"name": "no files", "enforced": False, "how": "", "why_not": "old kernel"}],
        "versions": {"python": "3.11"},
        "missing": [{"part": "git", "install": "apt-get install git"}],
        "debug_lacks": [{"name": "no native code", "enforced": False, "how": "", "why_not": "it patches code"}],
        "layers": [{"name": "landlock", "used": True, "how": "version 7"}],
    }
    assert "old kernel" in cli("doctor").stdout
    assert "it patches code" in cli("doctor").stdout


@pytest.mark.parametrize("template", ["blank", "virtual-lpr"])
def test_init_makes_a_project_named_after_its_folder(cli, tmp_path, template):
    target = tmp_path / 'My "Leads"'

    ended = cli("init", target, "--template", template, "--json")

    assert ended.exit_code == 0
    assert ended.document["project"] == str(target)
    assert 'name = "My \\"Leads\\""' in (target / "circuit.toml").read_text("utf-8")
    assert {path.name for path in target.iterdir()} >= {
        "objects",
        "triggers",
        "classes",
        "tests",
        "events",
        "seed",
    }
    assert not list(target.rglob("__pycache__"))


def test_init_leaves_a_folder_with_files_alone(cli, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    ended = cli("init", tmp_path)

    assert ended.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_project_is_found_upwards(cli, host, project, monkeypatch):
    (project / "classes" / "deep").mkdir(parents=True)
    monkeypatch.chdir(project / "classes" / "deep")
    host(lambda message: [hp.LogsListed(request=message.request, logs=())])

    assert cli("logs", "--json").document == {"logs": []}


def test_another_version_of_the_host_is_told(cli, host, project):
    def answer(message):
        error = hp.ErrorInfo(code="VERSION_MISMATCH", message="This host speaks version 2.")
        return [hp.Failed(request=message.request, error=error)]

    host(answer)

    assert "version 2" in cli("logs").stderr


def test_help_is_quick_because_it_imports_little():
    code = (
        "import sys; from typer.testing import CliRunner; from circuit_cli.app import app;"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        "heavy = {'sqlalchemy', 'httpx', 'starlette', 'keyring', 'circuit_env', 'circuit_runtime', 'PySide6'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (result.returncode, result.stderr) == (0, "")
