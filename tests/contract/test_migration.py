"""Tables follow the project's objects on both databases, and no value is lost without a word."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from circuit_runtime.project.objects import load_schema
from circuit_runtime.project.schema import Schema
from circuit_runtime.store.errors import MigrationRefused, UniqueViolation
from circuit_runtime.store.store import Store

CODE = 'type = "text"\nlength = 20'


def schema_of(code: str = CODE, name: str = "code", more: str = "") -> Schema:
    """The object Part with one field of interest."""
    field = f"[fields.{name}]\n{code}\n" if code else ""
    return load_schema({"objects/Part.toml": f'label = "Part"\n[fields.kept]\ntype = "integer"\n{field}{more}'})


class Parts:
    """A database with the object Part."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.schema = schema_of("")

    def migrate(self, schema: Schema, **options: bool) -> tuple[str, ...]:
        changes = self.store.migrate(schema, **options).changes
        self.schema = schema
        return changes

    def add(self, *values: Any, name: str = "code") -> list[str]:
        """A record for each value of the field."""
        item = self.schema.objects["Part"]
        with self.store.session() as session:
            session.begin()
            ids = session.next_ids(item, len(values))
            rows = [(record_id, value, False) for record_id, value in zip(ids, values, strict=True)]
            session.insert(item, ("id", name, "is_deleted"), rows)
            session.commit()
        return ids

    def values(self, name: str = "code") -> list[Any]:
        with self.store.session() as session:
            return [row[0] for row in session.execute(f'SELECT "{name}" FROM o_part ORDER BY id')]

    def refusal(self, schema: Schema) -> MigrationRefused:
        with pytest.raises(MigrationRefused) as caught:
            self.store.migrate(schema)
        return caught.value


@pytest.fixture
def parts(url: str) -> Iterator[Parts]:
    store = Store.open(url)
    yield Parts(store)
    store.close()


@pytest.fixture
def with_codes(parts: Parts) -> Parts:
    parts.migrate(schema_of())
    parts.add("A-1", "B-22", None)
    return parts


def test_a_new_field_is_empty_in_the_records_that_are_there(with_codes: Parts) -> None:
    changes = with_codes.migrate(schema_of(more='[fields.weight]\ntype = "decimal"\n'))

    assert changes == ("Part.weight added",)
    assert with_codes.values("weight") == [None, None, None]


def test_a_new_checkbox_has_its_default_in_the_records_that_are_there(with_codes: Parts) -> None:
    with_codes.migrate(schema_of(more='[fields.sold]\ntype = "boolean"\ndefault = true\n'))

    assert [bool(value) for value in with_codes.values("sold")] == [True, True, True]


def test_new_autonumbers_count_the_records_that_are_there(with_codes: Parts) -> None:
    with_codes.migrate(schema_of(more='[fields.number]\ntype = "autonumber"\nformat = "P-{000}"\n'))

    assert with_codes.values("number") == ["P-001", "P-002", "P-003"]


def test_a_schema_that_fits_changes_nothing(with_codes: Parts) -> None:
    assert with_codes.migrate(schema_of()) == ()


def test_a_wider_text_keeps_its_values(with_codes: Parts) -> None:
    with_codes.migrate(schema_of('type = "text"\nlength = 200'))

    assert with_codes.values() == ["A-1", "B-22", None]


def test_a_narrower_text_is_refused_while_a_value_is_too_long_for_it(with_codes: Parts) -> None:
    refusal = with_codes.refusal(schema_of('type = "text"\nlength = 3'))

    assert refusal.code == "FIELD_VALUES_WOULD_BE_LOST"
    assert refusal.path == "objects/Part.toml"
    assert "Part.code is text(20) and cannot become text(3): 1 of its values" in refusal.message
    assert "'B-22'" in refusal.message
    assert refusal.hint
    assert with_codes.values() == ["A-1", "B-22", None]


def test_a_narrower_text_is_taken_when_all_values_fit(with_codes: Parts) -> None:
    with_codes.migrate(schema_of('type = "text"\nlength = 4'))

    assert with_codes.values() == ["A-1", "B-22", None]


def test_an_earlier_schema_is_taken_back_with_values_that_are_too_long_for_it(with_codes: Parts) -> None:
    with_codes.migrate(schema_of('type = "text"\nlength = 3'), going_back=True)

    assert with_codes.values() == ["A-1", "B-22", None]


def test_a_refusal_leaves_the_other_objects_as_they_were(with_codes: Parts) -> None:
    with_codes.refusal(schema_of('type = "integer"', more='[fields.added]\ntype = "text"\n'))

    with with_codes.store.session() as session, pytest.raises(Exception, match="added"):
        session.execute("SELECT p.added FROM o_part p")


@pytest.mark.parametrize(
    ("old", "values", "new", "expected"),
    [
        ('type = "text"', ["12", "-7"], 'type = "integer"', [12, -7]),
        ('type = "integer"', [12, None], 'type = "text"', ["12", None]),
        ('type = "integer"', [12], 'type = "decimal"\nprecision = 10\nscale = 2', [12.0]),
        ('type = "decimal"\nscale = 2', [3.0], 'type = "integer"', [3]),
        ('type = "date"', ["2026-02-28"], 'type = "datetime"', [1772236800000]),
        ('type = "date"', ["2026-02-28"], 'type = "text"', ["2026-02-28"]),
        ('type = "multipicklist"', ["a;b"], 'type = "textarea"', ["a;b"]),
        ('type = "decimal"\nscale = 4', [0.25], 'type = "decimal"\nscale = 2', [0.25]),
        ('type = "text"', ["2024-02-29"], 'type = "date"', ["2024-02-29"]),
        ('type = "picklist"\nvalues = ["a"]', ["a"], 'type = "multipicklist"\nvalues = ["a"]', ["a"]),
    ],
)
def test_values_are_converted_when_all_survive(
    parts: Parts, old: str, values: list[Any], new: str, expected: list[Any]
) -> None:
    parts.migrate(schema_of(old))
    parts.add(*values)

    parts.migrate(schema_of(new))

    assert parts.values() == expected


@pytest.mark.parametrize(
    ("old", "values", "new", "shown"),
    [
        ('type = "text"', ["12", "A-17"], 'type = "integer"', "'A-17'"),
        ('type = "text"', ["012"], 'type = "integer"', "'012'"),
        ('type = "decimal"\nscale = 2', [3.5], 'type = "integer"', "3.5"),
        ('type = "decimal"\nscale = 2', [0.25], 'type = "decimal"\nscale = 1', "0.25"),
        (
            'type = "decimal"\nprecision = 10\nscale = 0',
            [12345],
            'type = "decimal"\nprecision = 4\nscale = 0',
            "12345",
        ),
        ('type = "text"', ["yes"], 'type = "boolean"', "'yes'"),
        ('type = "text"', ["2024-02-29T01:00"], 'type = "date"', "'2024-02-29T01:00'"),
        ('type = "datetime"', [1772236800001], 'type = "date"', "1772236800001"),
        ('type = "text"', ["nobody"], 'type = "lookup"\nreference_to = "Contact"', "'nobody'"),
    ],
)
def test_a_change_that_would_lose_a_value_is_refused_and_names_it(
    parts: Parts, old: str, values: list[Any], new: str, shown: str
) -> None:
    parts.migrate(schema_of(old))
    parts.add(*values)

    refusal = parts.refusal(schema_of(new))

    assert shown in refusal.message
    assert parts.values() == values


def test_a_renamed_field_keeps_its_values(with_codes: Parts) -> None:
    changes = with_codes.migrate(schema_of(f'{CODE}\nrenamed_from = "code"', name="sku"))

    assert changes == ("Part.code renamed to sku",)
    assert with_codes.values("sku") == ["A-1", "B-22", None]


def test_a_field_can_be_renamed_and_given_another_type_at_once(parts: Parts) -> None:
    parts.migrate(schema_of())
    parts.add("7")

    parts.migrate(schema_of('type = "integer"\nrenamed_from = "code"', name="sku"))

    assert parts.values("sku") == [7]


def test_the_schema_from_before_a_rename_finds_its_values_again(with_codes: Parts) -> None:
    with_codes.migrate(schema_of(f'{CODE}\nrenamed_from = "code"', name="sku"))

    with_codes.migrate(schema_of(), going_back=True)

    assert with_codes.values() == ["A-1", "B-22", None]


def test_a_rename_takes_the_place_of_an_empty_column_of_that_name(with_codes: Parts) -> None:
    with_codes.migrate(schema_of(more=f"[fields.sku]\n{CODE}\n"))

    with_codes.migrate(schema_of(f'{CODE}\nrenamed_from = "code"', name="sku"))

    assert with_codes.values("sku") == ["A-1", "B-22", None]


def test_a_renamed_autonumber_goes_on_counting(parts: Parts) -> None:
    number = 'type = "autonumber"\nformat = "{0}"'
    parts.migrate(schema_of(number))
    with parts.store.session() as session:
        session.begin()
        session.next_number(parts.schema.objects["Part"], "code", 5)
        session.commit()

    parts.migrate(schema_of(f'{number}\nrenamed_from = "code"', name="number"))

    with parts.store.session() as session:
        session.begin()
        assert session.next_number(parts.schema.objects["Part"], "number", 1) == 6


def test_a_field_that_is_gone_comes_back_with_its_values(with_codes: Parts) -> None:
    gone = with_codes.migrate(schema_of(""))
    back = with_codes.migrate(schema_of())

    assert gone == ("Part.code is gone from the project; its values are kept",)
    assert back == ("Part.code is back with its values",)
    assert with_codes.values() == ["A-1", "B-22", None]


def test_an_object_that_is_gone_comes_back_with_its_records(with_codes: Parts) -> None:
    with_codes.migrate(load_schema({}))
    with_codes.migrate(schema_of())

    assert with_codes.values() == ["A-1", "B-22", None]


def test_a_unique_field_that_is_gone_binds_nobody(parts: Parts) -> None:
    parts.migrate(schema_of(f"{CODE}\nunique = true"))
    parts.add("A-1")
    parts.migrate(schema_of(""))

    parts.add("A-1")

    assert parts.values() == ["A-1", "A-1"]


def test_a_field_that_becomes_unique_is_refused_while_values_stand_twice(with_codes: Parts) -> None:
    with_codes.add("a-1")

    refusal = with_codes.refusal(schema_of(f"{CODE}\nunique = true"))

    assert refusal.code == "UNIQUE_VIOLATED"
    assert "'A-1' in 2 records" in refusal.message


@pytest.mark.parametrize("case_sensitive", [False, True])
def test_uniqueness_follows_the_field_when_it_changes(with_codes: Parts, case_sensitive: bool) -> None:
    with_codes.migrate(schema_of(f"{CODE}\nunique = true\ncase_sensitive = {str(not case_sensitive).lower()}"))
    with_codes.migrate(schema_of(f"{CODE}\nunique = true\ncase_sensitive = {str(case_sensitive).lower()}"))

    if case_sensitive:
        with_codes.add("a-1")
    else:
        with pytest.raises(UniqueViolation):
            with_codes.add("a-1")


def test_a_field_that_is_unique_no_more_takes_a_value_twice(parts: Parts) -> None:
    parts.migrate(schema_of(f"{CODE}\nunique = true"))
    parts.migrate(schema_of())

    parts.add("A-1", "A-1")

    assert parts.values() == ["A-1", "A-1"]


def test_names_too_long_for_an_index_still_have_one_each(parts: Parts) -> None:
    first, second = "a" * 50 + "_first", "a" * 50 + "_second"
    unique = 'type = "text"\nunique = true\n'
    schema = load_schema({f"objects/{'Part'}.toml": f"[fields.{first}]\n{unique}[fields.{second}]\n{unique}"})
    parts.migrate(schema)
    parts.add("x", name=second)

    with pytest.raises(UniqueViolation) as caught:
        parts.add("x", name=second)

    assert caught.value.column == second


def test_two_servers_that_migrate_at_once_take_turns(url: str) -> None:
    schema = schema_of()
    stores = [Store.open(url) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        changes = [done.changes for done in threads.map(lambda store: store.migrate(schema), stores)]
    with stores[0].session() as session:
        (users,) = session.execute("SELECT count(*) FROM o_user")
    for store in stores:
        store.close()

    assert sorted(map(bool, changes)) == [False, False, True]
    assert users == (1,)


def test_a_key_prefix_stays_while_there_are_records_with_it(parts: Parts) -> None:
    parts.migrate(load_schema({"objects/Part.toml": 'key_prefix = "z01"\n[fields.code]\ntype = "text"\n'}))
    other = load_schema({"objects/Part.toml": 'key_prefix = "z02"\n[fields.code]\ntype = "text"\n'})
    assert parts.migrate(other) == ()
    parts.add("A-1")

    refusal = parts.refusal(load_schema({"objects/Part.toml": 'key_prefix = "z03"\n'}))

    assert "there are records whose ids begin with z02" in refusal.message


def test_an_object_keeps_its_spelling(with_codes: Parts) -> None:
    refusal = with_codes.refusal(load_schema({"objects/PART.toml": 'label = "Part"\n'}))

    assert "The object PART is there already, as Part." in refusal.message
    assert with_codes.values() == ["A-1", "B-22", None]
