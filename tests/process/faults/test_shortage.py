"""A host short of descriptors, memory or disk says so, loses nothing, and goes on when there is some again."""

from __future__ import annotations

import resource
import socket
from pathlib import Path

import pytest

from circuit_console.core.text_files import read_text_file, write_text_file
from circuit_link.errors import UserFacingError
from circuit_link.host_address import host_socket_path

INSERT = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", {"zip": "1"})\n'
INSERT_MANY = """
from circuitos import CircuitDB
CircuitDB.insert("Area", [{"zip": str(n), "extra": {"text": str(n) * 300}} for n in range(5_000)])
"""


def works(host, client):
    result = host.run(client, INSERT)
    assert (result.outcome, result.committed) == ("success", True), result.error
    return True


# ------------------------------------------------------------------------------------------------ disk


def test_a_run_on_a_full_disk_is_refused_with_the_reason(new_host, small_disk):
    host = new_host(small_disk.path / "p")
    client = host.client()
    assert works(host, client)
    before = host.rows()
    small_disk.fill()

    with pytest.raises(UserFacingError) as refused:
        host.run(client, INSERT)

    assert refused.value.code == "LOG_NOT_WRITABLE"
    assert "No space left" in refused.value.message
    assert host.rows() == before
    assert client.query("SELECT COUNT() FROM Area").count == 1
    small_disk.free()
    assert works(host, client)


def test_a_disk_that_fills_up_within_a_transaction_keeps_nothing_of_it(new_host, small_disk):
    host = new_host(small_disk.path / "p")
    client = host.client()
    assert works(host, client)
    before = host.rows()
    small_disk.fill(but_bytes=400_000)

    result = host.run(client, INSERT_MANY)

    assert (result.outcome, result.committed) == ("error", False)
    assert result.error.type in ("DISK_FULL", "STORE_FAILED")
    assert "disk" in result.error.message
    assert result.error.line == 3
    assert host.rows() == before
    small_disk.free()
    assert works(host, client)


def test_a_script_that_swallows_a_full_disk_commits_no_part(new_host, small_disk):
    host = new_host(small_disk.path / "p")
    client = host.client()
    assert works(host, client)
    before = host.rows()
    small_disk.fill(but_bytes=400_000)

    result = host.run(
        client,
        f"{INSERT}\ntry:\n    {INSERT_MANY.strip().replace(chr(10), chr(10) + '    ')}\n"
        f"except BaseException:\n    pass\n{INSERT}",
    )

    assert not result.committed
    assert host.rows() == before


def test_a_log_that_fills_the_disk_ends_early_and_the_run_stands(new_host, small_disk):
    host = new_host(small_disk.path / "p")
    client = host.client()
    assert works(host, client)
    small_disk.fill(but_bytes=400_000)
    printed = []
    text = f"{INSERT}\nfrom circuitos import CircuitLog\nfor n in range(20):\n    CircuitLog.info('x' * 50_000)\n"

    result = host.run(client, text, lambda message: printed.append(getattr(message, "text", "")))

    assert (result.outcome, result.committed) == ("success", True), result.error
    assert "The log of this run ends early: No space left on device." in "".join(printed)
    log = client.read_log(result.run_id)
    assert log.text.startswith("65.0 ")
    assert len(host.rows()["o_area"]) == 2


def test_a_host_that_starts_on_a_full_disk_answers_and_works_once_there_is_space(new_host, small_disk):
    host = new_host(small_disk.path / "p")
    small_disk.fill()
    client = host.client()

    with pytest.raises(UserFacingError) as refused:
        host.run(client, INSERT)

    assert refused.value.code in ("DISK_FULL", "STORE_FAILED", "SYSTEM_REFUSED"), refused.value
    small_disk.free()
    assert works(host, client)


def test_saving_in_the_editor_on_a_full_disk_keeps_the_file(small_disk):
    path = small_disk.path / "classes.py"
    path.write_text("old = 1\n")
    small_disk.fill()

    with pytest.raises(UserFacingError) as refused:
        write_text_file(path, "new = 1\n" * 10_000, read_text_file(path).format)

    assert refused.value.code == "DISK_FULL"
    assert "Your text is kept in the editor" in refused.value.hint
    assert path.read_text() == "old = 1\n"
    assert {one.name for one in small_disk.path.iterdir()} == {"classes.py", "filler"}


def test_a_database_that_may_grow_no_further_keeps_nothing_of_the_transaction(host):
    client = host.client()
    assert works(host, client)
    before = host.rows()
    largest = (host.root / ".circuit" / "data.db").stat().st_size + 200_000
    resource.prlimit(client.attached.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    result = host.run(client, INSERT_MANY)

    assert (result.outcome, result.committed) == ("error", False)
    assert result.error.type in ("DISK_FULL", "STORE_FAILED")
    assert host.rows() == before
    resource.prlimit(client.attached.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert works(host, client)


# ------------------------------------------------------------------------------------------------ descriptors


def test_a_host_out_of_descriptors_serves_who_is_there_and_takes_others_later(host, outside):
    client = host.client()
    pid = client.attached.pid
    assert works(host, client)
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    most = max(int(one.name) for one in Path(f"/proc/{pid}/fd").iterdir()) + 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, hard))
    waiting = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(most)]
    for connection in waiting:
        connection.setblocking(False)
        connection.connect_ex(str(host_socket_path(host.root)))
    log = host.root / ".circuit" / "host.log"
    outside.wait_until(lambda: "no connection can be taken" in log.read_text("utf-8"))

    failures = []
    for _ in range(3):
        try:
            result = host.run(client, INSERT)
        except UserFacingError as exc:
            failures.append((exc.code, exc.message))
        else:
            failures.append((result.error.type, result.error.message))
    for connection in waiting:
        connection.close()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))

    for code, message in failures:
        assert code != "INTERNAL_ERROR", message
        assert "Too many open files" in message or "descriptors" in message or "opened" in message, message
    assert works(host, client)
    assert works(host, host.client())


# ------------------------------------------------------------------------------------------------ memory

HOARD = """
import os, struct, time
from circuit_link import wire

records = wire.in_columns([{"zip": "1" * 7_000_000}])
part = wire.encode(wire.Dml(id=1, operation="insert", object_name="Area", records=records, more=True))
for _ in range(8):
    view = memoryview(struct.pack(">I", len(part)) + part)
    while view:
        try:
            view = view[os.write(3, view):]
        except BlockingIOError:
            time.sleep(0.001)
time.sleep(60)
"""


def test_a_host_out_of_memory_ends_the_run_that_wants_it_and_serves_the_others(host):
    client = host.client()
    pid = client.attached.pid
    assert works(host, client)
    before = host.rows()
    data_kb = next(
        int(line.split()[1])
        for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        if line.startswith("VmData:")
    )
    old = resource.prlimit(pid, resource.RLIMIT_DATA, (data_kb * 1024 + 45_000_000, resource.RLIM_INFINITY))

    result = host.run(client, HOARD)

    assert (result.outcome, result.committed) == ("error", False), result.error
    assert result.error.type == "OUT_OF_MEMORY"
    assert host.rows() == before
    assert works(host, client)
    resource.prlimit(pid, resource.RLIMIT_DATA, old)
    assert works(host, host.client())
