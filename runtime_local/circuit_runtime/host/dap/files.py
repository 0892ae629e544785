"""Files as the client names them and as the runtime does, and the texts that a run was started with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from circuit_link.errors import UserFacingError
from circuit_runtime.host.dap.connection import Refused
from circuit_runtime.host.dap.launch import relative_path
from circuit_runtime.project.project import Project


class ClientFiles:
    """Paths and lines in the client's manner.

    Attributes:
        program: the launched file, as the runtime names it; "" where none was.
        running: texts of the project's scripts as the run has them; empty while nothing runs.
    """

    def __init__(self, root: Path, project: Callable[[], Project]) -> None:
        self._root = root
        self._project = project
        self._first_line = 1
        self._first_column = 1
        self._uses_uris = False
        self.program = ""
        self.running: Mapping[str, str] = {}

    def agree(self, arguments: dict[str, Any]) -> None:
        """Take over the client's manner from `initialize`."""
        self._first_line = 0 if arguments.get("linesStartAt1") is False else 1
        self._first_column = 0 if arguments.get("columnsStartAt1") is False else 1
        self._uses_uris = arguments.get("pathFormat") == "uri"

    def line_in(self, line: Any) -> int:
        """1-based. Raises: TypeError, ValueError."""
        return int(line) + 1 - self._first_line

    def line_out(self, line: int) -> int:
        return line - 1 + self._first_line if line else 0

    def column_in(self, column: Any) -> int:
        return int(column) + 1 - self._first_column

    def column_out(self, column: int) -> int:
        return column - 1 + self._first_column

    def path_in(self, source: Any) -> str:
        """The runtime's name of a client's source. Raises: Refused."""
        text = str((source or {}).get("path") or "")
        if not text:
            raise Refused("The source has no path.")
        if self._uses_uris or text.startswith("file:"):
            text = unquote(urlsplit(text).path)
        return relative_path(text, self._root)

    def source_out(self, path: str) -> dict[str, Any]:
        absolute = Path(path) if Path(path).is_absolute() else self._root / path
        source = {"name": absolute.name, "path": absolute.as_uri() if self._uses_uris else str(absolute)}
        text = self.running.get(path)
        if text is not None:
            # Tells the client whether its file is still what runs.
            digest = hashlib.sha256(text.encode()).hexdigest()
            return {**source, "checksums": [{"algorithm": "SHA256", "checksum": digest}]}
        return source

    def text(self, path: str) -> str:
        """What runs, or would run. Raises: Refused."""
        return self.running[path] if path in self.running else self.text_on_disk(path)

    def text_on_disk(self, path: str) -> str:
        """Raises: Refused."""
        try:
            return (self._root / path).read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise Refused(f"{path} cannot be read: {exc}") from exc

    def is_changed(self, path: str) -> bool:
        """Whether the file is no longer what the run was started with."""
        if path not in self.running:
            return False
        try:
            return self.text_on_disk(path) != self.running[path]
        except Refused:
            return True

    def scripts(self) -> dict[str, str]:
        """The texts of the project's scripts and of the launched file; empty for a project that does not load."""
        try:
            texts = {source.path: source.text for source in self._project().sources}
        except UserFacingError:
            return {}
        if self.program and self.program not in texts:
            try:
                texts[self.program] = self.text_on_disk(self.program)
            except Refused:
                pass
        return texts

    # ------------------------------------------------------------------------------------- requests

    def source(self, arguments: dict[str, Any]) -> dict[str, Any]:
        path = self.path_in(arguments.get("source"))
        if not path.endswith(".py") and path != self.program:
            raise Refused(f"{path} is no script.")
        return {"content": self.text(path), "mimeType": "text/x-python"}

    def loaded(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        return {"sources": [self.source_out(path) for path in self.running or self.scripts()]}

    def modules(self, arguments: dict[str, Any]) -> dict[str, Any]:
        paths = list(self.running or self.scripts())
        start, count = int(arguments.get("startModule") or 0), int(arguments.get("moduleCount") or 0)
        modules = [
            {
                "id": path,
                "name": path.removesuffix(".py").replace("/", ".").lstrip("."),
                "path": str(self._root / path),
                "isUserCode": True,
            }
            for path in paths[start : start + count if count else None]
        ]
        return {"modules": modules, "totalModules": len(paths)}
