import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuit_link.errors import UserFacingError
from circuit_log.levels import Level
from circuit_runtime.connectors.deliveries import delivery_id_of, map_delivery
from circuit_runtime.project.objects import load_schema

CUSTOM = {"industryId": "industry", "visitId": "last_website_visit", "Employees": "employees"}
CONTACT = """
label = "Contact"
[fields.industry]
type = "text"
length = 20
[fields.employees]
type = "integer"
minimum = 0
[fields.last_website_visit]
type = "datetime"
[fields.called]
type = "boolean"
[fields.revenue]
type = "decimal"
precision = 18
scale = 2
"""
SHARED = Path(__file__).parents[4].joinpath("shared/data/ghl/webhooks")


@pytest.fixture(scope="module")
def schema():
    return load_schema({"objects/Contact.toml": CONTACT})


@pytest.fixture
def mapped(schema):
    def run(payload, custom=CUSTOM):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return map_delivery("ghl", data, path="event.json", delivery_id="d1", custom_fields=custom, schema=schema)

    return run


def test_a_contact_create_fills_the_fields_of_the_contact(mapped):
    intake = mapped(
        {
            "type": "ContactCreate",
            "id": "abc",
            "firstName": "Ada",
            "lastName": "Lovelace",
            "email": "ada@example.com",
            "companyName": "Engines",
            "address1": "1 Main St",
            "postalCode": "10019",
            "source": "pricing page",
            "dateOfBirth": "1815-12-10T00:00:00.000Z",
            "dnd": True,
            "tags": ["first", "second; half"],
            "customFields": [{"id": "industryId", "value": "Technology"}],
        }
    )

    (operation,) = intake.operations
    assert (operation.object_name, operation.action) == ("Contact", "save")
    assert (operation.external_field, operation.external_id) == ("ghl_id", "abc")
    assert operation.values == {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": "ada@example.com",
        "company": "Engines",
        "mailing_street": "1 Main St",
        "mailing_postal_code": "10019",
        "lead_source": "pricing page",
        "birthdate": dt.date(1815, 12, 10),
        "do_not_contact": True,
        "tags": ["first", "second, half"],
        "industry": "Technology",
    }
    assert intake.notes == ()


@pytest.mark.parametrize(
    ("email", "name"),
    [("person@example.com", "person"), ("", "Unknown"), (None, "Unknown"), ("@x.com", "Unknown")],
)
def test_a_missing_last_name_is_made_from_the_mail_address_for_new_contacts_only(mapped, email, name):
    (operation,) = mapped({"type": "ContactUpdate", "id": "abc", "email": email, "lastName": ""}).operations

    assert "last_name" not in operation.values
    assert operation.defaults == {"last_name": name}


def test_an_unmapped_custom_field_is_kept_and_reported_once(mapped):
    intake = mapped(
        {
            "type": "ContactUpdate",
            "id": "abc",
            "customFields": [{"id": "other", "value": ["x"]}, {"id": "more", "value": 2}],
        }
    )

    assert intake.operations[0].values == {"ghl_extra": {"other": ["x"], "more": 2}}
    assert [(note.level, note.text) for note in intake.notes] == [
        (Level.INFO, "Not mapped to a field of Contact: other, more.")
    ]


@pytest.mark.parametrize(
    ("payload", "sent_as"),
    [
        ({"dateOfBirth": "not a date"}, "dateOfBirth"),
        ({"dateOfBirth": 1e300}, "dateOfBirth"),
        ({"email": "no address"}, "email"),
        ({"firstName": "x" * 5000}, "firstName"),
        ({"companyName": {"name": "Engines"}}, "companyName"),
        ({"tags": {"first": True}}, "tags"),
        ({"dnd": "perhaps"}, "dnd"),
        ({"customFields": [{"id": "visitId", "value": "soon"}]}, "visitId"),
        ({"customFields": [{"id": "industryId", "value": "x" * 21}]}, "industryId"),
    ],
)
def test_a_value_that_does_not_fit_is_set_aside_with_a_warning(mapped, payload, sent_as):
    intake = mapped({"type": "ContactCreate", "id": "abc", "lastName": "L", **payload})

    (operation,) = intake.operations
    assert set(operation.values) == {"last_name", "ghl_extra"}
    assert list(operation.values["ghl_extra"]) == [sent_as]
    assert [note.level for note in intake.notes] == [Level.WARN]
    assert sent_as in intake.notes[0].text


def test_a_delete_names_the_contact_alone(mapped):
    (operation,) = mapped({"type": "ContactDelete", "id": "abc", "firstName": "Ada"}).operations

    assert (operation.action, operation.external_id, operation.values) == ("delete", "abc", {})


@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: {"body": e},
        lambda e: {"_source": "x", "body": {"data": e}},
        lambda e: {"headers": {}, "body": json.dumps(e)},
        lambda e: e,
    ],
)
def test_the_event_is_found_in_its_wrappers(mapped, wrap):
    intake = mapped(wrap({"type": "ContactCreate", "id": "abc", "lastName": "L"}))

    assert intake.title == "ContactCreate from GoHighLevel"
    assert intake.operations[0].external_id == "abc"


def test_a_workflow_delivery_maps_names_and_labels(mapped):
    intake = mapped(
        {
            "contact_id": "abc",
            "first_name": "Ada",
            "postal_code": "33563",
            "contact_source": "form",
            "company_name": "Engines",
            "tags": "one, two",
            "Employees": "12",
            "Wedding Date": "2025-05-09",
            "location": {"id": "loc"},
            "workflow": {"id": "w"},
            "customData": {"type": "appointment"},
        }
    )

    (operation,) = intake.operations
    assert operation.values == {
        "first_name": "Ada",
        "mailing_postal_code": "33563",
        "lead_source": "form",
        "company": "Engines",
        "tags": ["one", "two"],
        "employees": 12,
        "ghl_extra": {"Wedding Date": "2025-05-09", "type": "appointment"},
    }


@pytest.mark.parametrize("holder", [lambda fields: fields, lambda fields: {"customData": fields}])
def test_a_label_of_a_contacts_field_is_mapped_without_a_setting(mapped, holder):
    intake = mapped({"contact_id": "abc", **holder({"industry ": "Technology", "GoHighLevel ID": "other"})})

    (operation,) = intake.operations
    assert operation.external_id == "abc"
    assert operation.values == {"industry": "Technology", "ghl_extra": {"GoHighLevel ID": "other"}}


def test_nested_custom_data_is_kept_as_it_is(mapped):
    nested = {"a": {"b": [1, {"c": None}]}}

    (operation,) = mapped({"contact_id": "abc", "customData": {"answers": nested}}).operations

    assert operation.values == {"ghl_extra": {"answers": nested}}


@pytest.mark.parametrize("payload", [{"type": "InvoicePaid", "id": "x"}, {"id": "x"}, {}, {"type": 7, "x": None}])
def test_an_event_without_a_mapping_stores_nothing_and_says_so(mapped, payload):
    intake = mapped(payload)

    assert intake.operations == ()
    assert len(intake.notes) == 1


@pytest.mark.parametrize("bad_id", [None, "", "  ", 5, ["abc"]])
def test_a_contact_event_needs_the_id_of_the_contact(mapped, bad_id):
    with pytest.raises(UserFacingError) as caught:
        mapped({"type": "ContactCreate", "id": bad_id})

    assert caught.value.code == "EVENT_WITHOUT_ID"
    assert caught.value.path == "event.json"


def test_an_id_that_no_contact_can_hold_is_refused_with_what_to_do(mapped):
    with pytest.raises(UserFacingError) as caught:
        mapped({"type": "ContactCreate", "id": "i" * 400})

    assert (caught.value.code, len(caught.value.message) < 300) == ("EVENT_ID_TOO_LONG", True)
    assert "objects/Contact.toml" in caught.value.hint


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["type", "id", "contact_id", "firstName", "lastName", "email", "tags", "dnd", "dateOfBirth", "customFields",
     "body", "data", "workflow", "customData", "Industry", "Employees"]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(_NAMES, _JSON), st.sampled_from(["ContactCreate", "ContactUpdate", "ContactDelete", None]))
def test_whatever_the_fields_hold_the_event_is_mapped_or_refused(mapped, fields, kind):
    try:
        intake = mapped(fields if kind is None else {**fields, "type": kind})
    except UserFacingError as error:
        assert error.code.startswith("EVENT_")
    else:
        assert len(intake.operations) <= 1


def test_numbers_and_checkboxes_are_taken_as_people_write_them(mapped):
    custom = {"r": "revenue", "c": "called", "e": "employees"}
    (operation,) = mapped(
        {
            "type": "ContactUpdate",
            "id": "abc",
            "customFields": [
                {"id": "r", "value": "$1,250.50"},
                {"id": "c", "field_value": ["Yes"]},
                {"id": "e", "value": 12.0},
            ],
        },
        custom,
    ).operations

    assert operation.values == {"revenue": Decimal("1250.50"), "called": True, "employees": 12}


def test_the_senders_delivery_id_is_used_or_a_hash_of_the_bytes():
    assert delivery_id_of({"webhookId": "w1"}, b"{}") == "w1"
    assert delivery_id_of({}, b"{}") == delivery_id_of({"webhookId": ""}, b"{}")
    assert len(delivery_id_of({}, b"{}")) == 64


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded deliveries are not beside the project (../shared)")
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.json")), ids=lambda path: path.stem)
def test_every_documented_delivery_is_understood(mapped, path):
    intake = mapped(path.read_bytes())

    assert bool(intake.operations) == path.name.startswith("Contact")
