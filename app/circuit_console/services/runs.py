"""Starting, stopping and following runs: the owner of the one run state."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer, Signal, Slot

import circuit_link.host_protocol as hp
from circuit_console.core.debugging import Launch
from circuit_console.core.run_state import RunKind, RunPhase, RunState
from circuit_console.core.run_target import RunTarget
from circuit_console.core.text_files import read_text_file
from circuit_console.services.debug_session import DebugSession, DebugState
from circuit_console.services.host_link import HostLink
from circuit_console.services.tasks import Tasks
from circuit_link.errors import UserFacingError

_KILL_AFTER_MS = 2_000
SNIPPET_TITLE = "snippet"


class RunEnd(msgspec.Struct, frozen=True):
    """How a run of the console ended; whether the user stopped it, and whether it came from the console pane."""

    result: hp.RunResult
    was_stopped: bool
    is_snippet: bool


class _Last(msgspec.Struct, frozen=True):
    """What Restart starts again."""

    target: RunTarget
    kind: RunKind
    commit: bool
    log_levels: str
    records: bool = False


class Runs(QObject):
    """Runs one thing at a time, plainly, under the debugger, or as tests.

    Signals:
        state_changed: RunState.
        finished: RunEnd of the console's own run, after state_changed to idle.
        failed: UserFacingError, when a run could not be started.
    """

    state_changed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, host: HostLink, debug: DebugSession, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._debug = debug
        self._tasks = tasks
        self._state = RunState()
        self._request = 0
        self._address = ""
        self._waiting_launch: Launch | None = None
        self._last: _Last | None = None
        self._restarts = False
        self._was_stopped = False
        self._deadline = QTimer(self)
        self._deadline.setSingleShot(True)
        self._deadline.setInterval(_KILL_AFTER_MS)
        self._deadline.timeout.connect(self._on_stop_ignored)
        host.attached.connect(self._on_attached)
        host.detached.connect(self._on_detached)
        host.run_started.connect(self._on_run_started)
        host.run_finished.connect(self._on_run_finished)
        host.tests_finished.connect(self._on_tests_finished)
        debug.state_changed.connect(self._on_debug_state_changed)
        debug.failed.connect(self._on_failed)

    @property
    def state(self) -> RunState:
        return self._state

    # ------------------------------------------------------------------------------------------ starting

    def run(self, target: RunTarget, *, commit: bool = False, log_levels: str = "") -> None:
        """Run without the debugger. Files must be saved before: the host reads them from disk."""
        if not self._state.can_start:
            return
        if target.kind == "test":
            self.run_tests((target.path,), coverage=False)
            return
        self._last = _Last(target, "plain", commit, log_levels)
        self._enter(RunState(RunPhase.STARTING, "plain", title=target.name))
        path = self._host.project_root / target.path
        self._tasks.run(
            lambda: _entry(target, path),
            lambda entry: self._start_plain(target, entry, commit, log_levels),
            self._on_reading_failed,
        )

    def debug(
        self, target: RunTarget, *, commit: bool = False, log_levels: str = "", records: bool = False
    ) -> None:
        """Run under the debugger. A file of tests runs as tests; a single test can be debugged.

        With `records` the run can be walked backwards, also once it has ended.
        """
        if not self._state.can_start:
            return
        if target.kind == "test" and not target.is_single_test:
            self.run_tests((target.path,), coverage=False)
            return
        self._last = _Last(target, "debug", commit, log_levels, records)
        self._enter(RunState(RunPhase.STARTING, "debug", title=target.name))
        launch = Launch(
            program=target.path if target.kind == "exec" else "",
            event=target.path if target.kind == "event" else "",
            test=target.path if target.kind == "test" else "",
            source=target.source,
            now=target.now.isoformat() if target.now else "",
            commit=commit or target.commit,
            log_levels=log_levels,
            records=records,
        )
        if self._address:
            self._debug.launch(self._address, launch)
        else:
            self._waiting_launch = launch
            self._host.start()

    def run_snippet(self, text: str, *, commit: bool = False) -> None:
        """Run a few lines from the console pane as an anonymous script."""
        if not self._state.can_start:
            return
        self._enter(RunState(RunPhase.STARTING, "plain", title=SNIPPET_TITLE))
        entry = hp.ExecEntry(path="snippet.py", text=text)
        self._start(hp.RunRequest(entry=entry, commit=commit))

    def run_tests(self, names: tuple[str, ...] = (), *, coverage: bool = True) -> None:
        """Run tests by id, file, class or name; all for ()."""
        if not self._state.can_start:
            return
        title = names[0].rpartition("/")[2] if len(names) == 1 else "tests"
        self._enter(RunState(RunPhase.RUNNING, "tests", title=title))
        self._request = self._host.ask(
            lambda number: hp.RunTests(request=number, names=names, coverage=coverage), None, self._on_failed
        )

    def restart(self) -> None:
        """Stop what runs and start the last run again."""
        if self._state.can_stop:
            self._restarts = True
            self.stop()
        else:
            self._start_last()

    # ------------------------------------------------------------------------------------------ stopping

    def stop(self) -> None:
        """Ask for the end; what ignores it for 2 s is killed."""
        if not self._state.can_stop:
            return
        self._was_stopped = True
        kind, run_id = self._state.kind, self._state.run_id
        self._enter(replace(self._state, phase=RunPhase.STOPPING))
        if kind == "debug":
            self._debug.terminate()
            self._deadline.start()
        elif kind == "tests":
            self._stop_run(f"tests:{self._request}")
        elif run_id:
            self._stop_run(run_id)

    def pause(self) -> None:
        if self._state.can_pause:
            self._debug.pause()

    @Slot()
    def _on_stop_ignored(self) -> None:
        if self._state.phase is RunPhase.STOPPING and self._state.kind == "debug":
            if self._state.run_id:
                self._stop_run(self._state.run_id)
            self._debug.close()

    def _stop_run(self, run_id: str) -> None:
        self._host.ask(lambda number: hp.StopRun(request=number, run_id=run_id), None, self._on_stop_refused)

    def _on_stop_refused(self, _error: UserFacingError) -> None:
        """The run had ended by itself; RunFinished has come or comes."""

    # ------------------------------------------------------------------------------------------ following

    def _start_plain(self, target: RunTarget, entry: hp.RunEntry, commit: bool, log_levels: str) -> None:
        self._start(
            hp.RunRequest(
                entry=entry, mode="plain", commit=commit or target.commit, now=target.now, log_levels=log_levels
            )
        )

    def _start(self, request: hp.RunRequest) -> None:
        self._request = self._host.ask(
            lambda number: hp.StartRun(request=number, run=request), None, self._on_failed
        )

    @Slot(object)
    def _on_attached(self, attached: hp.Attached) -> None:
        self._address = attached.dap_address
        if self._waiting_launch is not None:
            launch, self._waiting_launch = self._waiting_launch, None
            self._debug.launch(self._address, launch)

    @Slot(object)
    def _on_detached(self, _error: UserFacingError) -> None:
        self._address = ""
        self._waiting_launch = None
        if self._state.phase is not RunPhase.IDLE:
            self._debug.close()
            self._enter(RunState())

    @Slot(object)
    def _on_run_started(self, started: hp.RunStarted) -> None:
        state = self._state
        if state.kind == "plain" and started.request == self._request and state.phase is not RunPhase.IDLE:
            is_stopping = state.phase is RunPhase.STOPPING
            phase = RunPhase.STOPPING if is_stopping else RunPhase.RUNNING
            self._enter(replace(state, phase=phase, run_id=started.run_id))
            if is_stopping:
                self._stop_run(started.run_id)
        elif state.kind == "debug" and started.mode == "debug" and not state.run_id:
            self._enter(replace(state, run_id=started.run_id))

    @Slot(object)
    def _on_run_finished(self, finished: hp.RunFinished) -> None:
        if not self._state.run_id or finished.run_id != self._state.run_id:
            return
        was_stopped, self._was_stopped = self._was_stopped, False
        if self._state.kind == "plain":
            self._become_idle()
        self.finished.emit(RunEnd(finished.result, was_stopped, self._state.title == SNIPPET_TITLE))

    @Slot(object)
    def _on_tests_finished(self, finished: hp.TestsFinished) -> None:
        if self._state.kind == "tests" and finished.request == self._request:
            self._become_idle()

    @Slot(object)
    def _on_debug_state_changed(self, debug_state: DebugState) -> None:
        if self._state.kind != "debug" or self._state.phase is RunPhase.IDLE:
            return
        match debug_state:
            case DebugState.INACTIVE:
                self._become_idle()
            case DebugState.PAUSED:
                self._enter(replace(self._state, phase=RunPhase.PAUSED))
            case DebugState.RUNNING:
                self._enter(replace(self._state, phase=RunPhase.RUNNING))
            case DebugState.ENDING:
                self._enter(replace(self._state, phase=RunPhase.STOPPING))
            case DebugState.STARTING:
                pass

    def _on_reading_failed(self, error: BaseException) -> None:
        if not isinstance(error, UserFacingError):
            raise error
        self._on_failed(error)

    @Slot(object)
    def _on_failed(self, error: UserFacingError) -> None:
        self._become_idle()
        self.failed.emit(error)

    def _become_idle(self) -> None:
        self._deadline.stop()
        self._request = 0
        self._enter(RunState(RunPhase.IDLE, self._state.kind, self._state.run_id, self._state.title))
        if self._restarts:
            self._restarts = False
            self._start_last()

    def _start_last(self) -> None:
        if self._last is None:
            return
        last = self._last
        if last.kind == "debug":
            self.debug(last.target, commit=last.commit, log_levels=last.log_levels, records=last.records)
        else:
            self.run(last.target, commit=last.commit, log_levels=last.log_levels)

    def _enter(self, state: RunState) -> None:
        if state.phase is RunPhase.STARTING:
            self._was_stopped = False
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)


def _entry(target: RunTarget, path: Path) -> hp.RunEntry:
    """Read what is to run. Raises: UserFacingError."""
    if target.kind == "exec":
        return hp.ExecEntry(path=target.path, text=read_text_file(path).text)
    try:
        payload = path.read_bytes()
    except OSError as exc:
        raise UserFacingError(
            f"{target.path} cannot be read: {exc.strerror}.",
            code="FILE_UNREADABLE",
            hint="Check the file's name in the run configuration in circuit.toml.",
        ) from exc
    return hp.EventEntry(source=target.source, path=target.path, payload=payload)
