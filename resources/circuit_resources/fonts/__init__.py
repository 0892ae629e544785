"""The console's fonts: Inter, and JetBrains Mono cut without ligatures (both OFL, licences beside them)."""

from __future__ import annotations

from importlib.resources import files

UI_FAMILY = "Inter"
MONO_FAMILY = "JetBrains Mono NL"


def font_data() -> dict[str, bytes]:
    """File name to bytes of every bundled font."""
    folder = files(__name__)
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.endswith((".otf", ".ttf"))}
