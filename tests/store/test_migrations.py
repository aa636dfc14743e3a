"""Stores of other versions, and files that are none."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from mien.errors import ExtraMissing, UsageError
from mien.store import open_store, schema
from mien.store.migrations import MIGRATIONS
from mien.store.place import StoreError, StoreMissing, place_of
from tests.store.recording import record

EMOTIONS = ("anger", "contempt", "disgust", "fear", "happy", "neutral", "sad", "surprise", "uncertain")
SCORES = (*(f"p_{name}" for name in EMOTIONS), "valence", "arousal")
POINTS = ("eye_r_x", "eye_r_y", "eye_l_x", "eye_l_y", "nose_x", "nose_y", "mouth_r_x", "mouth_r_y", "mouth_l_x", "mouth_l_y")
DOUBLES = ["x1", "y1", "x2", "y2", "score", *POINTS, *SCORES, *(f"raw_{name}" for name in SCORES), *(f"delta_{name}" for name in SCORES)]

VERSION_1 = [
    "CREATE TABLE mien_store (version INTEGER NOT NULL)",
    "INSERT INTO mien_store VALUES (1)",
    "CREATE TABLE mien_settings (name TEXT PRIMARY KEY, value JSON NOT NULL)",
    "CREATE TABLE mien_sessions (id {id}, name TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, finished BOOLEAN, sources JSON NOT NULL, "
    "source_count BIGINT NOT NULL, model TEXT NOT NULL, options JSON NOT NULL, version TEXT NOT NULL, retention_days DOUBLE PRECISION)",
    "CREATE INDEX ix_mien_sessions_name ON mien_sessions (name)",
    "CREATE TABLE mien_rows (session BIGINT NOT NULL REFERENCES mien_sessions (id) ON DELETE CASCADE, n BIGINT NOT NULL, source TEXT, "
    "frame BIGINT, time_s DOUBLE PRECISION, face BIGINT, person BIGINT, emotion TEXT, emotion_p DOUBLE PRECISION, second TEXT, "
    "second_p DOUBLE PRECISION, affect_from TEXT, unsure BOOLEAN, reasons TEXT, model TEXT, "
    + ", ".join(f"{name} DOUBLE PRECISION" for name in DOUBLES)
    + ", PRIMARY KEY (session, n))",
    "CREATE INDEX mien_rows_person ON mien_rows (session, person, time_s)",
    """INSERT INTO mien_settings VALUES ('retention_days', '90')""",
    """INSERT INTO mien_sessions (name, started, ended, finished, sources, source_count, model, options, version) VALUES
       ('old', '2026-01-02T03:04:05.000000Z', '2026-01-02T03:05:05.000000Z', {true}, '["a.mp4"]', 1, 'base', '{{}}', '0.1.0'),
       ('killed', '2026-01-03T03:04:05.000000Z', NULL, NULL, '[]', 0, 'base', '{{"threads": 2}}', '0.1.0')""",
    """INSERT INTO mien_rows (session, n, source, frame, time_s, face, person, emotion, p_happy, unsure, raw_p_neutral) VALUES
       (1, 0, 'a.mp4', 0, 0.0, 0, 0, 'happy', 0.75, {true}, 0.5), (1, 1, 'a.mp4', 0, 0.0, 1, 4, 'sad', 0.1, {false}, 0.25),
       (1, 2, 'a.mp4', 1, 0.04, NULL, NULL, NULL, NULL, NULL, NULL)""",
]


def run(url: str, statements: list[str]) -> None:
    if "://" in url:
        import psycopg

        kinds = {"id": "BIGSERIAL PRIMARY KEY", "true": "true", "false": "false"}
        with psycopg.connect(url) as connection:
            for statement in statements:
                connection.execute(statement.format(**kinds).encode())
    else:
        kinds = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "true": "1", "false": "0"}
        other = sqlite3.connect(url)
        for statement in statements:
            other.execute(statement.format(**kinds))
        other.commit()
        other.close()


def test_a_store_of_version_1(url: str) -> None:
    run(url, VERSION_1)
    with open_store(url, create=False) as store:
        killed, old = store.sessions()
        assert (old.frame_count, old.face_count, old.row_count, old.raw, old.delta) == (2, 2, 3, True, False)
        assert (old.updated, old.state()) == (old.ended, "finished")
        assert (killed.frame_count, killed.raw, killed.options, killed.state()) == (0, False, {"threads": 2}, "broken off")
        assert killed.updated == killed.started
        assert store.retention_days == 90
        timeline = store.timeline("old")
        assert timeline["person"].tolist() == [0, 4, -1]
        assert timeline["unsure"].tolist() == [True, False, False]
        np.testing.assert_array_equal(timeline["raw_p_neutral"], [0.5, 0.25, np.nan])
        assert "delta_valence" not in timeline
        record(store, "new")
        assert len(store.timeline("new")) == 4
    with open_store(url) as again:
        assert [session.name for session in again.sessions()] == ["new"]  # the others' 90 days were over


def test_a_migration_that_fails_changes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(connection: sa.Connection) -> None:
        connection.execute(sa.text("ALTER TABLE mien_sessions ADD COLUMN half INTEGER"))
        connection.execute(sa.text("SELECT nonsense FROM nowhere"))

    run(url, VERSION_1)
    monkeypatch.setattr("mien.store.migrations.MIGRATIONS", [MIGRATIONS[0], breaks])
    with pytest.raises(StoreError, match="nowhere"):
        open_store(url)
    monkeypatch.undo()
    with open_store(url) as store, store._database.reading() as connection:
        names = {column["name"] for column in sa.inspect(connection).get_columns("mien_sessions")}
    assert "half" not in names
    assert "frame_count" in names


@pytest.mark.parametrize("old", [True, False])
def test_postgresql_keeps_no_examples_of_values(postgres_url: str, old: bool) -> None:
    """Nor those that it took of a store before mien saw to that."""
    tables = "schemaname = current_schema() AND tablename IN ('mien_rows', 'mien_sessions')"
    if old:
        run(postgres_url, [*VERSION_1, "ANALYZE"])
    with open_store(postgres_url) as store:
        if not old:
            record(store, "a")
            with store._database.writing() as connection:
                connection.execute(sa.text("ANALYZE"))
        with store._database.reading() as connection:
            assert connection.execute(sa.text(f"SELECT tablename, attname FROM pg_stats WHERE {tables}")).all() == []


def test_a_newer_store_is_refused(url: str) -> None:
    open_store(url).close()
    run(url, [f"UPDATE mien_store SET version = {len(MIGRATIONS) + 1}"])
    with pytest.raises(StoreError, match=f"is of version {len(MIGRATIONS) + 1}, this mien knows up to {len(MIGRATIONS)}"):
        open_store(url)


def test_migrations_end_at_the_schema_and_no_column_could_hold_a_picture(url: str) -> None:
    with open_store(url) as store, store._database.reading() as connection:
        inspector = sa.inspect(connection)
        dialect = store._database.engine.dialect
        assert set(inspector.get_table_names()) == set(schema.metadata.tables)
        for name, table in schema.metadata.tables.items():
            found = {column["name"]: column for column in inspector.get_columns(name)}
            wanted = {column.name: column.type.compile(dialect) for column in table.columns}
            assert {name: column["type"].compile(dialect).replace(" PRECISION", "") for name, column in found.items()} == {
                name: kind.replace(" PRECISION", "") for name, kind in wanted.items()
            }
            assert {name: column["nullable"] for name, column in found.items()} == {c.name: c.nullable for c in table.columns}
            assert {index["name"] for index in inspector.get_indexes(name)} == {index.name for index in table.indexes}
            assert [key["options"] for key in inspector.get_foreign_keys(name)] == [{"ondelete": "CASCADE"} for _ in table.foreign_keys]
            assert inspector.get_pk_constraint(name)["constrained_columns"] == [column.name for column in table.primary_key]
            for column in found.values():
                assert not isinstance(column["type"], sa.LargeBinary)
                assert type(column["type"]).__visit_name__.upper() in (
                    "INTEGER", "BIGINT", "TEXT", "DOUBLE", "DOUBLE_PRECISION", "BOOLEAN", "JSON",
                )  # fmt: skip


def test_no_store_yet(url: str) -> None:
    with pytest.raises(StoreMissing, match=r"no store yet|holds no sessions"):
        open_store(url, create=False)
    if "://" not in url:
        assert not Path(url).exists()


def test_files_that_are_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no file"):
        open_store(tmp_path)
    text = tmp_path / "notes.txt"
    text.write_text("a text that is long enough to be read as the head of a file " * 30, "utf-8")
    with pytest.raises(StoreError, match=r"notes\.txt: is no SQLite database; name another file"):
        open_store(text)
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(text / "sessions.db")
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    with pytest.raises(StoreError, match=r"is a database of something else .it has the table bookmarks"):
        open_store(other)


def test_a_file_of_any_name(tmp_path: Path) -> None:
    path = tmp_path / "a?mode=memory #1 %41 'ö'" / "s;s.db"
    with open_store(path) as store:
        record(store, "a")
        assert store.place == str(path)
    with closing(sqlite3.connect(path)) as other:
        assert len(other.execute("SELECT * FROM mien_rows").fetchall()) == 4


def test_where_the_store_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    assert place_of(None) == tmp_path / "data" / "mien" / "sessions.db"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert place_of(None) == Path.home() / ".local" / "share" / "mien" / "sessions.db"
    monkeypatch.setenv("MIEN_STORE", "postgres://me@host/db")
    assert place_of(None) == "postgresql+psycopg://me@host/db"
    monkeypatch.chdir(tmp_path)
    assert place_of("x.db") == place_of("sqlite:///x.db") == tmp_path / "x.db"
    assert place_of(f"sqlite:///{tmp_path}/y.db") == tmp_path / "y.db"
    assert place_of("~/z.db") == Path.home() / "z.db"
    for wrong in ("mysql://me:hush@host/db", "sqlite://", "postgresql+asyncpg://me:hush@host/db"):
        with pytest.raises(UsageError, match="wanted a file, sqlite:///FILE or postgresql") as caught:
            place_of(wrong)
        assert "hush" not in str(caught.value)


def test_a_user_without_a_home_is_told_to_name_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container's that runs under a number of its own."""

    def no_user(number: int) -> None:
        raise KeyError(number)

    for name in ("HOME", "MIEN_STORE", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_user)
    for target in (None, "~/z.db"):
        with pytest.raises(StoreError, match=r"this user has no home for the store; name a file \(--store FILE, \$MIEN_STORE\)"):
            place_of(target)
    assert place_of(tmp_path / "x.db") == tmp_path / "x.db"


def test_somebody_else_without_a_home_is_named() -> None:
    with pytest.raises(StoreError, match=r"^~no-such-user/x\.db: no home of a user no-such-user is known; .* \./~no-such-user/x\.db"):
        place_of("~no-such-user/x.db")


def test_a_store_without_its_version(url: str) -> None:
    open_store(url).close()
    run(url, ["DELETE FROM mien_store"])
    with pytest.raises(StoreError, match="its table mien_store has 0 rows, wanted one with the version; use a backup, or another store"):
        open_store(url)


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_store(f"postgresql://me:hush@/db?host={tmp_path}")
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match=r"^postgresql://me@/db: cannot be used") as caught:
        open_store(f"postgresql://me@/db?host={tmp_path}&password=hush")
    assert "hush" not in str(caught.value)
    with pytest.raises(StoreError, match="URL cannot be read") as caught:
        open_store("postgresql://me:hush@host:port/db")
    assert "hush" not in str(caught.value)


def test_what_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ExtraMissing, match=r'a store in PostgreSQL needs psycopg: pip install "\.\[postgres\]"'):
        open_store("postgresql://me@host/db")
    monkeypatch.setitem(__import__("sys").modules, "sqlalchemy", None)
    with pytest.raises(ExtraMissing, match=r'sessions need SQLAlchemy: pip install "\.\[sessions\]"'):
        open_store(tmp_path / "sessions.db")
    assert not (tmp_path / "sessions.db").exists()
