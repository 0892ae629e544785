import pytest

from circuit_link.wire import Source
from circuit_runtime.project.catalog import read_catalog
from circuit_runtime.project.objects import load_schema

SCHEMA = load_schema({})


def catalog_of(text, path="triggers/t.py"):
    return read_catalog([Source(path=path, text=text, sha256="")], SCHEMA)


def problem(text):
    (found,) = catalog_of(text).problems
    return found


def trigger(arguments, head=""):
    return f"class T(CircuitTrigger):\n    {head}\n    @trigger({arguments})\n    def handle(self, context): ...\n"


@pytest.mark.parametrize(
    ("head", "order"), [("", 0), ("order = 10", 10), ("order: int = 10", 10), ("order = -5", -5)]
)
def test_a_trigger_is_read_with_its_order(head, order):
    (found,) = catalog_of(trigger('"contact", ["beforeInsert", "afterUpdate"]', head)).triggers

    assert (found.object_name, found.events) == ("Contact", ("beforeInsert", "afterUpdate"))
    assert (found.class_name, found.method, found.line, found.order) == ("T", "handle", 4, order)


def test_arguments_may_have_names_and_a_module():
    text = (
        'class T:\n    @circuitos.trigger(events=("afterInsert",), object_name="Lead")\n'
        "    def a(self, context): ...\n"
    )

    (found,) = catalog_of(text).triggers

    assert (found.object_name, found.events) == ("Lead", ("afterInsert",))


def test_triggers_of_an_event_run_by_order_then_by_class():
    text = "".join(
        f'class {name}:\n    order = {order}\n    @trigger("Lead", "afterInsert")\n    def a(self, context): ...\n'
        for name, order in (("B", 1), ("A", 1), ("C", -1))
    )

    found = catalog_of(text).triggers_for("Lead", "afterInsert")

    assert [item.class_name for item in found] == ["C", "A", "B"]


def test_tests_are_read_with_their_options_and_setup():
    text = """
@test(parallel=True)
class Scores:
    @test_setup
    def rows(cls): ...
    @test("High intent scores", expects_limit="queries")
    def high(self): ...
    @test(parallel=False, see_all_data=True)
    def low(self): ...
    @test
    def bare(self): ...
    def helper(self): ...
"""
    tests = {item.method: item for item in catalog_of(text, "tests/a.py").tests}

    assert set(tests) == {"high", "low", "bare"}
    assert tests["high"].id == "tests/a.py::Scores::high"
    assert (tests["high"].name, tests["high"].expects_limit, tests["high"].parallel) == (
        "High intent scores",
        "queries",
        True,
    )
    assert (tests["low"].name, tests["low"].see_all_data, tests["low"].parallel) == ("low", True, False)
    assert {item.setup_method for item in tests.values()} == {"rows"}


def test_x01_a_test_may_expect_a_limit_by_its_other_name():
    text = '@test\nclass T:\n    @test(expects_limit="api_callouts")\n    def a(self): ...\n'

    (found,) = catalog_of(text, "tests/a.py").tests

    assert found.expects_limit == "callouts"


@pytest.mark.parametrize(
    ("text", "line", "column", "part"),
    [
        ("def (:\n", 1, 5, "Syntax error"),
        ("x = 1\n  y = 2\n", 2, 2, "unexpected indent"),
        ("x = '\0'\n", 1, 1, "null bytes"),
        (trigger('NAME, ["afterInsert"]'), 3, 14, "the object's name"),
        (trigger('"Contact", EVENTS'), 3, 25, "list of plain texts"),
        (trigger('"Contact", ["after" + "Insert"]'), 3, 26, "each event"),
        (trigger('"Contakt", ["afterInsert"]'), 3, 6, "'Contact'"),
        (trigger('"Contact", ["afterInsrt"]'), 3, 6, "'afterInsert'"),
        (trigger('"Contact", event=["afterInsert"]'), 3, 31, "'events'"),
        (trigger("*ARGUMENTS"), 3, 6, "in full"),
        (trigger('"Contact", ["afterInsert"]', "order = ORDER"), 2, 5, "whole number"),
        (trigger('"Contact", ["afterInsert"]', "order = True"), 2, 5, "whole number"),
        ('@trigger("Contact", ["afterInsert"])\ndef handle(context): ...\n', 1, 2, "method of a class"),
        ("class T:\n    @test\n    def a(self): ...\n", 2, 6, "lacks @test"),
        ("@test\nclass T:\n    @test\n    async def a(self): ...\n", 4, 5, "async"),
        ("@test\nclass T:\n    @test(parallel=YES)\n    def a(self): ...\n", 3, 20, "True or False"),
        ("@test\nclass T:\n    @test(paralel=True)\n    def a(self): ...\n", 3, 19, "'parallel'"),
        ('@test\nclass T:\n    @test(expects_limit="querys")\n    def a(self): ...\n', 3, 25, "'queries'"),
        ("(" * 500, 1, 201, "parentheses"),
    ],
)
def test_what_cannot_be_read_is_a_problem_with_its_place(text, line, column, part):
    found = problem(text)

    assert (found.path, found.line, found.column) == ("triggers/t.py", line, column)
    assert part in found.message


def test_a_broken_file_hides_no_other():
    good = Source(path="triggers/a.py", text=trigger('"Lead", "afterInsert"'), sha256="")
    bad = Source(path="triggers/b.py", text="def (", sha256="")

    catalog = read_catalog([bad, good], SCHEMA)

    assert [item.path for item in catalog.triggers] == ["triggers/a.py"]
    assert [item.path for item in catalog.problems] == ["triggers/b.py"]
