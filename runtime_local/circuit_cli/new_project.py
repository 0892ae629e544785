"""`init`: a new project from a template."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from circuit_cli.presenter import Presenter
from circuit_link.errors import UserFacingError

Template = Literal["virtual-lpr", "blank"]

_FOLDERS: dict[Template, str] = {"virtual-lpr": "samples/virtual_lpr", "blank": "templates/blank"}
_PROJECT_FOLDERS = ("objects", "triggers", "classes", "jobs", "api", "tests", "events", "seed")
_NAME_LINE = re.compile(r'^name = "[^"\n]*"$', re.MULTILINE)


def create_project(presenter: Presenter, path: Path, template: Template) -> None:
    """Make `path` a project named after its last part.

    Raises:
        UserFacingError: the folder holds something already, or cannot be written.
    """
    target = path.expanduser().resolve()
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UserFacingError(
                f"{target} exists and is not an empty folder.",
                code="USAGE",
                hint="Name a new folder, or an empty one.",
            )
        target.mkdir(parents=True, exist_ok=True)
        _copy(files("circuit_resources").joinpath(_FOLDERS[template]), target)
        for folder in _PROJECT_FOLDERS:
            (target / folder).mkdir(exist_ok=True)
        _name_project(target / "circuit.toml", target.name)
    except OSError as exc:
        raise UserFacingError(
            f"{exc.filename or target} cannot be written: {exc.strerror}.", code="FILE_NOT_WRITABLE"
        ) from exc
    if presenter.json_output:
        presenter.document({"project": str(target), "name": target.name, "template": template})
    else:
        presenter.message(f"Made {target} from the template {template}.")
        presenter.message(
            f"  cd {target}\n  circuit-cli test",
        )


def _copy(source: Traversable, target: Path) -> None:
    for entry in source.iterdir():
        if entry.name in ("__pycache__", ".circuit", ".gitkeep"):
            continue
        if entry.is_dir():
            (target / entry.name).mkdir(exist_ok=True)
            _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())


def _name_project(settings: Path, name: str) -> None:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    text = settings.read_text("utf-8")
    settings.write_text(_NAME_LINE.sub(lambda _: f'name = "{escaped}"', text, count=1), "utf-8")
