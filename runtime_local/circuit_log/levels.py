"""Log categories and levels, as Salesforce debug logs name them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Self


class Level(IntEnum):
    """How much a category logs; each level includes the ones before it."""

    NONE = 0
    ERROR = 1
    WARN = 2
    INFO = 3
    DEBUG = 4
    FINE = 5
    FINER = 6
    FINEST = 7


class Category(StrEnum):
    """What a log event is about; the order is the order in a log's header."""

    APEX_CODE = "APEX_CODE"
    APEX_PROFILING = "APEX_PROFILING"
    CALLOUT = "CALLOUT"
    DATA_ACCESS = "DATA_ACCESS"
    DB = "DB"
    NBA = "NBA"
    SYSTEM = "SYSTEM"
    VALIDATION = "VALIDATION"
    VISUALFORCE = "VISUALFORCE"
    WAVE = "WAVE"
    WORKFLOW = "WORKFLOW"


_DEFAULTS = {
    Category.APEX_CODE: Level.DEBUG,
    Category.APEX_PROFILING: Level.INFO,
    Category.CALLOUT: Level.INFO,
    Category.DB: Level.INFO,
    Category.SYSTEM: Level.DEBUG,
    Category.VALIDATION: Level.INFO,
    Category.VISUALFORCE: Level.INFO,
    Category.WORKFLOW: Level.INFO,
}


class LogLevels:
    """The level of every category of one run."""

    def __init__(self, levels: Mapping[Category, Level] | None = None) -> None:
        self._levels = dict(_DEFAULTS)
        self._levels.update(levels or {})

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `APEX_CODE,FINE;DB,INFO`; categories not named keep their default.

        Raises:
            ValueError: a pair is malformed, or a category or level is unknown; the text names it.
        """
        levels: dict[Category, Level] = {}
        for pair in filter(None, (part.strip() for part in text.split(";"))):
            category, comma, level = (part.strip().upper() for part in pair.partition(","))
            if not comma or category not in Category.__members__ or level not in Level.__members__:
                raise ValueError(
                    f"{pair!r} is not CATEGORY,LEVEL. Categories: {', '.join(Category.__members__)}. "
                    f"Levels: {', '.join(Level.__members__)}."
                )
            levels[Category[category]] = Level[level]
        return cls(levels)

    def level(self, category: Category) -> Level:
        return self._levels.get(category, Level.NONE)

    def allows(self, category: Category, level: Level) -> bool:
        return self.level(category) >= level > Level.NONE

    def text(self) -> str:
        """The pairs as a log's header prints them, in alphabetical order."""
        return ";".join(f"{name},{self._levels[name].name}" for name in Category if name in self._levels)
