"""Real host processes: their start, their end, and what is left when they are killed."""

import shutil
import subprocess
import sys
import threading

import pytest

import circuit_link.host_protocol as hp
from circuit_link.client import HostGone, connect
from circuit_link.errors import UserFacingError
from circuit_link.host_address import host_socket_path

INSERT = 'from circuitos import CircuitDB\nCircuitDB.insert("Area", [{"zip": "2", "income": 3}])\n'
ENDLESS = INSERT + 'print("runs")\n\nwhile True:\n    pass\n'


def test_what_a_run_writes_stays_only_if_it_is_committed(project):
    client = project.connect()

    rolled_back = project.exec(client, INSERT)
    assert (rolled_back.outcome, rolled_back.committed) == ("success", False)
    assert project.areas() == [("10019", 87450)]

    committed = project.exec(client, INSERT, commit=True)
    assert (committed.outcome, committed.committed) == ("success", True)
    assert project.areas() == [("10019", 87450), ("2", 6)]
    assert [(record.object, record.operation) for record in committed.records] == [("Area", "insert")]


def test_the_result_carries_output_error_and_log(project):
    client = project.connect()

    result = project.exec(client, "print('hi')\n\n1 / 0\n")

    assert (result.outcome, result.exit_code, result.stdout) == ("error", 1, "hi\n")
    assert (result.error.type, result.error.file, result.error.line) == ("ZeroDivisionError", "scripts/a.py", 3)
    assert "circuit_runtime" not in result.error.traceback
    log = client.read_log(result.run_id)
    assert "FATAL_ERROR|ZeroDivisionError" in log.text
    assert [event.seq for event in log.events] == list(range(len(log.events)))
    (summary,) = client.list_logs()
    assert (summary.id, summary.outcome) == (result.run_id, "error")


def test_clients_that_start_at_once_share_one_host(project):
    clients = []
    threads = [threading.Thread(target=lambda: clients.append(project.connect())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(clients) == 5
    assert len({client.attached.pid for client in clients}) == 1


def test_a_killed_host_leaves_the_data_as_before_and_the_next_client_goes_on(project, kill, await_end, worker_pid):
    client = project.connect()
    project.exec(client, INSERT, commit=True)
    before = project.rows()
    project.start(client, ENDLESS, commit=True)
    project.await_output(client, "runs")
    worker = worker_pid(client.attached.pid)

    kill(client.attached.pid)

    with pytest.raises(HostGone):
        list(client.messages())
    await_end(worker)
    assert project.rows() == before
    again = project.connect()
    assert again.attached.pid != client.attached.pid
    assert project.rows() == before
    assert [log.outcome for log in again.list_logs()] == ["killed", "success"]
    assert project.exec(again, INSERT, commit=True).outcome == "success"
    assert len(project.areas()) == 3


def test_a_killed_worker_rolls_back_and_the_host_goes_on(project, kill, worker_pid):
    client = project.connect()
    project.exec(client, "pass")
    before = project.rows()
    number, _ = project.start(client, ENDLESS, commit=True)
    project.await_output(client, "runs")
    kill(worker_pid(client.attached.pid))

    result = project.await_message(client, hp.RunFinished, lambda message: message.request == number).result

    assert (result.outcome, result.committed) == ("killed", False)
    assert project.rows() == before
    assert project.exec(client, INSERT).outcome == "success"


def test_a_run_is_stopped_in_its_line(project):
    client = project.connect()
    number, run_id = project.start(client, ENDLESS, commit=True)
    project.await_output(client, "runs")

    client.stop_run(run_id)

    result = project.await_message(client, hp.RunFinished, lambda message: message.request == number).result
    assert result.outcome == "killed"
    assert (result.error.file, result.error.line) in {("scripts/a.py", 5), ("scripts/a.py", 6)}
    assert project.areas() == [("10019", 87450)]


def test_a_run_ends_when_the_client_that_started_it_leaves(project):
    client, watcher = project.connect(), project.connect(subscribe=True)
    project.start(client, ENDLESS, commit=True)

    client.close()

    result = project.await_message(watcher, hp.RunFinished).result
    assert result.outcome == "killed"
    assert project.areas() == [("10019", 87450)]


def test_a_subscriber_sees_the_runs_of_others_in_order(project):
    watcher, client = project.connect(subscribe=True), project.connect()

    result = project.exec(client, "print('hi')\n" + INSERT)

    seen = []
    for message in watcher.messages():
        seen.append(message)
        if isinstance(message, hp.RunFinished):
            break
    assert isinstance(seen[0], hp.RunStarted)
    assert {message.run_id for message in seen} == {result.run_id}
    assert seen[0].request is None
    events = [event for message in seen if isinstance(message, hp.EventsEmitted) for event in message.events]
    assert [event.seq for event in events] == list(range(len(events)))
    assert {type(event).__name__ for event in events} >= {"ExecutionStarted", "DmlBegin", "LimitChanged"}
    assert [message.text for message in seen if isinstance(message, hp.OutputEmitted)] == ["hi\n"]


def test_the_host_ends_when_the_last_client_has_left(project, await_end):
    host = subprocess.Popen(
        [sys.executable, "-m", "circuit_runtime.host", "--project", str(project.root), "--grace", "0.3"],
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in host.stderr:
        if "serving" in line:
            break

    client = connect(project.root, client="test")
    assert project.exec(client, "pass").outcome == "success"
    client.close()

    assert host.wait(20) == 0
    assert not host_socket_path(project.root).exists()
    host.stderr.close()


def test_a_second_host_of_a_project_leaves_it_to_the_first(project, monkeypatch):
    client = project.connect()

    second = subprocess.run(
        [sys.executable, "-c", SECOND_HOST, str(project.root)], capture_output=True, text=True, timeout=60
    )

    assert (second.returncode, second.stdout) == (0, "")
    assert project.exec(client, "pass").outcome == "success"


SECOND_HOST = """
import sys, threading
from pathlib import Path
from circuit_runtime.host import process
process._LOCK_TIMEOUT_S = 0.2
sys.exit(process.HostProcess(Path(sys.argv[1]), None, 1.0).run(threading.Event()))
"""


def test_a_terminated_host_cleans_up(project, terminate):
    client = project.connect()
    project.start(client, ENDLESS)

    terminate(client.attached.pid)

    assert not host_socket_path(project.root).exists()
    assert project.areas() == [("10019", 87450)]


def test_a_stale_socket_and_lock_are_no_obstacle(project):
    (project.root / ".circuit").mkdir()
    (project.root / ".circuit" / "host.lock").write_text("left behind")
    host_socket_path(project.root).write_text("left behind")

    assert project.exec(project.connect(), "pass").outcome == "success"


@pytest.mark.parametrize(
    ("path", "text", "code", "line"),
    [
        ("circuit.toml", '[project]\nname = "A"\nshoe_size = 3\n', "SETTINGS_INVALID", 3),
        ("circuit.toml", '[project\nname = "A"\n', "SETTINGS_INVALID", 1),
        ("triggers/area_trigger.py", "import os\n\ndef broken(:\n", "PROJECT_BROKEN", 3),
    ],
)
def test_a_broken_project_is_told_with_file_and_line(project, path, text, code, line):
    client = project.connect()
    project.write(path, text)

    with pytest.raises(UserFacingError) as caught:
        project.exec(client, INSERT)

    assert (caught.value.code, caught.value.path, caught.value.line) == (code, path, line)
    assert "Traceback" not in caught.value.message


def test_a_project_made_anew_at_its_place_gets_a_host_of_its_own(project, await_end):
    first = project.connect()
    project.exec(first, INSERT, commit=True)
    shutil.rmtree(project.root / ".circuit")

    second = project.connect()

    assert second.attached.pid != first.attached.pid
    assert project.exec(second, INSERT, commit=True).outcome == "success"
    await_end(first.attached.pid)
    assert project.exec(project.connect(), "print(1)").outcome == "success"


def test_a_seed_that_does_not_fit_is_told_and_leaves_no_database(project):
    project.write("seed/Area.csv", "zip,income\n1,many\n")
    client = project.connect()

    with pytest.raises(UserFacingError) as caught:
        project.exec(client, INSERT)

    assert (caught.value.path, caught.value.line) == ("seed/Area.csv", 2)
    project.write("seed/Area.csv", "zip,income\n1,5\n")
    assert project.exec(client, "pass").outcome == "success"
    assert project.areas() == [("1", 5)]


def test_a_changed_file_counts_at_the_next_run(project):
    client = project.connect()
    project.exec(client, INSERT, commit=True)

    project.write(
        "triggers/area_trigger.py", (project.root / "triggers/area_trigger.py").read_text().replace("2", "7")
    )
    project.write(
        "objects/Area.toml", (project.root / "objects/Area.toml").read_text() + '[fields.note]\ntype = "text"\n'
    )
    result = project.exec(client, INSERT.replace('"income"', '"note": "n", "income"'), commit=True)

    assert result.outcome == "success", result.error
    assert project.column_rows("income", "note")[1:] == [
        (project.column_rows("income")[1][0], 6, None),
        (project.column_rows("income")[2][0], 21, "n"),
    ]


def test_a_reset_keeps_a_copy_and_loads_the_seeds_again(project):
    client = project.connect()
    project.exec(client, INSERT, commit=True)

    client.reset_data()

    assert project.areas() == [("10019", 87450)]
    (copy,) = (project.root / ".circuit" / "backups").glob("*.db")
    assert copy.stat().st_size > 0
    assert project.exec(client, INSERT, commit=True).outcome == "success"


def test_a_reset_is_refused_while_something_runs(project):
    client = project.connect()
    project.start(client, ENDLESS)

    with pytest.raises(UserFacingError) as caught:
        client.reset_data()

    assert caught.value.code == "DATA_IN_USE"


def test_the_project_is_described(project):
    client = project.connect()

    description = client.describe()

    assert description.name == "Areas"
    area = next(item for item in description.objects if item.name == "Area")
    assert {field.name for field in area.fields} >= {"id", "zip", "income", "created_at"}
    assert [(item.class_name, item.object_name) for item in description.triggers] == [("AreaTrigger", "Area")]
    assert len(description.tests) == 5
    assert description.problems == ()


def test_the_doctor_probes_a_real_worker(project):
    report = project.connect().diagnose()

    assert report.guarantees
    assert report.versions["python"]


def test_edited_records_are_saved_with_their_triggers(project):
    client = project.connect()
    record_id = project.exec(client, INSERT, commit=True).records[0].id

    result = client.save_records("Area", [{"id": record_id, "zip": "9"}, {"zip": "8", "income": 1}])

    assert (result.outcome, result.committed) == ("success", True)
    assert project.areas() == [("10019", 87450), ("9", 6), ("8", 2)]


def test_runs_at_the_same_time_keep_their_own_results(project):
    client = project.connect()
    numbers = {}
    for value in range(4):
        number = client.next_request()
        entry = hp.ExecEntry(path="a.py", text=f"print({value})")
        client.send(hp.StartRun(request=number, run=hp.RunRequest(entry=entry)))
        numbers[number] = f"{value}\n"

    results = {}
    for message in client.messages():
        if isinstance(message, hp.RunFinished):
            results[message.request] = message.result.stdout
        if len(results) == len(numbers):
            break

    assert results == numbers


def test_a_runs_clock_starts_where_it_is_told(project):
    import datetime as dt

    text = "from circuitos import CircuitScript\nprint(CircuitScript.now().isoformat()[:16])"
    now = dt.datetime(2025, 11, 13, 17, 45, tzinfo=dt.UTC)

    result = project.exec(project.connect(), text, now=now)

    assert result.stdout == "2025-11-13T17:45\n"
