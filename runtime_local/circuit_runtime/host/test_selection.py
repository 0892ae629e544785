"""Which tests a list of names means."""

from __future__ import annotations

from collections.abc import Sequence

from circuit_link.errors import UserFacingError
from circuit_link.host_protocol import Problem
from circuit_runtime.project.catalog import TestDefinition
from circuit_runtime.project.project import Project


def select_tests(project: Project, names: Sequence[str]) -> tuple[TestDefinition, ...]:
    """Tests in the order of the files; all of them for no names.

    A name is an id, a file, a folder, `file::Class`, a class, a method, `Class.method`, or a test's own name.

    Raises:
        UserFacingError: a name means nothing.
    """
    tests = project.catalog.tests
    if not names:
        return tests
    for name in names:
        if not any(_means(name, test) for test in tests) and not any(
            _is_path_of(name, problem.path) for problem in broken_test_files(project, ())
        ):
            raise UserFacingError(
                f"No test is named {name!r}.",
                code="TEST_NOT_FOUND",
                hint="Name a file, a class, an id (tests/test_data.py::Class::method), or a test's own name.",
            )
    return tuple(test for test in tests if any(_means(name, test) for name in names))


def broken_test_files(project: Project, names: Sequence[str]) -> tuple[Problem, ...]:
    """Errors in test files that the names mean: their tests cannot even be found."""
    return tuple(
        problem
        for problem in project.problems
        if problem.severity == "error"
        and problem.path.startswith("tests/")
        and (not names or any(_is_path_of(name.partition("::")[0], problem.path) for name in names))
    )


def _means(name: str, test: TestDefinition) -> bool:
    return name in (
        test.id,
        test.name,
        test.class_name,
        test.method,
        f"{test.class_name}.{test.method}",
        f"{test.path}::{test.class_name}",
    ) or _is_path_of(name, test.path)


def _is_path_of(name: str, path: str) -> bool:
    plain = name.removeprefix("./").rstrip("/")
    return path == plain or path.startswith(plain + "/")
