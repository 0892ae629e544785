"""Realistic data for the panes: a run like the sample's, told as a host tells it."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

import circuit_link.env_protocol as env
import circuit_link.host_protocol as hp
import circuit_log.events as ev
from circuit_console.core.theme import Appearance
from circuit_console.services.environments import Environments
from circuit_console.services.host_link import HostLink
from circuit_console.services.run_log import RunLog
from circuit_console.services.tasks import Tasks
from circuit_console.services.token_keeper import Keep, TokenKeeper
from circuit_console.widgets.theme import Theme
from circuit_link.errors import UserFacingError
from circuit_log.levels import Level
from circuit_log.limits import LimitName, LimitUse

MS = 1_000_000
LPR = "classes/virtual_lpr.py"
TRIGGER = "triggers/contact_trigger.py"
MAXIMA = {
    LimitName.QUERIES: 100,
    LimitName.QUERY_ROWS: 50_000,
    LimitName.DML_STATEMENTS: 150,
    LimitName.DML_ROWS: 10_000,
    LimitName.CPU_MS: 30_000,
    LimitName.HEAP_BYTES: 512 * 1024 * 1024,
    LimitName.WALL_MS: 30_000,
    LimitName.CALLOUTS: 50,
}


class Script:
    """Writes events at times of its own clock."""

    def __init__(self) -> None:
        self.events: list[ev.LogEvent] = []
        self.used = dict.fromkeys(MAXIMA, 0)
        self.ns = 0
        self._seq = itertools.count()

    def emit(self, kind: type[Any], after_ms: float = 0.0, **fields: Any) -> None:
        self.ns += int(after_ms * MS)
        self.events.append(kind(seq=next(self._seq), ns=self.ns, **fields))

    def count(self, name: LimitName, amount: int = 1) -> None:
        self.used[name] += amount
        self.emit(ev.LimitChanged, limits=(LimitUse(name, self.used[name], MAXIMA[name]),))

    def measure(self, name: LimitName, value: int) -> None:
        self.used[name] = value
        self.count(name, 0)


def scoring_run(leads: int = 42) -> list[ev.LogEvent]:
    """A trigger that scores leads one by one, with a callout for each, up to a breakpoint."""
    script = Script()
    script.emit(ev.ExecutionStarted)
    script.emit(ev.CodeUnitStarted, 1, name="execute_anonymous_apex")
    script.emit(ev.DmlBegin, 1, operation="Insert", object_name="Contact", rows=200, path="snippet.py", line=3)
    script.count(LimitName.DML_STATEMENTS)
    name = "ContactTrigger on Contact trigger event AfterInsert for [003A0, 003A1]"
    script.emit(ev.CodeUnitStarted, 1, name=name, rows=200, path=TRIGGER, line=9)
    script.emit(ev.MethodEntry, 1, signature="VirtualLPR.score_new_leads(leads)", path=LPR, line=24)
    script.count(LimitName.QUERIES)
    query = "SELECT Id, Email FROM Contact WHERE Id IN :ids"
    script.emit(ev.SoqlBegin, 1, query=query, path=LPR, line=26)
    script.emit(ev.SoqlEnd, 45, rows=200, path=LPR, line=26)
    script.count(LimitName.QUERY_ROWS, 200)
    for lead in range(leads):
        _score(script, lead)
    script.emit(
        ev.LimitWarning, limit=LimitUse(LimitName.CALLOUTS, script.used[LimitName.CALLOUTS], 50), path=LPR, line=20
    )
    script.emit(ev.Paused, 1, reason="breakpoint step", path=LPR, line=14)
    return script.events


def _score(script: Script, lead: int) -> None:
    last_ms = 1.5 + (lead % 3) * 0.2
    script.emit(ev.MethodEntry, last_ms, signature="VirtualLPR.calculate(lead)", path=LPR, line=10)
    script.emit(ev.MethodEntry, 0.4, signature="VirtualLPR._fit(lead)", path=LPR, line=19)
    script.count(LimitName.CALLOUTS)
    endpoint = f"https://api.census.gov/data/2023/acs/acs5?zip=100{lead:02d}"
    script.emit(ev.CalloutRequest, 0.4, method="GET", endpoint=endpoint, path=LPR, line=20)
    script.emit(ev.CalloutResponse, 7 + lead % 5, status_code=200, status="OK", size_bytes=1229, path=LPR, line=20)
    script.measure(LimitName.CPU_MS, 12 * lead + 16)
    script.measure(LimitName.HEAP_BYTES, (4 + lead // 5) * 1024 * 1024)
    script.emit(ev.MethodExit, 0.5, signature="VirtualLPR._fit(lead)", path=LPR, line=19)
    if lead % 9 == 8:
        data = f'{{"id":"003A{lead}","total":81,"fit":26,"intent":55}}'
        script.emit(ev.UserDebug, 0.2, level=Level.DEBUG, text="hot lead", data=data, path=LPR, line=15)
    if lead < 41:
        script.emit(ev.MethodExit, 0.6, signature="VirtualLPR.calculate(lead)", path=LPR, line=10)


def failing_run() -> list[ev.LogEvent]:
    """A run that asks for one callout too many."""
    script = Script()
    script.emit(ev.CodeUnitStarted, 1, name="execute_anonymous_apex")
    script.emit(ev.MethodEntry, 1, signature="VirtualLPR.calculate(lead)", path=LPR, line=10)
    for _ in range(51):
        script.count(LimitName.CALLOUTS)
    message = "Too many callouts: 51"
    script.emit(ev.ExceptionThrown, 1, type_name="LimitException", message=message, path=LPR, line=20)
    script.emit(ev.FatalError, 1, type_name="LimitException", message=message, path=LPR, line=20)
    return script.events


def started(run_id: str = "r1", request: int | None = 1) -> hp.RunStarted:
    return hp.RunStarted(
        request=request,
        run_id=run_id,
        mode="debug",
        title="marcus",
        started_at=dt.datetime(2025, 11, 13, 17, 45, tzinfo=dt.UTC),
        limits=tuple(LimitUse(name, 0, maximum) for name, maximum in MAXIMA.items()),
        log_levels="APEX_CODE,FINE;DB,INFO",
    )


def finished(
    run_id: str = "r1", outcome: hp.Outcome = "success", error: hp.RunError | None = None
) -> hp.RunFinished:
    result = hp.RunResult(
        run_id=run_id,
        outcome=outcome,
        error=error,
        exit_code=0,
        stdout="",
        limits={},
        duration_ms=520.0,
        log="",
    )
    return hp.RunFinished(request=1, run_id=run_id, result=result)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    theme = Theme(Appearance.DARK)
    theme.apply(qapp)
    yield theme
    qapp.setStyleSheet("")


@pytest.fixture
def host(qapp: QApplication, tmp_path: Path) -> Iterator[HostLink]:
    """Never started: tests feed it through `handle`."""
    link = HostLink(tmp_path)
    yield link
    link.stop()


@pytest.fixture
def run_log(host: HostLink) -> RunLog:
    return RunLog(host)


@pytest.fixture
def play(host: HostLink) -> Callable[[list[ev.LogEvent]], None]:
    """Tell the host link of a run with these events, which goes on."""

    def play(events: list[ev.LogEvent]) -> None:
        host.handle(started())
        host.handle(hp.EventsEmitted(run_id="r1", events=tuple(events)))

    return play


def test_descriptions() -> tuple[hp.TestDescription, ...]:
    names = {
        "tests/test_virtual_lpr.py": (
            "high_intent_scores_70",
            "bulk_200_leads",
            "census_mock",
            "rescore_on_visit",
            "no_email",
            "score_is_capped",
        ),
        "tests/test_contact_trigger.py": ("inserts", "updates", "chunks"),
    }
    return tuple(
        hp.TestDescription(
            id=f"{path}::Tests::{name}",
            name=name,
            path=path,
            line=10 * place,
            class_name="Tests",
            method=name,
        )
        for path, of_file in names.items()
        for place, name in enumerate(of_file, start=1)
    )


test_descriptions.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def project(**changes: Any) -> hp.ProjectDescription:
    fields: dict[str, Any] = {
        "name": "VirtualLPR",
        "root": "/project",
        "profile": "circuit",
        "objects": (),
        "triggers": (),
        "tests": test_descriptions(),
        "run_configurations": (),
        "environments": (hp.EnvironmentRef(name="staging", url="http://127.0.0.1:8100"),),
        "problems": (),
    }
    return hp.ProjectDescription(**(fields | changes))


def test_result(description: hp.TestDescription, duration_ms: float = 9.0, message: str = "") -> hp.TestResult:
    return hp.TestResult(
        id=description.id,
        name=description.name,
        outcome="failed" if message else "passed",
        message=message,
        file=description.path if message else "",
        line=33 if message else 0,
        duration_ms=duration_ms,
    )


test_result.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test


def coverage(percent: float = 86.0) -> hp.CoverageReport:
    covered = int(percent)
    file = hp.FileCoverage(path=LPR, covered=covered, total=100, missing=(15, 16), hit=(10, 11, 12, 13, 14))
    return hp.CoverageReport(covered=covered, total=100, percent=percent, files=(file,))


NOW = dt.datetime(2025, 11, 13, 18, 0, tzinfo=dt.UTC)
COMPONENTS = (
    env.ComponentResult(path="classes/virtual_lpr.py", type="class", change="changed", ok=True),
    env.ComponentResult(path="objects/ZipIncome.toml", type="object", change="created", ok=True),
    env.ComponentResult(path="triggers/contact_trigger.py", type="trigger", change="changed", ok=True),
    env.ComponentResult(path="classes/routing.py", type="class", change="unchanged", ok=True),
    env.ComponentResult(path="classes/old_scores.py", type="class", change="deleted", ok=True),
)
STEP_NAMES = ("check", "test", "expand", "activate", "verify")


def deployment(state: env.DeploymentState = "SUCCEEDED", done: int = 5, **changes: Any) -> env.Deployment:
    """A deployment whose first `done` steps are done; the next one runs, or failed where the state says so."""
    next_state: env.StepState = "failed" if state == "FAILED" else "running"
    steps = tuple(
        env.DeploymentStep(
            name=name,
            state="done" if place < done else next_state if place == done else "pending",
            ms=(38.2, 1840.0, 12.4, 3.1, 96.0)[place] if place <= done else 0.0,
        )
        for place, name in enumerate(STEP_NAMES)
    )
    tests = tuple(test_result(description) for description in test_descriptions())
    fields: dict[str, Any] = {
        "deployment": "dep_1",
        "environment": "staging",
        "kind": "deploy",
        "state": state,
        "release": "rel_9f8e7d6c5b4a39281706",
        "base_release": "rel_0a1b2c3d4e5f60718293",
        "generation": 4,
        "activated": done > 3,
        "components": COMPONENTS,
        "steps": steps,
        "tests": hp.TestReport(passed=9, failed=0, errors=0, tests=tests) if done > 1 else None,
        "coverage": coverage() if done > 1 else None,
    }
    return env.Deployment(**(fields | changes))


def release(name: str, generation: int | None, *, hours: int, current: bool = False) -> env.ReleaseInfo:
    moment = NOW - dt.timedelta(hours=hours)
    return env.ReleaseInfo(
        release=name,
        current=current,
        tags=("v42",) if current else (),
        commit="4f1c2d3e4f5a6b7c8d9e",
        created_by="marcus",
        created_at=moment,
        deployed_at=moment if generation is not None else None,
        generation=generation,
    )


class FakeEnvironment:
    """A server of an environment in memory, and its client: a setup token, releases, one deployment."""

    def __init__(self) -> None:
        self.is_reachable = True
        self.setup_token = "setup-1"
        self.generation = 3
        self.releases_kept = [
            release("rel_0a1b2c3d4e5f60718293", 3, hours=3, current=True),
            release("rel_77aa77aa77aa77aa77aa", 2, hours=50),
            release("rel_55bb55bb55bb55bb55bb", None, hours=80),
        ]
        self.ends = deployment()
        self.calls: list[tuple[str, Any]] = []
        self.tokens: list[str | None] = []

    def connect(self, url: str, token: str | None) -> FakeEnvironment:
        if not self.is_reachable:
            raise UserFacingError(
                f"The environment at {url} did not answer. Nothing was changed by this request.",
                code="ENVIRONMENT_UNREACHABLE",
                hint="Check the address, and that the server runs (`circuit-cli serve`).",
            )
        self.tokens.append(token)
        return self

    def __enter__(self) -> FakeEnvironment:
        return self

    def __exit__(self, *_error: Any) -> None:
        pass

    def login(self, request: env.LoginRequest) -> env.LoginAnswer:
        if request.token != self.setup_token:
            raise UserFacingError("The token is not valid.", code="TOKEN_INVALID", hint="Check the token.")
        return env.LoginAnswer(
            environment="staging", user="marcus", scopes=("admin",), expires_at=NOW, token="issued-1"
        )

    def status(self) -> env.EnvironmentStatus:
        current = next((item for item in self.releases_kept if item.current), None)
        return env.EnvironmentStatus(
            environment="staging",
            release=current.release if current else "",
            generation=self.generation,
            healthy=True,
        )

    def releases(self) -> env.ReleaseList:
        return env.ReleaseList(releases=tuple(self.releases_kept))

    def deploy(
        self, files: dict[str, bytes], *, kind: str, commit: str, on_event: Callable[[Any], None] | None
    ) -> env.Deployment:
        self.calls.append((kind, sorted(files)))
        return self._play(on_event)

    def rollback(self, to: str, *, on_event: Callable[[Any], None] | None) -> env.Deployment:
        self.calls.append(("rollback", to))
        return self._play(on_event)

    def cancel(self, number: str) -> env.Deployment:
        self.calls.append(("cancel", number))
        return self.ends

    def _play(self, on_event: Callable[[Any], None] | None) -> env.Deployment:
        assert on_event is not None
        for seq, done in enumerate((0, 1, 2), start=1):
            state: env.DeploymentState = "CHECKING" if done == 0 else "TESTING"
            on_event(
                env.DeploymentEvent(seq=seq, at=NOW, message=f"step {done}", deployment=deployment(state, done))
            )
        on_event(env.DeploymentEvent(seq=9, at=NOW, message="Finished", deployment=self.ends))
        return self.ends


class MemoryTokens(TokenKeeper):
    """Keeps nothing on disk; `has_keyring` False is a system without one."""

    def __init__(self, has_keyring: bool = True) -> None:
        super().__init__()
        self.has_keyring = has_keyring
        self.kept: dict[str, tuple[str, Keep]] = {}

    def read(self, url: str) -> str | None:
        return self.kept[url][0] if url in self.kept else None

    def check(self, keep: Keep) -> None:
        if keep is Keep.KEYRING and not self.has_keyring:
            raise UserFacingError(
                "This system has no usable keyring, so the token was not stored.", code="NO_KEYRING"
            )

    def keep(self, url: str, token: str, keep: Keep) -> None:
        self.kept[url] = (token, keep)

    def forget(self, url: str) -> None:
        self.kept.pop(url, None)


@pytest.fixture
def server() -> FakeEnvironment:
    return FakeEnvironment()


@pytest.fixture
def tokens() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
def environments(
    host: HostLink, tmp_path: Path, server: FakeEnvironment, tokens: MemoryTokens
) -> Iterator[Environments]:
    (tmp_path / "circuit.toml").write_text('[project]\nname = "VirtualLPR"\n', "utf-8")
    tasks = Tasks()
    made = Environments(tmp_path, host, tasks, connect=server.connect, tokens=tokens)
    yield made
    made.stop()
    tasks.stop()


@pytest.fixture
def samples() -> ModuleType:
    """This module: its makers of runs, tests and deployments. Test modules have no package to import it from."""
    return sys.modules[__name__]
