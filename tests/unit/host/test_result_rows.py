from circuit_link.wire import ResultShape
from circuit_runtime.host.result_rows import RowReader


def test_values_are_shown_as_json_has_them():
    shape = ResultShape(
        object_name="Contact",
        columns=("id", "at", "at_ms", "day", "money", "whole", "flag", "data", "tags", "nothing"),
        types=(
            "id",
            "datetime",
            "datetime",
            "date",
            "decimal",
            "decimal",
            "boolean",
            "json",
            "multipicklist",
            "text",
        ),
    )

    row = RowReader(shape).read(
        ["003A", 1_763_055_923_000, 1_763_055_923_250, "2025-11-13", 12.5, 3.0, 1, '{"a":[1]}', "x;y", None]
    )

    assert row == {
        "id": "003A",
        "at": "2025-11-13T17:45:23Z",
        "at_ms": "2025-11-13T17:45:23.250Z",
        "day": "2025-11-13",
        "money": 12.5,
        "whole": 3,
        "flag": True,
        "data": {"a": [1]},
        "tags": ["x", "y"],
        "nothing": None,
    }


def test_parents_are_objects_within_objects_or_none():
    shape = ResultShape(
        object_name="Contact",
        columns=("last_name", "account.name", "account.owner.email", "account.id", "account.owner.id"),
        types=("text", "text", "email", "id", "id"),
        parents={"account": "Account", "account.owner": "User"},
    )
    reader = RowReader(shape)

    assert reader.read(["A", "Engines", "o@x.com", "001A", "005A"]) == {
        "last_name": "A",
        "account": {"name": "Engines", "id": "001A", "owner": {"email": "o@x.com", "id": "005A"}},
    }
    assert reader.read(["B", "Engines", None, "001A", None])["account"] == {
        "name": "Engines",
        "id": "001A",
        "owner": None,
    }
    assert reader.read(["C", None, None, None, None]) == {"last_name": "C", "account": None}


def test_a_lookup_that_is_selected_with_its_parent_is_the_parent():
    shape = ResultShape(
        object_name="Contact",
        columns=("account", "account.name", "account.id"),
        types=("lookup", "text", "id"),
        parents={"account": "Account"},
        selected_ids=("account",),
    )

    assert RowReader(shape).read(["001A", "Engines", "001A"]) == {"account": {"name": "Engines", "id": "001A"}}


def test_children_are_lists_of_objects():
    children = ResultShape(object_name="Contact", columns=("last_name", "born"), types=("text", "date"))
    shape = ResultShape(
        object_name="Account",
        columns=("name", "contacts"),
        types=("text", "children"),
        children={"contacts": children},
    )

    assert RowReader(shape).read(["Engines", [["A", "1815-12-10"], ["B", None]]]) == {
        "name": "Engines",
        "contacts": [{"last_name": "A", "born": "1815-12-10"}, {"last_name": "B", "born": None}],
    }
