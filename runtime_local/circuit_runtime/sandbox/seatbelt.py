"""Confinement by Seatbelt, macOS's sandbox: the profile of a worker and how to start one in it.

The profile names no path: paths travel beside it as parameters (`-D`), so that no path can end a string of it.
Written by the manual of `sandbox-exec(1)` and published profiles; it was never run on macOS.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SANDBOX_EXEC = "/usr/bin/sandbox-exec"

_SYSTEM_LIBRARIES = (
    "/usr/lib",
    "/System/Library",
    "/System/Cryptexes",
    "/System/Volumes/Preboot/Cryptexes",
    "/private/var/db/dyld",
)
_TIME_ZONES = ("/usr/share/zoneinfo", "/private/var/db/timezone")
_HOMEBREW = ("/opt/homebrew", "/usr/local")
_MAX_LINKS = 40
# No `kern.proc*`: it would tell of other processes and their arguments.
_FIGURES = (
    "hw.activecpu",
    "hw.byteorder",
    "hw.cachelinesize",
    "hw.logicalcpu",
    "hw.logicalcpu_max",
    "hw.machine",
    "hw.memsize",
    "hw.ncpu",
    "hw.pagesize",
    "hw.pagesize_compat",
    "hw.physicalcpu",
    "kern.argmax",
    "kern.maxfilesperproc",
    "kern.osproductversion",
    "kern.osrelease",
    "kern.ostype",
    "kern.osversion",
    "kern.usrstack64",
    "kern.version",
)
_RULES = """\
(version 1)
(deny default)
(allow process-exec {executables})
(allow file-read* file-map-executable {executables} {folders})
(allow file-read-metadata {parents})
(allow file-read* (literal "/") (literal "/dev/null") (literal "/dev/random") (literal "/dev/urandom"))
(allow file-write-data (literal "/dev/null"))
(allow process-info* (target self))
(allow signal (target self))
(allow sysctl-read {figures})
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What of the system a worker's Python needs.

    Attributes:
        executables: absolute paths of the program: links to it, itself, what it becomes.
        readable: absolute paths of the folders and files it reads and maps code from.
    """

    executables: tuple[str, ...]
    readable: tuple[str, ...]


def is_available() -> bool:
    return sys.platform == "darwin" and os.access(SANDBOX_EXEC, os.X_OK)


def confined(command: Sequence[str], interpreter: Interpreter) -> list[str]:
    """The command that starts `command` inside the profile; its process stays the one that was started."""
    executables = _parameters("PROGRAM", interpreter.executables)
    folders = _parameters("FOLDER", (*interpreter.readable, *_SYSTEM_LIBRARIES, *_TIME_ZONES))
    parents = _parameters("PARENT", _parents([*executables.values(), *folders.values()]))
    profile = _RULES.format(
        executables=_filters("literal", executables),
        folders=_filters("subpath", folders),
        parents=_filters("literal", parents),
        figures=" ".join(f'(sysctl-name "{name}")' for name in _FIGURES),
    )
    definitions = (executables | folders | parents).items()
    return [SANDBOX_EXEC, *(f"-D{name}={path}" for name, path in definitions), "-p", profile, *command]


def interpreter_of(python: str, code: Iterable[str]) -> Interpreter:
    """What `python`, an interpreter of this installation, needs.

    Args:
        python: its path.
        code: the folders of the worker's own packages.
    """
    base = os.path.realpath(sys.base_prefix)
    folders = [sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    executables = _links(os.path.abspath(python))  # noqa: PTH100 - links are to be kept
    if sysconfig.get_config_var("PYTHONFRAMEWORK"):
        # The program of a framework replaces itself by the one of its application bundle.
        executables.append(f"{base}/Resources/Python.app/Contents/MacOS/Python")
        folders.append(base)
    else:
        folders.append(f"{base}/lib")
    for home in _HOMEBREW:
        if base.startswith(f"{home}/Cellar/"):
            folders += [f"{home}/Cellar", f"{home}/opt"]
    folders += [f"{sys.prefix}/pyvenv.cfg", *code]
    return Interpreter(
        executables=tuple(dict.fromkeys(executables)),
        readable=tuple(sorted({form for path in folders for form in (path, os.path.realpath(path))})),
    )


def _parameters(kind: str, paths: Iterable[str]) -> dict[str, str]:
    return {f"{kind}_{number}": path for number, path in enumerate(paths)}


def _filters(kind: str, parameters: Iterable[str]) -> str:
    return " ".join(f'({kind} (param "{name}"))' for name in parameters)


def _parents(paths: Iterable[str]) -> list[str]:
    """The folders above `paths`, without the root: the loader and Python's start look each of them up."""
    found = set()
    for path in paths:
        while (path := os.path.dirname(path)) not in ("", "/"):  # noqa: PTH120 - names only
            found.add(path)
    return sorted(found)


def _links(path: str) -> list[str]:
    """`path`, what it links to, and so on, and the file in the end."""
    chain = [path]
    while os.path.islink(chain[-1]) and len(chain) < _MAX_LINKS:  # noqa: PTH114
        folder = os.path.dirname(chain[-1])  # noqa: PTH120
        chain.append(os.path.normpath(os.path.join(folder, os.readlink(chain[-1]))))  # noqa: PTH115, PTH118
    return [*chain, os.path.realpath(path)]
