"""The folder of an environment server's data, held by one server at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from circuit_link.errors import UserFacingError

# A server that is just ending gives its lock back within this time.
_LOCK_TIMEOUT_S = 2.0


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Make the folder where it is missing, and keep other servers off it within the block.

    Raises:
        UserFacingError: it cannot be made or written, or another server holds it.
    """
    lock = filelock.FileLock(folder / "server.lock", timeout=_LOCK_TIMEOUT_S, thread_local=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout as exc:
        raise UserFacingError(
            f"Another server is running on the data in {folder}.",
            code="DATA_FOLDER_IN_USE",
            hint="End it first, or name another folder with --data.",
        ) from exc
    except OSError as exc:
        raise UserFacingError(
            f"The data folder {folder} cannot be used: {exc.strerror or exc}.",
            code="DATA_FOLDER_UNUSABLE",
            hint="Name a folder that you can write with --data.",
        ) from exc
    try:
        yield folder.resolve()
    finally:
        lock.release()
