"""`mien sessions` on PostgreSQL; tests/cli has the rest of it."""

import json
from pathlib import Path

import pytest

from mien.cli.main import main
from mien.store import open_store
from mien.timeline import Timeline
from tests.store.recording import record

NAME = "Анна и друзья"


def test_the_command_with_a_url(
    postgres_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr(open_store, "__kwdefaults__", {"create": True, "busy_seconds": 0.1})

    def call(*words: object) -> tuple[int, str, str]:
        return main(["sessions", *map(str, words), "--store", postgres_url]), *capsys.readouterr()

    assert call("list")[2].startswith("mien: no sessions yet: postgresql://mien@/postgres:")
    with open_store(postgres_url) as store:
        record(store, NAME)
    assert [row["name"] for row in json.loads(call("list", "--json")[1])] == [NAME]
    assert call("export", NAME, "-o", tmp_path / "x.csv")[0] == 0
    assert len(Timeline.read(tmp_path / "x.csv")) == 4
    assert call("retention", "5")[1] == "5 days\n"
    with psycopg.connect(postgres_url) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1 FROM pg_class LIMIT 1")
        code, _, told = call("purge", NAME, "--yes")
        assert (code, told.count("\n")) == (1, 1)
        assert "the sessions are deleted, but their bytes are still in the store's files" in told
    assert call("purge", "99", "--yes")[0] == 2  # there never was one
    code, _, told = call("purge", NAME, "--yes")  # which is not there any more
    assert (code, told) == (
        0, "mien: nothing to purge in postgresql://mien@/postgres; the bytes of sessions purged before have left its files\n"
    )  # fmt: skip
    assert call("purge", NAME, "--yes")[0] == 2
    assert call("list", "--json")[1] == "[]\n"
