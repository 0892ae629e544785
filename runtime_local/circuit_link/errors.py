"""Errors that are for the user: every front end shows them the same way."""

from __future__ import annotations


class UserFacingError(Exception):
    """Something the user can act on. Anything else that escapes is our own bug.

    Attributes:
        code: short, stable, upper case (`ENVIRONMENT_UNREACHABLE`).
        message: what failed and on what, showing the offending value.
        hint: what to do now; "" where nothing can be said.
        details: long text to fold away; "" for none.
        path, line, column: the place in the project's files; "" and 0 where it has none. 1-based.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str = "",
        details: str = "",
        path: str = "",
        line: int = 0,
        column: int = 0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details
        self.path = path
        self.line = line
        self.column = column
