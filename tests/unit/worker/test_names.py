"""Names of objects, fields and API."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

import circuitos
import circuitos.testing
from circuit_link import wire
from circuitos.api.exceptions import RecordException
from circuitos.api.objects import ObjectFields, snake_case
from circuitos.api.values import from_storage, to_wire


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Contact", "contact"),
        ("ZipIncome", "zip_income"),
        ("LPRScore", "lpr_score"),
        ("Score__c", "score_c"),
        ("medianIncome", "median_income"),
    ],
)
def test_snake_case(name, snake):
    assert snake_case(name) == snake


def test_fields_are_found_in_any_case_and_by_salesforce_s_system_names():
    names = ("id", "email", "created_at", "modified_by", "is_deleted", "owner")
    fields = ObjectFields("Contact", [wire.FieldInfo(name=name, type="text") for name in names])

    found = [
        fields.canonical(name) for name in ("Id", "EMAIL", "CreatedDate", "LastModifiedById", "OwnerId", "zip")
    ]

    assert found == ["id", "email", "created_at", "modified_by", "owner", None]


def test_values_convert_from_storage():
    assert from_storage("datetime", 1_000) == dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC)
    assert from_storage("datetime", -1) == dt.datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=dt.UTC)
    assert from_storage("decimal", 0.1) == Decimal("0.1")
    assert from_storage("multipicklist", "") == []
    assert from_storage("date", None) is None


def test_values_travel_as_plain_values():
    naive = dt.datetime(2025, 1, 1)  # noqa: DTZ001 - naive on purpose

    assert to_wire(naive) == dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    assert to_wire({"a": {1}}) == {"a": [1]}
    assert to_wire({"a": 1, "b": 2}.keys()) == ["a", "b"]
    assert to_wire({"a": 1}.values()) == [1]
    assert to_wire(letter for letter in "ab") == ["a", "b"]
    assert to_wire(circuitos.TriggerOperation.BEFORE_INSERT) == "beforeInsert"
    with pytest.raises(RecordException, match="type object"):
        to_wire(object())


def test_public_names_are_those_of_the_interface():
    documented = """
        AsyncException CalloutException CircuitBatch CircuitDB CircuitEvents CircuitException
        CircuitGovernor CircuitHTTP CircuitJobs CircuitLog CircuitPackage CircuitQueueable
        CircuitSchedulable CircuitScript CircuitTrigger DmlError DmlException GovernorLimitException
        HTTPResponse NotFoundException QueryException QueryLocator Record RecordException
        RestResponse SaveResult Savepoint Secrets TriggerOperation ValidationException future
        package rest trigger
    """.split()  # noqa: SIM905 - one name a line would fill the page

    assert set(documented) <= set(circuitos.__all__)
    assert set(circuitos.testing.__all__) >= {"CircuitTest", "Mock", "test", "test_setup"}


def test_trigger_with_an_unknown_event_is_refused():
    with pytest.raises(ValueError, match="'onInsert' is not a trigger event"):
        circuitos.trigger("Contact", ["onInsert"])


def test_api_used_outside_a_worker_says_so():
    with pytest.raises(RuntimeError, match="circuit-cli"):
        circuitos.CircuitDB.query("SELECT id FROM Contact")


@pytest.mark.parametrize(("kind", "value"), [(str, "a"), (int, 3), (float, 0.5), (Decimal, Decimal("1.5"))])
def test_q08_a_subclass_of_a_plain_type_travels_as_that_type(kind, value):
    subclass = type("Subclass", (kind,), {"__str__": lambda _self: "something else"})

    assert (to_wire(subclass(value)), type(to_wire(subclass(value)))) == (value, kind)
