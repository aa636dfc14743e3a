"""What is recorded is safe in time, and a store that fails says so."""

import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mien.errors import SinkError
from mien.store import Store, open_store
from mien.store.place import StoreAway, StoreError
from tests.store import postgres
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


def end_connections(store: Store) -> None:
    """As an administrator would, or a server that is started anew."""
    with store._database.autocommit() as connection:
        connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mien' AND pid <> pg_backend_pid()")
        )


def test_a_server_that_ends_the_connection(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with open_store(postgres_url) as store:
        writer = store.writer("a", commit_seconds=0.02)
        writer.write(FRAME, results()[0])
        until(lambda: store.session("a").row_count == 2)
        end_connections(store)
        for result in results(6)[1:]:
            writer.write(FRAME, result)
        until(lambda: store.session("a").row_count == 8)
        writer.close()
        assert store.timeline("a")["frame"].tolist() == [0, 0, 1, 2, 3, 3, 4, 5]
        assert store.session("a").state() == "finished"
    away, back = (record.getMessage() for record in caplog.records)
    assert away.startswith("session 'a': postgresql://mien@/postgres: cannot be used (")
    assert "terminating connection" in away
    assert away.endswith("; rows wait in memory until the server is back")
    assert back == "session 'a': postgresql://mien@/postgres: the server is back"


def test_a_server_that_is_started_anew() -> None:
    if why := postgres.missing():
        pytest.skip(why)
    with postgres.cluster() as folder:
        with postgres.running(folder):
            store = open_store(f"postgresql://mien@/postgres?host={folder}")
            writer = store.writer("a", commit_seconds=0.02)
            writer.write(FRAME, results()[0])
            until(lambda: store.session("a").row_count == 2)
        for result in results(6)[1:]:
            writer.write(FRAME, result)
            time.sleep(0.02)
        with postgres.running(folder):
            writer.close()
            assert store.timeline("a")["frame"].tolist() == [0, 0, 1, 2, 3, 3, 4, 5]


@pytest.mark.parametrize("done", [True, False])
def test_a_connection_that_breaks_in_a_commit(store: Store, monkeypatch: pytest.MonkeyPatch, done: bool) -> None:
    """Whether its rows are there the writer must ask: none comes twice, none is left out."""
    writing, left = store._database.writing, [True]

    @contextmanager
    def breaking(connection: sa.Connection | None = None) -> Iterator[sa.Connection]:
        broken = connection is not None and store.session("a").row_count == 2 and left and left.pop()
        with writing(connection) as begun:
            yield begun
            if broken and not done:
                raise StoreAway("the connection broke before the commit")
        if broken:
            raise StoreAway("the connection broke after the commit")

    monkeypatch.setattr(store._database, "writing", breaking)
    with store.writer("a", commit_seconds=0.02) as writer:
        writer.write(FRAME, results()[0])
        until(lambda: store.session("a").row_count == 2)
        for result in results(6)[1:]:
            writer.write(FRAME, result)
    assert left == []
    assert store.timeline("a")["frame"].tolist() == [0, 0, 1, 2, 3, 3, 4, 5]
    assert store.session("a").row_count == 8


def test_a_commit_that_goes_on_when_the_connection_broke(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a network breaks while the server still waits for its disk or its standby: here another connection is that server's side."""
    with open_store(postgres_url) as store, store._database.engine.connect() as behind:
        writer = store.writer("a", commit_seconds=0.02)
        write, ends = writer._write, []

        def breaking(connection: sa.Connection, rows: list[dict[str, Any]], values: dict[str, Any]) -> None:
            if ends or not rows:
                write(connection, rows, values)
                return
            begun = behind.begin()
            write(behind, rows, values)
            ends.append(threading.Timer(0.7, begun.commit))
            ends[0].start()
            raise StoreAway("the connection broke during the commit")

        monkeypatch.setattr(writer, "_write", breaking)
        for result in results(6):
            writer.write(FRAME, result)
        writer.close()
        ends[0].join()
        assert store.timeline("a")["frame"].tolist() == [0, 0, 1, 2, 3, 3, 4, 5]
        assert store.session("a").row_count == 8


@pytest.mark.parametrize("back", [True, False])
def test_the_end_asks_a_last_time_when_it_has_waited_long_enough(store: Store, monkeypatch: pytest.MonkeyPatch, back: bool) -> None:
    """Whatever the pause would have been."""
    monkeypatch.setattr("mien.store.writer.RETRY_SECONDS", (60.0, 60.0))
    monkeypatch.setattr("mien.store.writer.LAST_SECONDS", 0.5)
    writer = store.writer("a", commit_seconds=600)
    writer.write(FRAME, results()[0])
    write, tries = writer._write, []

    def away(connection: sa.Connection, rows: list[dict[str, Any]], values: dict[str, Any]) -> None:
        tries.append(time.monotonic())
        if not back or len(tries) == 1:
            raise StoreAway("the server is away")
        write(connection, rows, values)

    monkeypatch.setattr(writer, "_write", away)
    began = time.monotonic()
    with nullcontext() if back else pytest.raises(StoreError, match="the server is away; the 2 rows that waited for it are lost"):
        writer.close()
    assert 0.4 < time.monotonic() - began < 30
    assert len(tries) == 2
    assert store.session("a").row_count == (2 if back else 0)


@pytest.mark.parametrize("closed", [True, False])
def test_a_server_that_stays_away(monkeypatch: pytest.MonkeyPatch, closed: bool) -> None:
    if why := postgres.missing():
        pytest.skip(why)
    monkeypatch.setattr("mien.store.writer.LAST_SECONDS", 0.1)
    monkeypatch.setattr("mien.store.writer.BATCH_ROWS", 2)
    monkeypatch.setattr("mien.store.writer.MOST_ROWS", 100 if closed else 4)
    told = r"postgresql://mien@/postgres: cannot be used \(.*\); the \d+ rows that waited for it are lost"
    with postgres.cluster() as folder:
        with postgres.running(folder):
            store = open_store(f"postgresql://mien@/postgres?host={folder}")
            writer = store.writer("a", commit_seconds=0.02)
        if closed:
            writer.write(FRAME, results()[0])
            with pytest.raises(StoreError, match=told):
                writer.close()
        else:
            assert re.fullmatch(told, str(failure(writer)))


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
