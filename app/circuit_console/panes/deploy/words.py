"""What the cards of environments say."""

from __future__ import annotations

import datetime as dt

from circuit_console.core.deployments import Connection, EnvironmentView, ago, short_release
from circuit_console.core.theme import ColorName


def health_color(view: EnvironmentView) -> ColorName:
    match view.connection:
        case Connection.CONNECTED:
            if view.is_deploying:
                return "accent"
            return "ok" if view.status is not None and view.status.healthy else "err"
        case Connection.UNREACHABLE:
            return "err"
        case _:
            return "faint"


def release_lines(view: EnvironmentView, now: dt.datetime) -> tuple[str, ...]:
    """Release and generation, and when it was deployed."""
    status = view.status
    if view.connection is not Connection.CONNECTED or status is None:
        return (view.url.removeprefix("http://").removeprefix("https://"),)
    if not status.release:
        return ("nothing deployed yet",)
    current = view.current
    by = f" by {current.created_by}" if current is not None and current.created_by else ""
    deployed = f"deployed {ago(current.deployed_at, now)}{by}" if current is not None else ""
    return (f"{short_release(status.release)} · generation {status.generation}", deployed)
