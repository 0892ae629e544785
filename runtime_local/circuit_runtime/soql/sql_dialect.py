"""What SQLite and PostgreSQL write differently.

Texts compare in any case. Where all that is compared with is ASCII, each database's own quick rules do (and its
indexes help); `is_wide` says that there is more, and folding follows Unicode.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from circuit_runtime.project.schema import FieldType
from circuit_runtime.store.session import Dialect


class SqlDialect(ABC):
    """Pieces of SQL; every argument and result is SQL text, with the numbered marks of `mark`."""

    name: Dialect
    no_limit: str

    def mark(self, number: int) -> str:
        """A placeholder that `query.Prepared` replaces; numbered, so that clauses can be built in any order."""
        return f"\x00{number}\x00"

    @abstractmethod
    def fold(self, sql: str, is_wide: bool = False) -> str:
        """A text as it is compared and ordered: in any case."""

    @abstractmethod
    def compare(self, sql: str, operator: str, mark: str) -> str:
        """`!=` holds for null too; all others are null for null."""

    @abstractmethod
    def compare_text(self, sql: str, operator: str, mark: str, is_wide: bool) -> str:
        """As `compare`, in any case."""

    @abstractmethod
    def like(self, sql: str, mark: str, is_wide: bool) -> str: ...

    @abstractmethod
    def like_any(self, sql: str, mark: str, is_wide: bool) -> str:
        """Whether one of several patterns, a parameter of the use "patterns", fits."""

    @abstractmethod
    def member(self, sql: str, mark: str, kind: FieldType) -> str: ...

    @abstractmethod
    def member_text(self, sql: str, mark: str, is_wide: bool) -> str:
        """As `member`; the members are folded already."""

    @abstractmethod
    def includes(self, sql: str, mark: str) -> str:
        """Whether a multi-select picklist holds all of one choice; a parameter of the use "choices"."""

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
    def aggregate(self, function: str, sql: str, kind: FieldType) -> str:
        """SUM or AVG of a number."""

    @abstractmethod
    def date_part(self, function: str, sql: str, kind: FieldType, in_user_zone: bool) -> str: ...


class _Sqlite(SqlDialect):
    name = "sqlite"
    no_limit = "-1"

    def fold(self, sql: str, is_wide: bool = False) -> str:
        return f"circuit_fold({sql})" if is_wide else f"lower({sql})"

    def compare(self, sql: str, operator: str, mark: str) -> str:
        return f"({sql} {'IS NOT' if operator == '!=' else operator} {mark})"

    def compare_text(self, sql: str, operator: str, mark: str, is_wide: bool) -> str:
        if is_wide:
            return self.compare(self.fold(sql, True), operator, self.fold(mark, True))
        return self.compare(f"{sql} COLLATE NOCASE", operator, mark)

    def like(self, sql: str, mark: str, is_wide: bool) -> str:
        left, right = (self.fold(sql, True), self.fold(mark, True)) if is_wide else (sql, mark)
        return f"({left} LIKE {right} ESCAPE '\\')"

    def like_any(self, sql: str, mark: str, is_wide: bool) -> str:
        return f"EXISTS (SELECT 1 FROM json_each({mark}) p WHERE {self.like(sql, 'p.value', is_wide)})"

    def member(self, sql: str, mark: str, kind: FieldType) -> str:
        return f"({sql} IN (SELECT value FROM json_each({mark})))"

    def member_text(self, sql: str, mark: str, is_wide: bool) -> str:
        left = self.fold(sql, True) if is_wide else f"{sql} COLLATE NOCASE"
        return f"({left} IN (SELECT value FROM json_each({mark})))"

    def includes(self, sql: str, mark: str) -> str:
        part = f"instr(';' || circuit_fold({sql}) || ';', ';' || part.value || ';')"
        return (
            f"EXISTS (SELECT 1 FROM json_each({mark}) choice WHERE {sql} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM json_each(choice.value) part WHERE {part} = 0))"
        )

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

    def aggregate(self, function: str, sql: str, kind: FieldType) -> str:
        return f"{function}({sql})"

    def date_part(self, function: str, sql: str, kind: FieldType, in_user_zone: bool) -> str:
        return f"circuit_date_part('{function}', {sql}, {int(in_user_zone)})"


class _Postgresql(SqlDialect):
    name = "postgresql"
    no_limit = "ALL"

    def fold(self, sql: str, is_wide: bool = False) -> str:
        # The columns sort by bytes, under which `lower` knows ASCII only; the database's own locale knows more.
        return f'lower(({sql}) COLLATE "default") COLLATE "C"' if is_wide else f"lower({sql})"

    def compare(self, sql: str, operator: str, mark: str) -> str:
        return f"({sql} {'IS DISTINCT FROM' if operator == '!=' else operator} {mark})"

    def compare_text(self, sql: str, operator: str, mark: str, is_wide: bool) -> str:
        return self.compare(self.fold(sql, is_wide), operator, self.fold(f"{mark}::text", is_wide))

    def like(self, sql: str, mark: str, is_wide: bool) -> str:
        return f"({self.fold(sql, is_wide)} LIKE {self.fold(f'{mark}::text', is_wide)})"

    def like_any(self, sql: str, mark: str, is_wide: bool) -> str:
        return f"EXISTS (SELECT 1 FROM unnest({mark}::text[]) p WHERE {self.like(sql, 'p', is_wide)})"

    def member(self, sql: str, mark: str, kind: FieldType) -> str:
        return f"({sql} = ANY({mark}::{_ARRAYS.get(kind, 'text[]')}))"

    def member_text(self, sql: str, mark: str, is_wide: bool) -> str:
        return f"({self.fold(sql, is_wide)} = ANY({mark}::text[]))"

    def includes(self, sql: str, mark: str) -> str:
        held = f"strpos(';' || {self.fold(sql, True)} || ';', ';' || part || ';')"
        return (
            f"EXISTS (SELECT 1 FROM jsonb_array_elements({mark}::text::jsonb) choice WHERE {sql} IS NOT NULL "
            f"AND NOT EXISTS (SELECT 1 FROM jsonb_array_elements_text(choice) part WHERE {held} = 0))"
        )

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

    def aggregate(self, function: str, sql: str, kind: FieldType) -> str:
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


_ARRAYS = {
    FieldType.INTEGER: "bigint[]",
    FieldType.DECIMAL: "double precision[]",
    FieldType.DATETIME: "bigint[]",
    FieldType.BOOLEAN: "boolean[]",
}
_DIALECTS: dict[Dialect, SqlDialect] = {"sqlite": _Sqlite(), "postgresql": _Postgresql()}


def dialect_of(name: Dialect) -> SqlDialect:
    return _DIALECTS[name]
