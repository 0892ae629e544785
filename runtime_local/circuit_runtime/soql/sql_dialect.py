"""What SQLite and PostgreSQL write differently."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from circuit_runtime.project.schema import FieldType
from circuit_runtime.store.session import Dialect


class SqlDialect(ABC):
    """Pieces of SQL; every argument and result is SQL text, with the numbered marks of `mark`."""

    name: Dialect
    no_limit: str
    has_grouping_sets: bool

    def mark(self, number: int) -> str:
        """A placeholder that `query.Prepared` replaces; numbered, so that clauses can be built in any order."""
        return f"\x00{number}\x00"

    def includes(self, sql: str, mark: str) -> str:
        held = self.position(f"';' || {self.fold(sql)} || ';'", f"';' || {self.fold(mark)} || ';'")
        return f"({held} > 0)"

    @abstractmethod
    def fold(self, sql: str) -> str:
        """A text as it is compared and ordered: in any case."""

    @abstractmethod
    def position(self, text: str, part: str) -> str: ...

    @abstractmethod
    def compare(self, sql: str, operator: str, mark: str, is_folded: bool) -> str:
        """`=` and `!=` treat null as a value, as SOQL does."""

    @abstractmethod
    def like(self, sql: str, mark: str) -> str: ...

    @abstractmethod
    def member(self, sql: str, mark: str, is_folded: bool, kind: FieldType) -> str: ...

    @abstractmethod
    def flag(self, mark: str) -> str: ...

    @abstractmethod
    def truth(self, sql: str) -> str: ...

    @abstractmethod
    def row_lock(self, alias: str) -> str: ...

    @abstractmethod
    def rows_as_json(self, select: str, nested: Sequence[bool], alias: str) -> str:
        """A scalar sub-query whose value is a JSON list of the rows of `select`, each a list."""

    @abstractmethod
    def rounded(self, sql: str, kind: FieldType, scale: int) -> str:
        """A figure in the storage form of a field of that type; numbers are rounded half away from zero."""

    @abstractmethod
    def number_sum(self, function: str, sql: str, kind: FieldType) -> str: ...

    @abstractmethod
    def date_part(self, function: str, sql: str, kind: FieldType, in_user_zone: bool) -> str: ...

    @abstractmethod
    def orders_by_alias(self, kind: FieldType) -> bool:
        """Whether ORDER BY may use a column's alias within an expression of that type."""


class _Sqlite(SqlDialect):
    name = "sqlite"
    no_limit = "-1"
    has_grouping_sets = False

    def fold(self, sql: str) -> str:
        return f"lower({sql})"

    def position(self, text: str, part: str) -> str:
        return f"instr({text}, {part})"

    def compare(self, sql: str, operator: str, mark: str, is_folded: bool) -> str:
        sign = {"=": "IS", "!=": "IS NOT"}.get(operator, operator)
        return f"({sql}{' COLLATE NOCASE' if is_folded else ''} {sign} {mark})"

    def like(self, sql: str, mark: str) -> str:
        return f"({sql} LIKE {mark} ESCAPE '\\')"

    def member(self, sql: str, mark: str, is_folded: bool, kind: FieldType) -> str:
        return f"({sql}{' COLLATE NOCASE' if is_folded else ''} IN (SELECT value FROM json_each({mark})))"

    def flag(self, mark: str) -> str:
        return mark

    def truth(self, sql: str) -> str:
        return f"COALESCE({sql}, 0)"

    def row_lock(self, alias: str) -> str:
        # A writing transaction holds the whole database already.
        return ""

    def rows_as_json(self, select: str, nested: Sequence[bool], alias: str) -> str:
        cells = ", ".join(
            f"json({alias}.c{place})" if is_json else f"{alias}.c{place}" for place, is_json in enumerate(nested)
        )
        return f"(SELECT json_group_array(json_array({cells})) FROM ({select}) {alias})"

    def rounded(self, sql: str, kind: FieldType, scale: int) -> str:
        if kind is FieldType.INTEGER:
            return f"CAST(ROUND({sql}) AS INTEGER)"
        return f"ROUND({sql}, {scale})" if kind is FieldType.DECIMAL else sql

    def number_sum(self, function: str, sql: str, kind: FieldType) -> str:
        return f"{function}({sql})"

    def date_part(self, function: str, sql: str, kind: FieldType, in_user_zone: bool) -> str:
        return f"circuit_date_part('{function}', {sql}, {int(in_user_zone)})"

    def orders_by_alias(self, kind: FieldType) -> bool:
        return True


class _Postgresql(SqlDialect):
    name = "postgresql"
    no_limit = "ALL"
    has_grouping_sets = True

    def fold(self, sql: str) -> str:
        return f"lower({sql})"

    def position(self, text: str, part: str) -> str:
        return f"strpos({text}, {part})"

    def compare(self, sql: str, operator: str, mark: str, is_folded: bool) -> str:
        sign = {"=": "IS NOT DISTINCT FROM", "!=": "IS DISTINCT FROM"}.get(operator, operator)
        left, right = (self.fold(sql), self.fold(f"{mark}::text")) if is_folded else (sql, mark)
        return f"({left} {sign} {right})"

    def like(self, sql: str, mark: str) -> str:
        return f"({sql} ILIKE {mark}::text)"

    def member(self, sql: str, mark: str, is_folded: bool, kind: FieldType) -> str:
        return f"({self.fold(sql) if is_folded else sql} = ANY({mark}::{_ARRAYS.get(kind, 'text[]')}))"

    def flag(self, mark: str) -> str:
        return f"{mark}::boolean"

    def truth(self, sql: str) -> str:
        return f"COALESCE({sql}, FALSE)"

    def row_lock(self, alias: str) -> str:
        return f" FOR UPDATE OF {alias}"

    def rows_as_json(self, select: str, nested: Sequence[bool], alias: str) -> str:
        cells = ", ".join(
            f"{alias}.c{place}::json" if is_json else f"{alias}.c{place}" for place, is_json in enumerate(nested)
        )
        return f"(SELECT COALESCE(json_agg(json_build_array({cells})), '[]')::text FROM ({select}) {alias})"

    def rounded(self, sql: str, kind: FieldType, scale: int) -> str:
        # Sums of bigint and double precision differ in type; both are exact enough as numeric.
        if kind is FieldType.INTEGER:
            return f"ROUND(({sql})::numeric)::bigint"
        return f"ROUND(({sql})::numeric, {scale})::double precision" if kind is FieldType.DECIMAL else sql

    def number_sum(self, function: str, sql: str, kind: FieldType) -> str:
        # Sums of bigint are numeric in PostgreSQL, which the storage form does not have.
        target = "bigint" if function == "SUM" and kind is FieldType.INTEGER else "double precision"
        return f"{function}({sql})::{target}"

    def date_part(self, function: str, sql: str, kind: FieldType, in_user_zone: bool) -> str:
        zone = "current_setting('circuit.zone')" if in_user_zone else "'UTC'"
        moment = (
            f"({sql})::date::timestamp"
            if kind is FieldType.DATE
            else f"(to_timestamp(({sql}) / 1000.0) AT TIME ZONE {zone})"
        )
        fiscal = f"({moment} - make_interval(months => current_setting('circuit.fiscal')::int - 1))"
        ends_next_year = "(CASE WHEN current_setting('circuit.fiscal')::int > 1 THEN 1 ELSE 0 END)"
        return {
            "CALENDAR_MONTH": f"EXTRACT(MONTH FROM {moment})::int",
            "CALENDAR_QUARTER": f"EXTRACT(QUARTER FROM {moment})::int",
            "CALENDAR_YEAR": f"EXTRACT(YEAR FROM {moment})::int",
            "DAY_IN_MONTH": f"EXTRACT(DAY FROM {moment})::int",
            "DAY_IN_WEEK": f"(EXTRACT(DOW FROM {moment})::int + 1)",
            "DAY_IN_YEAR": f"EXTRACT(DOY FROM {moment})::int",
            "DAY_ONLY": f"to_char({moment}, 'YYYY-MM-DD')",
            "FISCAL_MONTH": f"EXTRACT(MONTH FROM {fiscal})::int",
            "FISCAL_QUARTER": f"EXTRACT(QUARTER FROM {fiscal})::int",
            "FISCAL_YEAR": f"(EXTRACT(YEAR FROM {fiscal})::int + {ends_next_year})",
            "HOUR_IN_DAY": f"EXTRACT(HOUR FROM {moment})::int",
            "WEEK_IN_MONTH": f"((EXTRACT(DAY FROM {moment})::int - 1) / 7 + 1)",
            "WEEK_IN_YEAR": f"((EXTRACT(DOY FROM {moment})::int - 1) / 7 + 1)",
        }[function]

    def orders_by_alias(self, kind: FieldType) -> bool:
        # PostgreSQL knows aliases in ORDER BY only when they stand alone.
        return False


_ARRAYS = {
    FieldType.INTEGER: "double precision[]",
    FieldType.DECIMAL: "double precision[]",
    FieldType.DATETIME: "bigint[]",
    FieldType.BOOLEAN: "boolean[]",
}
_DIALECTS: dict[Dialect, SqlDialect] = {"sqlite": _Sqlite(), "postgresql": _Postgresql()}


def dialect_of(name: Dialect) -> SqlDialect:
    return _DIALECTS[name]
