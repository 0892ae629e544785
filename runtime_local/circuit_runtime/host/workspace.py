"""A project with its data, held open while something works on it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from circuit_link.errors import UserFacingError
from circuit_runtime.host.runtime import Runtime
from circuit_runtime.project.project import Project
from circuit_runtime.store.store import Store


@dataclass(frozen=True, slots=True)
class Opened:
    """The project as it is now, its database migrated to it, and the runtime that works on both.

    Attributes:
        release: what logs say was executed; "" for a folder.
    """

    project: Project
    store: Store
    runtime: Runtime
    release: str = ""


class Workspace(Protocol):
    """Where runs find their project: a folder on this machine, or an environment's current release."""

    def opened(self) -> AbstractContextManager[Opened]:
        """The project and its data, which stay as they are until the block ends.

        Raises:
            UserFacingError: the project cannot be read, or its data is being reset.
        """
        ...


def refuse_broken(project: Project, folders: tuple[str, ...]) -> None:
    """Raise the first error in the files below `folders`: nothing can run with them as they are."""
    for problem in project.problems:
        if problem.severity == "error" and problem.path.startswith(folders):
            raise UserFacingError(
                problem.message,
                code="PROJECT_BROKEN",
                hint="Correct the file; `circuit-cli` and the Problems pane name each fault.",
                path=problem.path,
                line=problem.line,
                column=problem.column,
            )
