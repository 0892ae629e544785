"""Where a project's host listens, so that host and clients find each other without asking anyone.

The sockets lie in a folder that only the user can enter, under names that are hashes of the project's path: a
socket path may have 107 bytes at most, a project's path may be any length.

Windows is not served yet: there a named pipe `\\\\.\\pipe\\circuit-console-<hash>` with an access list for the
user takes the place of the socket. Nothing outside this module and `circuit_runtime.host.listener` depends on it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from circuit_link.errors import UserFacingError

MAX_SOCKET_PATH_BYTES = 107
_HASH_DIGITS = 20


def host_socket_path(project_root: Path) -> Path:
    """Socket of the project's host for consoles and terminals."""
    return _socket_path(project_root, "host")


def dap_socket_path(project_root: Path) -> Path:
    """Socket of the project's host for Debug Adapter Protocol clients."""
    return _socket_path(project_root, "dap")


def runtime_folder() -> Path:
    """The user's own folder for sockets; made with mode 0700 where it is missing.

    Raises:
        UserFacingError: the folder cannot be made, or belongs to somebody else or lets others in.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and _is_private(Path(base)):
        folder = Path(base) / "circuit-console"
    else:
        folder = Path(tempfile.gettempdir()) / f"circuit-console-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise _unusable(folder, exc.strerror or str(exc)) from exc
    if not _is_private(folder):
        raise _unusable(folder, "it belongs to another user, or other users may enter it")
    return folder


def _socket_path(project_root: Path, kind: str) -> Path:
    digest = hashlib.sha256(os.fsencode(project_root.resolve())).hexdigest()[:_HASH_DIGITS]
    path = runtime_folder() / f"{digest}.{kind}"
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise UserFacingError(
            f"The socket path {path} is longer than the {MAX_SOCKET_PATH_BYTES} bytes the system takes.",
            code="SOCKET_PATH_TOO_LONG",
            hint="Set XDG_RUNTIME_DIR or TMPDIR to a folder with a shorter path.",
        )
    return path


def _is_private(folder: Path) -> bool:
    """Whether it is a folder, not a link, of this user's that nobody else may enter."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077


def _unusable(folder: Path, reason: str) -> UserFacingError:
    return UserFacingError(
        f"The folder {folder} for the host's sockets cannot be used: {reason}.",
        code="RUNTIME_FOLDER_UNUSABLE",
        hint="Set XDG_RUNTIME_DIR to a folder of yours with mode 0700, or remove the one named here.",
    )
