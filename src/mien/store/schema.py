"""The tables as this version of mien knows them. What they were before is in migrations.py."""

from __future__ import annotations

import sqlalchemy as sa

from mien.table import columns

TYPES: dict[type, type[sa.types.TypeEngine[object]]] = {str: sa.Text, int: sa.BigInteger, float: sa.Double, bool: sa.Boolean}  # type: ignore[dict-item]
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only where the type is INTEGER."""

metadata = sa.MetaData()

store = sa.Table("mien_store", metadata, sa.Column("version", sa.Integer, nullable=False))

settings = sa.Table(
    "mien_settings",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)

sessions = sa.Table(
    "mien_sessions",
    metadata,
    sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
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
    sa.Column("updated", sa.Text, nullable=False),
    sa.Column("frame_count", sa.BigInteger, nullable=False),
    sa.Column("face_count", sa.BigInteger, nullable=False),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("raw", sa.Boolean, nullable=False),
    sa.Column("delta", sa.Boolean, nullable=False),
    sqlite_autoincrement=True,  # an id that was purged never means another session
)

rows = sa.Table(
    "mien_rows",
    metadata,
    sa.Column("session", NUMBER, sa.ForeignKey("mien_sessions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("n", NUMBER, primary_key=True, autoincrement=False),
    *(sa.Column(name, TYPES[kind]) for name, kind in columns(raw=True, delta=True).items()),
    sa.Index("mien_rows_person", "session", "person", "time_s"),
    sqlite_with_rowid=False,  # a session's rows lie together, in their order
)
