"""Moments that a run has kept, walked forwards and backwards as if the script stood there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NoReturn

from circuit_link import debug_wire as dw
from circuit_runtime.host.dap.connection import Refused
from circuit_runtime.host.dap.files import ClientFiles
from circuit_runtime.host.dap.inspection import Body, scope_body, value_body

# Numbers of frames and values are apart from a live script's.
_FIRST_NUMBER = 1 << 30
_MAX_MOMENTS = 100_000
_MAX_CHARACTERS = 200_000_000
_VALUE_CHARACTERS = 200
_READ_ONLY = "This is a recorded moment; it can be looked at, not changed."

Limits = dict[str, tuple[int, int]]
Direction = Literal["next", "stepIn", "stepOut", "continue", "stepBack", "reverseContinue"]


class Recording:
    """Moments in their order, and where one stands among them. Beyond a bound the oldest are dropped.

    `position` is None while nobody looks back.
    """

    def __init__(self, files: ClientFiles, max_characters: int = _MAX_CHARACTERS) -> None:
        self._files = files
        self._max_characters = max_characters
        self._moments: list[tuple[dw.Moment, Limits]] = []
        self._characters = 0
        self._values: dict[int, tuple[dw.CapturedValue, ...]] = {}
        self._numbers = _FIRST_NUMBER
        self._frames: dict[int, int] = {}
        self._end = 0
        self.position: int | None = None

    def add(self, moments: tuple[dw.Moment, ...], limits: Limits) -> None:
        self._moments += [(moment, limits if moment.checkpoint_id else {}) for moment in moments]
        self._characters += sum(map(_characters, moments))
        surplus = 0
        while self._is_too_much(len(self._moments) - surplus):
            self._characters -= _characters(self.moment(surplus))
            surplus += 1
        del self._moments[:surplus]

    def _is_too_much(self, count: int) -> bool:
        return count > _MAX_MOMENTS or (self._characters > self._max_characters and count > 1)

    def moment(self, place: int) -> dw.Moment:
        return self._moments[place][0]

    def stand_at(self, place: int | None) -> None:
        """Numbers that were given at the last place do not hold any more."""
        self.position = place
        self._values.clear()
        self._frames.clear()

    def enter(self, path: str, line: int) -> bool:
        """Look back from a live stop, or from the run's end (path ""); False where there is nothing before."""
        self._end = len(self._moments)
        last = self.moment(self._end - 1) if self._end else None
        if last is not None and (last.path, last.line) == (path, line):
            self._end -= 1  # the statement that the script stands at was recorded too
        if not self._end:
            return False
        self.stand_at(self._end - 1)
        return True

    def walk(self, direction: Direction, is_stop: Callable[[dw.Moment], bool]) -> bool:
        """Move from the place where one stands; False beyond the last moment.

        `continue` and `reverseContinue` go to the next moment that is a stop; backwards, to the first at most.
        """
        here = self.position
        assert here is not None
        depth = self.moment(here).depth
        is_wanted: Callable[[dw.Moment], bool] = {
            "next": lambda moment: moment.depth <= depth,
            "stepBack": lambda moment: moment.depth <= depth,
            "stepIn": lambda _moment: True,
            "stepOut": lambda moment: moment.depth < depth,
            "continue": is_stop,
            "reverseContinue": is_stop,
        }[direction]
        if direction in ("stepBack", "reverseContinue"):
            earlier = (place for place in range(here - 1, -1, -1) if is_wanted(self.moment(place)))
            self.stand_at(next(earlier, 0))
            return True
        later = (place for place in range(here + 1, self._end) if is_wanted(self.moment(place)))
        self.stand_at(next(later, None))
        return self.position is not None

    # ------------------------------------------------------------------------------------- looking

    def stack_trace(self, arguments: Body) -> Body:
        assert self.position is not None
        places = self._stack(self.position)
        frames = []
        for place in places:
            moment = self.moment(place)
            number = self._next_number()
            self._frames[number] = place
            frames.append(
                {
                    "id": number,
                    "name": moment.function,
                    "source": self._files.source_out(moment.path),
                    "line": self._files.line_out(moment.line),
                    "column": self._files.column_out(1),
                    "moduleId": moment.path,
                }
            )
        start, levels = int(arguments.get("startFrame") or 0), int(arguments.get("levels") or 0)
        return {"stackFrames": frames[start : start + levels if levels else None], "totalFrames": len(frames)}

    def scopes(self, arguments: Body) -> Body:
        place = self._frames.get(int(arguments["frameId"]))
        if place is None:
            raise Refused("That frame is of another moment; ask for the stack again.")
        moment, limits = self._moments[place]
        scopes = [dw.ScopeInfo(name="Locals", reference=self._keep(moment.variables), named=len(moment.variables))]
        if limits:
            values = tuple(
                dw.CapturedValue(name=name, value=f"{used:,} of {maximum:,}", type="limit")
                for name, (used, maximum) in limits.items()
            )
            scopes.append(dw.ScopeInfo(name="Limits", reference=self._keep(values), named=len(values)))
        return {"scopes": [scope_body(scope) for scope in scopes]}

    def variables(self, arguments: Body) -> Body:
        values = self._values.get(int(arguments["variablesReference"]))
        if values is None:
            raise Refused("That value is of another moment; ask for the variables again.")
        start, count = int(arguments.get("start") or 0), int(arguments.get("count") or 0)
        page = values[start : start + count if count else None]
        return {"variables": [{"name": value.name, **value_body(self._shown(value), "value")} for value in page]}

    def evaluate(self, arguments: Body) -> Body:
        """A captured variable by its name."""
        assert self.position is not None
        name = str(arguments["expression"]).strip()
        place = self._frames.get(int(arguments.get("frameId") or 0), self.position)
        value = next((one for one in self.moment(place).variables if one.name == name), None)
        if value is None:
            raise Refused(f"{name!r} was not captured here. {_READ_ONLY}")
        return value_body(self._shown(value), "result")

    def set_variable(self, _arguments: Body) -> NoReturn:
        raise Refused(_READ_ONLY)

    set_expression = goto = restart_frame = set_variable

    def completions(self, _arguments: Body) -> Body:
        assert self.position is not None
        return {
            "targets": [
                {"label": value.name, "type": "variable"} for value in self.moment(self.position).variables
            ]
        }

    def exception_info(self, _arguments: Body) -> NoReturn:
        raise Refused("No exception stopped the script here.")

    def step_in_targets(self, _arguments: Body) -> Body:
        return {"targets": []}

    goto_targets = step_in_targets

    def checkpoint_body(self, moment: dw.Moment, limits: Limits) -> dict[str, Any]:
        """The event that tells a client of a checkpoint, with a reference to what it captured."""
        return {
            "breakpointId": moment.checkpoint_id,
            "source": self._files.source_out(moment.path),
            "line": self._files.line_out(moment.line),
            "function": moment.function,
            "timeNs": moment.time_ns,
            "limits": {name: list(pair) for name, pair in limits.items()},
            "variables": [_tree(value) for value in moment.variables],
        }

    def _stack(self, place: int) -> list[int]:
        """The place itself and, for each frame below, the last statement that it was seen at before."""
        places = [place]
        depth = self.moment(place).depth
        for earlier in range(place - 1, -1, -1):
            if depth == 0:
                break
            if self.moment(earlier).depth < depth:
                depth = self.moment(earlier).depth
                places.append(earlier)
        return places

    def _shown(self, value: dw.CapturedValue) -> dw.VariableInfo:
        return dw.VariableInfo(
            name=value.name,
            value=value.value,
            type=value.type,
            reference=self._keep(value.children) if value.children else 0,
            named=len(value.children),
            size_bytes=value.size_bytes,
            is_read_only=True,
        )

    def _keep(self, values: tuple[dw.CapturedValue, ...]) -> int:
        number = self._next_number()
        self._values[number] = values
        return number

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers


def _characters(what: dw.Moment | dw.CapturedValue) -> int:
    """About what a moment, or one of its values, takes in memory."""
    inner = what.variables if isinstance(what, dw.Moment) else what.children
    own = 0 if isinstance(what, dw.Moment) else len(what.name) + len(what.value)
    return _VALUE_CHARACTERS + own + sum(map(_characters, inner))


def _tree(value: dw.CapturedValue) -> dict[str, Any]:
    return {
        "name": value.name,
        "value": value.value,
        "type": value.type,
        "sizeBytes": value.size_bytes,
        "children": [_tree(child) for child in value.children],
    }
