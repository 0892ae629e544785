import os
import stat
import threading

import pytest

from circuit_link import host_address
from circuit_link.errors import UserFacingError
from circuit_link.host_address import dap_socket_path, host_socket_path, runtime_folder
from circuit_runtime.host.listener import Listener


@pytest.fixture
def runtime_dir(tmp_path_factory, monkeypatch):
    # Short: a socket's path has at most 107 bytes.
    folder = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def test_the_socket_is_the_owners_alone(runtime_dir, tmp_path):
    path = host_socket_path(tmp_path)
    listener = Listener(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    listener.close()
    assert not path.exists()


def test_a_stale_socket_is_taken_over(runtime_dir, tmp_path):
    path = host_socket_path(tmp_path)
    path.write_bytes(b"left behind")

    Listener(path).close()


def test_the_place_of_the_next_host_is_left_alone(runtime_dir, tmp_path):
    path = host_socket_path(tmp_path)
    first = Listener(path)
    second = Listener(path)

    first.close()

    assert path.exists()
    second.close()
    assert not path.exists()


def test_closing_wakes_the_thread_that_accepts(runtime_dir, tmp_path):
    listener = Listener(host_socket_path(tmp_path))
    accepted = []
    thread = threading.Thread(target=lambda: accepted.append(listener.accept()))
    thread.start()

    listener.close()
    thread.join(5)

    assert accepted == [None]


def test_the_names_of_projects_differ_and_are_short(runtime_dir, tmp_path):
    deep = tmp_path / ("long" * 50)
    paths = {host_socket_path(tmp_path), host_socket_path(deep), dap_socket_path(tmp_path)}

    assert len(paths) == 3
    assert all(len(os.fsencode(path)) <= host_address.MAX_SOCKET_PATH_BYTES for path in paths)


def test_a_runtime_folder_with_too_long_a_path_is_told(monkeypatch, tmp_path):
    folder = tmp_path / ("x" * 100)
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))

    with pytest.raises(UserFacingError) as caught:
        host_socket_path(tmp_path)

    assert caught.value.code == "SOCKET_PATH_TOO_LONG"


def test_without_a_runtime_folder_a_private_one_is_made(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(host_address.tempfile, "gettempdir", lambda: str(tmp_path))

    folder = runtime_folder()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_lets_others_in_is_refused(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(host_address.tempfile, "gettempdir", lambda: str(tmp_path))
    runtime_folder().chmod(0o755)

    with pytest.raises(UserFacingError) as caught:
        runtime_folder()

    assert caught.value.code == "RUNTIME_FOLDER_UNUSABLE"
