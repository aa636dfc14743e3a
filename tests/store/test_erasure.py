"""What is purged is gone, bytes and all; what is kept for so many days goes in time."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mien.errors import UsageError
from mien.store import Session, Store, open_store
from mien.store.place import StoreError
from tests.store.recording import FRAME, record, results

SECRET = "наблюдаемый-Zaphod-4711"


def holding(files: list[Path]) -> list[str]:
    needle = SECRET.encode()
    return [path.name for path in files if needle in path.read_bytes()]


def files_of(url: str, store: Store) -> list[Path]:
    """The database's files, everything on the disk."""
    if "://" not in url:
        return list(Path(url).parent.glob("sessions.db*"))
    with store._database.autocommit() as connection:
        connection.execute(sa.text("CHECKPOINT"))
        data = Path(connection.execute(sa.text("SHOW data_directory")).scalar_one())
    return [path for path in (data / "base").rglob("*") if path.is_file()]


def test_purged_bytes_are_gone(url: str, store: Store) -> None:
    """Also while others have the store open, so that SQLite's log is there."""
    with store.writer("stays", commit_seconds=0.02) as live:
        secret = record(store, SECRET, results(200, source=f"{SECRET}.mp4"), model=SECRET, options={"note": SECRET})
        short = record(store, "short", results(3, source=f"{SECRET}.mp4"))
        assert holding(files_of(url, store))
        gone = store.purge([secret, store.session(short)])
        assert [session.id for session in gone] == [secret, short]
        assert holding(files_of(url, store)) == []
        live.write(FRAME, results()[0])
    assert [session.name for session in store.sessions()] == ["stays"]
    assert holding(files_of(url, store)) == []
    with store._database.reading() as connection:
        assert connection.execute(sa.text("SELECT DISTINCT session FROM mien_rows")).scalars().all() == [live.session.id]


def test_a_number_is_never_given_again(store: Store) -> None:
    first = record(store, "a")
    store.purge([first])
    assert record(store, "b") == first + 1


def test_a_purged_store_is_smaller(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with open_store(path) as store:
        empty = path.stat().st_size
        store.purge([record(store, "a", results(600))])
        assert path.stat().st_size <= empty


def test_a_reader_that_keeps_old_pages_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with open_store(path, busy_seconds=0.1) as store:
        record(store, SECRET)
        with open_store(path) as reader:
            rows = reader.rows(SECRET)
            next(rows)  # the transaction of this listing is open
            with pytest.raises(StoreError, match="are deleted, but another program is reading"):
                store.purge(store.sessions())
            assert len(list(rows)) == 3  # and sees the state that it began with
        assert store.sessions() == []
        record(store, "b", [])
    assert holding(list(tmp_path.iterdir())) == []


def aged(store: Store, name: str, days: float, **options: object) -> Session:
    """A session that ended so many days ago."""
    number = record(store, name, **options)
    then = (datetime.now(UTC) - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    with store._database.writing() as connection:
        connection.execute(sa.text("UPDATE mien_sessions SET ended = :then, updated = :then WHERE id = :id"), {"then": then, "id": number})
    return store.session(number)


def test_retention(store: Store) -> None:
    assert store.retention_days is None
    aged(store, "old", 31)
    aged(store, "for ever", 999, retention_days=math.inf)
    aged(store, "new", 29)
    aged(store, "own", 3, retention_days=2)
    assert [session.name for session in store.expired()] == ["own"]
    store.retain(30)
    assert store.retention_days == 30
    assert [session.name for session in store.expired()] == ["own", "old"]
    store.retain(None, "own")
    assert [session.name for session in store.expired()] == ["old"]
    store.retain(0.5, "new")
    assert [session.name for session in store.expired()] == ["new", "old"]
    store.retain(math.inf)
    assert store.retention_days is None
    assert [session.name for session in store.expired()] == ["new"]
    for days in (-1, math.nan):
        with pytest.raises(UsageError, match="wanted a number from 0 up"):
            store.retain(days)


def test_a_new_session_purges_those_whose_time_is_over(store: Store) -> None:
    old = aged(store, "old", 5)
    aged(store, "new", 1)
    store.retain(4)
    writer = store.writer("next")
    assert writer.purged == (old,)
    writer.close()
    assert [session.name for session in store.sessions()] == ["next", "new"]


def test_a_running_session_does_not_expire(store: Store) -> None:
    store.retain(0)
    with store.writer("runs"), store.writer("beside"):
        assert store.expired() == []
    assert len(store.expired()) == 2
