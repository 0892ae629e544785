"""What a script's failure looks like to its developer: its own frames, no frame of the runtime."""

from __future__ import annotations

import traceback
import types
from collections.abc import Collection
from pathlib import Path

from circuit_link import wire

_OUR_FOLDERS = tuple(
    f"{folder}/" for folder in (Path(__file__).resolve().parents[1], Path(wire.__file__).resolve().parent)
)
_MAX_FRAMES = 200
_MAX_TEXT_CHARS = 100_000


def script_error(exc: BaseException, paths: Collection[str]) -> wire.ScriptError:
    """Describe `exc`. `paths` are the `co_filename`s of the user's code."""
    frames = _script_frames(exc.__traceback__, paths)
    column = 0
    message = _message(exc)
    if isinstance(exc, SyntaxError) and exc.filename is not None and exc.filename in paths:
        frames.insert(0, wire.ScriptFrame(path=exc.filename, line=exc.lineno or 1, name="<module>"))
        column = exc.offset or 1
        message = exc.msg
    return wire.ScriptError(
        type=_sendable(type(exc).__name__),
        message=_sendable(message),
        frames=tuple(frames[:_MAX_FRAMES]),
        column=column,
        text=script_traceback(exc),
    )


def _sendable(text: str) -> str:
    """The text as a message carries it: cut where it is long, without halves of characters."""
    if len(text) > _MAX_TEXT_CHARS:
        text = f"{text[:_MAX_TEXT_CHARS]}\n…"
    return text.encode("utf-8", "backslashreplace").decode()


def _message(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception as failure:  # noqa: BLE001 - a script's __str__ may raise anything
        return f"<its text could not be read: {type(failure).__name__}>"


def _script_frames(tb: types.TracebackType | None, paths: Collection[str]) -> list[wire.ScriptFrame]:
    """Innermost first."""
    frames = []
    while tb is not None:
        code = tb.tb_frame.f_code
        if code.co_filename in paths:
            frames.append(wire.ScriptFrame(path=code.co_filename, line=tb.tb_lineno or 0, name=code.co_qualname))
        tb = tb.tb_next
    frames.reverse()
    return frames


def script_traceback(exc: BaseException) -> str:
    """Python's text for an exception and those that led to it, without the runtime's frames."""
    described = traceback.TracebackException.from_exception(exc, compact=True)
    seen: set[int] = set()
    pending = [described]
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        item.stack[:] = [frame for frame in item.stack if not _is_ours(frame.filename)]
        pending += [other for other in (item.__cause__, item.__context__) if other is not None]
        pending += item.exceptions or []
    return _sendable("".join(described.format()))


def _is_ours(filename: str) -> bool:
    return filename.startswith(_OUR_FOLDERS) or filename.startswith("<frozen ")
