"""The connection to SQLite or PostgreSQL, and what becomes of their errors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from mien.store.place import StoreAway, StoreError, StoreFull, StoreLocked, StoreMissing

BUSY_SECONDS = 30.0
"""How long another program's lock is waited for."""
CONNECT_SECONDS = 10
GONE = "the store was deleted or replaced while it was in use; nothing more is kept in it"


class Database:
    """A SQLite file or a PostgreSQL database: connections that read or write in transactions. Errors become StoreError."""

    def __init__(self, where: Path | str, *, busy_seconds: float = BUSY_SECONDS, create: bool = True) -> None:
        self.path = where if isinstance(where, Path) else None
        self.busy_seconds = busy_seconds
        if isinstance(where, Path):
            self.place = str(where)
            self._file = _open_file(where, create=create)
            self.engine = sa.create_engine("sqlite://", creator=self._open, poolclass=NullPool)
            sa.event.listen(self.engine, "begin", _begin)
        else:
            try:
                url = sa.make_url(where)
            except (ArgumentError, ValueError):
                raise StoreError("the store's URL cannot be read; wanted postgresql://USER@HOST/DATABASE") from None
            # Without its query, which may hold a password too, and which nothing hides.
            self.place = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
            # Without tcp_user_timeout a server whose cable was pulled would be waited for for a quarter of an hour.
            given = {"connect_timeout": CONNECT_SECONDS, "application_name": "mien", "tcp_user_timeout": int(busy_seconds * 1000)}
            settings = {name: value for name, value in given.items() if name not in url.query}
            self.engine = sa.create_engine(url, connect_args=settings, poolclass=NullPool)
        sa.event.listen(self.engine, "connect", self._connected)
        if self.path is not None:
            self._make_wal()

    def _open(self) -> sqlite3.Connection:
        """By hand, since only a URI of SQLite's own can say that a file that is gone must not be made anew."""
        assert self.path is not None
        return sqlite3.connect(f"{sqlite_uri(self.path)}?mode=rw", uri=True, timeout=self.busy_seconds, check_same_thread=False)

    def _connected(self, connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        if self.path is not None:
            connection.isolation_level = None  # transactions are begun by _begin: Python's sqlite3 would leave DDL outside of them
            # FULL: in WAL mode anything less may lose the last commits when the power goes.
            for pragma in ("foreign_keys = ON", "synchronous = FULL"):
                cursor.execute(f"PRAGMA {pragma}")
        else:
            cursor.execute(f"SET lock_timeout = {int(self.busy_seconds * 1000)}")
            connection.commit()
        cursor.close()

    def _make_wal(self) -> None:
        """WAL: who reads does not wait for who writes. It is kept in the file."""
        with self.autocommit() as connection:
            if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A connection, for several transactions."""
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state of the store."""
        with self.connected() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, connection: sa.Connection | None = None) -> Iterator[sa.Connection]:
        """A transaction that writes, on a connection that is there or on one of its own. Raises StoreError when the file is gone."""
        with self.translated():
            if self._gone():  # a deleted SQLite file could still be written, and nobody would ever read that
                raise StoreError(f"{self.place}: {GONE}")
            if connection is None:
                with self.engine.connect() as own, own.execution_options(writes=True).begin():
                    yield own
            else:
                with connection.execution_options(writes=True).begin():
                    yield connection

    @contextmanager
    def autocommit(self) -> Iterator[sa.Connection]:
        """A connection without transactions, for VACUUM and pragmas."""
        with self.translated(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the database refuses in here becomes a StoreError of one line that names the place."""
        try:
            yield
        except SQLAlchemyError as error:
            kind, reason = self._reason(error)
            raise kind(f"{self.place}: {reason}") from error

    def _reason(self, error: SQLAlchemyError) -> tuple[type[StoreError], str]:
        text = str(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error)
        line = "; ".join(part.strip() for part in text.splitlines() if part.strip()) or type(error).__name__
        if "database is locked" in line or "lock timeout" in line:
            return StoreLocked, f"locked by another program for more than {self.busy_seconds:g} s; end that one or try again"
        if self._gone():
            return StoreError, GONE
        if self.path is not None and "disk is full" in line:
            return StoreFull, "its disk is full"
        if "file is not a database" in line:
            return StoreError, "is no SQLite database; name another file"
        return StoreAway if self._away(error) else StoreError, f"cannot be used ({line})"

    def _away(self, error: SQLAlchemyError) -> bool:
        """Whether a connection was lost or could not be made, for which there is no statement yet."""
        if self.path is not None or not isinstance(error, DBAPIError):
            return False
        return error.connection_invalidated or (isinstance(error, OperationalError) and error.statement is None)

    def _gone(self) -> bool:
        """Whether a SQLite file is there no more, or another under its name."""
        try:
            return self.path is not None and _identity(self.path) != self._file
        except OSError:
            return True


def sqlite_uri(path: PurePath) -> str:
    """An absolute path as a URI for SQLite, which wants none with an authority: that of a share, `file://server/share/x`, has one.

    >>> sqlite_uri(PureWindowsPath(r"\\\\server\\share\\x.db"))
    'file:////server/share/x.db'
    """
    text = path.as_posix()
    return f"file://{'' if text.startswith('/') else '/'}{quote(os.fsencode(text), safe='/:')}"


def _begin(connection: sa.Connection) -> None:
    """Writers take the lock at once: a reader that becomes a writer may find that it cannot."""
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _open_file(path: Path, *, create: bool) -> tuple[int, int]:
    """Make the file, readable for its owner alone, if there is none; gives what tells it from another of its name."""
    try:
        if not path.exists():
            if not create:
                raise StoreMissing(f"{path}: there is no store yet; `mien analyze --session NAME` or `mien live --session NAME` makes one")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        if not path.is_file():
            raise StoreError(f"{path}: is no file; name a file for the store")
        return _identity(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be opened ({error.strerror or error})") from error
