"""Record ids: 3 characters of the object, 12 of a counter, 3 that make the 15 safe to compare in any case.

And the texts of autonumbers, which come from counters as well.
"""

from __future__ import annotations

import re
from functools import lru_cache

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_COUNTER_DIGITS = 12


def record_id(prefix: str, number: int) -> str:
    """The 18-character id of the record `number` of an object."""
    digits = []
    for _ in range(_COUNTER_DIGITS):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    short = prefix + "".join(reversed(digits))
    return short + checksum(short)


def record_ids(prefix: str, first: int, count: int) -> list[str]:
    """The ids of `count` records that follow each other; what they share is made once for 62 of them."""
    ids: list[str] = []
    number, end = first, first + count
    while number < end:
        stem = record_id(prefix, number)[:14]
        checks = _check_digit(stem[0:5]) + _check_digit(stem[5:10])
        lower, upper = _check_digit(stem[10:] + "0"), _check_digit(stem[10:] + "A")
        digits = _DIGITS[number % 62 :][: end - number]
        ids += [f"{stem}{digit}{checks}{upper if 'A' <= digit <= 'Z' else lower}" for digit in digits]
        number += len(digits)
    return ids


@lru_cache(maxsize=8192)
def _check_digit(group: str) -> str:
    """Which of five characters are upper case."""
    return _CHECK_DIGITS[sum(1 << place for place, character in enumerate(group) if "A" <= character <= "Z")]


def checksum(short: str) -> str:
    """The last three characters of an id: which of the first 15 are upper case, five in each.

    Source: Salesforce, "What are the 15 and 18 digit record ids".
    """
    return _check_digit(short[0:5]) + _check_digit(short[5:10]) + _check_digit(short[10:15])


def long_id(text: str) -> str | None:
    """An id of 15 or 18 characters as 18; None for a text that is no id."""
    if not _SHAPE.fullmatch(text):
        return None
    return text[:15] + checksum(text[:15])


def autonumber_text(number_format: str, number: int) -> str:
    """`INV-{0000}` with 7 is INV-0007."""
    before, _, rest = number_format.partition("{")
    digits, _, after = rest.partition("}")
    return f"{before}{number:0{len(digits)}d}{after}"


def number_of(record: str) -> int:
    """The counter within an id, as a positive 63-bit number: unique within one object."""
    number = 0
    for character in record[3:15]:
        number = number * 62 + _DIGITS.index(character)
    return number & (2**63 - 1)
