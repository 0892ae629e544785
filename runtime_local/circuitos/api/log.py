"""CircuitLog: what a script writes to the run's log."""

from __future__ import annotations

import json
from typing import Any

from circuitos.worker import transaction

_ERROR, _WARN, _INFO, _DEBUG, _FINE, _FINER, _FINEST = range(1, 8)


class CircuitLog:
    """Messages by level; those above the run's APEX_CODE level are dropped. `data` is logged as JSON."""

    @staticmethod
    def error(message: object, data: Any = None) -> None:
        _write(_ERROR, message, data)

    @staticmethod
    def warn(message: object, data: Any = None) -> None:
        _write(_WARN, message, data)

    @staticmethod
    def info(message: object, data: Any = None) -> None:
        _write(_INFO, message, data)

    @staticmethod
    def debug(message: object, data: Any = None) -> None:
        _write(_DEBUG, message, data)

    @staticmethod
    def fine(message: object, data: Any = None) -> None:
        _write(_FINE, message, data)

    @staticmethod
    def finer(message: object, data: Any = None) -> None:
        _write(_FINER, message, data)

    @staticmethod
    def finest(message: object, data: Any = None) -> None:
        _write(_FINEST, message, data)


def _write(level: int, message: object, data: Any) -> None:
    running = transaction.current()
    if level > running.journal.level:
        return
    path, line = running.scripts.position()
    text = "" if data is None else _json(data)
    running.journal.log("debug", path, line, str(message), level=level, data=text)


def _json(data: Any) -> str:
    try:
        return json.dumps(data, default=_jsonable, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(repr(data), ensure_ascii=False)  # keys that are no texts, or a cycle: a log never fails


def _jsonable(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)
