"""Who may do what: tokens, kept as hashes, and the scopes they carry."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from circuit_env.tables import token as token_table
from circuit_link.errors import UserFacingError

Clock = Callable[[], dt.datetime]

_TOKEN_LIFETIME = dt.timedelta(days=90)
_SETUP_LIFETIME = dt.timedelta(days=1)
ADMINISTRATOR_SCOPES = ("admin",)


class AccessDenied(UserFacingError):
    """A token is missing, unknown, expired, or lacks a scope. Never carries the token."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request, and until when its token is good. The scope `admin` includes all others."""

    user: str
    scopes: tuple[str, ...]
    expires_at: dt.datetime

    def require(self, scope: str) -> None:
        """Raises: AccessDenied, naming the scope."""
        if scope not in self.scopes and "admin" not in self.scopes:
            raise AccessDenied(
                f"This token may not do that: it lacks the scope {scope}.",
                code="SCOPE_MISSING",
                hint=f"Ask an administrator of this environment for a token with {scope}.",
            )


class Access:
    """Tokens of one environment."""

    def __init__(self, engine: sa.Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def setup_token(self) -> str:
        """A fresh token for the first administrator's login, "" once there is one. It replaces older ones."""
        with self._engine.begin() as connection:
            users = sa.select(sa.func.count()).where(token_table.c.kind == "user")
            if connection.execute(users.select_from(token_table)).scalar_one():
                return ""
            connection.execute(token_table.delete().where(token_table.c.kind == "setup"))
            return self._issue(connection, "setup", "administrator", ADMINISTRATOR_SCOPES, _SETUP_LIFETIME)

    def login(self, token: str, user: str) -> tuple[str, Principal]:
        """Trade a setup token, once, for the first administrator's token; any other good token for itself.

        Raises: AccessDenied.
        """
        with self._engine.begin() as connection:
            row = self._valid_row(connection, token)
            if row.kind == "user":
                return token, _principal(row)
            connection.execute(token_table.delete().where(token_table.c.sha256 == row.sha256))
            name = user or row.user_name
            issued = self._issue(connection, "user", name, ADMINISTRATOR_SCOPES, _TOKEN_LIFETIME)
            return issued, Principal(name, ADMINISTRATOR_SCOPES, self._clock() + _TOKEN_LIFETIME)

    def principal(self, token: str | None) -> Principal:
        """Who a token belongs to. Raises: AccessDenied."""
        if not token:
            raise AccessDenied(
                "This request needs a token.", code="TOKEN_MISSING", hint="Log in first: circuit-cli login."
            )
        with self._engine.begin() as connection:
            row = self._valid_row(connection, token)
            if row.kind != "user":
                raise AccessDenied(
                    "A setup token only serves the first login.",
                    code="TOKEN_INVALID",
                    hint="Use circuit-cli login.",
                )
            used = token_table.update().where(token_table.c.sha256 == row.sha256)
            connection.execute(used.values(used_at=self._clock()))
            return _principal(row)

    def _valid_row(self, connection: sa.Connection, token: str) -> sa.Row[tuple[object, ...]]:
        query = token_table.select().where(token_table.c.sha256 == _hash(token))
        row = connection.execute(query).one_or_none()
        if row is None:
            raise AccessDenied(
                "The environment does not know this token.",
                code="TOKEN_INVALID",
                hint="Log in again: circuit-cli login. A setup token works once.",
            )
        if row.expires_at <= self._clock():
            raise AccessDenied(
                "The token has expired.", code="TOKEN_EXPIRED", hint="Log in again: circuit-cli login."
            )
        return row

    def _issue(
        self, connection: sa.Connection, kind: str, user: str, scopes: tuple[str, ...], lifetime: dt.timedelta
    ) -> str:
        token = secrets.token_urlsafe(32)
        connection.execute(
            token_table.insert().values(
                sha256=_hash(token),
                kind=kind,
                user_name=user,
                scopes=" ".join(scopes),
                expires_at=self._clock() + lifetime,
            )
        )
        return token


def _principal(row: sa.Row[tuple[object, ...]]) -> Principal:
    return Principal(row.user_name, tuple(row.scopes.split()), row.expires_at)


def _hash(token: str) -> str:
    # Tokens hold 256 random bits, so a plain hash cannot be searched for them.
    return hashlib.sha256(token.encode()).hexdigest()
