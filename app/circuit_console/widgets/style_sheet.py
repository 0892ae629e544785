"""The one style sheet, built from the tokens. Colours as `@token`, replaced by their values."""

from __future__ import annotations

import re

from circuit_console.core.theme import Tokens

_TOKEN = re.compile(r"@([a-z_]+)")

_TEMPLATE = """
QWidget { color: @text; }
QToolTip { background: @raised; color: @text; border: 1px solid @border_strong; padding: 4px 6px; }
"""


def style_sheet(tokens: Tokens) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] == "focus_ring":
            return f"{tokens.focus_ring_px}px"
        return tokens.colors[match[1]]

    return _TOKEN.sub(value, _TEMPLATE)
