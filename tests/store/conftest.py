"""Each test of the store runs on SQLite and on a real PostgreSQL."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.store import Store, open_store
from tests.store import postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """Folder of a running server; skips where there is none."""
    if why := postgres.missing():
        pytest.skip(why)
    with postgres.server() as folder:
        yield folder


@pytest.fixture
def postgres_url(postgres_server: Path) -> str:
    """An empty schema of its own on the server."""
    import psycopg

    name = f"test_{next(_numbers)}"
    with psycopg.connect(host=str(postgres_server), user="mien", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"postgresql://mien@/postgres?host={postgres_server}&options=-csearch_path%3D{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store may be made."""
    return str(tmp_path / "sessions.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(url) as store:
        yield store
