"""Outline, problems, inline values and search, without running anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from circuit_console.core.commands import fuzzy_score
from circuit_console.core.inline_values import inline_values
from circuit_console.core.python_source import enclosing, facts_of
from circuit_console.core.run_target import file_target
from circuit_console.core.text_search import SearchQuery, search_files
from circuit_link.errors import UserFacingError

_TEXT = """class Score:
    LIMIT = 70

    def total(self, lead):
        fit = 26
        for part in lead.parts:
            fit += part
        return fit
"""


def test_the_outline_names_what_is_around_a_line() -> None:
    facts = facts_of("classes/score.py", _TEXT)

    assert facts.problems == ()
    assert facts.outline is not None
    assert [symbol.name for symbol in enclosing(facts.outline, 7)] == ["Score", "total"]


def test_a_syntax_error_has_its_place_and_no_outline() -> None:
    facts = facts_of("a.py", "def f(:\n    pass\n")

    assert facts.outline is None
    assert [(one.line, one.column, one.severity) for one in facts.problems] == [(1, 7, "error")]


def test_an_undefined_name_is_a_warning() -> None:
    facts = facts_of("a.py", "print(missing)\n")

    assert [(one.severity, one.message) for one in facts.problems] == [("warning", "Undefined name 'missing'")]


def test_values_stand_where_they_were_assigned_and_used() -> None:
    facts = facts_of("classes/score.py", _TEXT)
    values = {"fit": "26", "part": "8", "self": "<Score>", "lead": "<Contact>"}

    shown = inline_values("            fit += part", facts.assigned, 4, 7, values)

    assert shown == {5: "fit = 26", 6: "part = 8", 7: "fit = 26   part = 8"}


def test_a_keyword_argument_is_no_assignment() -> None:
    facts = facts_of("a.py", "x = f(\n    total=1,\n)\n")

    assert facts.assigned == {1: ("x",)}


@pytest.mark.parametrize(
    ("path", "kind"),
    [("events/a.json", "event"), ("tests/test_a.py", "test"), ("classes/a.py", "exec"), ("x.md", "")],
)
def test_a_file_runs_by_the_folder_it_lies_in(path: str, kind: str) -> None:
    target = file_target(path)

    assert (target.kind if target else "") == kind


def test_search_finds_lines_and_refuses_a_bad_pattern(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n    total = fit\n")

    hits = search_files(tmp_path, ("a.py", "gone.py"), SearchQuery(text="TOTAL"))

    assert [(hit.path, hit.line, hit.column) for hit in hits] == [("a.py", 2, 5)]
    with pytest.raises(UserFacingError, match="not a regular expression"):
        search_files(tmp_path, ("a.py",), SearchQuery(text="(", is_pattern=True))


def test_closer_matches_score_lower() -> None:
    near, far = fuzzy_score("lpr", "classes/lpr.py"), fuzzy_score("lpr", "classes/virtual_lpr.py")

    assert near is not None and far is not None and near < far
    assert fuzzy_score("xyz", "classes/lpr.py") is None
