"""What an execution costs: the prices of circuit.toml, in millionths of their unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from circuit_log.limits import LimitName
from circuit_runtime.callouts.allow_list import covering_entry
from circuit_runtime.governor.profiles import MICROS
from circuit_runtime.project.settings import CostTable


@dataclass(frozen=True, slots=True)
class Prices:
    """Attributes:
    execution_micros: of every execution.
    counters: of one more on a counter.
    addresses: of a call to an address below the key, beside that of the counter.
    """

    execution_micros: float = 0.0
    counters: Mapping[LimitName, float] = field(default_factory=dict)
    addresses: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, table: CostTable | None) -> Self:
        if table is None:
            return cls()
        return cls(
            execution_micros=table.execution * MICROS,
            counters={LimitName(name): price * MICROS for name, price in table.prices.items()},
            addresses={entry: price * MICROS for entry, price in table.callouts.items()},
        )

    def call_micros(self, url: str) -> float:
        """What a call to `url` costs beside the counter's price: that of the longest entry that covers it."""
        entry = covering_entry(url, sorted(self.addresses, key=len, reverse=True))
        return self.addresses[entry] if entry is not None else 0.0
