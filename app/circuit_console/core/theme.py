"""Colours of the console as named tokens: values only, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, get_args

import msgspec

from circuit_resources.themes import tokens_json

ColorName = Literal[
    "chrome", "panel", "editor", "raised", "hover", "border", "border_strong", "text", "dim", "faint",
    "accent", "on_accent", "sel", "accent_soft", "ok", "warn", "err", "paused", "paused_soft", "prod",
    "ok_soft", "err_soft", "line", "exec", "guide", "c_code", "c_query", "c_dml", "c_callout", "c_log", "on_cat",
    "s_kw", "s_str", "s_num", "s_com", "s_fn", "s_cls", "s_deco", "s_builtin", "s_op", "s_doc",
    "f_code", "f_query", "f_dml", "f_callout", "f_log", "badge_fg",
]  # fmt: skip
COLOR_NAMES: tuple[ColorName, ...] = get_args(ColorName)


class Appearance(StrEnum):
    """What the user chose in the settings."""

    SYSTEM = "system"
    DARK = "dark"
    LIGHT = "light"
    HIGH_CONTRAST = "high_contrast"


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """One theme's values.

    Attributes:
        name: `dark`, `light`, `dark_high_contrast` or `light_high_contrast`.
        colors: every token of `COLOR_NAMES` as #RRGGBB.
        focus_ring_px: width of the ring around the focused control.
    """

    name: str
    is_dark: bool
    colors: Mapping[str, str]
    focus_ring_px: int

    def color(self, name: ColorName) -> str:
        return self.colors[name]


def tokens_for(appearance: Appearance, system_is_dark: bool) -> Tokens:
    """The theme for a choice; `system_is_dark` decides where the choice leaves it open."""
    match appearance:
        case Appearance.DARK:
            return _plain("dark")
        case Appearance.LIGHT:
            return _plain("light")
        case Appearance.SYSTEM:
            return _plain("dark" if system_is_dark else "light")
        case Appearance.HIGH_CONTRAST:
            return _high_contrast("dark" if system_is_dark else "light")


@lru_cache(maxsize=1)
def _themes() -> dict[str, dict[str, str]]:
    return msgspec.json.decode(tokens_json(), type=dict[str, dict[str, str]])


def _plain(name: str) -> Tokens:
    colors = MappingProxyType(_themes()[name])
    return Tokens(name=name, is_dark=name == "dark", colors=colors, focus_ring_px=2)


def _high_contrast(name: str) -> Tokens:
    """Text at its extreme, no dimmed text, and every divider as strong as a control's edge."""
    colors = dict(_themes()[name])
    extreme = "#FFFFFF" if name == "dark" else "#000000"
    colors.update(text=extreme, dim=extreme, border=colors["border_strong"], guide=colors["border_strong"])
    colors["faint"] = _themes()[name]["text"]
    return Tokens(
        name=f"{name}_high_contrast", is_dark=name == "dark", colors=MappingProxyType(colors), focus_ring_px=3
    )
