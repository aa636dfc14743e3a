"""Deleting for good: afterwards the bytes are not in the database's files any more."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from mien.store import schema
from mien.store.database import Database
from mien.store.place import StoreError

AT_ONCE = 500
"""Numbers in one statement; a database takes only so many."""


def erase(database: Database, numbers: Sequence[int]) -> None:
    """Delete sessions by their numbers, with their rows, and the bytes that they leave in the files.

    SQLite: deleted cells are overwritten, the file is written anew, and the write-ahead log emptied. PostgreSQL: the tables are
    written anew; the server's own log and backups are its administrator's. Raises StoreError.
    """
    with database.connected() as connection:
        if database.path is not None:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            connection.rollback()
        with database.writing(connection):
            for start in range(0, len(numbers), AT_ONCE):
                connection.execute(sa.delete(schema.sessions).where(schema.sessions.c.id.in_(numbers[start : start + AT_ONCE])))
    with database.autocommit() as connection:
        if database.path is None:
            for table in (schema.rows, schema.sessions):
                connection.exec_driver_sql(f"VACUUM (FULL) {table.name}")
            return
        connection.exec_driver_sql("VACUUM")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
    if busy:
        raise StoreError(
            f"{database.place}: the sessions are deleted, but another program is reading the store; their bytes leave the disk when the "
            f"last program that has it open ends"
        )
