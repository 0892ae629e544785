"""The tokens: complete, and legible."""

from __future__ import annotations

import pytest

from circuit_console.core.theme import COLOR_NAMES, Appearance, ColorName, tokens_for

_THEMES = [(appearance, is_dark) for appearance in Appearance for is_dark in (True, False)]


def _luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: str, second: str) -> float:
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("appearance", "is_dark"), _THEMES)
def test_every_theme_has_every_colour(appearance: Appearance, is_dark: bool) -> None:
    tokens = tokens_for(appearance, is_dark)

    assert set(tokens.colors) == set(COLOR_NAMES)


@pytest.mark.parametrize(("appearance", "is_dark"), _THEMES)
def test_text_can_be_read_on_its_ground(appearance: Appearance, is_dark: bool) -> None:
    tokens = tokens_for(appearance, is_dark)
    pairs: list[tuple[ColorName, ColorName]] = [
        ("text", "panel"), ("dim", "panel"), ("faint", "panel"), ("accent", "panel"), ("ok", "panel"),
        ("warn", "panel"), ("err", "panel"), ("paused", "paused_soft"), ("s_kw", "editor"), ("s_com", "editor"),
        ("on_accent", "accent"), ("text", "sel"),
    ]  # fmt: skip

    low = {pair: _contrast(tokens.color(pair[0]), tokens.color(pair[1])) for pair in pairs}

    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


def test_high_contrast_has_a_wider_focus_ring() -> None:
    assert tokens_for(Appearance.HIGH_CONTRAST, True).focus_ring_px == 3
    assert tokens_for(Appearance.DARK, True).focus_ring_px == 2
