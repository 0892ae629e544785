"""The files of a deployment as components: what each one is, how it changed, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from circuit_link.env_protocol import ComponentResult
from circuit_link.host_protocol import Problem

_TYPES = {
    "objects": "object",
    "triggers": "trigger",
    "classes": "class",
    "jobs": "job",
    "api": "endpoint",
    "tests": "test",
    "seed": "seed",
}


def compare(
    old: Mapping[str, str], new: Mapping[str, str], problems: Sequence[Problem]
) -> tuple[ComponentResult, ...]:
    """One row for each file of either release, by path; `old` and `new` map paths to hashes.

    A file with several errors has a row for each.
    """
    by_path: dict[str, list[Problem]] = {}
    for problem in problems:
        if problem.severity == "error":
            by_path.setdefault(problem.path, []).append(problem)
    rows: list[ComponentResult] = []
    for path in sorted(old.keys() | new.keys() | by_path.keys()):
        change = _change(old.get(path), new.get(path))
        kind = _TYPES.get(path.partition("/")[0], "settings")
        found = by_path.get(path, [])
        rows += [
            ComponentResult(
                path=path,
                type=kind,
                change=change,
                ok=False,
                problem=problem.message,
                line=problem.line,
                column=problem.column,
            )
            for problem in found
        ]
        if not found:
            rows.append(ComponentResult(path=path, type=kind, change=change, ok=True))
    return tuple(rows)


def _change(old: str | None, new: str | None) -> Literal["created", "changed", "deleted", "unchanged"]:
    if old is None:
        return "created"
    if new is None:
        return "deleted"
    return "unchanged" if old == new else "changed"
