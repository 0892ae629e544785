"""A project whose state folder cannot be used is told, with what to do."""

import pytest

from circuit_link.client import connect_or_start
from circuit_link.errors import UserFacingError
from circuit_link.host_start import start_host, starter_lock


def test_a_state_folder_that_cannot_be_made_is_told(project):
    (project.root / ".circuit").write_text("a file in its place")

    with pytest.raises(UserFacingError) as refused:
        connect_or_start(project.root, client="test")

    assert refused.value.code == "STATE_FOLDER_UNUSABLE"
    assert str(project.root / ".circuit") in refused.value.message


def test_a_lock_that_cannot_be_written_is_told(project):
    (project.root / ".circuit" / "start.lock").mkdir(parents=True)

    with pytest.raises(UserFacingError) as refused, starter_lock(project.root):
        pass

    assert refused.value.code == "STATE_FOLDER_UNUSABLE"


def test_a_hosts_log_that_cannot_be_written_is_told(project):
    (project.root / ".circuit" / "host.log").mkdir(parents=True)

    with pytest.raises(UserFacingError) as refused:
        start_host(project.root)

    assert refused.value.code == "STATE_FOLDER_UNUSABLE"
