from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mien.store import open_store
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


def test_what_is_not_there_is_told(recorded):
    gone = recorded.get("/sessions/9")
    assert (gone.status_code, gone.json()["error"]) == (404, "unknown session '9'; there are: 'morning', 'вечер 1'")
    assert recorded.delete("/api/sessions/9").status_code == 404
    assert recorded.get("/api/sessions/1/table.xls").json()["error"].startswith("unknown format 'xls'")
    assert recorded.get("/sessions/morning").status_code == 400
    assert recorded.get("/sessions/1", params={"language": "xx"}).status_code == 400
