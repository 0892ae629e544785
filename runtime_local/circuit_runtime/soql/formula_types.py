"""Types of the expression language, and what its functions and operators take and give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from circuit_runtime.project.schema import FieldType
from circuit_runtime.soql.formula_syntax import Apply
from circuit_runtime.soql.tokens import fail


class Shape(Enum):
    """What a value is, as far as functions tell apart; NOTHING is the literal NULL, which fits everywhere."""

    NUMBER = "a number"
    TEXT = "a text"
    TRUTH = "true or false"
    DAY = "a date"
    TIME = "a date and time"
    NOTHING = "null"


_SHAPES = {
    FieldType.INTEGER: Shape.NUMBER,
    FieldType.DECIMAL: Shape.NUMBER,
    FieldType.BOOLEAN: Shape.TRUTH,
    FieldType.DATE: Shape.DAY,
    FieldType.DATETIME: Shape.TIME,
}
TYPES = {
    Shape.NUMBER: FieldType.DECIMAL,
    Shape.TEXT: FieldType.TEXT,
    Shape.TRUTH: FieldType.BOOLEAN,
    Shape.DAY: FieldType.DATE,
    Shape.TIME: FieldType.DATETIME,
    Shape.NOTHING: FieldType.TEXT,
}
_DATES = (Shape.DAY, Shape.TIME)
_ANY = tuple(Shape)
_NUMBER = (Shape.NUMBER,)
_TRUTH = (Shape.TRUTH,)
_ORDERED = (Shape.NUMBER, Shape.TEXT, Shape.DAY, Shape.TIME)
_CONDITIONS = (Shape.TRUTH, Shape.NOTHING)
_MANY = 1_000
T = TypeVar("T")


def shape_of(kind: FieldType) -> Shape:
    return _SHAPES.get(kind, Shape.TEXT)


@dataclass(frozen=True, slots=True)
class Signature:
    """Shapes of each argument; the last may be repeated up to `most` arguments.

    Attributes:
        gives: None for the shape of the arguments.
        alike: arguments have one shape, from the place `alike` on; None where they need not.
    """

    takes: tuple[tuple[Shape, ...], ...]
    gives: Shape | None
    most: int = 0
    alike: int | None = None


# A text is what TEXT() makes of anything.
SIGNATURES: dict[str, Signature] = {
    "+": Signature((_ORDERED, _ORDERED), None),
    "-": Signature(((Shape.NUMBER, *_DATES), (Shape.NUMBER, *_DATES)), None),
    **dict.fromkeys("*/^", Signature((_NUMBER, _NUMBER), Shape.NUMBER)),
    "NEGATIVE": Signature((_NUMBER,), Shape.NUMBER),
    "&": Signature((_ANY, _ANY), Shape.TEXT, _MANY),
    **dict.fromkeys(("=", "<>"), Signature((_ANY, _ANY), Shape.TRUTH, alike=0)),
    **dict.fromkeys(("<", "<=", ">", ">="), Signature((_ORDERED, _ORDERED), Shape.TRUTH, alike=0)),
    **dict.fromkeys(("AND", "OR"), Signature((_TRUTH,), Shape.TRUTH, _MANY)),
    "NOT": Signature((_TRUTH,), Shape.TRUTH),
    "IF": Signature((_ANY, _ANY, _ANY), None, _MANY),
    "CASE": Signature((_ANY, _ANY, _ANY), None, _MANY),
    "ISBLANK": Signature((_ANY,), Shape.TRUTH),
    "ISNULL": Signature((_ANY,), Shape.TRUTH),
    "BLANKVALUE": Signature((_ANY, _ANY), None, alike=0),
    "NULLVALUE": Signature((_ANY, _ANY), None, alike=0),
    "LEN": Signature((_ANY,), Shape.NUMBER),
    **dict.fromkeys(("TRIM", "UPPER", "LOWER", "TEXT"), Signature((_ANY,), Shape.TEXT)),
    **dict.fromkeys(("LEFT", "RIGHT"), Signature((_ANY, _NUMBER), Shape.TEXT)),
    "SUBSTITUTE": Signature((_ANY, _ANY, _ANY), Shape.TEXT),
    **dict.fromkeys(
        ("CONTAINS", "BEGINS", "REGEX", "ISPICKVAL", "INCLUDES"), Signature((_ANY, _ANY), Shape.TRUTH)
    ),
    "VALUE": Signature((_ANY,), Shape.NUMBER),
    **dict.fromkeys(("ROUND", "MOD"), Signature((_NUMBER, _NUMBER), Shape.NUMBER)),
    **dict.fromkeys(("ABS", "FLOOR", "CEILING"), Signature((_NUMBER,), Shape.NUMBER)),
    **dict.fromkeys(("MIN", "MAX"), Signature((_ORDERED,), None, 99, alike=0)),
    **dict.fromkeys(("YEAR", "MONTH", "DAY"), Signature((_DATES,), Shape.NUMBER)),
    "ISNEW": Signature((), Shape.TRUTH),
    "ISCHANGED": Signature((_ANY,), Shape.TRUTH),
    "PRIORVALUE": Signature((_ANY,), None),
    "NOW": Signature((), Shape.TIME),
    "TODAY": Signature((), Shape.DAY),
}
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})


def check_call(source: str, call: Apply, shapes: Sequence[Shape]) -> Shape:
    """The shape that a call gives for arguments of some shapes.

    Raises: SoqlError: no such function, a wrong number of arguments, or a wrong one.
    """
    signature = SIGNATURES.get(call.name)
    if signature is None:
        known = ", ".join(sorted(name for name in SIGNATURES if name.isalpha()))
        fail(source, call.token, f"There is no function {call.token.text}. Functions are: {known}.")
    fewest = len(signature.takes)
    most = max(fewest, signature.most)
    if not fewest <= len(shapes) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        fail(source, call.token, f"{call.name} takes {wanted} arguments, not {len(shapes)}.")
    for place, shape in enumerate(shapes):
        allowed = signature.takes[min(place, fewest - 1)]
        if shape not in allowed and shape is not Shape.NOTHING:
            wanted = " or ".join(each.value for each in allowed)
            fail(source, call.token, f"{call.token.text} takes {wanted}, not {shape.value}.")
    if call.name in ("+", "-"):
        return _sum(source, call, *shapes)
    if call.name == "IF":
        *choices, otherwise = shapes
        if (wrong := next((shape for shape in choices[::2] if shape not in _CONDITIONS), None)) is not None:
            fail(source, call.token, f"IF takes true or false, not {wrong.value}.")
        return _alike(source, call, [*choices[1::2], otherwise])
    if call.name == "CASE":
        pairs, default = cases(shapes)
        _alike(source, call, [shapes[0], *(match for match, _result in pairs)])
        return _alike(source, call, [*(result for _match, result in pairs), *default])
    if signature.alike is None:
        return signature.gives or shapes[0]
    common = _alike(source, call, shapes[signature.alike :])
    return signature.gives or common


def cases(arguments: Sequence[T]) -> tuple[list[tuple[T, T]], Sequence[T]]:
    """Pairs of a match and its result, and what stands for all else, of the arguments of CASE."""
    rest = arguments[1:]
    paired = len(rest) - len(rest) % 2
    return list(zip(rest[0:paired:2], rest[1:paired:2], strict=True)), rest[paired:]


def _alike(source: str, call: Apply, shapes: Sequence[Shape]) -> Shape:
    """The one shape of all; a comparison takes a time beside a date."""
    present = [shape for shape in dict.fromkeys(shapes) if shape is not Shape.NOTHING]
    is_dates = call.name in _COMPARISONS and set(present) <= set(_DATES)
    if len(present) > 1 and not is_dates:
        wanted = " with ".join(shape.value for shape in present[:2])
        verb = "compare" if call.name in _COMPARISONS else "mix"
        fail(source, call.token, f"{call.token.text} cannot {verb} {wanted}.")
    return present[0] if present else Shape.NOTHING


def _sum(source: str, call: Apply, left: Shape, right: Shape) -> Shape:
    number = (Shape.NUMBER, Shape.NOTHING)
    if left is right is Shape.NOTHING:
        return Shape.NOTHING
    if left in _DATES and right in number:
        return left
    if call.name == "-" and left in _DATES and right in _DATES:
        return Shape.NUMBER
    if call.name == "+" and Shape.TEXT in (left, right) and {left, right} <= {Shape.TEXT, Shape.NOTHING}:
        return Shape.TEXT
    if left in number and right in number:
        return Shape.NUMBER
    word = "added to" if call.name == "+" else "taken from"
    fail(source, call.token, f"{right.value.capitalize()} cannot be {word} {left.value}.")
