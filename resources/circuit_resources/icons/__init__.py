"""Line icons of one family (Lucide, ISC licence beside them), 24 x 24, drawn in `currentColor`."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=None)
def icon_svg(name: str) -> str:
    """The SVG text of an icon.

    Raises:
        FileNotFoundError: no icon of this name is bundled.
    """
    return (files(__name__) / f"{name}.svg").read_text(encoding="utf-8")
