"""The standard objects that every project has, as TOML texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def standard_objects() -> Mapping[str, str]:
    """Text of each standard object by a path that names it in errors (`standard/Contact.toml`)."""
    folder = resources.files("circuit_resources") / "standard_objects"
    return {
        f"standard/{entry.name}": entry.read_text("utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }
