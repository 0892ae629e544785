"""`query`: rows of the project's database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from circuit_cli.presenter import Presenter
from circuit_cli.project_folder import find_project
from circuit_cli.visible_text import visible_text
from circuit_link.client import connect_or_start
from circuit_link.host_protocol import QueryAnswered


def run_query(presenter: Presenter, *, project: Path | None, text: str) -> None:
    root = find_project(project)
    with connect_or_start(root, client="circuit-cli query") as client:
        answer = client.query(text)
    if presenter.json_output:
        presenter.document(query_document(answer))
    else:
        _show(presenter, answer)


def query_document(answer: QueryAnswered) -> dict[str, Any]:
    return {
        "rows": answer.rows,
        "count": answer.count,
        "limits": {name: list(use) for name, use in answer.limits.items()},
        "duration_ms": answer.duration_ms,
    }


def _show(presenter: Presenter, answer: QueryAnswered) -> None:
    from rich.table import Table
    from rich.text import Text

    if answer.rows:
        table = Table(header_style="bold", show_lines=False)
        for column in answer.columns:
            table.add_column(Text(column), overflow="fold")
        for row in answer.rows:
            table.add_row(*(Text(visible_text(_cell(row, column))) for column in answer.columns))
        presenter.show(table)
    used, maximum = answer.limits.get("queries", (1, 0))
    rows = "1 row" if answer.count == 1 else f"{answer.count:,} rows"
    presenter.message(Text(f"{rows} in {answer.duration_ms:,.0f} ms; queries {used} of {maximum}", "dim"))


def _cell(row: dict[str, Any], column: str) -> str:
    value: Any = row
    for part in column.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return "; ".join(_child(item) for item in value)
    return _shown(value)


def _child(record: dict[str, Any]) -> str:
    """A sub-query's record: the fields asked for, or the id where nothing else was."""
    return ", ".join(_shown(value) for name, value in record.items() if name != "id" or len(record) == 1)


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case _:
            return msgspec.json.encode(value).decode()
