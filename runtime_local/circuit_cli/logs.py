"""`logs`: the runs that a project, or an environment, keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from circuit_cli.presenter import Presenter
from circuit_cli.project_folder import find_project
from circuit_cli.visible_text import visible_text
from circuit_link import host_protocol as hp
from circuit_link.client import connect_or_start
from circuit_log.apex_writer import ApexLogWriter
from circuit_log.levels import LogLevels


def list_logs(presenter: Presenter, *, project: Path | None, search: str) -> None:
    with connect_or_start(find_project(project), client="circuit-cli logs") as client:
        logs = client.list_logs(search)
    show_logs(presenter, logs)


def show_logs(presenter: Presenter, logs: Sequence[hp.LogSummary]) -> None:
    """Print summaries, of a project or of an environment."""
    if presenter.json_output:
        presenter.document({"logs": list(logs)})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("Log", no_wrap=True, min_width=max((len(log.id) for log in logs), default=0))
    table.add_column("Started", no_wrap=True)
    table.add_column("Entry", overflow="fold")
    table.add_column("Outcome")
    table.add_column("Duration", justify="right")
    table.add_column("Size", justify="right")
    for log in logs:
        style = "green" if log.outcome == "success" else "red"
        table.add_row(
            log.id,
            f"{log.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
            Text(log.entry),
            Text(log.outcome, style),
            f"{log.duration_ms:,.0f} ms",
            f"{log.bytes:,}",
        )
    presenter.show(table)


def tail_logs(presenter: Presenter, *, project: Path | None, search: str) -> None:
    """Print what every run of the project logs, as it happens, until interrupted.

    With `--json` each line is an object; `cursor` is the run and the event's number in it.
    """
    writers: dict[str, ApexLogWriter] = {}
    with connect_or_start(find_project(project), client="circuit-cli logs", subscribe=True) as client:
        for message in client.messages():
            match message:
                case hp.RunStarted():
                    writers[message.run_id] = ApexLogWriter(
                        LogLevels.parse(message.log_levels), message.started_at, ""
                    )
                case hp.EventsEmitted() if message.run_id in writers:
                    _print_events(presenter, writers[message.run_id], message, search.casefold())
                case hp.RunFinished():
                    writers.pop(message.run_id, None)
                case _:
                    pass


def _print_events(presenter: Presenter, writer: ApexLogWriter, message: hp.EventsEmitted, needle: str) -> None:
    for event in message.events:
        text = writer.lines(event)
        if not text or (needle and needle not in text.casefold()):
            continue
        if presenter.json_output:
            presenter.line(
                {
                    "cursor": f"{message.run_id}:{event.seq}",
                    "run": message.run_id,
                    "event": event.__struct_config__.tag,
                    "text": text.rstrip("\n"),
                }
            )
        else:
            presenter.text(visible_text(text))
