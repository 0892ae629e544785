"""`doctor`: what the sandbox enforces on this machine, versions, and what is missing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from circuit_cli.presenter import Presenter
from circuit_cli.project_folder import find_project
from circuit_link.client import connect_or_start
from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import DoctorReport


def run_doctor(presenter: Presenter, *, project: Path | None) -> None:
    """Probe a real worker: the project's, or that of an empty project made for it where there is none here."""
    with _some_project(project) as root, connect_or_start(root, client="circuit-cli doctor") as client:
        report = client.diagnose()
    if presenter.json_output:
        presenter.document(report)
    else:
        _show(presenter, report)


@contextmanager
def _some_project(option: Path | None) -> Iterator[Path]:
    try:
        root = find_project(option)
    except UserFacingError:
        if option is not None:
            raise
    else:
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="circuit-doctor-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "circuit.toml").write_text('[project]\nname = "doctor"\n', "utf-8")
        yield Path(folder)


def _show(presenter: Presenter, report: DoctorReport) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "Guarantee", "How", box=None, padding=(0, 2), header_style="dim")
    for guarantee in report.guarantees:
        mark = Text("✓", "green") if guarantee.enforced else Text("✗", "bold red")
        table.add_row(mark, guarantee.name, Text(guarantee.how if guarantee.enforced else guarantee.why_not))
    presenter.show(table)
    for guarantee in report.debug_lacks:
        presenter.show(Text(f"Not in debugging sessions: {guarantee.name}. {guarantee.why_not}", "yellow"))
    for layer in report.layers:
        presenter.show(Text(f"{'used' if layer.used else '-':>4}  {layer.name}  {layer.how}", "dim"))
    presenter.show(Text("  ".join(f"{name} {version}" for name, version in report.versions.items()), "dim"))
    for part in report.missing:
        presenter.show(Text(f"Missing: {part.part}. {part.install}", "yellow"))
