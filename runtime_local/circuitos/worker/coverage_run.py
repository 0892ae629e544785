"""Line coverage of the user's code by coverage.py, in memory only."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from circuitos.worker.executable_lines import executable_lines

if TYPE_CHECKING:
    import coverage


# Without any pattern coverage.py would measure every file.
_NO_FILE = "/no-such-file.py"
_WARNINGS = ("no-data-collected", "module-not-imported", "module-not-measured", "include-ignored")


class CoverageRun:
    """Collects executed lines between `start` and `report`."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """`texts` are the sources by path; files in `tests/` are left out."""
        self._texts = {path: text for path, text in texts.items() if not path.startswith("tests/")}
        # Imported here, where the worker's baseline is yet to be taken: it is megabytes that no script asked for.
        import coverage

        self._collector = functools.partial(
            coverage.Coverage,
            data_file=None,
            config_file=False,
            include=[*self._texts, _NO_FILE],
            messages=False,
            check_preimported=False,
        )
        self._coverage: coverage.Coverage | None = None

    def start(self) -> None:
        """Begin to collect, with nothing collected so far."""
        self.stop()
        self._coverage = self._collector()
        # They are warnings for a person who runs coverage, and would stand in the script's stderr.
        self._coverage.set_option("run:disable_warnings", list(_WARNINGS))
        self._coverage.start()

    def stop(self) -> None:
        if self._coverage is not None:
            self._coverage.stop()

    def report(self) -> dict[str, tuple[list[int], list[int]]]:
        """Stop, and return for every file its executable and its executed lines, both ascending."""
        self.stop()
        executed = self._executed()
        result = {}
        for path, text in self._texts.items():
            lines = executable_lines(text, path)
            result[path] = (sorted(lines), sorted(lines & executed.get(path, set())))
        return result

    def _executed(self) -> dict[str, set[int]]:
        if self._coverage is None:
            return {}
        data = self._coverage.get_data()
        found: dict[str, set[int]] = {}
        for file in data.measured_files():
            path = next((path for path in self._texts if file == path or file.endswith(f"/{path}")), None)
            if path is not None:
                found.setdefault(path, set()).update(data.lines(file) or ())
        return found
