"""What the script of the probes tells of a file whose name can or cannot be seen."""

from __future__ import annotations

import importlib.resources
import json
import subprocess
import sys

import pytest


@pytest.fixture
def see_file(tmp_path):
    script = importlib.resources.files("circuit_runtime.sandbox").joinpath("probe_script.py")

    def see(name):
        command = [sys.executable, "-I", str(script), str(tmp_path / name), "1", "1", "see_file"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)[1]

    return see


def test_file_that_stands_there_is_seen(see_file, tmp_path):
    (tmp_path / "planted").touch()

    assert see_file("planted") == {"ok": "saw that a file of the host exists"}


def test_file_that_is_refused_like_one_that_is_not_there_is_hidden(see_file):
    assert see_file("planted")["refused"].startswith("FileNotFoundError")


def test_file_that_is_refused_in_another_way_than_one_that_is_not_there_is_seen(see_file, tmp_path):
    (tmp_path / "planted").symlink_to("planted")  # a loop: refused, and not for being absent

    assert see_file("planted") == {
        "ok": "was refused a file of the host in another way than one that is not there"
    }
