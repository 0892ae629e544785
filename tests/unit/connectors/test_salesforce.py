import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circuit_link.errors import UserFacingError
from circuit_log.levels import Level
from circuit_runtime.connectors.deliveries import map_delivery
from circuit_runtime.project.objects import load_schema

SHARED = Path(__file__).parents[4].joinpath("shared/data/salesforce/cdc")


@pytest.fixture(scope="module")
def schema():
    return load_schema({})


@pytest.fixture
def mapped(schema):
    def run(payload):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return map_delivery(
            "salesforce", data, path="event.json", delivery_id="d1", custom_fields={}, schema=schema
        )

    return run


def change(kind, fields, entity="Contact", ids=("003A",), **header):
    return {
        "ChangeEventHeader": {"entityName": entity, "changeType": kind, "recordIds": list(ids), **header},
        **fields,
    }


def test_a_create_takes_all_fields_that_have_a_value(mapped):
    intake = mapped(
        change(
            "CREATE",
            {
                "Name": {"FirstName": "Ada", "LastName": "Lovelace", "Salutation": None},
                "MailingAddress": {"Street": "1 Main St", "PostalCode": "10019"},
                "Birthdate": "1815-12-10",
                "Phone": None,
                "OwnerId": "005",
            },
        )
    )

    (operation,) = intake.operations
    assert (operation.external_field, operation.external_id) == ("salesforce_id", "003A")
    assert operation.values == {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "mailing_street": "1 Main St",
        "mailing_postal_code": "10019",
        "birthdate": dt.date(1815, 12, 10),
    }


def test_an_update_of_pub_sub_takes_what_the_header_names(mapped):
    intake = mapped(
        change(
            "UPDATE",
            {"Name": None, "Phone": {"string": "+1 555"}, "Email": None, "Title": None},
            changedFields=["Phone", "Email", "LastModifiedDate"],
            nulledFields=["Email"],
        )
    )

    assert intake.operations[0].values == {"phone": "+1 555", "email": None}
    assert intake.operations[0].defaults == {"last_name": "Unknown"}


def test_an_update_of_cometd_takes_what_it_sends(mapped):
    payload = change("UPDATE", {"Title": "CTO"})
    intake = mapped({"schema": "s", "payload": payload, "event": {"replayId": 1}})

    assert intake.operations[0].values == {"title": "CTO"}


def test_a_merged_event_becomes_one_operation_for_each_record(mapped):
    intake = mapped(change("DELETE", {}, ids=("003A", "003B", "003C")))

    assert [(item.action, item.external_id) for item in intake.operations] == [
        ("delete", "003A"),
        ("delete", "003B"),
        ("delete", "003C"),
    ]


@pytest.mark.parametrize(
    ("payload", "level"),
    [
        (change("CREATE", {"Amount__c": 10}, entity="Expense__c"), Level.INFO),
        (change("GAP_UPDATE", {}), Level.WARN),
    ],
)
def test_what_cannot_be_mapped_is_logged_and_stores_nothing(mapped, payload, level):
    intake = mapped(payload)

    assert intake.operations == ()
    assert [note.level for note in intake.notes] == [level]


@pytest.mark.parametrize(
    "payload", [{}, {"ChangeEventHeader": []}, {"ChangeEventHeader": {"entityName": "Contact"}}]
)
def test_what_is_no_change_event_is_refused(mapped, payload):
    with pytest.raises(UserFacingError) as caught:
        mapped(payload)

    assert caught.value.code == "EVENT_NOT_A_CHANGE"


@pytest.mark.parametrize("record_id", [None, 5, ["x"], "", "x" * 300])
def test_a_change_of_a_record_without_a_usable_id_is_refused(mapped, record_id):
    header = {"entityName": "Contact", "changeType": "UPDATE", "recordIds": ["0032X00002QU10JQAT", record_id]}

    with pytest.raises(UserFacingError) as caught:
        mapped({"ChangeEventHeader": header, "Title": "x"})

    assert caught.value.code in ("EVENT_WITHOUT_ID", "EVENT_ID_TOO_LONG")
    assert "recordIds" in caught.value.message


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["LastName", "Email", "Title", "Birthdate", "MailingAddress", "Name", "AccountId", "Custom__c", "payload"]
)
_HEADERS = st.fixed_dictionaries(
    {"entityName": st.sampled_from(["Contact", "Account", "Other"]), "recordIds": st.just(["0032X00002QU10JQAT"])},
    optional={
        "changeType": st.sampled_from(["CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_UPDATE"]) | _JSON,
        "changedFields": st.lists(_NAMES) | _JSON,
        "nulledFields": st.lists(_NAMES) | _JSON,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_HEADERS, st.dictionaries(_NAMES, _JSON))
def test_whatever_the_change_holds_it_is_mapped_or_refused(mapped, header, fields):
    try:
        intake = mapped({"ChangeEventHeader": header, **fields})
    except UserFacingError as error:
        assert error.code.startswith("EVENT_")
    else:
        assert len(intake.operations) <= 1


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded events are not beside the project (../shared)")
@pytest.mark.parametrize("path", sorted(SHARED.glob("*.json")), ids=lambda path: path.stem)
def test_every_recorded_event_is_understood(mapped, path):
    intake = mapped(path.read_bytes())

    assert bool(intake.operations) == (not path.name.startswith("expense"))
