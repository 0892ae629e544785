"""Patterns of rules run in the host, so none of them may hold it up."""

from __future__ import annotations

from circuit_runtime.store.patterns import fits


def test_all_of_the_text_must_fit() -> None:
    assert (fits("10019", "[0-9]{5}"), fits("10019-1", "[0-9]{5}")) == (True, False)


def test_a_pattern_that_would_take_for_ever_is_unknown() -> None:
    assert fits("a" * 5_000 + "!", "(a|aa)+$") is None


def test_what_is_no_pattern_is_unknown() -> None:
    assert fits("text", "(") is None
