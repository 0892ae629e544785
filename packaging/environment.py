"""Prepare `.venv`: a virtual environment with exactly the packages of requirements.lock.

Standard library only, and nothing of it that distributions split off: neither `ensurepip` nor `pip` is needed.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
_STAMP = VENV / "circuit-lock.sha256"
_PIP_WHEEL = "pip-26.3-py3-none-any.whl"
_PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
_DEFAULT_INDEX = "https://pypi.org/simple"


class SetupError(Exception):
    """Preparing cannot go on; the text says what failed and what to do."""


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def prepare() -> Path:
    """Make `.venv` fit the lock file; quick when it already does. Returns its Python.

    Raises: SetupError.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before the version is known
        raise SetupError(
            f"Python 3.11 or later is needed; {sys.executable} is {sys.version.split()[0]}.\n"
            "Run this with a newer one, for example: python3.11 packaging/dev.py"
        )
    wanted = _fingerprint()
    if venv_python().exists() and _STAMP.exists() and _STAMP.read_text() == wanted:
        return venv_python()
    _create_venv()
    print(f"Installing the packages of {LOCK.name} (once; this takes a minute or two)", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        pip = [str(venv_python()), str(download_pip(Path(folder)) / "pip"), "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", "--require-hashes", "--requirement", str(LOCK)])
        # setuptools explains editable installations in a warning of twelve lines, which is nobody's fault here.
        editable = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
        _run([*pip, *editable], {"PYTHONWARNINGS": "ignore"})
    _STAMP.write_text(wanted)
    return venv_python()


def _fingerprint() -> str:
    """Changes with the lock, the project's own metadata, the Python and the place of the clone."""
    digest = hashlib.sha256()
    for part in (LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode(), bytes(ROOT)):
        digest.update(part)
    return digest.hexdigest()


def _create_venv() -> None:
    try:
        import venv
    except ImportError as exc:
        raise SetupError(
            "This Python has no `venv` module. Install it, for example: sudo apt-get install python3-venv"
        ) from exc
    if VENV.exists():
        shutil.rmtree(VENV)
    print(f"Making the virtual environment {VENV}", flush=True)
    # Debian splits ensurepip off, so pip comes from its own wheel instead (`_download_pip`).
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(VENV)


def download_pip(folder: Path) -> Path:
    """Pip's wheel of the pinned hash, from the index that pip would use; a wheel runs without being installed.

    Raises: SetupError.
    """
    index = _index()
    accepted = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
    request = urllib.request.Request(f"{index}/pip/", headers={"Accept": accepted})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = answer.read().decode("utf-8", "replace")
        address = urllib.parse.urljoin(f"{index}/pip/", _address_of_wheel(page))
        with urllib.request.urlopen(address, timeout=120) as answer:
            data = answer.read()
    except (OSError, ValueError) as exc:
        raise SetupError(
            f"{_PIP_WHEEL} could not be fetched from {index}: {exc}\n"
            "Check the network, or name another index in PIP_INDEX_URL."
        ) from exc
    if hashlib.sha256(data).hexdigest() != _PIP_SHA256:
        raise SetupError(f"{index} served a {_PIP_WHEEL} with another hash than the pinned one.")
    wheel = folder / _PIP_WHEEL
    wheel.write_bytes(data)
    return wheel


def _index() -> str:
    """Where pip looks: the variable PIP_INDEX_URL, else `index-url` of its configuration files, else PyPI."""
    found = os.environ.get("PIP_INDEX_URL", "")
    settings = configparser.RawConfigParser()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", Path.home() / ".pip/pip.conf", config / "pip/pip.conf"]
    try:
        settings.read([*files, os.environ.get("PIP_CONFIG_FILE", os.devnull)], "utf-8")
    except configparser.Error as exc:
        print(f"A configuration file of pip is not understood and left out: {exc}", file=sys.stderr)
    for section in ("install", "global"):
        found = found or settings.get(section, "index-url", fallback="")
    return (found or _DEFAULT_INDEX).rstrip("/")


def _address_of_wheel(page: str) -> str:
    """The wheel's address on an index's page, JSON or HTML. Raises: ValueError."""
    if page.lstrip().startswith("{"):
        addresses = [file["url"] for file in json.loads(page)["files"] if file["filename"] == _PIP_WHEEL]
    else:
        addresses = re.findall(rf"""["']([^"']*{re.escape(_PIP_WHEEL)})(?:#[^"']*)?["']""", page)
    if not addresses:
        raise ValueError("it is not listed there")
    return str(addresses[0])


def _run(command: list[str], variables: Mapping[str, str] | None = None) -> None:
    try:
        subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **(variables or {})})
    except subprocess.CalledProcessError as exc:
        raise SetupError(f"This command failed with code {exc.returncode}:\n  {' '.join(command)}") from exc
