"""What a run configuration runs."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from circuit_link.host_protocol import RunConfiguration


class RunTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the run box. `path` is relative to the project; for tests it may be a test's id."""

    name: str
    kind: Literal["event", "exec", "test"]
    path: str
    source: Literal["ghl", "salesforce"] = "ghl"
    now: dt.datetime | None = None
    commit: bool = False

    @property
    def is_single_test(self) -> bool:
        return self.kind == "test" and "::" in self.path


def target_of(configuration: RunConfiguration) -> RunTarget:
    return RunTarget(
        name=configuration.name,
        kind=configuration.kind,
        path=configuration.file,
        source="salesforce" if configuration.source == "salesforce" else "ghl",
        now=configuration.now,
        commit=configuration.commit,
    )


def file_target(path: str) -> RunTarget | None:
    """How a file of the project runs by itself, by its folder; None where it does not."""
    name = path.rpartition("/")[2]
    if path.startswith("events/") and path.endswith(".json"):
        source: Literal["ghl", "salesforce"] = "salesforce" if "salesforce" in name.lower() else "ghl"
        return RunTarget(name=name, kind="event", path=path, source=source)
    if path.startswith("tests/") and path.endswith(".py"):
        return RunTarget(name=name, kind="test", path=path)
    if path.endswith(".py"):
        return RunTarget(name=name, kind="exec", path=path)
    return None
