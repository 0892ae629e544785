"""Record ids."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circuit_runtime.store.ids import checksum, long_id, record_id, record_ids


def test_an_id_has_the_checksum_that_salesforce_gives_it() -> None:
    assert checksum("001A0000006Vm9u") == "IAC"
    assert long_id("001A0000006Vm9u") == "001A0000006Vm9uIAC"


@given(first=st.integers(0, 62**4) | st.integers(62**12 - 400, 62**12 - 300), count=st.integers(0, 200))
def test_ids_made_together_are_those_made_one_by_one(first: int, count: int) -> None:
    assert record_ids("00Q", first, count) == [record_id("00Q", number) for number in range(first, first + count)]
