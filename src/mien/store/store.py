"""The store of sessions: opened by path or URL, written by sinks, read as timelines, purged for good."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mien.errors import DataError, ExtraMissing, UnknownName, install
from mien.provenance import plain
from mien.sinks.registry import TABLES, table_sink
from mien.sinks.sink import BadTarget
from mien.store.place import NotErased, place_of
from mien.store.sessions import CLOCKS_APART, Session, checked_days, checked_name, stamp, utc_now
from mien.table import columns
from mien.timeline import DTYPES, KINDS, MISSING, Column, Timeline

if TYPE_CHECKING:
    import sqlalchemy as sa

    from mien.store.database import Database
    from mien.store.writer import SessionWriter

log = logging.getLogger("mien")

AT_ONCE = 5000
"""Rows that are fetched at once, so that memory stays flat."""
NAMED = 20
"""Sessions that a message about an unknown one names."""
BRIEF_SECONDS = 1.0
"""How long a recording that begins waits for others to let the bytes of purged sessions go; a purge waits for as long as for a lock."""
DELETE_SECONDS = 5.0
"""How long a recording that begins deletes rows of purged sessions from SQLite, some 100,000 a second. In one second it would never be done
with those of days that have a million rows each."""


def open_store(target: str | os.PathLike[str] | None = None, *, create: bool = True, busy_seconds: float = 30.0) -> Store:
    """The store of sessions at a place; an older one is brought to this version.

    target: path of a SQLite file, or `postgresql://USER@HOST/DATABASE`; None is $MIEN_STORE, or else `sessions.db` in the user's data
    folder. create: make one where there is none. busy_seconds: how long another program's lock is waited for.

    Raises ExtraMissing without SQLAlchemy (or psycopg, for PostgreSQL), StoreMissing where there is none and none is made, StoreError,
    which is a SinkError, when it cannot be opened, is of a newer version, or is something else.
    """
    where = place_of(target)
    _need("sqlalchemy", f"sessions need SQLAlchemy: {install('sessions')}")
    if isinstance(where, str):
        _need("psycopg", f"a store in PostgreSQL needs psycopg: {install('postgres')}")
    from mien.store.database import Database
    from mien.store.migrations import migrate

    database = Database(where, busy_seconds=busy_seconds, create=create)
    migrate(database, create=create)
    return Store(database)


def _need(module: str, message: str) -> None:
    try:
        import_module(module)
    except ImportError:
        raise ExtraMissing(message) from None


class Store:
    """Sessions in a database; `open_store` makes one. Every method opens a connection of its own and closes it again.

    Wherever a session is asked for, a Session, its number, or its name will do; of several of a name the newest is meant.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def place(self) -> str:
        """The file, or the URL without its password."""
        return self._database.place

    def sessions(self) -> list[Session]:
        """All sessions, newest first."""
        return self._sessions()

    def find(self, which: Session | int | str) -> list[Session]:
        """The sessions that are meant, newest first: those of a name, or the one of a number. Raises UnknownName, which names some."""
        import sqlalchemy as sa

        from mien.store.schema import sessions

        if isinstance(which, Session):
            which = which.id
        text = str(which).strip()
        meant = sa.cast(sessions.c.id, sa.String) == text if text.isdigit() else sessions.c.name == text
        found = self._sessions(meant) if text.isprintable() else []  # no name has what is not, and databases refuse NUL
        if not found:
            names = list(dict.fromkeys(session.name for session in self.sessions()))
            more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
            raise UnknownName("session", text, [*map(repr, names[:NAMED]), *more] or ["none"])
        return found

    def session(self, which: Session | int | str) -> Session:
        """One session as it is now, the newest of its name. Raises UnknownName."""
        return self.find(which)[0]

    def writer(
        self,
        name: str,
        *,
        model: str = "",
        options: Any = None,
        columns: Mapping[str, type] | None = None,
        retention_days: float | None = None,
        commit_seconds: float = 1.0,
    ) -> SessionWriter:
        """A sink that records a new session; a name that is there already gets another session of that name, listed beside it.

        model: name of the recogniser. options: kept as JSON; AnalyzeOptions, a dict, or the options of a mien.provenance.Provenance, which
        say how the source is read too. columns: those of the run's table, as the other sinks are told them; None for those that the
        results bring. retention_days: how long it is kept, infinity for ever, None as long as the store says. commit_seconds: after which
        a row is safe even if the program is killed.

        Sessions whose time is over are purged first: `writer.purged`. Where others keep their bytes for more than a second, or there are
        so many rows that deleting takes more than five, the log says so and the recording begins; the next purge goes on. Raises
        UsageError for a name that is none, StoreError.
        """
        import sqlalchemy as sa

        from mien import __version__
        from mien.store import schema
        from mien.store.writer import SessionWriter

        now = utc_now()
        values: dict[str, Any] = {
            "name": checked_name(name), "started": now, "updated": now, "ended": None, "finished": None, "sources": [], "source_count": 0,
            "model": model, "options": plain(options or {}), "version": __version__, "retention_days": checked_days(retention_days),
            "frame_count": 0, "face_count": 0, "row_count": 0, "raw": False, "delta": False,
        }  # fmt: skip
        purged = self.expired()
        try:
            self._erase(purged, wait_seconds=min(BRIEF_SECONDS, self._database.busy_seconds), work_seconds=DELETE_SECONDS)
        except NotErased as error:
            log.warning("%s", error)
        with self._database.writing() as connection:
            key = connection.execute(sa.insert(schema.sessions), values).inserted_primary_key
        assert key is not None
        session = Session(**values | {"id": int(key[0]), "sources": ()})
        return SessionWriter(self._database, session, columns=columns, commit_seconds=commit_seconds, purged=purged)

    def columns(self, which: Session | int | str) -> dict[str, type]:
        """The columns of a session's table."""
        session = self.session(which)
        return columns(raw=session.raw, delta=session.delta)

    def rows(self, which: Session | int | str) -> Iterator[dict[str, Any]]:
        """The rows of a session in their order, as `Result.rows()` gave them; all of one state, though it may still be running.

        Raises UnknownName, also when it is purged while they are about to be read.
        """
        session = self.session(which)
        names = list(columns(raw=session.raw, delta=session.delta))
        for batch in self._batches(session, names):
            for row in batch:
                yield dict(zip(names, row, strict=True))

    def timeline(self, which: Session | int | str, *, every: int = 1) -> Timeline:
        """A session as a Timeline, the same as of the CSV of that run. every: all rows of the first and of each so many-th frame after it
        alone, so that a very long one fits into memory."""
        session = self.session(which)
        names = [name for name in KINDS if name in columns(raw=session.raw, delta=session.delta)]
        parts: dict[str, list[Column]] = {name: [np.array([], DTYPES[KINDS[name]])] for name in names}
        for batch in _thinned(self._batches(session, names), names, every):
            for name, cells in zip(names, zip(*batch, strict=True), strict=True):
                parts[name].append(_column(cells, KINDS[name]))
        return Timeline({name: np.concatenate(arrays) for name, arrays in parts.items()})

    def export(self, which: Session | int | str, path: str | os.PathLike[str]) -> Path:
        """Write a session's table to a .csv, .jsonl or .parquet file, which is replaced if it is there.

        Raises BadTarget for another extension, DataError for a session without rows, UnknownName, SinkError.
        """
        path = Path(path)
        if path.suffix.lower() not in TABLES:
            raise BadTarget(f"{path}: no table is written to {path.suffix or 'a name without an extension'}; there are {' '.join(TABLES)}")
        session = self.session(which)
        if not session.row_count:
            raise DataError(f"session {session.name!r} (number {session.id}) has no rows; there is nothing to export")
        rows = self.rows(session)
        first = next(rows)  # before a file is replaced, since the session may be purged just now
        with table_sink(path, columns(raw=session.raw, delta=session.delta), session.provenance) as sink:
            sink.add(chain([first], rows))
        return path

    @property
    def retention_days(self) -> float | None:
        """After how many days sessions without a retention of their own are purged; None never."""
        import sqlalchemy as sa

        from mien.store.schema import settings

        with self._database.reading() as connection:
            found = connection.execute(sa.select(settings.c.value).where(settings.c.name == "retention_days")).scalar()
        return None if found is None else float(found)

    def retain(self, days: float | None, which: Session | int | str | None = None) -> None:
        """Set the retention in days: of the store (None for ever), or of one session (None as the store, infinity for ever)."""
        import sqlalchemy as sa

        from mien.store.schema import sessions, settings

        days = checked_days(days)
        if which is not None:
            number = self.session(which).id
            with self._database.writing() as connection:
                connection.execute(sa.update(sessions).where(sessions.c.id == number).values(retention_days=days))
            return
        with self._database.writing() as connection:
            connection.execute(sa.delete(settings).where(settings.c.name == "retention_days"))
            if days is not None and days != float("inf"):
                connection.execute(sa.insert(settings), {"name": "retention_days", "value": days})

    def expired(self) -> list[Session]:
        """Sessions whose time is over, and that are not running."""
        import sqlalchemy as sa

        from mien.store.schema import sessions

        now, default = datetime.now(UTC), self.retention_days
        with self._database.reading() as connection:
            own = connection.execute(sa.select(sessions.c.retention_days).distinct()).scalars().all()
        last, long_ago, over = sa.func.coalesce(sessions.c.ended, sessions.c.updated), now - datetime.min.replace(tzinfo=UTC), []
        for kept in own:
            days = default if kept is None else kept
            if days is not None and days < long_ago / timedelta(days=1):  # no calendar reaches further back
                latest = stamp(now - timedelta(days=days))
                over.append(sa.and_(sessions.c.retention_days.is_not_distinct_from(kept), sa.or_(last <= latest, last > stamp(now))))
        found = self._sessions(sa.or_(sa.false(), *over))
        return [session for session in found if session.expired(default, now, next_started=self._next_started(session, now))]

    def older_than(self, days: float) -> list[Session]:
        """Sessions that ended so many days ago, newest first."""
        now = datetime.now(UTC)
        ended = [session for session in self.sessions() if session.state(now) != "running"]
        return [session for session in ended if session.age_days(now, next_started=self._next_started(session, now)) >= days]

    def purge(self, sessions: Iterable[Session | int]) -> list[Session]:
        """Delete sessions with their rows for good, and give them back. Names are not taken: find() shows what would go.

        What an earlier purge had to leave in the files goes along, also where there are no sessions to delete. Raises UnknownName,
        StoreError, NotErased, which is one, when they are deleted but their bytes must stay for now. A session that is running ends
        with a StoreError in its program.
        """
        known = {session.id: session for session in self.sessions()}
        gone = []
        for session in sessions:
            number = session.id if isinstance(session, Session) else session
            if number not in known:
                raise UnknownName("session", str(number), [str(other) for other in list(known)[:NAMED]] or ["none"])
            gone.append(known[number])
        self._erase(gone, wait_seconds=self._database.busy_seconds)
        return gone

    @property
    def erasure_due(self) -> frozenset[int]:
        """Numbers of purged sessions whose bytes may still be in the files; the next purge, of whatever or of nothing, tries again."""
        from mien.store.erasure import still_there

        return still_there(self._database)

    def close(self) -> None:
        """Let go of the database. Writers close by themselves."""
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self.close()

    def _sessions(self, *which: sa.ColumnElement[bool]) -> list[Session]:
        """Those of which it is true, newest first."""
        import sqlalchemy as sa

        from mien.store.schema import sessions

        with self._database.reading() as connection:
            return [_session(row) for row in connection.execute(sa.select(sessions).where(*which).order_by(sessions.c.id.desc()))]

    def _next_started(self, session: Session, now: datetime) -> str | None:
        """When the next session began whose time can be true; None for none, and where nobody needs it, as its own end can be true. Clocks
        of several machines differ, see CLOCKS_APART."""
        import sqlalchemy as sa

        from mien.store.schema import sessions

        if (session.ended or session.updated) <= stamp(now + CLOCKS_APART):
            return None
        later = sa.select(sessions.c.started).where(sessions.c.id > session.id, sessions.c.started <= stamp(now)).order_by(sessions.c.id)
        with self._database.reading() as connection:
            found: str | None = connection.execute(later.limit(1)).scalar()
        return found

    def _erase(self, sessions: list[Session], *, wait_seconds: float, work_seconds: float = math.inf) -> None:
        """Delete those that are still there, and what is left of earlier ones."""
        from mien.store.erasure import erase

        if sessions or self.erasure_due:
            erase(self._database, [session.id for session in sessions], wait_seconds=wait_seconds, work_seconds=work_seconds)

    def _batches(self, session: Session, names: list[str]) -> Iterator[list[tuple[Any, ...]]]:
        import sqlalchemy as sa

        from mien.store.schema import rows

        query = sa.select(*(rows.c[name] for name in names)).where(rows.c.session == session.id).order_by(rows.c.n)
        # What is found is closed here, since SQLite holds its state until then, and a purge would wait for who keeps an error.
        with self._database.reading() as connection, connection.execution_options(yield_per=AT_ONCE).execute(query) as found:
            self.session(session)  # a purge may have taken some of the rows; of one that is there even now, this state has them all
            for batch in found.partitions():
                yield [tuple(row) for row in batch]


def _thinned(batches: Iterable[list[tuple[Any, ...]]], names: list[str], every: int) -> Iterator[list[tuple[Any, ...]]]:
    """All rows of one frame in so many; the rows of a frame follow each other."""
    source, frame = names.index("source"), names.index("frame")
    last, number = None, -1
    for batch in batches:
        kept = []
        for row in batch:
            if (row[source], row[frame]) != last:
                last, number = (row[source], row[frame]), number + 1
            if number % every == 0:
                kept.append(row)
        if kept:
            yield kept


def _session(row: sa.Row[Any]) -> Session:
    fields = dict(row._mapping)
    return Session(**fields | {"sources": tuple(fields["sources"])})


def _column(cells: tuple[Any, ...], kind: type) -> Column:
    """An array of Timeline's kind; None becomes what stands for an empty cell."""
    if kind is float:
        return np.array(cells, np.float64)  # None becomes NaN
    return np.array([MISSING[kind] if cell is None else cell for cell in cells], DTYPES[kind])
