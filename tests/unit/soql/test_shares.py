import pytest

from circuit_runtime.soql.search import shares


@pytest.mark.parametrize(
    ("counts", "limit", "wanted"),
    [
        ([5, 5], 20, [5, 5]),
        ([50, 50], 20, [10, 10]),
        ([7, 50], 20, [7, 13]),
        ([50, 7], 20, [13, 7]),
        ([1, 2, 50, 50], 20, [1, 2, 8, 9]),
        ([5, 5, 5], 0, [0, 0, 0]),
        ([], 20, []),
    ],
)
def test_a_common_limit_is_shared_evenly_and_what_one_does_not_need_goes_to_the_others(
    counts: list[int], limit: int, wanted: list[int]
) -> None:
    assert shares(counts, limit) == wanted
