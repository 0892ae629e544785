"""What the console remembers between two starts, as versioned JSON; nothing in it is opaque."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from circuit_console.core.query_book import StoredQueries
from circuit_console.core.text_files import write_bytes_atomically
from circuit_console.core.theme import Appearance

SESSION_VERSION = 1
_Kind = TypeVar("_Kind", bound=msgspec.Struct)


class OpenTab(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    line: int = 1
    column: int = 1
    first_visible_line: int = 1
    folded: tuple[int, ...] = ()


class StoredBreakpoint(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    line: int
    condition: str = ""
    hit_condition: str = ""
    log_message: str = ""
    is_checkpoint: bool = False
    is_enabled: bool = True


class StoredFunctionBreakpoint(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    is_enabled: bool = True


class PerspectiveLayout(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of the regions in pixels, which are shown, and which pages are on top."""

    side_px: int
    inspector_px: int
    bottom_px: int
    is_side_shown: bool = True
    is_inspector_shown: bool = True
    is_bottom_shown: bool = True
    activity: str = ""
    bottom_pane: str = ""
    closed_sections: tuple[str, ...] = ()


class ProjectSession(msgspec.Struct, frozen=True, kw_only=True):
    """One project: its tabs, breakpoints, watches and layouts."""

    version: int = SESSION_VERSION
    tabs: tuple[OpenTab, ...] = ()
    active_tab: str = ""
    breakpoints: tuple[StoredBreakpoint, ...] = ()
    function_breakpoints: tuple[StoredFunctionBreakpoint, ...] = ()
    exception_filters: tuple[str, ...] = ("uncaught",)
    watches: tuple[str, ...] = ()
    perspective: str = "edit"
    layouts: dict[str, PerspectiveLayout] = {}
    run_configuration: str = ""
    commits: bool = False
    records: bool = False
    console_history: tuple[str, ...] = ()
    queries: StoredQueries = StoredQueries()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Of the user, for all projects."""

    version: int = SESSION_VERSION
    appearance: Appearance = Appearance.SYSTEM
    zoom: int = 0
    log_levels: str = ""
    follow_debugger: bool = True
    last_project: str = ""
    recent_projects: tuple[str, ...] = ()
    width_px: int = 1440
    height_px: int = 900
    is_maximized: bool = False


def load(path: Path, kind: type[_Kind]) -> _Kind:
    """What was stored, or a new one where nothing was or it cannot be read: a bad file must not stop the start."""
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return kind()
    return stored if getattr(stored, "version", 0) == SESSION_VERSION else kind()


def store(path: Path, value: msgspec.Struct) -> None:
    """Raises: OSError."""
    write_bytes_atomically(path, msgspec.json.format(msgspec.json.encode(value), indent=1))
