"""What is purged is gone, bytes and all; what is kept for so many days goes in time."""

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mien.errors import UnknownName, UsageError
from mien.store import Session, Store, erasure, open_store
from mien.store import store as store_module
from mien.store.database import Database
from mien.store.place import NotErased, StoreError, StoreFull
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
    """Also while others have the store open, so that SQLite's log is there, and when PostgreSQL has looked at what the tables hold."""
    with store.writer("stays", commit_seconds=0.02) as live:
        secret = record(store, SECRET, results(200, source=f"{SECRET}.mp4"), model=SECRET, options={"note": SECRET})
        short = record(store, "short", results(3, source=f"{SECRET}.mp4"))
        if "://" in url:
            with store._database.autocommit() as connection:
                connection.execute(sa.text("ANALYZE mien_rows, mien_sessions"))
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


@contextmanager
def reading(url: str, *, level: str = "READ COMMITTED", table: str = "mien_rows") -> Iterator[None]:
    """Another program in whose transaction of PostgreSQL a table was read."""
    import psycopg

    with psycopg.connect(url) as other:
        other.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        other.execute(f"SELECT * FROM {table} LIMIT 1")
        yield


READERS = {
    "the tables": ({}, "since another program uses it; purge again when that one has ended"),
    "anything else": ({"level": "REPEATABLE READ", "table": "pg_class"}, "since an open transaction in this database still sees them; "),
}


@pytest.mark.parametrize(("reader", "why"), READERS.values(), ids=READERS)
def test_bytes_that_a_reader_keeps_leave_with_the_next_purge(postgres_url: str, reader: dict[str, str], why: str) -> None:
    with open_store(postgres_url, busy_seconds=0.1) as store:
        secret = record(store, SECRET, results(50, source=SECRET))
        with reading(postgres_url, **reader):
            for again in ([secret], []):
                with pytest.raises(NotErased, match="the sessions are deleted, but their bytes are still in the store's files") as caught:
                    store.purge(again)
                assert why in str(caught.value)
                assert str(caught.value).startswith(f"{store.place}: the sessions are deleted")
                assert (store.sessions(), store.erasure_due) == ([], {secret})
        assert holding(files_of(postgres_url, store))
        store.purge([])
        assert holding(files_of(postgres_url, store)) == []
        assert not store.erasure_due


def test_a_transaction_that_ends_in_time_is_waited_for(postgres_url: str) -> None:
    with open_store(postgres_url) as store, ExitStack() as reader:
        secret = record(store, SECRET, results(50, source=SECRET))
        reader.enter_context(reading(postgres_url, level="REPEATABLE READ", table="pg_class"))
        ending = threading.Timer(0.3, reader.close)
        ending.start()
        store.purge([secret])
        ending.join()
        assert holding(files_of(postgres_url, store)) == []


@pytest.mark.parametrize("reader", [reader for reader, _ in READERS.values()], ids=READERS)
def test_a_recording_begins_at_once_while_a_reader_keeps_bytes(postgres_url: str, reader: dict[str, str]) -> None:
    """However long the store would wait for a lock."""
    with open_store(postgres_url, busy_seconds=0.1) as hasty, open_store(postgres_url, busy_seconds=60) as store:
        secret, old = record(store, SECRET), aged(store, "old", 5, retention_days=2)
        with reading(postgres_url, **reader):
            with pytest.raises(NotErased):
                hasty.purge([secret])
            began = time.monotonic()
            record(store, "new")
            assert time.monotonic() - began < 15
        assert store.erasure_due == {secret, old.id}
        store.purge([])


def test_a_purge_beside_another_is_not_lost(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that deletes when the files of the first were just written anew."""
    first, second = record(store, "a"), record(store, "b")
    rewrite = erasure._rewrite

    def crossed(database: Database, wait_seconds: float) -> None:
        rewrite(database, wait_seconds)
        erasure._delete(database, [second])

    monkeypatch.setattr(erasure, "_rewrite", crossed)
    store.purge([first])
    monkeypatch.undo()
    assert store.erasure_due == {second}
    store.purge([])
    assert store.erasure_due == set()


def test_who_does_not_own_the_tables_is_told(postgres_url: str) -> None:
    """PostgreSQL only warns that it leaves them as they are."""
    with open_store(postgres_url) as store:
        secret = record(store, SECRET, results(50, source=SECRET))
        with store._database.autocommit() as connection:
            schema = connection.execute(sa.text("SELECT current_schema()")).scalar_one()
            connection.execute(sa.text("DROP ROLE IF EXISTS clerk"))
            for what in ("CREATE ROLE clerk LOGIN", f"GRANT USAGE ON SCHEMA {schema} TO clerk"):
                connection.execute(sa.text(what))
            for what in ("TABLES", "SEQUENCES"):
                connection.execute(sa.text(f"GRANT ALL ON ALL {what} IN SCHEMA {schema} TO clerk"))
        try:
            with open_store(postgres_url.replace("//mien@", "//clerk@")) as clerk:
                with pytest.raises(NotErased, match=r"are deleted, but .*; purge again as the owner, or run as the owner: VACUUM"):
                    clerk.purge([secret])
                assert clerk.sessions() == []
            assert holding(files_of(postgres_url, store))
            store.purge([])
            assert holding(files_of(postgres_url, store)) == []
        finally:
            with store._database.autocommit() as connection:
                connection.execute(sa.text("DROP OWNED BY clerk; DROP ROLE clerk"))


def test_a_recording_begins_though_bytes_must_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "sessions.db"
    with open_store(path, busy_seconds=0.1) as store:
        aged(store, SECRET, 5, retention_days=2)
        with open_store(path) as reader:
            rows = reader.rows(SECRET)
            next(rows)
            store.writer("next").close()
            rows.close()
        assert "the sessions are deleted, but another program is reading the store" in caplog.text
        assert store.erasure_due
        store.writer("after").close()
        assert not store.erasure_due
        assert [session.name for session in store.sessions()] == ["after", "next"]
    assert holding(list(tmp_path.iterdir())) == []


def test_a_store_that_is_locked_while_it_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or whose disk is full: that the sessions are gone already is told."""
    path = tmp_path / "sessions.db"
    with open_store(path, busy_seconds=0.1) as store:
        secret, rewrite = record(store, SECRET), erasure._rewrite
        other = sqlite3.connect(path, isolation_level=None)

        def locked(database: Database, wait_seconds: float) -> None:
            other.execute("BEGIN IMMEDIATE")
            rewrite(database, wait_seconds)

        monkeypatch.setattr(erasure, "_rewrite", locked)
        with pytest.raises(NotErased, match="are deleted, but their bytes are still in the store's files, since another program uses it"):
            store.purge([secret])
        monkeypatch.undo()
        other.close()
        assert store.erasure_due
        store.purge([])
        assert not store.erasure_due
    assert holding(list(tmp_path.iterdir())) == []


@pytest.fixture
def full(tmp_path: Path) -> Iterator[tuple[Store, list[int], list[int]]]:
    """A store of two sessions, the numbers of these, and the sizes of its log before each statement, while another has it open too: the one
    that closes it last takes the log away."""
    path, sizes = tmp_path / "sessions.db", list[int]()
    with open_store(path) as store, closing(sqlite3.connect(path)) as other:
        numbers = [record(store, name, results(6000)) for name in (SECRET, "b")]
        other.execute("SELECT count(*) FROM mien_rows").fetchone()
        log = path.with_name(f"{path.name}-wal")

        def measure(*_: object) -> None:
            sizes.append(log.stat().st_size)

        sa.event.listen(store._database.engine, "before_cursor_execute", measure)
        yield store, numbers, sizes


@pytest.mark.parametrize(("enough", "log", "times"), [(math.inf, 1e6, range(16, 40)), (0, 6e6, range(3, 9))], ids=["scarce", "plenty"])
def test_a_purge_takes_little_of_the_disk(
    full: tuple[Store, list[int], list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: float, log: float, times: range
) -> None:
    """All in one transaction, its log was as large as the store, which a disk that is half full of it has no room for; in small ones it
    takes three times as long, which a disk with room need not wait for.
    """
    store, numbers, sizes = full
    monkeypatch.setattr(erasure, "ENOUGH", enough)
    deletions = counted(store, "DELETE FROM mien_rows")
    before = (tmp_path / "sessions.db").stat().st_size
    assert before > 4e6
    store.purge(numbers)
    assert max(sizes[2:]) < log  # behind the first checkpoint
    assert len(deletions) in times
    assert holding(list(tmp_path.iterdir())) == []
    assert (tmp_path / "sessions.db").stat().st_size < before / 20


def test_a_purge_that_finds_no_room_half_way_goes_on_with_the_next(full: tuple[Store, list[int], list[int]], tmp_path: Path) -> None:
    store, numbers, _ = full

    def stop(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(when):
            full = sqlite3.OperationalError("database or disk is full")
            raise sa.exc.OperationalError(statement, None, full)  # as SQLAlchemy passes it on; older ones would leave it bare in here

    sa.event.listen(store._database.engine, "before_cursor_execute", stop)
    when = "DELETE FROM mien_sessions"
    with pytest.raises(StoreFull, match=r"its disk is full; nothing is deleted, since a purge needs about 1 MB free"):
        store.purge(numbers[:1])
    assert len(store.sessions()) == 2
    when = "VACUUM"
    with pytest.raises(NotErased, match=r"are deleted, but .*since its disk is full; purge again when it has about [2-9] MB free$"):
        store.purge(numbers[:1])
    when = "DELETE FROM mien_rows"
    with pytest.raises(NotErased, match=r"purge again when it has about [1-9] MB free$"):
        store.purge(numbers[1:])
    assert store.sessions() == []
    assert store.erasure_due == set(numbers)
    when = "nothing"
    store.purge([])
    assert not store.erasure_due
    with store._database.reading() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM mien_rows")).scalar() == 0
    assert holding(list(tmp_path.iterdir())) == []


@pytest.mark.parametrize(("enough", "most"), [(math.inf, 1e6), (0, 7e6)], ids=["scarce", "plenty"])
def test_a_reader_does_not_let_the_log_grow(
    full: tuple[Store, list[int], list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: float, most: float
) -> None:
    """Of whom the log cannot be written back: it grew to more than what was deleted."""
    store, numbers, sizes = full
    monkeypatch.setattr(erasure, "ENOUGH", enough)
    monkeypatch.setattr(erasure, "MOST_LOG", 100_000)
    store._database.busy_seconds = 0.1
    with store._database.reading() as reader:
        reader.execute(sa.text("SELECT * FROM mien_sessions")).all()
        with pytest.raises(NotErased, match=r"are deleted, but their bytes .*, since another program is reading it; purge again when"):
            store.purge(numbers)
        assert max(sizes[2:]) < most
        assert store.erasure_due == set(numbers)
    store.purge([])
    assert not store.erasure_due
    assert holding(list(tmp_path.iterdir())) == []


def test_a_reader_that_ends_in_time_is_waited_for(full: tuple[Store, list[int], list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    store, numbers, sizes = full
    monkeypatch.setattr(erasure, "ENOUGH", math.inf)
    with ExitStack() as reader:
        reader.enter_context(store._database.reading()).execute(sa.text("SELECT * FROM mien_sessions")).all()
        ending = threading.Timer(0.3, reader.close)
        ending.start()
        store.purge(numbers)
        ending.join()
    assert max(sizes[2:]) < 1e6
    assert not store.erasure_due


def counted(store: Store, start: str) -> list[str]:
    """The statements that begin so, from now on."""
    found = list[str]()

    def note(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(start):
            found.append(statement)

    sa.event.listen(store._database.engine, "before_cursor_execute", note)
    return found


@contextmanager
def interrupted(store: Store, start: str, nth: int = 1) -> Iterator[None]:
    """Ctrl-C before the n-th statement that begins so."""
    met = 0

    def stop(connection: sa.Connection, cursor: object, statement: str, *_: object) -> None:
        nonlocal met
        if statement.startswith(start):
            met += 1
            if met == nth:
                raise KeyboardInterrupt

    sa.event.listen(store._database.engine, "before_cursor_execute", stop)
    with pytest.raises(KeyboardInterrupt):
        yield
    sa.event.remove(store._database.engine, "before_cursor_execute", stop)


def test_a_purge_that_is_interrupted_says_what_is_left(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody finds the session any more, so that nothing else would tell."""
    secret = record(store, SECRET)
    with interrupted(store, "INSERT INTO mien_settings"):
        store.purge([secret])
    assert ([session.id for session in store.sessions()], caplog.text) == ([secret], "")  # nothing was deleted, and nothing is said
    with interrupted(store, "VACUUM"):
        store.purge([secret])
    assert caplog.messages == [
        f"{store.place}: the sessions are deleted, but their bytes are still in the store's files, since this was interrupted; purge again"
    ]
    assert (store.sessions(), store.erasure_due) == ([], {secret})
    with interrupted(store, "VACUUM"):
        store.purge([])
    assert len(caplog.messages) == 2
    store.purge([])
    assert not store.erasure_due


def test_a_recording_does_not_wait_until_millions_of_rows_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(tmp_path / "sessions.db") as store:
        old = aged(store, SECRET, 5, retention_days=2)
        deletions = counted(store, "DELETE FROM mien_rows")
        monkeypatch.setattr(store_module, "DELETE_SECONDS", 0)
        store.writer("next").close()
        store.writer("after").close()  # nor for those that are left of an earlier purge
        assert (deletions, store.erasure_due) == ([], {old.id})
        assert caplog.text.count("since to delete so many rows takes longer than 0 s; purge again") == 2
        monkeypatch.undo()
        store.writer("last").close()
        assert not store.erasure_due
        assert [session.name for session in store.sessions()] == ["last", "after", "next"]
    assert holding(list(tmp_path.iterdir())) == []


def test_a_session_that_is_half_purged_is_not_read(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was found just before, and its rows are asked for when some of them are gone."""
    kept = tmp_path / "x.csv"
    kept.write_text("as before")
    monkeypatch.setattr(erasure, "MANY_ROWS", 2)
    batches = store_module.Store._batches
    reads: dict[str, Callable[[int], object]] = {
        "rows": lambda number: list(store.rows(number)),
        "timeline": store.timeline,
        "export": lambda number: store.export(number, kept),
    }
    for name, read in reads.items():
        number = record(store, name, results(9))

        def late(self: Store, session: Session, names: list[str]) -> Iterator[list[tuple[object, ...]]]:
            if store.place.startswith("postgresql"):
                store.purge([session])
            else:
                with interrupted(store, "DELETE FROM mien_rows", 3):
                    store.purge([session])
            yield from batches(self, session, names)

        monkeypatch.setattr(store_module.Store, "_batches", late)
        with pytest.raises(UnknownName, match=f"unknown session '{number}'") as caught:
            read(number)
        monkeypatch.setattr(store_module.Store, "_batches", batches)
        store._database.busy_seconds = 0.1
        store.purge([])  # waits for nobody, though the error is still held
        assert caught
    assert kept.read_text() == "as before"


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


def test_an_end_that_is_still_to_come_counts_from_the_next_session_on(store: Store) -> None:
    """A clock that was 400 days ahead, of a recording that was killed and of one that ended under it."""
    store.retain(3)
    killed, _ = aged(store, "killed", -400), aged(store, "ended", -400)
    with store._database.writing() as connection:
        connection.execute(sa.text("UPDATE mien_sessions SET started = updated"))
        connection.execute(sa.text("UPDATE mien_sessions SET ended = NULL, finished = NULL WHERE id = :id"), {"id": killed.id})
    assert [(session.name, session.state()) for session in store.sessions()] == [("ended", "finished"), ("killed", "broken off")]
    assert store.expired() == []  # nobody knows how old they are
    assert store.older_than(0.001) == []
    assert [session.name for session in store.older_than(0)] == ["ended", "killed"]
    next_ = aged(store, "next", 2)
    with store._database.writing() as connection:
        connection.execute(sa.text("UPDATE mien_sessions SET started = ended WHERE id = :id"), {"id": next_.id})
    assert [session.name for session in store.older_than(1.9)] == ["next", "ended", "killed"]
    assert store.expired() == store.older_than(2.1) == []
    store.retain(1.9)
    assert [session.name for session in store.expired()] == ["next", "ended", "killed"]


def test_clocks_of_two_machines_may_differ_a_little(store: Store) -> None:
    aged(store, "on one", -1 / 86_400 / 2)  # half a second
    aged(store, "on another", 1)
    assert [session.name for session in store.older_than(0.5)] == ["on another"]


def test_a_recording_under_a_clock_that_is_ahead_is_not_purged(store: Store) -> None:
    """Of a machine whose time zone is wrong, say; others began long before."""
    store.retain(1)
    runs, ended = aged(store, "runs", -0.4), aged(store, "ended", -0.4)
    with store._database.writing() as connection:
        connection.execute(sa.text("UPDATE mien_sessions SET ended = NULL, finished = NULL WHERE id = :id"), {"id": runs.id})
    other = aged(store, "other", 2)
    with store._database.writing() as connection:
        connection.execute(sa.text("UPDATE mien_sessions SET started = ended WHERE id = :id"), {"id": other.id})
    assert store.session("runs").state() == "running"
    assert store.expired() == store.older_than(0.5) == [store.session("other")]
    assert store.session(ended.id).age_days() == 0
    with store.writer("next") as writer:
        assert [session.name for session in writer.purged] == ["other"]


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
