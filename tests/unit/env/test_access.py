"""Tokens of an environment, and the scopes they carry."""

from __future__ import annotations

import datetime as dt

import pytest

from circuit_env.access import Access, AccessDenied, Principal
from circuit_env.tables import open_engine

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(tmp_path, clock: Clock) -> Access:
    return Access(open_engine(f"sqlite:///{tmp_path / 'e.db'}"), clock)


def test_a_setup_token_makes_the_first_administrator_once(access: Access) -> None:
    setup = access.setup_token()

    token, principal = access.login(setup, "ada")

    assert principal == Principal("ada", ("admin",), NOW + dt.timedelta(days=90))
    assert access.principal(token) == principal
    with pytest.raises(AccessDenied, match="does not know this token"):
        access.login(setup, "eve")
    assert access.setup_token() == ""


def test_a_new_setup_token_replaces_the_old_one(access: Access) -> None:
    old = access.setup_token()
    access.setup_token()

    with pytest.raises(AccessDenied) as denied:
        access.login(old, "ada")

    assert denied.value.code == "TOKEN_INVALID"


def test_tokens_expire(access: Access, clock: Clock) -> None:
    token, _principal = access.login(access.setup_token(), "ada")

    clock.now += dt.timedelta(days=90)

    with pytest.raises(AccessDenied) as denied:
        access.principal(token)
    assert denied.value.code == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    ("token", "code"), [(None, "TOKEN_MISSING"), ("", "TOKEN_MISSING"), ("x", "TOKEN_INVALID")]
)
def test_requests_without_a_good_token_are_refused(access: Access, token: str | None, code: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        access.principal(token)

    assert denied.value.code == code


def test_a_setup_token_serves_no_other_request(access: Access) -> None:
    with pytest.raises(AccessDenied, match="only serves the first login"):
        access.principal(access.setup_token())


def test_tokens_are_kept_as_hashes(access: Access, tmp_path) -> None:
    token, _principal = access.login(access.setup_token(), "ada")

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert token.encode() not in stored


def test_a_missing_scope_is_named() -> None:
    principal = Principal("ada", ("logs:read",), NOW)

    principal.require("logs:read")
    with pytest.raises(AccessDenied, match="lacks the scope deploy") as denied:
        principal.require("deploy")

    assert denied.value.code == "SCOPE_MISSING"
