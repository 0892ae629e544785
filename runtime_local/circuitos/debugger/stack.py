"""The stack of a stopped script: the user's frames, and a label for each step through the runtime."""

from __future__ import annotations

import types

from circuit_link import wire
from circuit_link.debug_wire import FrameInfo, StackAnswer


class Stack:
    """Frames of one stop, innermost first, under numbers that hold until the script goes on."""

    def __init__(self, innermost: types.FrameType, paths: frozenset[str]) -> None:
        self._frames: dict[int, types.FrameType] = {}
        self._infos: list[FrameInfo] = []
        self._innermost = innermost
        self._collect(innermost, paths)

    def page(self, start: int, levels: int) -> StackAnswer:
        """`levels` frames from `start`; 0 gives all that follow."""
        end = start + levels if levels else None
        return StackAnswer(frames=tuple(self._infos[start:end]), total=len(self._infos))

    def frame(self, number: int | None) -> types.FrameType:
        """A frame by its number; the innermost for None.

        Raises:
            KeyError: a number of an earlier stop, or of a label.
        """
        return self._innermost if number is None else self._frames[number]

    def _collect(self, frame: types.FrameType | None, paths: frozenset[str]) -> None:
        call: wire.Call | None = None
        while frame is not None:
            if frame.f_code.co_filename in paths:
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
        number = len(self._infos) + 1
        self._frames[number] = frame
        code = frame.f_code
        name = "module" if code.co_name == "<module>" else code.co_qualname.replace(".<locals>", "")
        self._infos.append(FrameInfo(id=number, name=name, path=code.co_filename, line=frame.f_lineno or 0))

    def _add_label(self, call: wire.Call) -> None:
        records = f"{call.size} record" + ("s" if call.size != 1 else "")
        name = f"{call.object_name} {call.event} · {records}"
        self._infos.append(FrameInfo(id=len(self._infos) + 1, name=name, path="", line=0, is_label=True))
