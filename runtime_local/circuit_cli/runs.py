"""`exec` and `event`: one run in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from circuit_cli.inputs import STANDARD_INPUT, check_log_levels, parse_time, read_bytes, read_script
from circuit_cli.presenter import Presenter, exit_code
from circuit_cli.project_folder import find_project, name_in_project
from circuit_cli.run_report import refused_document, run_document, run_exit_code, show_result
from circuit_link import host_protocol as hp
from circuit_link.client import HostClient, connect_or_start, failure
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
    """Run and show the output as it comes. Ctrl+C ends the run, and its result is still shown."""
    number = client.next_request()
    client.send(hp.StartRun(request=number, run=request))
    run_id = ""
    while True:
        try:
            message = client.receive()
        except KeyboardInterrupt:
            if not run_id:
                raise
            client.stop_run(run_id)
            continue
        match message:
            case hp.RunStarted() if message.request == number:
                run_id = message.run_id
            case hp.OutputEmitted() if message.run_id == run_id and not presenter.json_output:
                show = presenter.text if message.stream == "stdout" else presenter.error_text
                show(message.text)
            case hp.OutputEmitted() if message.run_id == run_id and message.stream == "stderr":
                presenter.error_text(message.text)
            case hp.RunFinished() if message.request == number:
                return message.result
            case hp.Failed() if message.request == number:
                raise failure(message.error)
            case _:
                pass


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
