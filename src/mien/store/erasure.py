"""Deleting for good: afterwards the bytes are not in the database's files any more."""

from __future__ import annotations

import logging
import math
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from mien.store import schema
from mien.store.database import Database
from mien.store.place import NotErased, StoreError, StoreFull, StoreLocked

log = logging.getLogger("mien")

FIRST_PAUSE = 0.5
"""Seconds; each further one is twice as long, since each try writes everything."""
STAY = "their bytes are still in the store's files"
LATER = "purge again when that one has ended"
ROOM = "about 1 MB free"
"""What SQLite needs to delete: .3 MB were enough, see FEW_ROWS."""
AT_ONCE = 500
"""Numbers in one statement; a database takes only so many."""
FEW_ROWS, MANY_ROWS = 500, 5000
"""Rows that SQLite deletes in one transaction: all that a transaction changes stands in the write-ahead log too, so that to delete all of
them at once would take as much room again as the store has. With few the log stays below 1 MB, with many at about 4, in a third of the
time."""
ENOUGH = 64_000_000
"""Bytes of free disk from which on many are deleted at once."""
MOST_LOG = 16_000_000
"""Bytes that the log may come to there while a reader keeps it from being written back; where there is less room it may not grow."""
LOOK_SECONDS = 0.05
"""Between two looks at whether that reader has ended."""
DUE = "rewrite due "
"""What the names of settings begin with that stand for purges whose bytes may still be in the files; the values are the sessions' numbers.
Each purge sets one of its own along with its deleting and takes it back when the files are written anew, so that neither a crash nor a
purge beside it can lose it."""


def erase(database: Database, numbers: Sequence[int], *, wait_seconds: float, work_seconds: float = math.inf) -> None:
    """Delete sessions by their numbers, with their rows, and the bytes that these and earlier ones leave in the files.

    SQLite: deleted cells are overwritten, some rows at a time, the file is written anew, and the write-ahead log emptied. PostgreSQL: the
    tables are written anew; the server's own log and backups are its administrator's. wait_seconds: how long others that use the store
    are waited for before the bytes stay for now. work_seconds: how long rows are deleted before the rest stays too, SQLite only.
    Raises StoreError when nothing is deleted, NotErased when they stay. One that is interrupted in between says so in the log.
    """
    try:
        _erase(database, numbers, wait_seconds, work_seconds)
    except KeyboardInterrupt:
        left = still_there(database)
        if left and left.issuperset(numbers):
            log.warning("%s", _not_erased(database, f"{STAY}, since this was interrupted; purge again"))
        raise


def _erase(database: Database, numbers: Sequence[int], wait_seconds: float, work_seconds: float) -> None:
    if numbers:
        try:
            _delete(database, numbers)
        except StoreFull as error:
            raise StoreFull(f"{database.place}: its disk is full; nothing is deleted, since a purge needs {ROOM} to begin with") from error
    room = ROOM
    try:
        due = _due(database)
        if database.path is not None:
            gone = [number for numbers in due.values() for number in numbers]
            _delete_rows(database, database.path, gone, wait_seconds=wait_seconds, work_seconds=work_seconds)
            room = _room(database)
        _rewrite(database, wait_seconds)
        with database.writing() as connection:
            connection.execute(sa.delete(schema.settings).where(schema.settings.c.name.in_(due)))
    except NotErased:
        raise
    except StoreFull as error:
        raise _not_erased(database, f"{STAY}, since its disk is full; purge again when it has {room}") from error
    except StoreLocked as error:
        raise _not_erased(database, f"{STAY}, since another program uses it; {LATER}") from error
    except StoreError as error:
        raise _not_erased(database, f"{STAY}; purge again ({error})") from error


def still_there(database: Database) -> frozenset[int]:
    """Numbers of sessions that were deleted, and whose bytes may still be in the files."""
    return frozenset(number for numbers in _due(database).values() for number in numbers)


def _due(database: Database) -> dict[str, list[int]]:
    """The settings of purges that are not done, by their names."""
    settings = schema.settings.c
    with database.reading() as connection:
        found = connection.execute(sa.select(settings.name, settings.value).where(settings.name.startswith(DUE)))
        return {row.name: row.value for row in found}


def _delete(database: Database, numbers: Sequence[int]) -> None:
    """Delete the sessions, from PostgreSQL with their rows; those of SQLite nobody finds any more, and `_delete_rows` deletes them."""
    if database.path is not None:
        with database.autocommit() as connection:  # to have the room of the log, unless others read in it
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.connected() as connection:
        if database.path is not None:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            connection.rollback()
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys = OFF")  # by hand, since in a transaction, as SQLAlchemy begins, it does nothing
        with database.writing(connection):
            for start in range(0, len(numbers), AT_ONCE):
                connection.execute(sa.delete(schema.sessions).where(schema.sessions.c.id.in_(numbers[start : start + AT_ONCE])))
            connection.execute(sa.insert(schema.settings), {"name": f"{DUE}{secrets.token_hex(8)}", "value": list(numbers)})


def _delete_rows(database: Database, path: Path, numbers: Sequence[int], *, wait_seconds: float, work_seconds: float) -> None:
    """Delete the rows of sessions that are gone from SQLite, some at a time, each time with the log written back."""
    rows, stop = schema.rows.c, time.monotonic() + work_seconds
    with database.connected() as connection, database.autocommit() as other:
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(wait_seconds * 1000)}")
        connection.rollback()
        for number in numbers:
            there = True
            while there:
                if time.monotonic() > stop:
                    raise _not_erased(database, f"{STAY}, since to delete so many rows takes longer than {work_seconds:g} s; purge again")
                with database.writing(connection):
                    much = shutil.disk_usage(path.parent).free > ENOUGH
                    some = sa.select(rows.n).where(rows.session == number).order_by(rows.n).limit(MANY_ROWS if much else FEW_ROWS)
                    there = connection.execute(sa.delete(schema.rows).where(rows.session == number, rows.n.in_(some))).rowcount > 0
                if there:
                    _write_back(database, other, MOST_LOG if much else 0, wait_seconds)


def _write_back(database: Database, connection: sa.Connection, most: int, wait_seconds: float) -> None:
    """Write the log back, so that what comes next begins it anew. Raises NotErased when a reader lets it come to more than `most` bytes."""
    size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    deadline = time.monotonic() + wait_seconds
    while True:
        _, pages, moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()  # PASSIVE makes nobody wait
        if moved == pages or pages * size <= most:
            return
        if time.monotonic() > deadline:
            raise _not_erased(database, f"{STAY}, since another program is reading it; {LATER}")
        time.sleep(LOOK_SECONDS)


def _room(database: Database) -> str:
    """How much free disk SQLite needs to write the file anew: all that stays stands in the log too."""
    with database.reading() as connection:
        pages, free, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "freelist_count", "page_size")
        )
    return f"about {max((pages - free) * size / 1e6, 1):,.0f} MB free"


def _rewrite(database: Database, wait_seconds: float) -> None:
    """Write the files anew. Raises NotErased where the database leaves them as they are and calls that no error."""
    milliseconds = int(wait_seconds * 1000)
    with database.autocommit() as connection:
        if database.path is None:
            connection.exec_driver_sql(f"SET lock_timeout = {milliseconds}")
            _rewrite_tables(database, connection, wait_seconds)
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")
        connection.exec_driver_sql("VACUUM")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    if busy:
        raise _not_erased(
            database, "another program is reading the store; their bytes leave the disk when the last program that has it open ends"
        )


def _rewrite_tables(database: Database, connection: sa.Connection, wait_seconds: float) -> None:
    """The same in PostgreSQL, which only warns somebody else than the owner, and copies rows that a transaction still sees."""
    before = _files(connection)
    deadline, pause = time.monotonic() + wait_seconds, FIRST_PAUSE
    while seen := _still_seen(connection):
        if time.monotonic() + pause > deadline:
            break
        time.sleep(pause)  # most transactions are short, such as those of who records
        pause *= 2
    if set(before) & set(_files(connection)):
        why = "since only the owner of the tables can have them written anew; purge again as the owner, or run as the owner"
        raise _not_erased(database, f"{STAY}, {why}: VACUUM (FULL) mien_rows; VACUUM (FULL) mien_sessions")
    if seen:
        raise _not_erased(database, f"{STAY}, since an open transaction in this database still sees them; {LATER}")


def _still_seen(connection: sa.Connection) -> int:
    """Write the tables anew, and count the deleted rows that had to be copied along."""
    seen = 0

    def count(notice: Any) -> None:
        nonlocal seen
        # Of VERBOSE, "N dead row versions cannot be removed yet", in the server's language; nothing else tells.
        found = re.search(r"\d+", (notice.message_detail or "").partition("\n")[0])
        seen += int(found[0]) if found else 0

    driver: Any = connection.connection.driver_connection
    driver.add_notice_handler(count)
    for table in (schema.rows, schema.sessions):
        connection.exec_driver_sql(f"VACUUM (FULL, VERBOSE) {table.name}")
    driver.remove_notice_handler(count)
    return seen


def _files(connection: sa.Connection) -> tuple[int, int]:
    """The numbers of the files that PostgreSQL keeps the tables in; tables that are written anew get new ones."""
    rows, sessions = (f"pg_relation_filenode('{table.name}')" for table in (schema.rows, schema.sessions))
    return tuple(connection.exec_driver_sql(f"SELECT {rows}, {sessions}").one())


def _not_erased(database: Database, why: str) -> NotErased:
    return NotErased(f"{database.place}: the sessions are deleted, but {why}")
