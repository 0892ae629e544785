"""`log stats|tree|export`: any ApexLog file, ours or Salesforce's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from circuit_cli.presenter import Presenter
from circuit_link.errors import UserFacingError
from circuit_log.apex_reader import ParsedLog, decode, read_log

if TYPE_CHECKING:
    from circuit_log.call_tree import CallNode

_NS_PER_MS = 1_000_000


def show_statistics(presenter: Presenter, file: Path) -> None:
    from rich.table import Table

    from circuit_cli.run_report import limits_table
    from circuit_log.statistics import statistics

    figures = statistics(_read(file))
    if presenter.json_output:
        presenter.document(figures)
        return
    table = Table(box=None, show_header=False, padding=(0, 2))
    for label, value in (
        ("Events", f"{figures.events:,}"),
        ("Duration", f"{figures.duration_ns / _NS_PER_MS:,.1f} ms"),
        ("Queries", f"{figures.soql:,}"),
        ("DML statements", f"{figures.dml:,}"),
        ("Exceptions", f"{figures.exceptions:,}"),
        ("Truncated", "yes" if figures.truncated else "no"),
        ("Lines not understood", f"{figures.parse_errors:,}"),
        ("Unknown events", ", ".join(figures.unknown_types) or "none"),
    ):
        table.add_row(label, value)
    presenter.show(table)
    counts = Table("Event", box=None, padding=(0, 2), header_style="dim")
    counts.add_column("Count", justify="right")
    for name, count in figures.by_type.items():
        counts.add_row(name, f"{count:,}")
    presenter.show(counts)
    if any(used for used, _ in figures.limits.values()):
        presenter.show(limits_table({str(name): use for name, use in figures.limits.items()}))


def show_tree(presenter: Presenter, file: Path) -> None:
    from rich.text import Text

    from circuit_log.call_tree import call_tree, walk

    roots = call_tree(_read(file))
    if presenter.json_output:
        presenter.document({"tree": roots})
        return
    for depth, node in walk(roots):
        text = Text("  " * depth)
        text.append(node.name)
        text.append(f"  {node.total_ns / _NS_PER_MS:,.2f} ms", "cyan")
        text.append(f" (self {node.self_ns / _NS_PER_MS:,.2f} ms){_counts(node)}", "dim")
        presenter.show(text)


def export_log(
    presenter: Presenter, file: Path, to: Literal["chrome", "speedscope", "apexlog"], output: Path | None
) -> None:
    from circuit_log.exports import to_chrome, to_speedscope

    match to:
        case "chrome":
            data = to_chrome(_read(file))
        case "speedscope":
            data = to_speedscope(_read(file))
        case "apexlog":
            data = decode(_bytes(file)).encode("utf-8")
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        output.write_bytes(data)
    except OSError as exc:
        raise UserFacingError(f"{output} cannot be written: {exc.strerror}.", code="FILE_NOT_WRITABLE") from exc
    if presenter.json_output:
        presenter.document({"file": str(output), "format": to, "bytes": len(data)})
    else:
        presenter.message(f"{output}: {len(data):,} bytes")


def _read(file: Path) -> ParsedLog:
    """Raises: UserFacingError: unreadable, or text that is no log."""
    log = read_log(_bytes(file))
    if log.parse_errors and not len(log):
        raise UserFacingError(
            f"{file} is not an ApexLog: none of its lines is an event.",
            code="LOG_NOT_READABLE",
            path=str(file),
            line=log.parse_errors[0][0],
            hint="An event's line reads `17:45:23.500 (1000)|EXECUTION_STARTED`.",
        )
    return log


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as exc:
        raise UserFacingError(f"{file} cannot be read: {exc.strerror}.", code="FILE_NOT_FOUND") from exc


def _counts(node: CallNode) -> str:
    parts = [
        f"{count:,} {label}"
        for count, label in ((node.soql, "queries"), (node.dml, "DML"), (node.rows, "rows"))
        if count
    ]
    return ", " + ", ".join(parts) if parts else ""
