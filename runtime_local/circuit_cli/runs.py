"""`exec` and `event`: one run in one transaction."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any, Literal, Self

from circuit_cli.inputs import STANDARD_INPUT, check_log_levels, parse_time, read_bytes, read_script
from circuit_cli.presenter import Presenter, exit_code
from circuit_cli.project_folder import find_project, name_in_project
from circuit_cli.run_report import refused_document, run_document, run_exit_code, show_result
from circuit_link import host_protocol as hp
from circuit_link.client import HostClient, HostGone, connect_or_start, failure
from circuit_link.errors import UserFacingError

_ANONYMOUS = "anonymous.py"


def run_script(
    presenter: Presenter,
    *,
    project: Path | None,
    file: str,
    arguments: tuple[str, ...],
    commit: bool,
    now: str | None,
    log_level: str,
) -> int:
    """Run a script file, or standard input; returns the exit code."""
    try:
        root = find_project(project)
        path = _ANONYMOUS if file == STANDARD_INPUT else name_in_project(root, Path(file))
        request = hp.RunRequest(
            entry=hp.ExecEntry(path=path, text=read_script(file), argv=arguments),
            commit=commit,
            now=parse_time(now),
            log_levels=check_log_levels(log_level),
        )
        return _run(presenter, root, request, with_records=False)
    except UserFacingError as error:
        return _refused(presenter, error, with_records=False)


def run_event(
    presenter: Presenter,
    *,
    project: Path | None,
    file: str,
    source: Literal["ghl", "salesforce"],
    headers: str | None,
    now: str | None,
    log_level: str,
) -> int:
    """Feed one recorded delivery, committed; returns the exit code."""
    try:
        root = find_project(project)
        path = "standard input" if file == STANDARD_INPUT else name_in_project(root, Path(file))
        request = hp.RunRequest(
            entry=hp.EventEntry(source=source, path=path, payload=read_bytes(file), headers=_headers(headers)),
            commit=True,
            now=parse_time(now),
            log_levels=check_log_levels(log_level),
        )
        return _run(presenter, root, request, with_records=True)
    except UserFacingError as error:
        return _refused(presenter, error, with_records=True)


def _run(presenter: Presenter, root: Path, request: hp.RunRequest, *, with_records: bool) -> int:
    with connect_or_start(root, client="circuit-cli") as client:
        result = _interruptible(presenter, client, request)
    if presenter.json_output:
        presenter.document(run_document(result, with_records=with_records))
    else:
        show_result(presenter, result)
    return run_exit_code(result)


def _interruptible(presenter: Presenter, client: HostClient, request: hp.RunRequest) -> hp.RunResult:
    """Run and show the output as it comes. Ctrl+C ends the run, whose result is still shown; again, it ends us."""
    number = client.next_request()
    client.send(hp.StartRun(request=number, run=request))
    with _Interruption(client) as interruption:
        for message in client.messages():
            match message:
                case hp.RunStarted() if message.request == number:
                    interruption.run_started(message.run_id)
                case hp.OutputEmitted() if message.run_id == interruption.run_id:
                    _show_output(presenter, message)
                case hp.RunFinished() if message.request == number:
                    return message.result
                case hp.Failed() if message.request == number:
                    raise failure(message.error)
                case _:
                    pass
    raise HostGone("the connection was closed")


def _show_output(presenter: Presenter, message: hp.OutputEmitted) -> None:
    """With `--json` standard output is the document's, which holds what the script printed there."""
    if message.stream == "stderr":
        presenter.error_text(message.text)
    elif not presenter.json_output:
        presenter.text(message.text)


class _Interruption:
    """Turns the first Ctrl+C into a stop of the run; a context manager of the main thread."""

    def __init__(self, client: HostClient) -> None:
        self.run_id = ""
        self._client = client
        self._is_wanted = False
        self._previous: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def run_started(self, run_id: str) -> None:
        self.run_id = run_id
        if self._is_wanted:
            self._client.stop_run(run_id)

    def _on_signal(self, _number: int, _frame: object) -> None:
        if self._is_wanted:
            raise KeyboardInterrupt
        self._is_wanted = True
        if self.run_id:
            self._client.stop_run(self.run_id)


def _refused(presenter: Presenter, error: UserFacingError, *, with_records: bool) -> int:
    presenter.failure(error)
    if presenter.json_output:
        presenter.document(refused_document(error, with_records=with_records))
    return exit_code(error)


def _headers(file: str | None) -> dict[str, str]:
    """Headers of a delivery: a JSON object, or lines `Name: value`. Raises: UserFacingError."""
    if file is None:
        return {}
    import msgspec

    data = read_bytes(file)
    if data.lstrip().startswith(b"{"):
        try:
            return msgspec.json.decode(data, type=dict[str, str])
        except (msgspec.DecodeError, msgspec.ValidationError) as exc:
            raise UserFacingError(f"{file} is not an object of texts: {exc}.", code="USAGE", path=file) from exc
    headers = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        name, colon, text = line.partition(":")
        if line.strip() and not colon:
            raise UserFacingError(
                f"{file}: line {number} is not `Name: value`.", code="USAGE", path=file, line=number
            )
        if colon:
            headers[name.strip()] = text.strip()
    return headers
