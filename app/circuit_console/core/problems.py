"""What is wrong in the project's files, from the host and from the editor, grouped by file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from circuit_link.host_protocol import Problem


class FileProblems(msgspec.Struct, frozen=True):
    """The problems of one file in the order of their lines."""

    path: str
    problems: tuple[Problem, ...]


def grouped(
    from_host: Sequence[Problem], from_editor: Mapping[str, Sequence[Problem]]
) -> tuple[FileProblems, ...]:
    """All problems by file; files with errors first, then by path.

    Where the editor has looked at a file it knows its text better than the host, which reads what is saved: its
    syntax errors take the place of the host's problems on the same line.
    """
    by_path: dict[str, list[Problem]] = {}
    for path, problems in from_editor.items():
        by_path.setdefault(path, []).extend(problems)
    for problem in from_host:
        there = by_path.setdefault(problem.path, [])
        if not any(other.line == problem.line and other.severity == problem.severity for other in there):
            there.append(problem)
    groups = [
        FileProblems(path, tuple(sorted(problems, key=lambda one: (one.line, one.column, one.message))))
        for path, problems in by_path.items()
        if problems
    ]
    return tuple(sorted(groups, key=lambda group: (_has_error(group) is False, group.path)))


def all_problems(groups: Sequence[FileProblems]) -> tuple[Problem, ...]:
    return tuple(problem for group in groups for problem in group.problems)


def _has_error(group: FileProblems) -> bool:
    return any(problem.severity == "error" for problem in group.problems)
