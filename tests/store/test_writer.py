"""What is recorded is safe in time, and a store that fails says so."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mien.errors import SinkError
from mien.store import Store, open_store
from mien.store.place import StoreError
from tests.store.recording import FRAME, record, results

RECORDER = """
import dataclasses, sys, time
import numpy as np
from mien.store import open_store
from mien.testing import make_result
from mien.types import Frame
writer = open_store(sys.argv[1]).writer("killed")
for i in range(30):
    writer.write(Frame(np.zeros((2, 2, 3), np.uint8)), dataclasses.replace(make_result(), index=i))
print("written", flush=True)
time.sleep(600)
"""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not happen within a minute"
        time.sleep(0.02)


def failure(writer: Any) -> SinkError:
    """The error that recording on comes to."""
    with pytest.raises(SinkError) as caught:  # noqa: PT012  which call it is depends on the thread
        for result in results(3) * 10_000:
            writer.write(FRAME, result)
            time.sleep(0.005)
    assert "\n" not in str(caught.value)
    writer.close(finished=False)  # has been told, so that the first cause is what is seen
    return caught.value


def test_a_killed_process_leaves_its_rows(url: str, store: Store) -> None:
    """Neither another frame nor the end has to come for rows to be safe."""
    process = subprocess.Popen([sys.executable, "-c", RECORDER, url], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        until(lambda: store.session("killed").row_count == 60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert store.timeline("killed")["frame"].tolist() == [i // 2 for i in range(60)]
    assert store.session("killed").ended is None
    record(store, "next")
    assert [session.name for session in store.sessions()] == ["next", "killed"]


def test_who_reads_does_not_wait_for_who_writes(store: Store, url: str) -> None:
    with store.writer("live", commit_seconds=0.02) as one, open_store(url) as reader, store.writer("beside", commit_seconds=0.02) as two:
        seen = [0]
        for result in results(90):
            one.write(FRAME, result)
            two.write(FRAME, result)
            if result.index % 10 == 0:
                seen.append(len(reader.timeline("live")))
        until(lambda: len(reader.timeline("live")) == 120)
        assert seen == sorted(seen)
        assert reader.session("live").state() == "running"
    assert len(store.timeline("live")) == len(store.timeline("beside")) == 120


def test_a_purge_leaves_a_running_session_alone(store: Store) -> None:
    record(store, "old", results(300))
    with store.writer("live", commit_seconds=0.02) as writer:
        for i, result in enumerate(results(100)):
            writer.write(FRAME, result)
            if i == 50:
                store.purge(store.find("old"))
    assert [session.name for session in store.sessions()] == ["live"]
    assert len(store.timeline("live")) == len([row for result in results(100) for row in result.rows()])


def test_a_session_that_is_purged_while_it_runs(store: Store) -> None:
    writer = store.writer("gone", commit_seconds=0.02)
    writer.write(FRAME, results()[0])
    store.purge([writer.session])
    assert "session 'gone' (number 1 in " in (message := str(failure(writer)))
    assert "was purged while it ran" in message
    assert store.sessions() == []


@contextmanager
def locked(url: str, server: Callable[[], Path]):
    """Another program that holds the store."""
    if "://" not in url:
        other = sqlite3.connect(url, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.close()
    else:
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE mien_sessions, mien_rows IN ACCESS EXCLUSIVE MODE"))
            yield


def test_a_store_that_is_locked(url: str, store: Store, request: pytest.FixtureRequest) -> None:
    with open_store(url, busy_seconds=0.1) as hasty:
        writer = hasty.writer("a", commit_seconds=0.02)
        with locked(url, lambda: request.getfixturevalue("postgres_server")):
            assert "locked by another program for more than 0.1 s" in str(failure(writer))
            with pytest.raises(StoreError, match="locked by another program"):
                hasty.writer("b")
    record(store, "afterwards")
    assert store.session("afterwards").state() == "finished"


def test_a_lock_that_is_let_go_in_time(url: str, store: Store, request: pytest.FixtureRequest) -> None:
    with store.writer("patient", commit_seconds=0.02) as writer, locked(url, lambda: request.getfixturevalue("postgres_server")):
        for result in results(30):
            writer.write(FRAME, result)
        time.sleep(0.1)
    assert len(store.timeline("patient")) == 40


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with open_store(path) as store:
        writer = store.writer("a", commit_seconds=0.02)
        for file in tmp_path.glob("sessions.db*"):
            file.unlink()
        assert str(failure(writer)) == f"{path}: the store was deleted or replaced while it was in use; nothing more is kept in it"
    assert not path.exists()


def test_the_end_tells_of_a_failure_that_no_write_told(tmp_path: Path) -> None:
    with open_store(tmp_path / "sessions.db") as store:
        writer = store.writer("a", commit_seconds=600)
        writer.write(FRAME, results()[0])
        (tmp_path / "sessions.db").rename(tmp_path / "moved.db")
        with pytest.raises(StoreError, match="was deleted or replaced"):
            writer.close()
        with pytest.raises(StoreError):
            writer.write(FRAME, results()[0])


def test_a_server_that_ends_the_connection(postgres_url: str) -> None:
    with open_store(postgres_url) as store:
        writer = store.writer("a", commit_seconds=0.02)
        writer.write(FRAME, results()[0])
        until(lambda: store.session("a").row_count == 2)
        with store._database.autocommit() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mien' AND pid <> pg_backend_pid()"
                )
            )
        assert "terminating connection" in (message := str(failure(writer)))
        assert message.startswith("postgresql://mien@/postgres")
        assert len(store.timeline("a")) == 2


def test_after_the_end_nothing_is_taken(store: Store) -> None:
    writer = store.writer("a")
    writer.close()
    with pytest.raises(StoreError, match="is closed"):
        writer.write(FRAME, results()[0])
    assert writer.what == f"session 'a' (number 1 in {store.place})"


def test_an_error_in_the_work_is_not_hidden(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.writer("a") as writer:  # noqa: PT012  the second line is the work that fails
        writer.write(FRAME, results()[0])
        _ = 1 // 0
    assert store.session("a").state() == "broken off"
    assert len(store.timeline("a")) == 2


def test_sqlite_is_set_up_to_survive(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "sessions.db"
    with open_store(path) as store, store._database.autocommit() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert found == ["wal", 2, 1]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
