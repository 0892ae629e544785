"""Read what a command is given: files, standard input, times, log levels."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

from circuit_link.errors import UserFacingError

STANDARD_INPUT = "-"


def read_bytes(file: str) -> bytes:
    """The content of a file, or of standard input for `-`. Raises: UserFacingError."""
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as exc:
        raise UserFacingError(f"{file} cannot be read: {exc.strerror}.", code="FILE_NOT_FOUND") from exc


def read_script(file: str) -> str:
    """A script's text, decoded as Python does (byte order mark, encoding line). Raises: UserFacingError."""
    import io
    import tokenize

    data = read_bytes(file)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as exc:
        raise UserFacingError(
            f"{file} is not a Python text: {exc}.", code="SCRIPT_NOT_TEXT", path=file, hint="Save it as UTF-8."
        ) from exc


def parse_time(text: str | None) -> dt.datetime | None:
    """An ISO time for `--now`; without a zone it is UTC. Raises: UserFacingError."""
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as exc:
        raise UserFacingError(
            f"--now {text!r} is not a time.", code="USAGE", hint="Write it as 2025-11-13T17:45:23Z."
        ) from exc
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def check_log_levels(text: str) -> str:
    """`text`, if it is a list of levels. Raises: UserFacingError."""
    from circuit_log.levels import LogLevels

    try:
        LogLevels.parse(text)
    except ValueError as exc:
        raise UserFacingError(f"--log-level: {exc}", code="USAGE") from exc
    return text
