"""Counts what a transaction uses, and ends it at a limit. Lives in the host, out of a script's reach."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from circuit_log.limits import LimitName, LimitUse
from circuit_runtime.governor.cost import Prices
from circuit_runtime.governor.profiles import breach_text

DEFAULT_NAMESPACE = "(default)"
_WARN_SHARE = 0.8
# Not turned back by partial success: what was measured from outside, and what was paid.
_LASTING = frozenset({LimitName.CPU_MS, LimitName.HEAP_BYTES, LimitName.WALL_MS, LimitName.COST_MICROS})
_CLOCKS = frozenset({LimitName.CPU_MS, LimitName.WALL_MS})


class TestPhase(Enum):
    """Where a test stands; each one comes once."""

    __test__ = False

    BEFORE = "before"
    MEASURED = "measured"
    AFTER = "after"


class LimitBreached(Exception):
    """A limit was passed: the transaction is dead, nothing of it may be served or kept."""

    def __init__(self, name: LimitName, message: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True)
class Mark:
    """Counters at one moment, to be put back by `Governor.restore`."""

    used: Mapping[LimitName, int]


class Governor:
    """The counters of one namespace in one transaction.

    The transaction's thread counts; the monitor's thread reports what it measures.

    Attributes:
        test_phase: of a test: before, in or after its measured part.

    Args:
        maxima: of every counter.
        prices: what counts on the counter of the cost, where `maxima` has one.
        on_change: called with the counters that moved, on the thread that moved them.
        on_warning: called once for each counter that passes 80 %.
    """

    def __init__(
        self,
        maxima: Mapping[LimitName, int],
        on_change: Callable[[tuple[LimitUse, ...]], None] = lambda _uses: None,
        on_warning: Callable[[LimitUse], None] = lambda _use: None,
        prices: Prices | None = None,
    ) -> None:
        self._maxima = dict(maxima)
        self._used = dict.fromkeys(maxima, 0)
        self._prices = prices or Prices()
        self._cost_micros = 0.0
        if LimitName.COST_MICROS in maxima:
            self._pay(self._prices.execution_micros)
        # Readings of the clocks as they came; what is used is counted from `_clock_zero`.
        self._clock_reading = dict.fromkeys(_CLOCKS, 0)
        self._clock_zero = dict.fromkeys(_CLOCKS, 0)
        self._before_test: Mapping[LimitName, int] = {}
        self.test_phase = TestPhase.BEFORE
        self._warned: set[LimitName] = set()
        self._on_change = on_change
        self._on_warning = on_warning
        self._lock = threading.Lock()
        self._breach: LimitBreached | None = None

    @property
    def breach(self) -> LimitBreached | None:
        """The first limit that was passed, or None."""
        return self._breach

    def charge(self, name: LimitName, count: int = 1) -> None:
        """Count, and refuse what is too much.

        Raises: LimitBreached; from then on at every call.
        """
        self.refuse_if_dead()
        with self._lock:
            self._used[name] += count
            uses = [self._use(name), *self._bill(name, count)]
        self._charged(uses)

    def charge_call(self, url: str) -> None:
        """Count what a call to `url` costs beside the counter of callouts.

        Raises: LimitBreached; CalloutFailed, for a URL that cannot be called.
        """
        self.refuse_if_dead()
        if not self._prices.addresses:
            return
        with self._lock:
            uses = self._pay(self._prices.call_micros(url))
        self._charged(uses)

    def _charged(self, uses: list[LimitUse]) -> None:
        for use in uses:
            self._report(use)
        for use in uses:
            if use.used > use.maximum:
                raise self.break_off(use.name)

    def _bill(self, name: LimitName, count: int) -> list[LimitUse]:
        """Pay for `count` more on a counter; the cost, if that changed it. The caller holds the lock."""
        price = self._prices.counters.get(name, 0.0)
        return self._pay(price * count) if price and count > 0 else []

    def _pay(self, micros: float) -> list[LimitUse]:
        self._cost_micros += micros
        self._used[LimitName.COST_MICROS] = math.ceil(self._cost_micros)
        return [self._use(LimitName.COST_MICROS)]

    def measure(self, name: LimitName, value: int) -> bool:
        """Take over a measured counter; whether it is still within its limit."""
        with self._lock:
            paid: list[LimitUse] = []
            if name in _CLOCKS:
                paid = self._bill(name, value - self._clock_reading[name])
                self._clock_reading[name] = value
                value = max(0, value - self._clock_zero[name])
            changed = self._used[name] != value
            self._used[name] = value
            use = self._use(name)
        for moved in ([use] if changed else []) + paid:
            self._report(moved)
        return use.used <= use.maximum

    def is_within(self, name: LimitName) -> bool:
        """Whether a counter has not passed its limit; also for one that does not count here."""
        with self._lock:
            return self._used.get(name, 0) <= self._maxima.get(name, 0)

    def break_off(self, name: LimitName) -> LimitBreached:
        """Declare the transaction dead for passing `name`; the first breach counts."""
        with self._lock:
            if self._breach is None:
                # What could not be had any more, as memory, is counted as the first that is too many.
                self._used[name] = max(self._used[name], self._maxima[name] + 1)
                text = breach_text(name, self._used[name], self._maxima[name])
                self._breach = LimitBreached(name, text)
            return self._breach

    def refuse_if_dead(self) -> None:
        """Raises: LimitBreached, once a limit was passed."""
        if self._breach is not None:
            raise LimitBreached(self._breach.name, str(self._breach))

    def maximum(self, name: LimitName) -> int:
        return self._maxima[name]

    def remaining(self, name: LimitName) -> int:
        with self._lock:
            return max(0, self._maxima[name] - self._used[name])

    def snapshot(self) -> tuple[LimitUse, ...]:
        """All counters, in the order of `LimitName`."""
        with self._lock:
            return tuple(self._use(name) for name in self._maxima)

    def table(self) -> dict[str, tuple[int, int]]:
        """All counters as name to (used, maximum)."""
        return {str(use.name): (use.used, use.maximum) for use in self.snapshot()}

    def mark(self) -> Mark:
        with self._lock:
            return Mark(dict(self._used))

    def restore(self, mark: Mark) -> None:
        """Put the counted ones back to what they were: Salesforce does not charge a failed attempt."""
        self._replace(mark.used)

    def start_test(self) -> None:
        """Begin the measured part of a test, with fresh counters and clocks."""
        self._before_test = self.mark().used
        self.reset()
        self.test_phase = TestPhase.MEASURED

    def stop_test(self) -> None:
        """End the measured part: the counters and clocks from before it go on."""
        self.test_phase = TestPhase.AFTER
        self._set_clocks(self._before_test)
        self._replace(self._before_test)

    def reset(self) -> None:
        """Fresh counters and clocks, as after a test's setup."""
        self.test_phase = TestPhase.BEFORE
        nothing = dict.fromkeys(self._maxima, 0)
        self._set_clocks(nothing)
        self._replace(nothing)

    def _set_clocks(self, used: Mapping[LimitName, int]) -> None:
        with self._lock:
            for name in _CLOCKS:
                self._clock_zero[name] = self._clock_reading[name] - used[name]
                self._used[name] = used[name]

    def _replace(self, used: Mapping[LimitName, int]) -> None:
        with self._lock:
            self._used.update({name: count for name, count in used.items() if name not in _LASTING})
            uses = tuple(self._use(name) for name in self._maxima)
        self._on_change(uses)

    def _use(self, name: LimitName) -> LimitUse:
        return LimitUse(name, self._used[name], self._maxima[name])

    def _report(self, use: LimitUse) -> None:
        self._on_change((use,))
        if use.share >= _WARN_SHARE and use.name not in self._warned:
            self._warned.add(use.name)
            self._on_warning(use)
