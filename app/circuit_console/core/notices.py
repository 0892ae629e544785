"""What the console tells the user in passing, and the one way to present an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from circuit_link.errors import UserFacingError

NoticeKind = Literal["fact", "success", "warning", "error"]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notification. Errors stay until they are closed; the rest goes by itself.

    `actions` are pairs of a button's title and what it does.
    """

    kind: NoticeKind
    text: str
    hint: str = ""
    details: str = ""
    actions: tuple[tuple[str, Callable[[], None]], ...] = ()


class Notifier(Protocol):
    """Shows notices. The window's notification area is one; tests have another."""

    def notify(self, notice: Notice) -> None: ...


class ErrorPresenter(Protocol):
    """The one presenter of errors that are for the user."""

    def present(self, error: UserFacingError) -> None: ...
