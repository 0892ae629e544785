"""Messages of every type with values nobody would send: each is answered, and none is a fault of the host's."""

from __future__ import annotations

import datetime as dt
import os
import random
import socket
import threading
from decimal import Decimal

import pytest

from circuit_link import wire
from circuit_link.framing import ConnectionEnded, FrameSocket
from circuit_runtime.sandbox.worker import WorkerExit

MESSAGES = 24
TEXTS = (
    "", "id", "zip", "Area", "o_area", "x" * 300, "\x00", "é", "income", "share", "extra", "seen", "owner",
    "created_at", "is_deleted", "__proto__", "1e400", "nan", "2024-01-01", "2024-13-45", "Contact", "User", "Task",
    "last_name", "email", "a@b.c", "account", "who", "master", "name", "a0X000000000001AAA", "003000000000001AAA",
)  # fmt: skip
QUERIES = (
    "SELECT id FROM Area",
    "SELECT zip, extra FROM Area WHERE zip = :a",
    "SELECT COUNT() FROM Area",
    "FIND {a} IN ALL FIELDS RETURNING Area",
    "SELECT id FROM Area ORDER BY income LIMIT :a OFFSET :b",
    "SELECT id FROM Area WHERE id IN :a FOR UPDATE",
    "SELECT MAX(income) m FROM Area GROUP BY zip HAVING COUNT(id) > :a",
    "SELECT id FROM Area WHERE share > :a AND seen = :b",
    "SELECT id FROM Area WHERE zip LIKE :a",
    "SELECT id FROM Contact WHERE tags INCLUDES (:a)",
    "SELECT id, (SELECT id FROM contacts) FROM Account WHERE created_at < :a",
)
SCALARS = (
    None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**64 - 1, 0.5, float("nan"), float("inf"), -1e308, b"",
    dt.datetime(1, 1, 1, tzinfo=dt.UTC), dt.datetime(9999, 12, 31, tzinfo=dt.UTC), dt.date(1, 1, 1), dt.time(1),
    Decimal("1.5"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1E+300"),
)  # fmt: skip
DML = ("insert", "update", "upsert", "delete", "undelete", "merge", "empty_recycle_bin")
CONTROLS = ("start", "stop", "run_as", "run_as_end", "set_time", "search_results", "setup_done")


class Liar:
    """A worker of this process, at the other end of a real socket."""

    debug_socket = None

    def __init__(self, chance: random.Random) -> None:
        self.pid = os.getpid()
        ours, theirs = socket.socketpair()
        self.socket = FrameSocket(ours)
        self._end = FrameSocket(theirs)
        self._chance = chance
        self._ids = ["x"]
        self.sent = 0
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self._thread.join()
        self._end.close()

    def mark_baseline(self): ...

    def cpu_ns(self):
        return 0

    def heap_bytes(self):
        return 0

    def capture_line(self):
        return None

    def kill(self): ...

    def wait(self, _timeout_s=None):
        return WorkerExit(code=0)

    def _speak(self):
        try:
            self._say(wire.Hello(version=wire.PROTOCOL_VERSION, pid=1, python="3"))
            self._hear()
            self._say(wire.Log(entries=[]))
            for number in range(1, MESSAGES + 1):
                self._ask(self._request(number))
                self.sent = number
            self._say(wire.Done())
        except ConnectionEnded:
            pass

    def _ask(self, request):
        self._say(request)
        while isinstance(answer := self._hear(), wire.Call):
            self._say(self._return(answer))
        if isinstance(answer, wire.Reply) and isinstance(request, wire.Dml):
            self._ids += [each for each in wire.decode_reply(answer.value, wire.Saved).ids if each]

    def _say(self, message):
        self._end.send(wire.encode(message))

    def _hear(self):
        return wire.decode_from_host(self._end.receive())

    def _request(self, number):
        pick, text = self._chance.choice, self._text
        place = {"id": number, "path": text(), "line": self._chance.randrange(9)}
        match self._chance.randrange(16):
            case 0 | 1 | 2 | 3 | 4 | 5 | 6:
                return wire.Dml(
                    **place,
                    operation=pick(DML),
                    object_name=pick(("Area", "Area", "Area", "Contact", "Task", "User", text())),
                    records=wire.in_columns(self._record() for _ in range(self._chance.randrange(5))),
                    all_or_none=pick((True, False)),
                    external_id=pick((None, "id", "ghl_id", text())),
                )
            case 7 | 8 | 9:
                binds = {name: self._value() for name in "abc" if self._chance.random() < 0.7}
                kind = pick(("query", "count", "search", "locator"))
                return wire.Query(**place, text=pick(QUERIES), binds=binds, kind=kind)
            case 10:
                return wire.Savepoint(**place)
            case 11:
                kind = pick((wire.Rollback, wire.Release))
                return kind(**place, savepoint=self._chance.randrange(-1, 6))
            case 12:
                return wire.TestControl(**place, action=pick(CONTROLS), value=self._value())
            case 13:
                url, timeout_ms = pick((text(), "http://x/")), pick((0, 1, -1, 10**9))
                return wire.Callout(
                    **place, method=pick(("GET", text())), url=url, headers={text(): text()}, timeout_ms=timeout_ms
                )
            case 14:
                return pick((wire.Fetch(**place, cursor=self._chance.randrange(5)), wire.Usage(**place)))
            case _:
                return pick(
                    (wire.Secret(**place, name=text()), wire.MockedCallout(**place, method="GET", url=text()))
                )

    def _return(self, call):
        index = self._chance.randrange(max(call.size, 1))
        changes, errors = [], []
        if call.event in ("beforeInsert", "beforeUpdate"):
            changes = [wire.RecordChange(index=index, values={self._text(): self._value()})]
        if self._chance.random() < 0.3:
            errors = [wire.RecordError(index=index, message=self._text(), field=self._text())]
        error = wire.ScriptError(type="X", message="m") if self._chance.random() < 0.1 else None
        return wire.Return(id=call.id, changes=changes, errors=errors, error=error)

    def _record(self):
        record = {self._text(): self._value() for _ in range(self._chance.randrange(4))}
        if self._chance.random() < 0.7:
            record["zip"] = self._chance.choice(("1", "2", self._value()))
        if self._chance.random() < 0.5:
            record["id"] = self._chance.choice(self._ids)
        return record

    def _value(self, depth=0):
        match self._chance.randrange(10 if depth < 3 else 8):
            case 0 | 1 | 2:
                return self._text()
            case 3:
                return self._chance.choice(self._ids)
            case 8:
                return [self._value(depth + 1) for _ in range(self._chance.randrange(4))]
            case 9:
                return {self._text(): self._value(depth + 1) for _ in range(self._chance.randrange(4))}
            case _:
                return wire.pack(self._chance.choice(SCALARS))

    def _text(self):
        return self._chance.choice(TEXTS)


class LiarPool:
    def __init__(self, chance):
        self._chance = chance
        self.workers = []

    def acquire(self, _limits, **_kind):
        self.workers.append(Liar(self._chance))
        return self.workers[-1]


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 8])
def test_every_message_is_answered_whatever_it_holds(bench, pool, seed):
    bench.close()
    bench.pool = LiarPool(random.Random(seed))
    bench.limits(queries=1_000, dml_statements=1_000)

    for number in range(20):
        entry = wire.TestEntry(path="t.py", class_name="A", method="b") if number % 7 == 0 else None
        result = bench.run("", entry=entry)

        assert (result.outcome, result.error) == ("success", None)
        assert bench.pool.workers[-1].sent == MESSAGES
