"""The one commit point: an environment's pointer, its generation and the deployment's end move together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from circuit_env import tables
from circuit_link.errors import UserFacingError


class BaseMoved(UserFacingError):
    """Another deployment was activated since this one looked; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Current:
    """Where an environment points. `release` is "" before the first activation."""

    release: str
    generation: int


def current(connection: sa.Connection) -> Current:
    row = connection.execute(tables.environment.select()).one()
    return Current(row.current_release, row.generation)


def was_active(connection: sa.Connection, release: str) -> bool:
    """Whether the environment has ever pointed at a release."""
    found = tables.activation.select().where(tables.activation.c.release == release).limit(1)
    return connection.execute(found).first() is not None


def activate(
    connection: sa.Connection, *, release: str, base: Current, deployment: str, user: str, at: dt.datetime
) -> Current:
    """Point the environment at `release` within the caller's transaction, if it still stands at `base`.

    Raises: BaseMoved.
    """
    generation = base.generation + 1
    moved = connection.execute(
        tables.environment.update()
        .where(tables.environment.c.generation == base.generation)
        .values(current_release=release, generation=generation)
    )
    if moved.rowcount != 1:
        now = current(connection)
        raise BaseMoved(
            f"The environment moved on to generation {now.generation} ({now.release}) meanwhile.",
            code="DEPLOY_BASE_MOVED",
            hint="Look at what was deployed, and deploy again.",
        )
    connection.execute(
        tables.activation.insert().values(
            generation=generation, release=release, deployment=deployment, activated_at=at
        )
    )
    record(connection, at=at, actor=user, action="activate", subject=f"{release} as generation {generation}")
    return Current(release, generation)


def record(connection: sa.Connection, *, at: dt.datetime, actor: str, action: str, subject: str) -> None:
    """Add a line to the audit within the caller's transaction."""
    connection.execute(tables.audit.insert().values(at=at, actor=actor, action=action, subject=subject))


def find_release(connection: sa.Connection, to: str) -> str:
    """The release that a rollback to `to` means: "previous", a release id, or a generation.

    "previous" is the newest distinct release that served before the current one.

    Raises: UserFacingError, listing what there is.
    """
    rows = list(connection.execute(tables.activation.select().order_by(tables.activation.c.generation.desc())))
    served = list(dict.fromkeys(row.release for row in rows))
    if to == "previous":
        if len(served) < 2:
            raise UserFacingError(
                "There is no earlier release to go back to.",
                code="ROLLBACK_NO_PREVIOUS",
                hint="Only one release has served this environment so far."
                if served
                else "Nothing was deployed yet.",
            )
        return str(served[1])
    by_generation = {str(row.generation): str(row.release) for row in rows}
    if to in by_generation:
        return by_generation[to]
    if to in served:
        return to
    known = connection.execute(tables.release.select().where(tables.release.c.id == to)).first()
    raise UserFacingError(
        f"{to} never served this environment." if known else f"This environment knows no release {to}.",
        code="ROLLBACK_NEVER_SERVED" if known else "ROLLBACK_UNKNOWN_RELEASE",
        hint=f"It can go back to: {', '.join(served) or 'nothing yet'}.",
    )
