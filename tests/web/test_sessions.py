from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mien.store import Store, open_store
from mien.store.place import StoreError
from tests.store.recording import record
from tests.web.conftest import Serve


@pytest.fixture
def recorded(serve: Serve, tmp_path: Path) -> TestClient:
    path = str(tmp_path / "sessions.db")
    with open_store(path) as store:
        for name in ("morning", "вечер 1"):
            record(store, name)
    return serve(sessions=True, store=path)


def test_without_sessions_there_are_none(server):
    for path in ("/api/sessions", "/api/sessions/1", "/sessions/1", "/api/sessions/1/table.csv"):
        answer = server.get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "this server shows no sessions; start it with --sessions"})
    assert server.get("/api/about").json()["sessions"] is False


def test_sessions_are_listed_shown_and_deleted(recorded):
    assert [one["name"] for one in recorded.get("/api/sessions").json()] == ["вечер 1", "morning"]
    assert recorded.get("/api/sessions/1").json()["name"] == "morning"
    page = recorded.get("/sessions/2", params={"language": "ru"})
    assert "вечер 1" in page.text
    assert '<html lang="ru">' in page.text
    assert page.headers["content-security-policy"] == "frame-ancestors 'self'"
    table = recorded.get("/api/sessions/2/table.parquet")
    assert table.content[:4] == b"PAR1"
    assert table.headers["content-disposition"] == 'attachment; filename="______1.parquet"'
    assert recorded.delete("/api/sessions/2").status_code == 204
    assert [one["id"] for one in recorded.get("/api/sessions").json()] == [1]


def test_where_model_files_lie_on_the_server_is_not_told(serve: Serve, tmp_path: Path):
    path = str(tmp_path / "sessions.db")
    with open_store(path) as store:
        store.writer("own", model="/home/me/own.onnx", options={"model": "/home/me/own.onnx", "detector": "haar:/home/me/f.xml"}).close()
    server = serve(sessions=True, store=path)
    for told in (server.get("/api/sessions").json()[0], server.get("/api/sessions/1").json()):
        assert (told["model"], told["options"]) == ("own.onnx", {"model": "own.onnx", "detector": "haar:f.xml"})


def test_what_is_not_there_is_told(recorded):
    gone = recorded.get("/sessions/9")
    assert (gone.status_code, gone.json()["error"]) == (404, "unknown session '9'; there are: 'morning', 'вечер 1'")
    assert recorded.delete("/api/sessions/9").status_code == 404
    other = recorded.get("/api/sessions/1/table.xls")
    assert (other.status_code, other.json()["error"]) == (400, "kind: input should be 'csv', 'jsonl' or 'parquet'")
    assert recorded.get("/sessions/morning").status_code == 400
    assert recorded.get("/sessions/1", params={"language": "xx"}).status_code == 400


def test_of_a_session_without_rows_there_is_no_table(serve: Serve, tmp_path: Path):
    path = str(tmp_path / "sessions.db")
    with open_store(path) as store:
        record(store, "empty", [])
    server = serve(sessions=True, store=path)
    for kind in ("csv", "jsonl", "parquet"):
        answer = server.get(f"/api/sessions/1/table.{kind}")
        told = {"error": "session 'empty' (number 1) has no rows; there is nothing to export"}
        assert (answer.status_code, answer.json()) == (409, told)
    assert server.get("/sessions/1").status_code == 200


def test_a_store_that_is_down_is_503_and_named_in_the_log_alone(recorded, monkeypatch, caplog):
    def down(*_: object, **__: object) -> Store:
        raise StoreError("postgresql://mien@10.0.0.7/faces: cannot be used (connection refused)")

    monkeypatch.setattr("mien.web.sessions.open_store", down)
    for path in ("/api/sessions", "/api/sessions/1", "/sessions/1"):
        answer = recorded.get(path)
        assert (answer.status_code, answer.json()) == (503, {"error": "the server cannot do this at the moment; its log says why"})
    assert "GET /api/sessions/1: postgresql://mien@10.0.0.7/faces: cannot be used" in caplog.text


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for but a moment."""
    monkeypatch.setattr(open_store, "__kwdefaults__", {"create": True, "busy_seconds": 0.1})


def rows_of(path: Path) -> Iterator[object]:
    """The rows of session 1, in a transaction that stays open."""
    rows = open_store(path).rows(1)
    next(rows)
    return rows


@pytest.mark.usefixtures("hasty")
def test_bytes_that_must_stay_for_now_are_told_and_asked_for_again(recorded, tmp_path: Path, caplog):
    path = tmp_path / "sessions.db"
    with closing(rows_of(path)):  # type: ignore[type-var]
        for _ in range(2):
            answer = recorded.delete("/api/sessions/2")
            told = "the session is deleted, but its bytes could not leave the server's files yet; ask again later; its log says why"
            assert (answer.status_code, answer.json()) == (503, {"error": told})
            assert recorded.delete("/api/sessions/9").status_code == 404  # there never was one
            assert [one["id"] for one in recorded.get("/api/sessions").json()] == [1]
    assert f"DELETE /api/sessions/2: {path}: the sessions are deleted" in caplog.text
    assert recorded.delete("/api/sessions/2").status_code == 204
    assert recorded.delete("/api/sessions/2").status_code == 404
