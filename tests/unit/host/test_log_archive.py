import datetime as dt

import pytest

from circuit_link.errors import UserFacingError
from circuit_log.apex_reader import read_log
from circuit_log.events import CodeUnitStarted, ExecutionFinished, ExecutionStarted, UserDebug
from circuit_log.levels import Level, LogLevels
from circuit_runtime.host import log_archive
from circuit_runtime.host.log_archive import LogArchive

NOW = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
EVENTS = (
    ExecutionStarted(seq=0, ns=0),
    CodeUnitStarted(seq=1, ns=10, name="execute_anonymous_apex"),
    UserDebug(seq=2, ns=20, path="a.py", line=3, level=Level.DEBUG, text="Ärger | more"),
    ExecutionFinished(seq=3, ns=30),
)


@pytest.fixture
def archive(tmp_path):
    return LogArchive(tmp_path / "logs", max_runs=3, max_total_bytes=1_000_000)


def begin(archive, run_id, entry="scripts/a.py"):
    return archive.open(run_id, started_at=NOW, entry=entry, levels=LogLevels())


def store(archive, run_id, events=EVENTS, entry="scripts/a.py"):
    log = begin(archive, run_id, entry)
    log.write(events)
    return log.finish("success", 12.5)


def test_a_stored_run_gives_back_its_text_and_its_events(archive):
    store(archive, "r1")

    parts = list(archive.read("r1", request=7))

    assert [part.request for part in parts] == [7, 7]
    assert parts[0].text == archive.path("r1").read_text("utf-8")
    assert "USER_DEBUG|[3]|DEBUG|Ärger | more" in parts[0].text
    assert parts[1].events == EVENTS


def test_the_text_is_a_log_that_the_reader_understands(archive):
    store(archive, "r1")

    log = read_log(archive.path("r1").read_bytes())

    assert not log.parse_errors
    assert log.name(0) == "EXECUTION_STARTED"


def test_runs_are_listed_newest_first(archive):
    first, second = store(archive, "r1"), store(archive, "r2")

    assert archive.list() == (second, first)
    assert (first.outcome, first.duration_ms, first.entry) == ("success", 12.5, "scripts/a.py")
    assert first.bytes == archive.path("r1").stat().st_size


@pytest.mark.parametrize(
    ("text", "found"), [("ÄRGER", ["r1"]), ("SCRIPTS/B", ["r2"]), ("success", ["r2", "r1"]), ("x!", [])]
)
def test_runs_are_found_by_text_entry_and_outcome(archive, text, found):
    store(archive, "r1")
    store(archive, "r2", events=(), entry="scripts/b.py")

    assert [item.id for item in archive.list(text)] == found


def test_a_run_that_a_dead_host_left_counts_as_killed(archive):
    begin(archive, "r1").abandon()

    archive.close_abandoned()

    assert [item.outcome for item in archive.list()] == ["killed"]


def test_events_that_a_dead_host_cut_short_are_left_out(archive, tmp_path):
    log = begin(archive, "r1")
    log.write(EVENTS[:2])
    log.write(EVENTS[2:])
    log.abandon()
    frames = tmp_path / "logs" / "r1.events"
    frames.write_bytes(frames.read_bytes()[:-3])

    parts = list(archive.read("r1", 1))

    assert tuple(event for part in parts for event in part.events) == EVENTS[:2]


def test_only_the_newest_runs_are_kept_and_running_ones_always(archive, tmp_path):
    begin(archive, "r0").abandon()
    for number in range(1, 6):
        store(archive, f"r{number}")

    archive.prune()

    assert [item.id for item in archive.list()] == ["r5", "r4", "r3", "r0"]
    assert not list((tmp_path / "logs").glob("r1.*"))


def test_runs_beyond_the_bytes_are_removed_but_never_the_newest(tmp_path):
    archive = LogArchive(tmp_path, max_total_bytes=1)
    for number in range(3):
        store(archive, f"r{number}")

    archive.prune()

    assert [item.id for item in archive.list()] == ["r2"]


def test_a_long_log_is_read_in_parts(archive, monkeypatch):
    monkeypatch.setattr(log_archive, "_PART_BYTES", 400)
    log = begin(archive, "r1")
    for event in EVENTS:
        log.write([event])
    log.finish("success", 1.0)

    parts = list(archive.read("r1", 1))

    assert len(parts) > 2
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    assert "".join(part.text for part in parts) == archive.path("r1").read_text("utf-8")
    assert tuple(event for part in parts for event in part.events) == EVENTS


def test_l06_a_log_that_is_too_long_keeps_its_beginning_and_its_end(archive, monkeypatch):
    monkeypatch.setattr(log_archive, "MAX_TEXT_BYTES", 700)
    monkeypatch.setattr(log_archive, "_TAIL_BYTES", 300)
    log = begin(archive, "r1")
    for number in range(100):
        text = f"message {number}" + ("x" * 400 if number == 98 else "")
        log.write([UserDebug(seq=number, ns=number, path="a.py", line=3, level=Level.DEBUG, text=text)])
    summary = log.finish("success", 1.0)

    read = read_log(archive.path("r1").read_bytes())

    assert read.is_truncated
    assert read.parse_errors == []
    assert read.row_text(0).endswith("message 0")
    assert read.row_text(len(read) - 1).endswith("message 99")
    assert summary.bytes == archive.path("r1").stat().st_size < 900
    assert "MAXIMUM DEBUG LOG SIZE REACHED" in read.text
    assert "*** Skipped " in read.text
    assert len([event for part in archive.read("r1", 1) for event in part.events]) == 100


def test_a_log_just_below_the_limit_is_whole_and_unmarked(archive, monkeypatch):
    monkeypatch.setattr(log_archive, "MAX_TEXT_BYTES", 700)
    monkeypatch.setattr(log_archive, "_TAIL_BYTES", 400)
    store(archive, "r1")

    read = read_log(archive.path("r1").read_bytes())

    assert (len(read), read.is_truncated) == (len(EVENTS), False)


@pytest.mark.parametrize("log_id", ["none", "../data", "/etc/passwd", ""])
def test_an_unknown_log_is_refused(archive, log_id):
    with pytest.raises(UserFacingError) as caught:
        list(archive.read(log_id, 1))

    assert caught.value.code == "LOG_NOT_FOUND"
