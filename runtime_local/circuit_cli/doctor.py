"""`doctor`: what the sandbox enforces on this machine, versions, and what is missing."""

from __future__ import annotations

from pathlib import Path

from circuit_cli.presenter import Presenter
from circuit_cli.project_folder import find_project
from circuit_link.client import connect_or_start
from circuit_link.host_protocol import DoctorReport


def run_doctor(presenter: Presenter, *, project: Path | None) -> None:
    with connect_or_start(find_project(project), client="circuit-cli doctor") as client:
        report = client.diagnose()
    if presenter.json_output:
        presenter.document(report)
    else:
        _show(presenter, report)


def _show(presenter: Presenter, report: DoctorReport) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "Guarantee", "How", box=None, padding=(0, 2), header_style="dim")
    for guarantee in report.guarantees:
        mark = Text("✓", "green") if guarantee.enforced else Text("✗", "bold red")
        table.add_row(mark, guarantee.name, Text(guarantee.how if guarantee.enforced else guarantee.why_not))
    presenter.show(table)
    presenter.show(Text("  ".join(f"{name} {version}" for name, version in report.versions.items()), "dim"))
    for part in report.missing:
        presenter.show(Text(f"Missing: {part.part}. {part.install}", "yellow"))
