"""Find the project that a command is about."""

from __future__ import annotations

from pathlib import Path

from circuit_link.errors import UserFacingError


def find_project(option: Path | None) -> Path:
    """The folder given with `--project`, or the nearest one upwards from here that has a circuit.toml.

    Raises:
        UserFacingError: code NOT_A_PROJECT.
    """
    if option is not None:
        root = option.expanduser().resolve()
        if not (root / "circuit.toml").is_file():
            raise UserFacingError(
                f"{root} is not a project: it has no circuit.toml.",
                code="NOT_A_PROJECT",
                hint="Make one with `circuit-cli init`.",
            )
        return root
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "circuit.toml").is_file():
            return folder
    raise UserFacingError(
        f"Neither {here} nor a folder above it is a project: none has a circuit.toml.",
        code="NOT_A_PROJECT",
        hint="Go into a project, name it with --project, or make one with `circuit-cli init`.",
    )


def name_in_project(root: Path, file: Path) -> str:
    """How frames, breakpoints and logs name a file: relative to the project, or absolute outside it."""
    resolved = file.resolve()
    return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else str(resolved)
