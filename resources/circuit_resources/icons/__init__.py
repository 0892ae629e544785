"""Line icons of one family (Lucide, ISC licence beside them), 24 x 24, drawn in `currentColor`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

# Not importlib.resources: its import alone takes longer than reading what is needed at start.
_FOLDER = Path(__file__).parent


@cache
def icon_svg(name: str) -> str:
    """The SVG text of an icon.

    Raises:
        FileNotFoundError: no icon of this name is bundled.
    """
    return (_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
