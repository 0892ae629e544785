"""The colour tokens of the console's themes, as JSON: one object per theme, token to #RRGGBB."""

from __future__ import annotations

from importlib.resources import files


def tokens_json() -> bytes:
    return (files(__name__) / "tokens.json").read_bytes()
