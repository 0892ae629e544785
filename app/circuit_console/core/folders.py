"""Where the console keeps what is its own: settings, sessions, snapshots, the sample's copy."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import platformdirs

_NAME = "circuit-console"


class Folders(msgspec.Struct, frozen=True):
    """`state` holds what can be lost, `data` what the user works on. Made where they are needed."""

    state: Path
    data: Path

    @property
    def settings_file(self) -> Path:
        return self.state / "settings.json"

    @property
    def crash_log(self) -> Path:
        return self.state / "crash.log"

    def project_state(self, project_root: Path) -> Path:
        """A folder for one project, named after a digest of its path."""
        digest = hashlib.sha256(os.fsencode(project_root.resolve())).hexdigest()[:16]
        return self.state / "projects" / f"{project_root.name}-{digest}"


def user_folders() -> Folders:
    return Folders(
        state=Path(platformdirs.user_state_dir(_NAME, appauthor=False)),
        data=Path(platformdirs.user_data_dir(_NAME, appauthor=False)),
    )
