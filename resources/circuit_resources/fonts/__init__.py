"""The console's fonts: Inter, and JetBrains Mono cut without ligatures (both OFL, licences beside them)."""

from __future__ import annotations

from pathlib import Path

# Not importlib.resources: its import alone takes longer than reading what is needed at start.
_FOLDER = Path(__file__).parent

UI_FAMILY = "Inter"
MONO_FAMILY = "JetBrains Mono NL"


def font_data() -> dict[str, bytes]:
    """File name to bytes of every bundled font."""
    return {file.name: file.read_bytes() for file in _FOLDER.iterdir() if file.suffix in (".otf", ".ttf")}
