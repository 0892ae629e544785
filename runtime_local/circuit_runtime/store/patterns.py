"""Regular expressions of formulas and rules. They run in the host, so each is bounded in time."""

from __future__ import annotations

_TIMEOUT_S = 0.1


def fits(text: str, pattern: str) -> bool | None:
    """Whether all of `text` fits; None, as for a null, where the pattern is none or would take too long."""
    import regex  # few projects have patterns, and no host shall start later for them

    try:
        return regex.fullmatch(pattern, text, timeout=_TIMEOUT_S) is not None
    except (regex.error, TimeoutError):
        return None


def problem_of(pattern: str) -> str | None:
    """Why a pattern is none; None for one that is."""
    import regex

    try:
        regex.compile(pattern)
    except regex.error as exc:
        return str(exc)
    return None
