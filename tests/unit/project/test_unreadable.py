from pathlib import Path

import pytest

from circuit_link.bundle import read_files
from circuit_link.errors import UserFacingError


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "circuit.toml").write_text('[project]\nname = "P"\n')
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "a.py").write_text("x = 1\n")
    read_bytes = Path.read_bytes

    def refusing(path):
        if path.name == "a.py":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    # Root may read everything, so a mode would not do.
    monkeypatch.setattr(Path, "read_bytes", refusing)

    with pytest.raises(UserFacingError) as refused:
        read_files(tmp_path)

    assert (refused.value.code, refused.value.path) == ("FILE_NOT_READABLE", "classes/a.py")
    assert "Permission denied" in refused.value.message
