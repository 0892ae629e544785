"""Text files on disk: read with their encoding and line ends, written without ever losing the old content."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from pathlib import Path

import msgspec

from circuit_link.errors import UserFacingError

_LARGEST_BYTES = 50 * 1024 * 1024
_UTF8_BOM = b"\xef\xbb\xbf"
_DEFAULT_MODE = 0o644


class TextFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a text is spelled on disk. `encoding` is `utf-8` or `utf-8-sig` (with a byte order mark)."""

    encoding: str = "utf-8"
    line_end: str = "\n"


class TextFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file's text with \\n line ends, how it was spelled, and the digest of its bytes."""

    text: str
    format: TextFormat
    digest: str


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest_on_disk(path: Path) -> str:
    """Digest of the file's bytes; "" where it cannot be read."""
    try:
        return digest_of(path.read_bytes())
    except OSError:
        return ""


def read_text_file(path: Path) -> TextFile:
    """Raises: UserFacingError if it cannot be read, is larger than 50 MB, or is not UTF-8 text."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise UserFacingError(
                f"{path} is larger than 50 MB.", code="FILE_TOO_LARGE", hint="Open it elsewhere."
            )
        data = path.read_bytes()
    except OSError as exc:
        raise UserFacingError(
            f"{path} cannot be read: {exc.strerror}.",
            code="FILE_UNREADABLE",
            hint="Check that it exists and is yours.",
        ) from exc
    encoding = "utf-8-sig" if data.startswith(_UTF8_BOM) else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as exc:
        raise UserFacingError(
            f"{path} is not a UTF-8 text: byte {exc.start} is {data[exc.start]:#04x}.",
            code="FILE_NOT_TEXT",
            hint="Convert it to UTF-8, or open it with another program.",
        ) from exc
    line_end = "\r\n" if "\r\n" in text else "\n"
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return TextFile(text=text, format=TextFormat(encoding=encoding, line_end=line_end), digest=digest_of(data))


def write_text_file(path: Path, text: str, text_format: TextFormat) -> str:
    """Replace a file's content in one step: a temporary file beside it, flushed to disk, then renamed over it.

    Keeps the mode; follows a link to the file it names. Returns the digest of what was written.

    Raises:
        UserFacingError: it could not be written; the old content stands as it was.
    """
    target = path.resolve()
    data = text.replace("\n", text_format.line_end).encode(text_format.encoding)
    try:
        write_bytes_atomically(target, data)
    except OSError as exc:
        raise _not_saved(path, exc) from exc
    return digest_of(data)


def write_bytes_atomically(target: Path, data: bytes) -> None:
    """Raises: OSError; then `target` is untouched and nothing is left beside it."""
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mode = _DEFAULT_MODE
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename durable; not every file system lets a folder be opened for that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _not_saved(path: Path, error: OSError) -> UserFacingError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserFacingError(
            f"{path.name} was not saved: the disk is full.",
            code="DISK_FULL",
            hint="Free some space and save again. Your text is kept in the editor, the file is as it was.",
        )
    return UserFacingError(
        f"{path.name} was not saved: {error.strerror}.",
        code="SAVE_FAILED",
        hint="Your text is kept in the editor, the file is as it was.",
        details=str(path),
    )
