import datetime as dt
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

import circuit_link.host_protocol as hp
from circuit_cli.app import app
from circuit_link.client_fake import FakeHost

RUN_ID = "20260102T030405000000-1-ab12"
LIMITS = {"queries": (2, 100), "dml_statements": (1, 150)}


@dataclass
class Ended:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)


@pytest.fixture
def project(tmp_path, tmp_path_factory, monkeypatch):
    # Short: a socket's path has at most 107 bytes.
    runtime = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    root = tmp_path / "project"
    root.mkdir()
    (root / "circuit.toml").write_text('[project]\nname = "P"\n')
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def cli():
    def run(*arguments, stdin=None):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def host(project):
    """Start a fake host that answers each request with the messages that a function returns."""
    running = []

    def start(answer):
        fake = FakeHost(project, answer)
        fake.__enter__()
        running.append(fake)
        return fake

    yield start
    for fake in running:
        fake.__exit__(None, None, None)


@pytest.fixture
def answers():
    """Functions that make what `host` takes: `run`, `failed`, and `result` for a run's result."""
    return SimpleNamespace(run=run_answers, failed=failed, result=run_result)


def run_result(**changes):
    values = {
        "run_id": RUN_ID,
        "outcome": "success",
        "error": None,
        "exit_code": 0,
        "stdout": "",
        "limits": LIMITS,
        "duration_ms": 12.5,
        "log": "/p/.circuit/logs/x.log",
    }
    return hp.RunResult(**{**values, **changes})


def run_answers(result, output=()):
    """The messages of a run, for `host`."""

    def answer(message):
        started = hp.RunStarted(
            request=message.request,
            run_id=result.run_id,
            mode="plain",
            title="x",
            started_at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
            limits=(),
            log_levels="",
        )
        texts = [hp.OutputEmitted(run_id=result.run_id, stream=stream, text=text) for stream, text in output]
        return [started, *texts, hp.RunFinished(request=message.request, run_id=result.run_id, result=result)]

    return answer


def failed(code, message="It failed.", **place):
    """A refusal, for `host`."""

    def answer(request):
        error = hp.ErrorInfo(code=code, message=message, hint="Do this.", **place)
        return [hp.Failed(request=request.request, error=error)]

    return answer
