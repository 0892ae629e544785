"""What scripts must not be able to do, tried in real workers of a real host, by every kind of user.

The families beside this file hold the attempts as data; `runner.py` makes them. Those with numbers follow one list
of 72 (and two controls). The host's own list of sentences is switched off for them: the kernel has to refuse.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FAMILIES = runpy.run_path(str(HERE / "runner.py"))["FAMILIES"]
ATTEMPTS = {family: tuple(runpy.run_path(str(HERE / f"{family}.py"))["ATTEMPTS"]) for family in FAMILIES}
NATIVE_CALLS = runpy.run_path(str(HERE / "native_calls.py"))
BY_ITSELF, ORDINARY, NO_NAMESPACES = "as started", "ordinary user", "ordinary user without namespaces"
USERS = {
    BY_ITSELF: (),
    ORDINARY: (str(HERE / "ordinary_user.py"),),
    NO_NAMESPACES: (str(HERE / "ordinary_user.py"), "--no-namespaces"),
}
SEES_EXISTENCE = {
    "04 follow a symbolic link out of the own project",
    "05 climb out of the current and of a readable folder",
    "16 see whether a path exists",
}
"""Without a root of its own a worker can tell that a path exists; it can open none."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the layers are those of Linux"),
    pytest.mark.timeout(300),
]


def findings(user: str, kind: str) -> list[dict]:
    """Everything that the runner told."""
    if USERS[user] and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    done = run(user, kind)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@functools.cache
def run(user: str, kind: str) -> subprocess.CompletedProcess[str]:
    """Run the runner, once for all tests."""
    with tempfile.TemporaryDirectory(prefix="circuit-attacks-") as folder:
        Path(folder).chmod(0o777)
        command = [sys.executable, str(HERE / "runner.py"), folder, kind]
        if USERS[user]:
            command = [sys.executable, *USERS[user], *command]
        return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def outcomes(family: str, name: str) -> set[str]:
    if family in ("resources", "lies"):
        return set(name.partition(":")[0].split("|"))
    if name.startswith("22 "):
        return {"success", "killed"}
    return {"success"}


def test_every_attempt_of_the_list_is_made():
    numbers = {
        int(found) for names in ATTEMPTS.values() for name in names for found in re.findall(r"\b\d\d\b", name)
    }

    assert numbers >= set(range(1, 75))


@pytest.mark.parametrize("user", [BY_ITSELF, ORDINARY, pytest.param(NO_NAMESPACES, marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family, names in ATTEMPTS.items() for name in names]
)
def test_attempt_is_held(user, family, name):
    (found,) = [one for one in findings(user, "kernel") if (one["family"], one["name"]) == (family, name)]

    assert found["printed"].startswith("alive"), found
    assert found["outcome"] in outcomes(family, name), found
    assert found["touched"] == []
    assert "half-done" not in found["rows"]
    if user != NO_NAMESPACES or name not in SEES_EXISTENCE:
        assert "THROUGH" not in found["printed"], found["printed"]
    if family == "controls":
        assert found["printed"].endswith("works\n")


@pytest.mark.skipif(
    platform.machine() not in NATIVE_CALLS["MACHINES"], reason="the numbers are of another machine"
)
@pytest.mark.parametrize("user", [BY_ITSELF, pytest.param(ORDINARY, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", NATIVE_CALLS["ATTEMPTS"])
def test_direct_call_of_the_kernel_is_refused(user, name):
    (found,) = [one for one in findings(user, "native") if one["name"] == name]

    assert found["alive"] == "alive True\n"
    assert found["signal"] == 31 or found["answer"].startswith("result -1"), found
