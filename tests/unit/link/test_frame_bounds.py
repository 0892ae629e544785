"""Frames that would make their reader hold too much are refused before they are decoded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from circuit_link import frame_bounds, wire
from circuit_link.frame_bounds import FrameRefused, refuse_too_many_values, refuse_unfit

ONE_OF_EACH: list[Any] = [
    None, True, False, 0, -1, -33, 127, 200, 60_000, 70_000, 2**40, 2**63, -200, -40_000, -(2**40), 1.5,
    "", "a", "b" * 31, "c" * 200, "d" * 70_000, b"", b"e" * 300, b"f" * 70_000,
    [], {}, dt.datetime(2025, 11, 13, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, 0, 0, 0, 7, tzinfo=dt.UTC),
    dt.date(2025, 1, 1), Decimal("1.5"), dt.time(1), msgspec.msgpack.Ext(5, b"1" * 300),
    msgspec.msgpack.Ext(5, b"1" * 70_000), msgspec.msgpack.Ext(5, b"1"), msgspec.msgpack.Ext(5, b"12"),
    msgspec.msgpack.Ext(5, b"1" * 8), msgspec.msgpack.Ext(5, b"1" * 16),
]  # fmt: skip


def frame_of(values: list[Any]) -> bytes:
    return wire.encode(wire.pack(values))


@pytest.mark.parametrize("nested", [list, lambda values: {str(key): value for key, value in enumerate(values)}])
def test_every_kind_of_value_counts_once(monkeypatch: pytest.MonkeyPatch, nested: Any) -> None:
    copies = 5
    frame = frame_of([nested(ONE_OF_EACH) for _ in range(copies)])
    per_value = 1 if nested is list else 2
    count = 1 + copies * (1 + per_value * len(ONE_OF_EACH))

    monkeypatch.setattr(frame_bounds, "MAX_VALUES", count)
    refuse_too_many_values(frame)
    monkeypatch.setattr(frame_bounds, "MAX_VALUES", count - 1)
    with pytest.raises(FrameRefused):
        refuse_too_many_values(frame)


def test_long_arrays_and_maps_count_their_head_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of([["x" * 30] * 70_000, {str(key): "y" * 30 for key in range(70_000)}])

    monkeypatch.setattr(frame_bounds, "MAX_VALUES", 1 + 1 + 70_000 + 1 + 2 * 70_000)
    refuse_too_many_values(frame)


@pytest.mark.parametrize("frame", [b"", b"\xc1" * 300_000, b"\xdb" * 300_000, b"\xff" * 300_000])
def test_bytes_that_are_no_message_are_left_to_the_decoder(frame: bytes) -> None:
    refuse_too_many_values(frame)

    with pytest.raises(wire.WireError):
        wire.decode_from_worker(frame)


@pytest.mark.parametrize("key", [1, None, 2.5, b"a", ("a",)])
def test_a_key_that_is_no_text_is_refused(key: Any) -> None:
    with pytest.raises(FrameRefused):
        refuse_unfit([{"a": [{key: 1}]}])


def test_depth_is_refused_at_its_bound_and_not_before() -> None:
    def nested(depth: int) -> Any:
        return {"a": nested(depth - 1)} if depth % 2 else [nested(depth - 1)] if depth else 1

    refuse_unfit([nested(frame_bounds.MAX_DEPTH)])
    with pytest.raises(FrameRefused):
        refuse_unfit([nested(frame_bounds.MAX_DEPTH + 1)])
