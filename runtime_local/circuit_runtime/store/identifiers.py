"""Names of what belongs to a table: indexes and sequences."""

from __future__ import annotations

import hashlib

# PostgreSQL cuts off what is longer, without a word.
_LONGEST = 63
_KEPT = 50


def identifier(name: str) -> str:
    """The name, or one of its own for a name that is too long for PostgreSQL."""
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_KEPT]}_{hashlib.sha256(name.encode()).hexdigest()[: _LONGEST - _KEPT - 1]}"


def unique_index(table: str, column: str) -> str:
    return identifier(f"u_{table}_{column}")


def reference_index(table: str, column: str) -> str:
    return identifier(f"i_{table}_{column}")
