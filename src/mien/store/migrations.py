"""How a store comes from one version to the next. A step that was released is never changed; it knows nothing of schema.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from mien.store.database import Database

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise", "uncertain")
SCORES = (*(f"p_{name}" for name in EMOTIONS), "valence", "arousal")
LOCK = 0x6D69656E
"""PostgreSQL's advisory lock that one who migrates holds: `mien` in ASCII."""


def _sessions_and_rows(connection: sa.Connection) -> None:
    """Version 1."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    metadata = sa.MetaData()
    sa.Table("mien_settings", metadata, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.JSON, nullable=False))
    sa.Table(
        "mien_sessions",
        metadata,
        sa.Column("id", number, primary_key=True, autoincrement=True),
        sa.Column("name", sa.Text, nullable=False, index=True),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("ended", sa.Text),
        sa.Column("finished", sa.Boolean),
        sa.Column("sources", sa.JSON, nullable=False),
        sa.Column("source_count", sa.BigInteger, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("retention_days", sa.Double),
        sqlite_autoincrement=True,
    )
    texts = ("source", "emotion", "second", "affect_from", "reasons", "model")
    integers = ("frame", "face", "person")
    points = [f"{point}_{axis}" for point in ("eye_r", "eye_l", "nose", "mouth_r", "mouth_l") for axis in "xy"]
    names = ["source", "frame", "time_s", "face", "person", "x1", "y1", "x2", "y2", "score", *points]
    names += ["emotion", "emotion_p", "second", "second_p", *SCORES, "affect_from", "unsure", "reasons", "model"]
    names += [f"raw_{name}" for name in SCORES] + [f"delta_{name}" for name in SCORES]
    kinds = dict.fromkeys(texts, sa.Text) | dict.fromkeys(integers, sa.BigInteger) | {"unsure": sa.Boolean}
    sa.Table(
        "mien_rows",
        metadata,
        sa.Column("session", number, sa.ForeignKey("mien_sessions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("n", number, primary_key=True, autoincrement=False),
        *(sa.Column(name, kinds.get(name, sa.Double)) for name in names),
        sa.Index("mien_rows_person", "session", "person", "time_s"),
        sqlite_with_rowid=False,
    )
    metadata.create_all(connection, checkfirst=False)


def _counts(connection: sa.Connection) -> None:
    """Version 2: a listing need not read all rows, and tells a session that runs from one that was killed."""
    for column in ("frame_count", "face_count", "row_count"):
        connection.execute(sa.text(f"ALTER TABLE mien_sessions ADD COLUMN {column} BIGINT NOT NULL DEFAULT 0"))
    for column in ("raw", "delta"):
        connection.execute(sa.text(f"ALTER TABLE mien_sessions ADD COLUMN {column} BOOLEAN NOT NULL DEFAULT false"))
    connection.execute(sa.text("ALTER TABLE mien_sessions ADD COLUMN updated TEXT NOT NULL DEFAULT ''"))
    of = "FROM mien_rows WHERE mien_rows.session = mien_sessions.id"
    sets = [
        "updated = coalesce(ended, started)",
        f"row_count = (SELECT count(*) {of})",
        f"face_count = (SELECT count(face) {of})",
        f"frame_count = (SELECT count(*) {of} AND coalesce(face, 0) = 0)",
        *(f"{kind} = EXISTS (SELECT 1 {of} AND {kind}_p_neutral IS NOT NULL)" for kind in ("raw", "delta")),
    ]
    connection.execute(sa.text(f"UPDATE mien_sessions SET {', '.join(sets)}"))


def _no_statistics(connection: sa.Connection) -> None:
    """Version 3: PostgreSQL's statistics, which no purge of a table reaches, hold no examples of values. All queries go by keys."""
    if connection.dialect.name != "postgresql":
        return
    for table in ("mien_sessions", "mien_rows"):
        changes = []
        for column in sa.inspect(connection).get_columns(table):
            changes.append(f"ALTER COLUMN {column['name']} SET STATISTICS 0")
            # A column that gets a type, be it the one it has, loses its statistics; nothing else that an owner may do takes them away.
            changes.append(f"ALTER COLUMN {column['name']} TYPE {column['type'].compile(connection.dialect)}")
        connection.execute(sa.text(f"ALTER TABLE {table} {', '.join(changes)}"))


MIGRATIONS: list[Callable[[sa.Connection], None]] = [_sessions_and_rows, _counts, _no_statistics]
"""The n-th brings a store to version n. Each runs in a transaction of its own."""


def migrate(database: Database, *, create: bool) -> None:
    """Bring a store to this version. Raises StoreMissing where there is none and none is to be made, StoreError for a newer one."""
    from mien.store.place import StoreError, StoreMissing

    latest = len(MIGRATIONS)
    with database.reading() as connection:
        version = _version(connection, database)
    if version == 0 and not create:
        raise StoreMissing(f"{database.place}: holds no sessions")
    while version < latest:
        with database.writing() as connection:
            if database.path is None:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            version = _version(connection, database)  # another program may have been faster
            if version < latest:
                if version == 0:
                    connection.execute(sa.text("CREATE TABLE mien_store (version INTEGER NOT NULL)"))
                    connection.execute(sa.text("INSERT INTO mien_store (version) VALUES (0)"))
                MIGRATIONS[version](connection)
                version += 1
                connection.execute(sa.text("UPDATE mien_store SET version = :version"), {"version": version})
    if version > latest:
        raise StoreError(
            f"{database.place}: is of version {version}, this mien knows up to {latest}; use the newer mien that wrote it, or another store"
        )


def _version(connection: sa.Connection, database: Database) -> int:
    """The store's version, 0 for an empty database. Raises StoreError for a file that holds something else, or a store that is damaged."""
    from mien.store.place import StoreError

    tables = sa.inspect(connection).get_table_names()
    if "mien_store" in tables:
        found = connection.execute(sa.text("SELECT version FROM mien_store")).scalars().all()
        if len(found) != 1:
            raise StoreError(
                f"{database.place}: its table mien_store has {len(found)} rows, wanted one with the version; use a backup, or another store"
            )
        return int(found[0])
    if tables and database.path is not None:
        raise StoreError(f"{database.place}: is a database of something else (it has the table {tables[0]}); name another file")
    return 0
