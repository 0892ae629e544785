"""The colour tokens of the console's themes, as JSON: one object per theme, token to #RRGGBB."""

from __future__ import annotations

from pathlib import Path

# Not importlib.resources: its import alone takes longer than reading what is needed at start.
_FOLDER = Path(__file__).parent


def tokens_json() -> bytes:
    return (_FOLDER / "tokens.json").read_bytes()
