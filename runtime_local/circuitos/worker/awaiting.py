"""Runs what an async handler or test returned; other results pass through."""

from __future__ import annotations

import inspect
from typing import Any


def finish(result: Any) -> Any:
    """The result of a coroutine, run to its end in an event loop of its own; anything else as it is."""
    if not inspect.iscoroutine(result):
        return result
    import asyncio

    return asyncio.run(result)
