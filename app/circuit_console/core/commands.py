"""Every action of the console as a value: menu, button, palette and key all run the same one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


def _always() -> bool:
    return True


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One action.

    Attributes:
        id: stable, `group.verb`; also what a key map would name.
        title: what the palette and menus show, `Group: Do something` or `Do something`.
        keys: default keys in Qt's portable notation, chords as `Ctrl+K, S`; () for none.
        is_enabled: asked each time; cheap.
        in_editor: the key belongs to the editor and works only while it has the focus.
    """

    id: str
    title: str
    run: Callable[[], None]
    keys: tuple[str, ...] = ()
    is_enabled: Callable[[], bool] = _always
    in_editor: bool = False


def matching(commands: tuple[Command, ...], text: str) -> tuple[Command, ...]:
    """Commands whose title holds the letters of `text` in their order, the closest first."""
    scored = ((fuzzy_score(text, command.title), command) for command in commands)
    found = [(score, command) for score, command in scored if score is not None]
    return tuple(command for _, command in sorted(found, key=lambda pair: (pair[0], pair[1].title)))


def fuzzy_score(needle: str, text: str) -> int | None:
    """How far apart the letters of `needle` lie in `text`: smaller is closer; None where they do not all occur.

    Matches at the start of a word or of a path's last part count as close.
    """
    needle, lowered = needle.lower().replace(" ", ""), text.lower()
    if not needle:
        return 0
    last_part = max(lowered.rfind("/"), lowered.rfind(":")) + 1
    found = lowered.find(needle, last_part)
    if found >= 0:
        return found - last_part
    score = 20
    place = -1
    for letter in needle:
        following = lowered.find(letter, place + 1)
        if following < 0:
            return None
        starts_word = following == 0 or not lowered[following - 1].isalnum()
        score += 0 if starts_word else following - place - 1
        place = following
    return score
