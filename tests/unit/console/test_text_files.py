"""Reading and saving text files without losing anything."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from circuit_console.core import text_files
from circuit_console.core.text_files import digest_on_disk, read_text_file, write_text_file
from circuit_link.errors import UserFacingError


def test_line_ends_byte_order_mark_and_mode_survive_a_save(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(b"\xef\xbb\xbfx = 1\r\ny = '\xc3\xa9'\r\n")
    path.chmod(0o640)
    file = read_text_file(path)

    digest = write_text_file(path, file.text.replace("1", "2"), file.format)

    assert file.text == "x = 1\ny = 'é'\n"
    assert path.read_bytes() == b"\xef\xbb\xbfx = 2\r\ny = '\xc3\xa9'\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert digest == digest_on_disk(path)


def test_saving_through_a_link_changes_the_file_it_names(tmp_path: Path) -> None:
    target, link = tmp_path / "real.py", tmp_path / "link.py"
    target.write_text("old")
    link.symlink_to(target)

    write_text_file(link, "new", read_text_file(link).format)

    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(text_files.os, "fsync", full)
    with pytest.raises(UserFacingError) as caught:
        write_text_file(path, "new", read_text_file(path).format)

    assert caught.value.code == "DISK_FULL"
    assert "a.py" in caught.value.message
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.py"]


def test_a_file_that_is_not_text_is_refused_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"ab\xff")

    with pytest.raises(UserFacingError, match="byte 2 is 0xff"):
        read_text_file(path)
