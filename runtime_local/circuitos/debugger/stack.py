"""The stack of a stopped script: the user's frames, and a label for each step through the runtime."""

from __future__ import annotations

import types
from collections.abc import Iterator

from circuit_link import wire
from circuit_link.debug_wire import FrameInfo, StackAnswer
from circuitos.debugger.engine import Stop
from circuitos.debugger.user_code import UserCode


class StaleFrame(Exception):
    """A frame of an earlier stop, or a label, was asked for."""


class Stack:
    """Frames of one stop, innermost first, under numbers that hold until the script goes on.

    Args:
        numbers: gives each frame of the session a number of its own.
    """

    def __init__(self, stop: Stop, user: UserCode, numbers: Iterator[int]) -> None:
        self.stop = stop
        self._numbers = numbers
        self._frames: dict[int, types.FrameType] = {}
        self._infos: list[FrameInfo] = []
        self._collect(user)

    def page(self, start: int, levels: int) -> StackAnswer:
        """`levels` frames from `start`; 0 gives all that follow."""
        end = start + levels if levels else None
        return StackAnswer(frames=tuple(self._infos[start:end]), total=len(self._infos))

    def frame(self, number: int | None) -> types.FrameType:
        """A frame by its number; the innermost for None. Raises: StaleFrame."""
        if number is None:
            return self.stop.frame
        try:
            return self._frames[number]
        except KeyError:
            if any(info.id == number for info in self._infos):
                raise StaleFrame("This is no frame, but what the runtime did in between.") from None
            raise StaleFrame(f"The frame {number} is of an earlier stop; ask for the stack again.") from None

    def running_frame(self, number: int | None) -> types.FrameType:
        """The innermost frame, if it is the one meant and can go on. Raises: StaleFrame."""
        frame = self.frame(number)
        if frame is not self.stop.frame:
            raise StaleFrame("Only the innermost frame can do that: the calls above this one cannot be undone.")
        if self.stop.is_over:
            raise StaleFrame("An exception has ended this frame; it cannot go on.")
        return frame

    def _collect(self, user: UserCode) -> None:
        call: wire.Call | None = None
        frame: types.FrameType | None = self.stop.frame
        while frame is not None:
            if user.holds(frame.f_code):
                if call is not None:
                    self._add_label(call)
                    call = None
                self._add(frame)
            else:
                # The runtime's frame that serves a trigger call names what caused it.
                found = frame.f_locals.get("call") if frame.f_code.co_name == "serve" else None
                call = found if isinstance(found, wire.Call) else call
            frame = frame.f_back
        if call is not None:
            self._add_label(call)

    def _add(self, frame: types.FrameType) -> None:
        number = next(self._numbers)
        self._frames[number] = frame
        self._infos.append(
            FrameInfo(
                id=number,
                name=function_name(frame.f_code),
                path=frame.f_code.co_filename,
                line=self.stop.line(frame),
            )
        )

    def _add_label(self, call: wire.Call) -> None:
        records = f"{call.size} record" + ("s" if call.size != 1 else "")
        name = f"{call.object_name} {call.event} · {records}"
        self._infos.append(FrameInfo(id=next(self._numbers), name=name, path="", line=0, is_label=True))


def function_name(code: types.CodeType) -> str:
    """As the stack shows it."""
    return "<module>" if code.co_name == "<module>" else code.co_qualname.replace(".<locals>", "")
