"""Unit tests run in a process of their own in which Qt cannot be imported (pytest.ini leaves pytest-qt out)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from hypothesis import settings

# How long an example may take would be the machine's doing.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

_QT = ("PySide6", "shiboken6")


class _RefuseQt(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in _QT:
            raise ImportError(f"{fullname} must not be imported by a unit test or by what it tests")
        return None


# Where all kinds of tests share one process, pytest-qt has loaded Qt already and the others need it.
if _QT[0] not in sys.modules:
    sys.meta_path.insert(0, _RefuseQt())
