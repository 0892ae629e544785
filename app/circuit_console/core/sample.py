"""The sample project: a copy of the user's own, so that it can be changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import circuit_resources
from circuit_link.errors import UserFacingError

SAMPLE_NAME = "VirtualLPR"


def own_sample(data_folder: Path) -> Path:
    """The user's copy of the sample, made at the first use and never overwritten.

    Raises: UserFacingError: it could not be made.
    """
    target = data_folder / SAMPLE_NAME
    if (target / "circuit.toml").is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source = Path(circuit_resources.__file__).parent / "samples" / "virtual_lpr"
        ignored = shutil.ignore_patterns("__pycache__", ".circuit")
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
    except OSError as exc:
        raise UserFacingError(
            f"The sample project could not be copied to {target}: {exc.strerror or exc}.",
            code="SAMPLE_UNAVAILABLE",
            hint="Make that folder writable, or open a project of your own.",
        ) from exc
    return target
