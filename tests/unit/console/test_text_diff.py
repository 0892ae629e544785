from __future__ import annotations

from circuit_console.core.text_diff import DiffLine, differences


def test_changed_lines_stand_between_their_neighbours_and_the_rest_is_counted():
    old = "\n".join(f"line {number}" for number in range(1, 21))
    new = old.replace("line 10\n", "line ten\n")

    assert differences(old, new) == (
        DiffLine("gap", 0, "6 lines alike"),
        *(DiffLine("same", number, f"line {number}") for number in (7, 8, 9)),
        DiffLine("removed", 10, "line 10"),
        DiffLine("added", 10, "line ten"),
        *(DiffLine("same", number, f"line {number}") for number in (11, 12, 13)),
    )


def test_texts_that_are_alike_have_no_differences():
    assert differences("a\nb", "a\nb\n") == ()
