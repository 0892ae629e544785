"""The developer's one entry: `python3 packaging/dev.py run|test|setup|check|test-long|bench`.

Prepares everything it needs by itself (see `environment.py`), then does what was asked.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

import system_libraries
from environment import ROOT, VENV, SetupError, prepare

_KINDS_WITH_WINDOW = ("gui", "e2e")
_KINDS = ("architecture", "contract", "process", "conformance")


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__)
    commands: dict[str, tuple[Callable[[Path], int], str]] = {
        "run": (run, "open the console on the sample project; without a display, run the sample here"),
        "test": (test, "checks and tests, without a display"),
        "setup": (lambda _python: 0, "only prepare .venv"),
        "check": (check, "formatting, lint, types, import contracts"),
        "test-long": (test_long, "the tests marked long"),
        "bench": (bench, "the benchmarks, printed as ratios"),
    }
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (_function, text) in commands.items():
        subparsers.add_parser(name, help=text)
    arguments = parser.parse_args()
    try:
        python = prepare()
    except SetupError as exc:
        print(exc, file=sys.stderr)
        return 1
    system_libraries.ensure(_site_packages())
    return commands[arguments.command][0](python)


def run(python: Path) -> int:
    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return _call([python, "-m", "circuit_console", "--sample"])
    print("There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set).")
    print("Running the sample project VirtualLPR in the terminal instead.\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        cli: list[str | Path] = [python, "-m", "circuit_cli"]
        project = ["--project", str(Path(folder) / "VirtualLPR")]
        event = [f"{project[1]}/events/marcus_create.json", "--source", "ghl", "--now", "2025-11-13T17:45:23Z"]
        query = "SELECT name, vlpr_score, vlpr_grade, (SELECT subject FROM tasks) FROM Contact"
        steps: list[list[str | Path]] = [
            [*cli, "init", project[1], "--template", "virtual-lpr"],
            [*cli, "event", *event, *project],
            [*cli, "query", query, *project],
            [*cli, "test", *project],
        ]
        return next((code for step in steps if (code := _call(step))), 0)


def check(python: Path) -> int:
    tools: list[list[str | Path]] = [
        [python, "-m", "ruff", "format", "--check", "--quiet", "."],
        [python, "-m", "ruff", "check", "--quiet", "."],
        [python, "-m", "mypy"],
        [python.with_name("lint-imports"), "--no-logo"],
    ]
    return max(_call(tool) for tool in tools)


def test(python: Path) -> int:
    """Checks, then the unit tests in a process of their own (it refuses PySide6), then all others."""
    return max(check(python), *_pytest_runs(python, "not long"))


def test_long(python: Path) -> int:
    return max(_pytest_runs(python, "long"))


def bench(python: Path) -> int:
    return _call([python, "-m", "pytest", "-q", "-s", "--timeout", "1800", "tests/benchmarks"])


def _pytest_runs(python: Path, marks: str) -> list[int]:
    pytest: list[str | Path] = [python, "-m", "pytest", "-q", "-m", marks]
    runs = (["tests/unit"], [f"tests/{kind}" for kind in _KINDS], [f"tests/{kind}" for kind in _KINDS_WITH_WINDOW])
    codes = [_call([*pytest, *folders]) for folders in runs]
    # 5 is pytest's "nothing was selected", which a group without long tests answers.
    return [0 if code == 5 and marks == "long" else code for code in codes]


def _site_packages() -> Path:
    return Path(
        sysconfig.get_path("purelib", vars={"base": str(VENV), "platbase": str(VENV)}, scheme=_venv_scheme())
    )


def _venv_scheme() -> str:
    return "nt_venv" if os.name == "nt" else "posix_venv"


def _call(command: list[str | Path]) -> int:
    environment = {**os.environ}
    if "pytest" in command:
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    shown = " ".join(str(part) for part in command[1:])
    print(f"--- {shown}", flush=True)
    return subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
