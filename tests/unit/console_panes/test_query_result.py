from __future__ import annotations

import pytest

from circuit_console.core.cells import BadCell, Column, cell_text, delimited, parse_cell, pasted
from circuit_console.core.query_result import cost_words, grid_of
from circuit_console.core.soql_text import locate, tokens
from circuit_link.host_protocol import FieldDescription, ObjectDescription, QueryAnswered

CONTACT = ObjectDescription(
    name="Contact",
    label="Contact",
    key_prefix="003",
    fields=tuple(
        FieldDescription(name=name, label=name, type=kind, writable=name not in ("id", "created_at"))
        for name, kind in (("id", "id"), ("last_name", "text"), ("score", "integer"), ("created_at", "datetime"))
    ),
)


def answer(*columns: str, rows: int = 2) -> QueryAnswered:
    return QueryAnswered(
        request=1,
        object_name="Contact",
        columns=columns,
        rows=[
            {"id": f"00{row}", "last_name": f"N{row}", "score": row, "account": {"name": "T"} if row else None}
            for row in range(rows)
        ],
        count=rows,
        limits={"queries": (1, 100), "query_rows": (rows, 50_000)},
        duration_ms=12.0,
    )


def test_parents_are_read_along_their_path():
    grid = grid_of(answer("id", "account.name"), CONTACT)

    assert [grid.value(row, 1) for row in range(2)] == [None, "T"]


def test_only_writable_fields_of_a_row_with_an_id_can_be_edited():
    grid = grid_of(answer("id", "last_name", "created_at", "account.name"), CONTACT)

    assert [grid.is_editable(0, column) for column in range(4)] == [False, True, False, False]
    assert not grid_of(answer("last_name"), CONTACT).columns[0].is_editable


def test_edits_are_undone_in_reverse_order():
    grid = grid_of(answer("id", "last_name"), CONTACT)
    grid.edit({(0, 1): "First"})
    grid.edit({(0, 1): "Second"})

    assert grid.undo() == ((0, 1),)
    assert grid.value(0, 1) == "First"
    assert grid.undo() == ((0, 1),)
    assert grid.value(0, 1) == "N0"
    assert grid.undo() == ()
    assert grid.edited_cells == 0


def test_what_is_saved_is_the_id_and_the_changed_fields():
    grid = grid_of(answer("id", "last_name", "score"), CONTACT)
    grid.edit({(1, 1): "García"})
    grid.edit({(1, 2): "91"})

    assert grid.changed_records() == ({"id": "001", "last_name": "García", "score": 91},)

    grid.take_saved()
    assert grid.rows[1]["score"] == 91
    assert grid.changed_records() == ()


def test_a_step_that_was_undone_is_done_again_until_something_else_is_edited():
    grid = grid_of(answer("id", "last_name"), CONTACT)
    grid.edit({(0, 1): "A", (1, 1): "B"})
    grid.undo()

    assert grid.redo() == ((0, 1), (1, 1))
    assert [grid.value(row, 1) for row in range(2)] == ["A", "B"]

    grid.undo()
    grid.edit({(0, 1): "C"})
    assert grid.redo() == ()


def test_a_cell_that_has_its_old_value_again_is_not_edited():
    grid = grid_of(answer("id", "last_name"), CONTACT)
    grid.edit({(0, 1): "Other"})
    grid.edit({(0, 1): "N0"})

    assert grid.edited_cells == 0
    assert grid.undo() == ((0, 1),)
    assert grid.value(0, 1) == "Other"


def test_a_text_that_is_no_value_stays_in_its_cell_and_is_told():
    grid = grid_of(answer("id", "score"), CONTACT)
    grid.edit({(1, 1): "many"})

    assert [(cell, bad.text, bad.why) for cell, bad in grid.bad_cells()] == [
        ((1, 1), "many", "'many' is not a whole number.")
    ]


def test_cells_that_cannot_be_edited_are_left_alone():
    grid = grid_of(answer("id", "last_name", "account.name"), CONTACT)

    assert grid.edit({(0, 0): "x", (0, 1): "y", (0, 2): "z"}) == ((0, 1),)


def test_a_refused_save_is_about_the_cell_that_its_message_names():
    grid = grid_of(answer("id", "last_name", "score"), CONTACT)
    grid.edit({(0, 1): "A", (1, 1): "", (1, 2): "7"})
    message = "Update failed. First exception on row 1 with id 001; first error: X, Missing: [score]: [score]"

    assert grid.blamed(message) == (1, 2)
    assert grid.blamed("A trigger failed on row 0 with id 000; it says no") == (0, 1)
    assert grid.blamed("Too many DML rows: 10001") is None


def test_edits_come_back_in_the_rows_of_a_later_answer():
    grid = grid_of(answer("id", "last_name", "score"), CONTACT)
    grid.edit({(0, 1): "Ada", (1, 2): "many"})
    kept = grid.unsaved()
    later = grid_of(answer("id", "score", "last_name"), CONTACT)
    later.rows.reverse()

    assert later.bring_back(kept) == ((1, 2), (0, 1))
    assert later.unsaved() == tuple(reversed(kept))


def test_the_same_value_is_no_edit():
    grid = grid_of(answer("id", "score"), CONTACT)

    assert not grid.edit({(1, 1): "1"})
    assert grid.undo() == ()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("boolean", "Yes", True),
        ("integer", "50 000", 50_000),
        ("decimal", "12.50", 12.5),
        ("decimal", "12", 12),
        ("date", "2025-11-13", "2025-11-13"),
        ("datetime", "2025-11-13T17:45:23Z", "2025-11-13T17:45:23Z"),
        ("multipicklist", "a; b", ["a", "b"]),
        ("json", '{"a": 1}', {"a": 1}),
        ("text", " as it is ", " as it is "),
        ("text", "", None),
    ],
)
def test_a_text_is_read_by_the_type_of_its_column(kind, text, value):
    assert parse_cell(Column("x", kind), text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("boolean", "maybe"), ("integer", "4.5"), ("decimal", "nan"), ("date", "13.11.2025"), ("json", "{")],
)
def test_a_text_that_does_not_fit_is_refused_with_the_text_in_the_words(kind, text):
    with pytest.raises(BadCell) as caught:
        parse_cell(Column("x", kind), text)

    assert repr(text) in str(caught.value)


def test_values_are_written_as_they_can_be_read_back():
    assert cell_text(None) == ""
    assert cell_text(True) == "true"
    assert cell_text(["a", "b"]) == "a;b"
    assert cell_text([{"id": 1}, {"id": 2}]) == "2 records"


def test_copied_cells_are_quoted_where_they_have_to_be_and_read_back():
    rows = [["a", "1,5"], ['say "hi"', "two\nlines"]]

    assert delimited(rows, ",") == 'a,"1,5"\n"say ""hi""","two\nlines"\n'
    assert pasted(delimited(rows, "\t")) == rows


def test_the_cost_is_told_in_limits():
    assert cost_words(answer("id", rows=2)) == "2 rows in 12 ms   1 of 100 queries, 2 of 50\u00a0000 rows"


def test_a_bare_count_is_a_grid_of_one_cell():
    counted = QueryAnswered(
        request=1, object_name="Contact", columns=(), rows=[], count=42, limits={}, duration_ms=1.0
    )

    grid = grid_of(counted, CONTACT)

    assert grid.value(0, 0) == 42


def test_an_error_is_found_by_line_and_column():
    found = locate("SELECT id,\n  lst_name FROM Contact", "No field lst_name (line 2, column 3)", 2, 3)

    assert found.sentence == "No field lst_name"
    assert (found.start, found.length) == (13, 8)
    assert found.line_text == "  lst_name FROM Contact"
    assert found.caret == "  ^^^^^^^^"


def test_an_error_at_the_end_of_the_text_points_behind_it():
    found = locate("SELECT id FROM", "An object is missing", 1, 15)

    assert found.caret == " " * 14 + "^"


def test_words_of_a_query_are_told_apart():
    line = "SELECT COUNT(id) FROM Contact WHERE email = 'a' AND n > 5 AND x = :y"

    assert {line[token.start : token.start + token.length]: token.kind for token in tokens(line)} == {
        "SELECT": "keyword",
        "COUNT": "function",
        "FROM": "keyword",
        "WHERE": "keyword",
        "'a'": "text",
        "AND": "keyword",
        "5": "number",
        ":y": "bind",
    }
