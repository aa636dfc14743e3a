"""The sink that records a session. A thread of its own writes, so that a slow disk or server does not hold up the frames."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from mien.sinks.sink import Sink
from mien.store import schema
from mien.store.database import Database
from mien.store.place import SessionPurged, StoreAway, StoreError
from mien.store.sessions import BEAT_SECONDS, NAMED_SOURCES, Session, utc_now
from mien.table import COLUMNS, DELTA_COLUMNS, RAW_COLUMNS
from mien.types import Frame, Result

log = logging.getLogger("mien")

BATCH_ROWS = 2000
"""So many rows are written before their time."""
MOST_ROWS = 50_000
"""So many wait in memory for a database that is locked or slow; then `write` waits too. With a server that is away, it is the end."""
RETRY_SECONDS = (0.25, 8.0)
"""After the first and the longest of these a server that is away is asked again, each time after twice as long."""
LAST_SECONDS = 10.0
"""How long `close` waits for a server that is away, before it asks a last time."""


class SessionWriter(Sink):
    """Records results; a row is safe on the disk at the latest `commit_seconds` after `write`, and all are after `close`.

    While a database's server is away, as when it is started anew, rows wait in memory, and the log says so.
    """

    def __init__(
        self,
        database: Database,
        session: Session,
        *,
        columns: Mapping[str, type] | None = None,
        commit_seconds: float = 1.0,
        purged: Iterable[Session] = (),
    ) -> None:
        self.session, self.purged = session, tuple(purged)
        self._database, self._period = database, commit_seconds / 2  # half, since writing itself takes a while
        self._raw = columns is not None and not RAW_COLUMNS.keys().isdisjoint(columns)
        self._delta = columns is not None and not DELTA_COLUMNS.keys().isdisjoint(columns)
        self._pending: list[dict[str, Any]] = []
        self._sources: list[str] = []
        self._source: str | None = None
        self._source_count = self._frames = self._faces = self._rows = 0
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._closing = self._told = False
        self._finished = False
        self._beat = time.monotonic()
        self._last_try = math.inf
        self._thread = threading.Thread(target=self._work, name=f"session {session.name}", daemon=True)
        self._thread.start()

    @property
    def what(self) -> str:
        """The session and its store."""
        return f"session {self.session.name!r} (number {self.session.id} in {self._database.place})"

    def write(self, frame: Frame, result: Result, /) -> None:
        """Record the rows of one frame, never the frame itself. Raises StoreError when the store failed since the last call."""
        rows = result.rows()
        with self._changed:
            self._check()
            if self._closing:
                raise StoreError(f"{self.what}: is closed")
            if result.source != self._source:
                self._source = result.source
                self._source_count += 1
                if len(self._sources) < NAMED_SOURCES and result.source not in self._sources:
                    self._sources.append(result.source)
            self._pending += rows
            self._frames += 1
            self._faces += len(result)
            if len(self._pending) >= BATCH_ROWS:
                self._changed.notify_all()
                self._changed.wait_for(lambda: len(self._pending) < MOST_ROWS or self._error is not None)
                self._check()

    def close(self, *, finished: bool = True) -> None:
        """Write what is left and the time of the end. Raises StoreError when that fails and `write` has not said so yet."""
        with self._changed:
            if not self._closing:
                self._closing, self._finished = True, finished
                self._last_try = time.monotonic() + LAST_SECONDS
            self._changed.notify_all()
        self._thread.join()
        if not self._told:
            self._check()

    def _check(self) -> None:
        if self._error is not None:
            self._told = True
            raise self._error

    def _work(self) -> None:
        try:
            self._commit_all()
        except BaseException as error:  # raised in the caller's thread, by `write` or `close`
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _commit_all(self) -> None:
        """Write until it is closed, over as many connections as it takes."""
        seconds = 0.0  # until the next try, while the server is away
        while True:
            try:
                with self._database.connected() as connection:
                    if seconds:
                        self._resume(connection)
                        log.warning("session %r: %s: the server is back", self.session.name, self._database.place)
                        seconds = 0.0
                    while not self._commit(connection):
                        continue
                return
            except StoreAway as error:
                if not seconds:
                    log.warning("session %r: %s; rows wait in memory until the server is back", self.session.name, error)
                first, longest = RETRY_SECONDS
                seconds = min(max(first, seconds * 2), longest)
                self._wait_for_server(error, seconds)

    def _wait_for_server(self, error: StoreAway, seconds: float) -> None:
        """Wait before the next try. Raises StoreError when too many rows wait, or `close` has waited long enough."""
        with self._changed:
            closing, waiting, left = self._closing, len(self._pending), self._last_try - time.monotonic()
            if waiting >= MOST_ROWS or left <= 0:
                raise StoreError(f"{error}; the {waiting} rows that waited for it are lost") from error
            self._changed.wait_for(lambda: len(self._pending) >= MOST_ROWS or self._closing != closing, timeout=min(seconds, left))

    def _resume(self, connection: sa.Connection) -> None:
        """Forget the rows that are there: of a commit during which the connection broke, only the database knows whether it was done.

        Its lock is waited for, since PostgreSQL may still be at it.
        """
        query = sa.select(schema.sessions.c.row_count).where(schema.sessions.c.id == self.session.id).with_for_update()
        with connection.begin():
            there = connection.execute(query).scalar() or 0  # of one that was purged, _write will tell
        with self._changed:
            done = max(0, there - self._rows)
            del self._pending[:done]
            self._rows += done

    def _commit(self, connection: sa.Connection) -> bool:
        """Wait for its time, write what there is, and say whether that was the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or len(self._pending) >= BATCH_ROWS, timeout=self._period)
            rows = list(self._pending)  # they stay there until they are safe
            closing = self._closing
            now = time.monotonic()
            if not (rows or closing or now - self._beat >= BEAT_SECONDS):
                return False
            for row in rows:
                self._raw = self._raw or "raw_valence" in row
                self._delta = self._delta or "delta_valence" in row
            values: dict[str, Any] = {
                "updated": utc_now(),
                "sources": list(self._sources),
                "source_count": self._source_count,
                "frame_count": self._frames,
                "face_count": self._faces,
                "row_count": self._rows + len(rows),
                "raw": self._raw,
                "delta": self._delta,
            }
            if closing:
                values |= {"ended": values["updated"], "finished": self._finished}
        with self._database.writing(connection):
            self._write(connection, rows, values)
        with self._changed:
            del self._pending[: len(rows)]
            self._rows += len(rows)
            self._changed.notify_all()
        self._beat = now
        return closing

    def _write(self, connection: sa.Connection, rows: list[dict[str, Any]], values: dict[str, Any]) -> None:
        number = self.session.id
        done = connection.execute(sa.update(schema.sessions).where(schema.sessions.c.id == number).values(values))
        if not done.rowcount:
            raise SessionPurged(f"{self.what}: was purged while it ran; nothing more is kept of it")
        if rows:
            names = [*COLUMNS, *(RAW_COLUMNS if self._raw else ()), *(DELTA_COLUMNS if self._delta else ())]
            cells = []
            for n, row in enumerate(rows, self._rows):
                # SQLite would keep a number of NumPy's as bytes.
                cells.append({"session": number, "n": n} | {name: row.get(name) for name in names} | {"frame": int(row["frame"])})
            connection.execute(sa.insert(schema.rows), cells)
