"""What a command shows: one JSON document for programs, or readable text; faults in one form."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from circuit_cli.options import (
    EXIT_CONFLICT,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_LOCKED,
    EXIT_NOT_ALLOWED,
    EXIT_STILL_RUNNING,
    EXIT_USAGE,
)
from circuit_link.errors import UserFacingError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_EXIT_CODES: Mapping[str, int] = {
    "USAGE": EXIT_USAGE,
    "NOT_A_PROJECT": EXIT_USAGE,
    "FILE_NOT_FOUND": EXIT_USAGE,
    "TEST_NOT_FOUND": EXIT_USAGE,
    "LOG_LEVELS_INVALID": EXIT_USAGE,
    "FORBIDDEN": EXIT_NOT_ALLOWED,
    "NOT_ALLOWED": EXIT_NOT_ALLOWED,
    "LOCKED": EXIT_LOCKED,
    "CONFLICT": EXIT_CONFLICT,
    "TOKEN_MISSING": EXIT_NOT_ALLOWED,
    "TOKEN_INVALID": EXIT_NOT_ALLOWED,
    "TOKEN_EXPIRED": EXIT_NOT_ALLOWED,
    "SCOPE_MISSING": EXIT_NOT_ALLOWED,
    "NO_KEYRING": EXIT_NOT_ALLOWED,
    "DEPLOY_LOCKED": EXIT_LOCKED,
    "DEPLOY_BASE_MOVED": EXIT_CONFLICT,
    "ENVIRONMENT_UNKNOWN": EXIT_USAGE,
    "STILL_RUNNING": EXIT_STILL_RUNNING,
}


class Presenter:
    """Where a command's results and messages go: results to standard output, messages to standard error."""

    def __init__(self, json_output: bool) -> None:
        self.json_output = json_output
        self._consoles: dict[bool, Console] = {}

    def document(self, value: Any) -> None:
        """Print one JSON document. `value` is what msgspec can encode."""
        import msgspec

        text = msgspec.json.encode(value)
        sys.stdout.buffer.write(msgspec.json.format(text, indent=2) + b"\n")
        sys.stdout.flush()

    def line(self, value: Any) -> None:
        """Print one JSON document on one line, for streams."""
        import msgspec

        sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
        sys.stdout.flush()

    def show(self, renderable: RenderableType) -> None:
        """Print a result for people."""
        self._console(stderr=False).print(renderable)

    def text(self, text: str) -> None:
        """Print a result as it is, without markup."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def message(self, renderable: RenderableType) -> None:
        """Tell something on standard error."""
        self._console(stderr=True).print(renderable)

    def error_text(self, text: str) -> None:
        """Write to standard error as it is."""
        sys.stderr.write(text)
        sys.stderr.flush()

    def failure(self, error: UserFacingError) -> None:
        """The one form of a fault: message, place, hint."""
        from rich.text import Text

        text = Text()
        text.append("✗ ", "bold red")
        text.append(error.message, "bold")
        if place := _place(error):
            text.append(f"\n  {place}", "cyan")
        if error.details:
            text.append("\n" + "\n".join(f"  {line}" for line in error.details.splitlines()), "dim")
        if error.hint:
            text.append(f"\n  {error.hint}", "yellow")
        self.message(text)

    def _console(self, *, stderr: bool) -> Console:
        if stderr not in self._consoles:
            from circuit_cli.careful_console import CarefulConsole

            self._consoles[stderr] = CarefulConsole(stderr=stderr, highlight=False, soft_wrap=True)
        return self._consoles[stderr]


@contextmanager
def presented(presenter: Presenter) -> Iterator[None]:
    """Show a UserFacingError of the block and end the command with its exit code."""
    try:
        yield
    except UserFacingError as error:
        presenter.failure(error)
        if presenter.json_output:
            presenter.document({"error": error_document(error)})
        raise typer.Exit(exit_code(error)) from error
    except KeyboardInterrupt:
        presenter.error_text("\nInterrupted.\n")
        raise typer.Exit(EXIT_INTERRUPTED) from None


def exit_code(error: UserFacingError) -> int:
    return _EXIT_CODES.get(error.code, EXIT_FAILED)


def error_document(error: UserFacingError) -> dict[str, Any]:
    """A fault as JSON documents carry it."""
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "path": error.path,
        "line": error.line,
        "column": error.column,
    }


def _place(error: UserFacingError) -> str:
    if not error.path:
        return ""
    numbers = [str(number) for number in (error.line, error.column) if number]
    return ":".join([error.path, *numbers])
