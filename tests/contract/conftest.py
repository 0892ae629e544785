"""A store on each of the two databases."""

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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data.db'}"
    return str(request.getfixturevalue("postgresql_database")())


@pytest.fixture
def store(url: str, project: Project) -> Iterator[Store]:
    opened = Store.open(url)
    opened.migrate(project.schema)
    yield opened
    opened.close()
