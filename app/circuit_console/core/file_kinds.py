"""Icon and colour of a project's file, by where it lies and what it is."""

from __future__ import annotations

from circuit_console.core.theme import ColorName

_BY_FOLDER: dict[str, tuple[str, ColorName]] = {
    "triggers": ("zap", "c_dml"),
    "tests": ("flask-conical", "err"),
    "events": ("file-json", "c_query"),
    "objects": ("box", "c_callout"),
    "seed": ("table-2", "c_query"),
    "classes": ("workflow", "accent"),
}
_BY_SUFFIX: dict[str, tuple[str, ColorName]] = {
    "py": ("file-code", "accent"),
    "toml": ("file-cog", "dim"),
    "json": ("file-json", "c_query"),
    "soql": ("database", "c_query"),
    "md": ("file-text", "dim"),
    "csv": ("table-2", "c_query"),
}


def file_icon(path: str) -> tuple[str, ColorName]:
    """Name of a bundled icon and the token of its colour."""
    folder, _, rest = path.partition("/")
    suffix = path.rpartition(".")[2].lower()
    if rest and folder in _BY_FOLDER and suffix in ("py", "json", "toml", "csv"):
        return _BY_FOLDER[folder]
    return _BY_SUFFIX.get(suffix, ("file", "dim"))
