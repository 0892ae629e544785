"""How much an environment may execute: in a month, at once, and in a burst; and what it has executed.

The month's numbers are in the database before a run starts, so that neither a restart nor a second server of the
same environment forgets any. What runs at once, and how fast runs follow each other, is each server's own affair.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import threading
import time
from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from circuit_env import tables
from circuit_link.env_protocol import Usage
from circuit_link.errors import UserFacingError
from circuit_log.limits import LimitName
from circuit_runtime.host.admission import Limits

_log = logging.getLogger("circuit.environment")


class QuotaExceeded(UserFacingError):
    """An execution was refused before it began.

    Codes: QUOTA_MONTH, QUOTA_CONCURRENT, QUOTA_RATE.

    Attributes:
        retry_after_s: whole seconds after which another try makes sense.
    """

    def __init__(self, message: str, *, code: str, hint: str, retry_after_s: float) -> None:
        super().__init__(message, code=code, hint=hint)
        self.retry_after_s = max(1, math.ceil(retry_after_s))


class Quotas(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator allows; None allows any number.

    Attributes:
        executions_per_month: months are UTC's.
        concurrent: transactions at one moment, of this server.
        per_second: executions that may follow each other on average; `burst` more may come at once.
    """

    executions_per_month: int | None = None
    concurrent: int | None = None
    per_second: float | None = None
    burst: int = 1


class Meter:
    """The `Admission` of an environment's runs. Thread-safe."""

    def __init__(
        self,
        engine: sa.Engine,
        quotas: Quotas,
        clock: Callable[[], dt.datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._quotas = quotas
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._running = 0
        self._tokens = float(quotas.burst)
        self._filled_at = monotonic()

    def admit(self) -> _Ticket:
        """Raises: QuotaExceeded."""
        with self._lock:
            self._check_concurrent()
            self._check_rate()
            month = self._month()
            self._count(month)
            self._running += 1
        return _Ticket(self, month)

    def usage(self) -> Usage:
        """This month's numbers, and what is allowed."""
        month = self._month()
        with self._engine.begin() as connection:
            row = connection.execute(tables.usage.select().where(tables.usage.c.month == month)).one_or_none()
        return Usage(
            month=month,
            executions=row.executions if row else 0,
            executions_per_month=self._quotas.executions_per_month,
            cost_micros=row.cost_micros if row else 0,
            running=self._running,
            concurrent=self._quotas.concurrent,
        )

    def leave(self, month: str, cost_micros: int) -> None:
        """For tickets: a run has ended."""
        with self._lock:
            self._running -= 1
        if not cost_micros:
            return
        sum_up = (
            tables.usage.update()
            .where(tables.usage.c.month == month)
            .values(cost_micros=tables.usage.c.cost_micros + cost_micros)
        )
        try:
            with self._engine.begin() as connection:
                connection.execute(sum_up)
        except sa.exc.SQLAlchemyError:
            _log.exception(
                "the cost of an execution, %d millionths, is missing in the sum of %s", cost_micros, month
            )

    def _month(self) -> str:
        return f"{self._clock().astimezone(dt.UTC):%Y-%m}"

    def _check_concurrent(self) -> None:
        most = self._quotas.concurrent
        if most is not None and self._running >= most:
            raise QuotaExceeded(
                f"{most} transactions run at this moment, and no more may.",
                code="QUOTA_CONCURRENT",
                hint="Try again when one of them has ended.",
                retry_after_s=1,
            )

    def _check_rate(self) -> None:
        rate = self._quotas.per_second
        if rate is None:
            return
        moment = self._monotonic()
        self._tokens = min(self._quotas.burst, self._tokens + (moment - self._filled_at) * rate)
        self._filled_at = moment
        if self._tokens < 1:
            raise QuotaExceeded(
                f"Executions follow each other too fast: {rate:g} a second and {self._quotas.burst} at once may.",
                code="QUOTA_RATE",
                hint="Spread them, or put many records into one.",
                retry_after_s=(1 - self._tokens) / rate,
            )
        self._tokens -= 1

    def _count(self, month: str) -> None:
        row = tables.usage.c.month == month
        allowed = row
        if self._quotas.executions_per_month is not None:
            allowed = row & (tables.usage.c.executions < self._quotas.executions_per_month)
        more = tables.usage.update().where(allowed).values(executions=tables.usage.c.executions + 1)
        with self._engine.begin() as connection:
            if connection.execute(tables.usage.select().where(row)).first() is None:
                connection.execute(_first_of_month(connection, month))
            if connection.execute(more).rowcount == 1:
                return
        raise QuotaExceeded(
            f"The {self._quotas.executions_per_month:,} executions of {month} are used up.",
            code="QUOTA_MONTH",
            hint="They begin anew with the next month; whoever runs the server can raise the quota.",
            retry_after_s=self._rest_of_month_s(),
        )

    def _rest_of_month_s(self) -> float:
        now = self._clock().astimezone(dt.UTC)
        start = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return ((start + dt.timedelta(days=32)).replace(day=1) - now).total_seconds()


def _first_of_month(connection: sa.Connection, month: str) -> sa.Insert:
    """Another server may be first: then nothing is to be done."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(tables.usage).values(month=month, executions=0, cost_micros=0).on_conflict_do_nothing()


class _Ticket:
    def __init__(self, meter: Meter, month: str) -> None:
        self._meter = meter
        self._month = month

    def give_back(self, limits: Limits) -> None:
        used, _maximum = limits.get(LimitName.COST_MICROS, (0, 0))
        self._meter.leave(self._month, used)
