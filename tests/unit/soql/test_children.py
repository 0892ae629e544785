import pytest

from circuitos.api.children import Children
from circuitos.api.exceptions import QueryException


def test_two_hundred_children_are_a_list_like_any_other() -> None:
    children = Children(range(200))

    assert (len(children), children[0], children[-1], children[:2]) == (200, 0, 199, [0, 1])
    assert list(children) == list(range(200))


def test_more_are_read_in_a_loop() -> None:
    assert [child for child in Children(range(201))] == list(range(201))  # noqa: C416 - the loop is what is tested
    assert bool(Children(range(201)))


@pytest.mark.parametrize(
    "use", [len, list, sorted, reversed, lambda children: children[0], lambda children: children[:5]]
)
def test_more_are_not_assigned(use) -> None:
    with pytest.raises(QueryException, match="too many rows for direct assignment, use FOR loop"):
        use(Children(range(201)))
