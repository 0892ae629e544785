"""The branch a folder is on, read from git's files."""

from __future__ import annotations

from pathlib import Path


def git_branch(folder: Path) -> str:
    """The branch's name, the first letters of a detached commit, or "" outside of git."""
    for parent in (folder, *folder.parents):
        marker = parent / ".git"
        try:
            if marker.is_file():
                target = marker.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
                marker = (parent / target).resolve()
            if not marker.is_dir():
                continue
            head = (marker / "HEAD").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref:") else head[:8]
    return ""
