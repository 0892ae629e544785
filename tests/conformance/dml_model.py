"""A plain model of DML on two objects: what a statement does, told without a database, chunks or triggers.

`Box` has `label` (required, 4 letters). `Item` is a detail of a box: `code` (unique in any case, external id,
3 letters), `amount` (0 to 9) and `buddy`, a lookup to a box that is cleared when that box goes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Values = dict[str, Any]

OBJECTS = {
    "objects/Box.toml": """
label = "Box"
[fields.label]
type = "text"
length = 4
required = true
[fields.items]
type = "integer"
rollup = { child = "Item", function = "COUNT" }
[fields.total]
type = "integer"
rollup = { child = "Item", function = "SUM", field = "amount" }
""",
    "objects/Item.toml": """
label = "Item"
[fields.box]
type = "master_detail"
reference_to = "Box"
child_name = "items"
[fields.code]
type = "text"
length = 3
unique = true
external_id = true
[fields.amount]
type = "integer"
minimum = 0
maximum = 9
[fields.buddy]
type = "lookup"
reference_to = "Box"
child_name = "buddies"
""",
}


@dataclass(frozen=True)
class Statement:
    """`rows` have an `id` where the operation needs one; references are ids."""

    operation: str
    object_name: str
    rows: tuple[Values, ...]
    all_or_none: bool


@dataclass
class Model:
    """All records by id, deleted ones too, and what went with each deleted box: (item, cleared or not)."""

    boxes: dict[str, Values] = field(default_factory=dict)
    items: dict[str, Values] = field(default_factory=dict)
    recycled: dict[str, list[tuple[str, bool]]] = field(default_factory=dict)

    def execute(self, statement: Statement) -> tuple[Model, list[bool]]:
        """The model after the statement, and which rows it saves. New records are named `new 0`, `new 1`, …"""
        after = copy.deepcopy(self)
        saved = [False] * len(statement.rows)
        run: Callable[[Statement, list[bool]], None] = getattr(after, f"_{statement.operation}")
        run(statement, saved)
        return (after if all(saved) or not statement.all_or_none else self), saved

    def rename(self, names: dict[str, str]) -> None:
        """Give new records the ids that they got."""
        self.boxes = {names.get(key, key): row for key, row in self.boxes.items()}
        self.items = {names.get(key, key): row for key, row in self.items.items()}

    def records(self, object_name: str) -> dict[str, Values]:
        return self.boxes if object_name == "Box" else self.items

    # ------------------------------------------------------------------------------------- statements

    def _insert(self, statement: Statement, saved: list[bool]) -> None:
        self._create(statement, list(enumerate(statement.rows)), saved)

    def _update(self, statement: Statement, saved: list[bool]) -> None:
        self._change(statement, list(enumerate(statement.rows)), saved)

    def _upsert(self, statement: Statement, saved: list[bool]) -> None:
        known = {row["code"].lower(): key for key, row in self._alive(self.items) if row["code"]}
        fresh, old, seen = [], [], set()
        for index, row in enumerate(statement.rows):
            code = (row.get("code") or "").lower()
            if not code or len(code) > 3 or code in seen:
                continue
            seen.add(code)
            if code in known:
                old.append((index, {**row, "id": known[code]}))
            else:
                fresh.append((index, row))
        self._create(statement, fresh, saved)
        self._change(statement, old, saved)

    def _create(self, statement: Statement, rows: list[tuple[int, Values]], saved: list[bool]) -> None:
        records = self.records(statement.object_name)
        blank = (
            {"label": None}
            if statement.object_name == "Box"
            else dict.fromkeys(("box", "code", "amount", "buddy"))
        )
        good = [
            (index, {**blank, **row})
            for index, row in rows
            if self._fits(statement.object_name, {**blank, **row}, {})
        ]
        for index, row in self._without_duplicates(good, {}):
            records[f"new {index}"] = {**row, "deleted": False}
            saved[index] = True

    def _change(self, statement: Statement, rows: list[tuple[int, Values]], saved: list[bool]) -> None:
        """The same record up to five times, one after another."""
        records = self.records(statement.object_name)
        turns: dict[str, int] = {}
        waves: list[list[tuple[int, Values]]] = [[] for _ in range(5)]
        for index, row in rows:
            turn = turns[row["id"]] = turns.get(row["id"], -1) + 1
            if turn < 5:
                waves[turn].append((index, row))
        for wave in waves:
            olds = {index: records[row["id"]] for index, row in wave if self._is_alive(records, row["id"])}
            good = [
                (index, {**olds[index], **row})
                for index, row in wave
                if index in olds and self._fits(statement.object_name, {**olds[index], **row}, olds[index])
            ]
            for index, row in self._without_duplicates(good, olds):
                key = row.pop("id")
                records[key] = row
                saved[index] = True

    def _delete(self, statement: Statement, saved: list[bool]) -> None:
        records = self.records(statement.object_name)
        gone: list[str] = []
        for index, row in enumerate(statement.rows):
            key = row["id"]
            if not self._is_alive(records, key) or key in gone or self._repeats(statement, index):
                continue
            gone.append(key)
            saved[index] = True
            if statement.object_name == "Box":
                self._take_along(key)
        for key in gone:
            records[key]["deleted"] = True

    def _take_along(self, box: str) -> None:
        went = self.recycled[box] = []
        for key, item in sorted(self._alive(self.items)):
            if item["box"] == box:
                item["deleted"] = True
                went.append((key, False))
        for key, item in sorted(self._alive(self.items)):
            if item["buddy"] == box:
                item["buddy"] = None
                went.append((key, True))

    def _undelete(self, statement: Statement, saved: list[bool]) -> None:
        records = self.records(statement.object_name)
        candidates = [
            (index, dict(records[row["id"]], id=row["id"]))
            for index, row in enumerate(statement.rows)
            if row["id"] in records and records[row["id"]]["deleted"] and not self._repeats(statement, index)
        ]
        if statement.object_name == "Item":
            good = [(index, row) for index, row in candidates if self._is_alive(self.boxes, row["box"])]
            for index, row in self._without_duplicates(good, {}):
                records[row["id"]]["deleted"] = False
                saved[index] = True
            return
        for index, row in candidates:
            if self._bring_back(row["id"]):
                records[row["id"]]["deleted"] = False
                saved[index] = True

    def _bring_back(self, box: str) -> bool:
        went = self.recycled.get(box, [])
        details = [
            (number, dict(self.items[key], id=key))
            for number, (key, cleared) in enumerate(went)
            if not cleared and key in self.items
        ]
        if len(list(self._without_duplicates(details, {}))) < len(details):
            return False
        for _number, row in details:
            self.items[row["id"]]["deleted"] = False
        for key, cleared in went:
            if cleared and self._is_alive(self.items, key) and self.items[key]["buddy"] is None:
                self.items[key]["buddy"] = box
        self.recycled.pop(box, None)
        return True

    def _empty_recycle_bin(self, statement: Statement, saved: list[bool]) -> None:
        records = self.records(statement.object_name)
        for index, row in enumerate(statement.rows):
            key = row["id"]
            if key in records and records[key]["deleted"] and not self._repeats(statement, index):
                saved[index] = True
                del records[key]
                for item, cleared in self.recycled.pop(key, []) if statement.object_name == "Box" else ():
                    if not cleared:
                        self.items.pop(item, None)

    # ------------------------------------------------------------------------------------- what fits

    def _fits(self, object_name: str, row: Values, old: Values) -> bool:
        if object_name == "Box":
            return bool(row["label"]) and len(row["label"]) <= 4
        values_fit = len(row["code"] or "") <= 3 and (row["amount"] is None or 0 <= row["amount"] <= 9)
        there = all(
            row[name] is None or row[name] == old.get(name) or self._is_alive(self.boxes, row[name])
            for name in ("box", "buddy")
        )
        return values_fit and row["box"] is not None and there

    def _without_duplicates(
        self, rows: list[tuple[int, Values]], olds: dict[int, Values]
    ) -> list[tuple[int, Values]]:
        """Rows whose code nobody else has: neither a record as it was before, nor an earlier row."""
        taken = {row["code"].lower(): key for key, row in self._alive(self.items) if row["code"]}
        first: dict[str, int] = {}
        good = []
        for index, row in rows:
            code = (row.get("code") or "").lower()
            is_new = bool(code) and row["code"] != olds.get(index, {}).get("code")
            if is_new and (taken.get(code, row.get("id")) != row.get("id") or code in first):
                continue
            if is_new:
                first[code] = index
            good.append((index, row))
        return good

    @staticmethod
    def _repeats(statement: Statement, index: int) -> bool:
        return statement.rows[index]["id"] in [row["id"] for row in statement.rows[:index]]

    @staticmethod
    def _alive(records: dict[str, Values]) -> Iterable[tuple[str, Values]]:
        return [(key, row) for key, row in records.items() if not row["deleted"]]

    @staticmethod
    def _is_alive(records: dict[str, Values], key: str) -> bool:
        return key in records and not records[key]["deleted"]
