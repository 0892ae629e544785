"""The users of a database. There is always one: the developer whose console it is."""

from __future__ import annotations

import time

from circuit_link.errors import UserFacingError
from circuit_link.wire import UserRef
from circuit_runtime.project.schema import Schema
from circuit_runtime.store.ids import long_id
from circuit_runtime.store.session import Session

ADMINISTRATOR_PROFILE = "System Administrator"
_DEVELOPER = "developer@circuit.local"


def ensure_developer(session: Session, schema: Schema) -> None:
    """Add the developer to a database without users, within an open transaction."""
    users = schema.objects["User"]
    if session.execute(f"SELECT 1 FROM {users.table} LIMIT 1"):
        return
    (user_id,) = session.next_ids(users, 1)
    now_ms = time.time_ns() // 1_000_000
    values = {
        "id": user_id,
        "username": _DEVELOPER,
        "first_name": "Circuit",
        "last_name": "Developer",
        "email": _DEVELOPER,
        "profile": ADMINISTRATOR_PROFILE,
        "time_zone": "UTC",
        "is_active": True,
        "created_at": now_ms,
        "created_by": user_id,
        "modified_at": now_ms,
        "modified_by": user_id,
        "is_deleted": False,
    }
    session.insert(users, tuple(values), [tuple(values.values())])


def find_user(session: Session, schema: Schema, wanted: str) -> UserRef:
    """A user by id or user name; "" is the first one.

    Raises: UserFacingError: there is no such user.
    """
    users = schema.objects["User"]
    mark = "?" if session.dialect == "sqlite" else "%s"
    columns = "id, first_name, last_name, email, profile, time_zone"
    if not wanted:
        rows = session.execute(f"SELECT {columns} FROM {users.table} WHERE NOT is_deleted ORDER BY id LIMIT 1")
    else:
        rows = session.execute(
            f"SELECT {columns} FROM {users.table} "
            f"WHERE NOT is_deleted AND (id = {mark} OR lower(username) = {mark})",
            (long_id(wanted) or "", wanted.lower()),
        )
    if not rows:
        raise UserFacingError(
            f"There is no user {wanted!r}.", code="USER_UNKNOWN", hint="Query User for those there are."
        )
    user_id, first, last, email, profile, zone = rows[0]
    return UserRef(
        id=user_id,
        name=f"{first or ''} {last or ''}".strip(),
        email=email or "",
        profile=profile or "",
        time_zone=zone or "UTC",
    )
