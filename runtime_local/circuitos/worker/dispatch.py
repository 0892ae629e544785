"""Runs triggers for the host: builds their Records and context, calls the handlers, reports what they changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from circuit_link import wire
from circuitos.api import records
from circuitos.api.exceptions import GovernorLimitException, RecordException
from circuitos.api.records import ErrorSink, Record
from circuitos.api.triggers import CircuitTrigger, TriggerContext
from circuitos.api.values import to_wire
from circuitos.worker import awaiting, tracebacks
from circuitos.worker.channel import FailedAssertion
from circuitos.worker.transaction import Transaction


class TriggerDispatch:
    """Serves the `Call`s of one transaction. A handler class has one instance per transaction.

    `on_uncaught` is told of an exception that leaves a trigger, before it is reported.
    """

    def __init__(self, transaction: Transaction, on_uncaught: Callable[[BaseException], None]) -> None:
        self._transaction = transaction
        self._on_uncaught = on_uncaught
        self._handlers: dict[tuple[str, str], CircuitTrigger] = {}

    def forget_handlers(self) -> None:
        """Let the next call make new instances, from modules that were loaded anew."""
        self._handlers.clear()

    def serve(self, call: wire.Call) -> wire.Return:
        """Run the call's triggers in order on the same Records. What they logged is sent before the answer."""
        result = self._run(call)
        self._transaction.journal.flush()
        return result

    def _run(self, call: wire.Call) -> wire.Return:
        sink = ErrorSink()
        try:
            context = self._context(call)
            sink.own(context.new_records, context.old_records)
            for trigger in call.triggers:
                handler = self._handler(trigger)
                awaiting.finish(getattr(handler, trigger.method)(context))
            changes = _changes(context) if context.is_before and context.new_records else []
        except GovernorLimitException:
            raise
        except AssertionError as exc:
            self._on_uncaught(exc)
            end = FailedAssertion(exc)
            self._transaction.channel.end_by(end)
            raise end from exc
        except BaseException as exc:  # noqa: BLE001 - also SystemExit ends the trigger, not the worker
            self._on_uncaught(exc)
            return wire.Return(id=call.id, errors=sink.errors, error=self._failed(exc))
        finally:
            sink.is_running = False
        return wire.Return(id=call.id, changes=changes, errors=sink.errors)

    def _context(self, call: wire.Call) -> TriggerContext:
        new = self._full_rows(call.object_name, call.new)
        old = self._full_rows(call.object_name, call.old)
        if new is not None and call.event.startswith("after"):
            records.make_read_only(new)
        if old is not None:
            records.make_read_only(old)
        return TriggerContext(call.event, call.object_name, new, old)

    def _full_rows(self, object_name: str, block: wire.RowBlock | None) -> list[Record] | None:
        if block is None:
            return None
        layout = records.layout_of_block(block, self._transaction.catalog.get(object_name))
        return [records.from_row(layout, row) for row in block.rows]

    def _handler(self, trigger: wire.TriggerRef) -> CircuitTrigger:
        key = (trigger.path, trigger.class_name)
        if key not in self._handlers:
            module = self._transaction.scripts.load(trigger.path)
            kind: Any = getattr(module, trigger.class_name)
            self._handlers[key] = kind()
        return self._handlers[key]

    def _failed(self, exc: BaseException) -> wire.ScriptError:
        error = tracebacks.script_error(exc, self._transaction.scripts.paths)
        self._transaction.journal.log_thrown(error)
        return error


def _changes(context: TriggerContext) -> list[wire.RecordChange]:
    result = []
    for index, record in enumerate(context.new_records or ()):
        values = {}
        for name, value in records.written_values(record).items():
            if value != records.original_value(record, name) or _differs_in_type(value, record, name):
                values[name] = _field_value(record, name, value)
        if values:
            result.append(wire.RecordChange(index=index, values=values))
    return result


def _differs_in_type(value: Any, record: Record, name: str) -> bool:
    """`True == 1` and `1 == 1.0`: equal, yet not the same value for a field."""
    return type(value) is not type(records.original_value(record, name))


def _field_value(record: Record, name: str, value: Any) -> Any:
    try:
        return to_wire(value)
    except RecordException as exc:
        raise RecordException(f"{record.object_name}.{name}: {exc}") from None
