"""What happens to an exception that nobody caught: the user's own are presented, ours go to the crash log."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from circuit_console.core.notices import ErrorPresenter, Notice, Notifier
from circuit_link.errors import UserFacingError

_log = logging.getLogger("circuit.console")

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], None]


def exception_hook(presenter: ErrorPresenter, notifier: Notifier, crash_log: Path) -> Hook:
    """A hook for `sys.excepthook`: Qt's slots end up there."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, UserFacingError):
            presenter.present(error)
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        _log.error("unexpected error\n%s", text)
        try:
            crash_log.parent.mkdir(parents=True, exist_ok=True)
            with crash_log.open("a", encoding="utf-8") as file:
                file.write(f"--- {datetime.now(UTC).isoformat()}\n{text}\n")
        except OSError:
            _log.error("the crash log %s cannot be written", crash_log)
        notifier.notify(
            Notice(
                kind="error",
                text="Something in the console failed. Your files and texts are untouched.",
                hint=f"It was written to {crash_log}. If it happens again, please report it.",
                details=f"{kind.__name__}: {error}",
            )
        )

    return hook
