"""Numbers as people read them: times, sizes and counts with their units."""

from __future__ import annotations

_GROUP_SPACE = "\u00a0"  # does not break a number at a line end
_KILO = 1024


def format_clock(ns: int) -> str:
    """Seconds since the run's start with milliseconds: `0.516`, `12.004`."""
    return f"{ns // 1_000_000_000}.{ns // 1_000_000 % 1000:03d}"


def format_duration(ns: int) -> str:
    """A duration with two or three digits and the unit that fits: `340 µs`, `9 ms`, `1.24 s`, `2 min 05 s`."""
    if ns < 1_000:
        return f"{ns} ns"
    if ns < 1_000_000:
        return f"{ns / 1_000:.0f} µs"
    if ns < 10_000_000:
        return f"{ns / 1_000_000:.1f} ms".replace(".0 ", " ")
    if ns < 999_500_000:
        return f"{ns / 1_000_000:.0f} ms"
    if ns < 60_000_000_000:
        return f"{ns / 1_000_000_000:.2f} s"
    minutes, seconds = divmod(ns // 1_000_000_000, 60)
    return f"{minutes} min {seconds:02d} s"


def format_count(count: int) -> str:
    """Groups of three from five digits on: `9999`, `50 000`."""
    text = f"{count:,}" if abs(count) >= 10_000 else str(count)
    return text.replace(",", _GROUP_SPACE)


def format_size(size_bytes: int) -> str:
    """`640 B`, `1.2 kB`, `12 MB`."""
    if size_bytes < _KILO:
        return f"{size_bytes} B"
    if size_bytes < _KILO * _KILO:
        return _short(size_bytes / _KILO, "kB")
    return _short(size_bytes / _KILO / _KILO, "MB")


def counted(count: int, singular: str, plural: str = "") -> str:
    """`1 row`, `2 rows`, `50 000 rows`."""
    return f"{format_count(count)} {singular if count == 1 else plural or singular + 's'}"


def _short(value: float, unit: str) -> str:
    text = f"{value:.1f}" if value < 10 else f"{value:.0f}"
    return f"{text.removesuffix('.0')} {unit}"
