import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuit_link.errors import UserFacingError
from circuit_runtime.connectors.payload import MAX_BYTES, read_object


def read(data):
    return read_object(data, "events/x.json")


@pytest.mark.parametrize(
    ("data", "code", "line", "column"),
    [
        (b'{"a": 1,\n  "b": }', "EVENT_NOT_JSON", 2, 8),
        (b"", "EVENT_NOT_JSON", 1, 1),
        (b'{"a": 1,\n "a": 2}', "EVENT_DUPLICATE_KEY", 2, 2),
        (b'{"x": [{"k": 1, "\\u006b": 2}]}', "EVENT_DUPLICATE_KEY", 1, 17),
        (b"[1]", "EVENT_NOT_AN_OBJECT", 1, 1),
        (b'"text"', "EVENT_NOT_AN_OBJECT", 1, 1),
        (b'{"a":\n "\xff"}', "EVENT_NOT_UTF8", 2, 3),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "EVENT_TOO_DEEP", 1, 321),
        (b"[" * 100_000, "EVENT_TOO_DEEP", 1, 65),
        (b'{"a": NaN}', "EVENT_NOT_JSON", 0, 0),
        (b'{"a": 1e999}', "EVENT_NOT_JSON", 0, 0),
        (b'{"a": ' + b"9" * 5000 + b"}", "EVENT_NOT_JSON", 0, 0),
        (b'{"a": "' + b"x" * MAX_BYTES + b'"}', "EVENT_TOO_LARGE", 0, 0),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_not_one_strict_object_is_refused_with_its_place(data, code, line, column):
    with pytest.raises(UserFacingError) as caught:
        read(data)

    error = caught.value
    assert (error.code, error.path, error.line, error.column) == (code, "events/x.json", line, column)
    assert error.hint


def test_a_byte_order_mark_is_no_fault():
    assert read(b'\xef\xbb\xbf{"a": "\xc3\xa4"}') == {"a": "ä"}


def test_text_that_no_database_takes_is_cleaned():
    assert read(b'{"a": "x\\u0000y", "b": ["\\ud800"], "c\\u0000": 1}') == {"a": "xy", "b": ["?"], "c": 1}


def test_a_number_beyond_64_bits_keeps_its_digits():
    assert read(b'{"a": 9223372036854775807, "b": 9223372036854775808}') == {
        "a": 2**63 - 1,
        "b": "9223372036854775808",
    }


def test_equal_keys_in_different_objects_are_no_duplicates():
    assert read(b'{"a": {"a": "a"}, "b": [{"a": 1}, {"a": 2}], "c": "a"}')["b"] == [{"a": 1}, {"a": 2}]


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_refusal(data):
    try:
        assert isinstance(read(data), dict)
    except UserFacingError as error:
        assert error.code.startswith("EVENT_")
