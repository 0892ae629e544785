"""A console of which only its own colours steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from circuit_cli.visible_text import visible_text


class CarefulConsole(Console):
    """Shows escape sequences of records, messages and logs as signs, whatever renderable they come in."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible_text(segment.text))
