"""Rules of the code base that no other tool checks."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("app", "runtime_local", "resources")
TOP_LEVEL = {"app", "runtime_local", "resources", "tests", "packaging", "changes"}
COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\b")


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if "samples" not in path.parts and "templates" not in path.parts:
                yield path


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("this is no git checkout, so there is no list of its files")
    return listing.stdout.splitlines()


def test_qt_and_its_editor_are_a_pair_that_works() -> None:
    pair = (version("PySide6-Essentials"), version("pyside6-scintilla"), version("lexilla"))

    assert pair == ("6.11.3", "5.6.3.7", "5.5.0.1"), "6.12 breaks both the editor's binding and Python 3.11"


def test_code_lives_in_the_six_folders_only() -> None:
    folders = {name.partition("/")[0] for name in tracked() if "/" in name and not name.startswith(".")}

    assert folders <= TOP_LEVEL


def test_tests_and_packaging_are_no_packages() -> None:
    assert [
        name for name in tracked() if name.endswith("__init__.py") and name.startswith(("tests", "packag"))
    ] == []


def test_no_module_is_called_utils() -> None:
    assert [path for path in sources(*CODE) if path.stem in ("utils", "util", "helpers", "misc")] == []


def test_colours_come_from_the_tokens_alone() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sources("app")
        # The high-contrast theme is the tokens with text and grounds in black and white, which it names.
        if path.name != "theme.py"
        for match in COLOUR.finditer(path.read_text("utf-8"))
    ]

    assert offenders == []


def test_only_the_code_editor_touches_scintilla() -> None:
    users = {
        path for path in sources("app") if re.search(r"(?i)pyside6_scintilla|import lexilla", path.read_text())
    }

    assert all("code_editor" in str(path) for path in users)


def test_host_and_console_never_run_what_a_script_wrote() -> None:
    """No eval, exec or unpickling outside the worker; ruff refuses them, and exemptions may stand there only."""
    allowed = ROOT / "runtime_local" / "circuitos"
    offenders = []
    for path in sources(*CODE):
        if path.is_relative_to(allowed):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
                offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}")
            if isinstance(node, ast.Import) and any(name.name in ("pickle", "marshal") for name in node.names):
                offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}")

    assert offenders == []


def test_modules_stay_below_eight_hundred_lines_or_say_why() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text("utf-8")

    long = [path for path in sources(*CODE) if len(path.read_text("utf-8").splitlines()) > 800]

    assert [path.name for path in long if path.name not in architecture] == []


def test_every_locked_package_has_one_exact_version() -> None:
    requirements = [
        line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and line[0].isalpha()
    ]

    assert requirements
    assert all("==" in line for line in requirements)


def test_pinned_dependencies_are_pinned_in_the_lock_too() -> None:
    lock = (ROOT / "requirements.lock").read_text().lower()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    pinned = [name for name in project["dependencies"] if "==" in name]

    assert pinned
    assert all(name.lower() in lock for name in pinned)
