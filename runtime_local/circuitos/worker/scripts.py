"""Loads the user's modules from the text that came with `Start`; no file of the project is read.

The project root is the only folder of theirs on the path (`from classes.virtual_lpr import VirtualLPR`). Code
is compiled under its path in the project, and `linecache` holds every text, so that tracebacks, `inspect` and
the debugger show the right lines.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import linecache
import sys
import types
from collections.abc import Callable, Iterable, Sequence

from circuit_link import wire
from circuitos.worker import assertions

CompileSource = Callable[[str, str], types.CodeType]
"""From a module's text and its path to its code. The debugger wraps it to change code at load."""


def compile_source(text: str, path: str) -> types.CodeType:
    """Compile a module; in `tests/`, plain asserts are rewritten to show their operands.

    Raises:
        SyntaxError: with `path`, line and column.
    """
    if path.startswith("tests/"):
        return assertions.compile_with_explained_asserts(text, path)
    return compile(text, path, "exec", dont_inherit=True)


class Scripts(importlib.abc.MetaPathFinder):
    """The user's code: finder, loader, and what asks where in it a call comes from.

    Attributes:
        compile_source: how module texts become code.
        paths: `co_filename` of everything that is the user's.
    """

    def __init__(self, sources: Iterable[wire.Source], libraries: Iterable[str]) -> None:
        self.compile_source: CompileSource = compile_source
        self._texts: dict[str, str] = {source.path: source.text for source in sources}
        self.paths: set[str] = set(self._texts)
        self._packages = {
            "/".join(parts[:depth])
            for parts in (path.split("/") for path in self._texts)
            for depth in range(1, len(parts))
        }
        self._libraries = {name.replace("-", "_").lower() for name in libraries}
        for path, text in self._texts.items():
            _remember_lines(path, text)

    def install(self) -> None:
        """Put the user's modules first on the import path, and the folders of this process nowhere."""
        sys.meta_path.insert(0, self)
        sys.path[:] = [entry for entry in sys.path if entry and entry != "."]

    def texts(self) -> dict[str, str]:
        return dict(self._texts)

    def forget_modules(self) -> None:
        """Drop every loaded module of the user's, so that the next import starts with fresh statics."""
        for name in [name for name, module in sys.modules.items() if _is_ours(module, self)]:
            del sys.modules[name]

    def load(self, path: str) -> types.ModuleType:
        """Import the module of a source by its path.

        Raises:
            ImportError: there is no such source.
        """
        if path not in self._texts:
            raise ImportError(f"{path} is not part of this run")
        return importlib.import_module(path.removesuffix(".py").replace("/", "."))

    def run_main(self, path: str, text: str, argv: Sequence[str]) -> None:
        """Run `text` as `__main__`, as `python path argv…` would."""
        self.paths.add(path)
        _remember_lines(path, text)
        module = types.ModuleType("__main__")
        module.__dict__["__file__"] = path
        sys.modules["__main__"] = module
        sys.argv[:] = [path, *argv]
        exec(self.compile_source(text, path), module.__dict__)  # noqa: S102 - to run scripts is its purpose

    def position(self) -> tuple[str, int]:
        """Path and line of the innermost script frame of the caller; ("", 0) where there is none."""
        frame: types.FrameType | None = sys._getframe(1)
        paths = self.paths
        while frame is not None:
            if frame.f_code.co_filename in paths:
                return frame.f_code.co_filename, frame.f_lineno or 0
            frame = frame.f_back
        return "", 0

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        base = fullname.replace(".", "/")
        for file, is_package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if file in self._texts:
                return self._spec(fullname, file, is_package=is_package)
        if base in self._packages:
            return self._spec(fullname, None, is_package=True)
        self._refuse_foreign_library(fullname)
        return None

    def _spec(self, fullname: str, file: str | None, *, is_package: bool) -> importlib.machinery.ModuleSpec:
        loader = _SourceLoader(self, file)
        spec = importlib.machinery.ModuleSpec(fullname, loader, origin=file, is_package=is_package)
        spec.has_location = file is not None
        return spec

    def _refuse_foreign_library(self, fullname: str) -> None:
        """Say in a sentence why a library is not there, when a script itself imports it.

        A courtesy to the developer and no boundary: libraries that are allowed import what they need.
        """
        top = fullname.partition(".")[0]
        if top in sys.stdlib_module_names or top == "circuitos" or top.lower() in self._libraries:
            return
        frame: types.FrameType | None = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename in self.paths:
            raise ModuleNotFoundError(
                f"No module named {fullname!r} in this project or the standard library. "
                "Third-party libraries are those of `[libraries] allow` in circuit.toml.",
                name=fullname,
            )


class _SourceLoader(importlib.abc.InspectLoader):
    def __init__(self, scripts: Scripts, path: str | None) -> None:
        self._scripts = scripts
        self._path = path

    def get_source(self, fullname: str) -> str:
        return self._scripts.texts()[self._path] if self._path else ""

    def is_package(self, fullname: str) -> bool:
        return self._path is None or self._path.endswith("/__init__.py")

    def get_filename(self, fullname: str) -> str:
        return self._path or ""

    def exec_module(self, module: types.ModuleType) -> None:
        if self._path is None:
            return
        code = self._scripts.compile_source(self._scripts.texts()[self._path], self._path)
        exec(code, module.__dict__)  # noqa: S102 - this is the import system's way to run a module


def _is_ours(module: types.ModuleType, scripts: Scripts) -> bool:
    loader = getattr(getattr(module, "__spec__", None), "loader", None)
    return isinstance(loader, _SourceLoader)


def _remember_lines(path: str, text: str) -> None:
    # No modification time: linecache then never looks for a file of that name.
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
