"""What is wrong with a query, and where."""

from __future__ import annotations


class SoqlError(Exception):
    """A SOQL, SOSL or expression text that cannot be run.

    Attributes:
        message: a sentence for a person.
        line, column: of the token that does not fit, 1-based.
        token: that token; "" at the end of the text.
        code: Salesforce's error code (MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, …).
    """

    def __init__(
        self, message: str, *, line: int = 1, column: int = 1, token: str = "", code: str = "MALFORMED_QUERY"
    ) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column
        self.token = token
        self.code = code
