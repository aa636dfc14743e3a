import csv
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from fastapi.testclient import TestClient

from mien.store import Store, open_store
from mien.store.place import StoreError
from mien.web import sessions
from mien.web.passing import disposition
from tests.store.recording import record, results
from tests.web.conftest import Serve, listening


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
        told = "this server shows no sessions; start it with --sessions"
        assert (answer.status_code, answer.json()) == (404, {"error": told, "code": "not_found"})
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
    name = "%D0%B2%D0%B5%D1%87%D0%B5%D1%80%201.parquet"
    assert table.headers["content-disposition"] == f"attachment; filename=\"session-2.parquet\"; filename*=UTF-8''{name}"
    assert recorded.get("/api/sessions/1/table.csv").headers["content-disposition"] == 'attachment; filename="morning.csv"'
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
        told = {"error": "session 'empty' (number 1) has no rows; there is nothing to export", "code": "no_rows"}
        assert (answer.status_code, answer.json()) == (409, told)
    assert server.get("/sessions/1").status_code == 200


def test_a_store_that_is_down_is_503_and_named_in_the_log_alone(recorded, monkeypatch, caplog):
    def down(*_: object, **__: object) -> Store:
        raise StoreError("postgresql://mien@10.0.0.7/faces: cannot be used (connection refused)")

    monkeypatch.setattr("mien.web.sessions.open_store", down)
    for path in ("/api/sessions", "/api/sessions/1", "/sessions/1"):
        answer = recorded.get(path)
        told = "the server cannot do this at the moment; its log says why"
        assert (answer.status_code, answer.json()) == (503, {"error": told, "code": "store"})
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
            assert (answer.status_code, answer.json()) == (503, {"error": told, "code": "not_erased"})
            assert recorded.delete("/api/sessions/9").status_code == 404  # there never was one
            assert [one["id"] for one in recorded.get("/api/sessions").json()] == [1]
    assert f"DELETE /api/sessions/2: {path}: the sessions are deleted" in caplog.text
    assert recorded.delete("/api/sessions/2").status_code == 204
    assert recorded.delete("/api/sessions/2").status_code == 404


def kept(server: TestClient) -> list[Path]:
    """Folders of what the server keeps for a while."""
    return [path for path in server.app.state.service.jobs.folder.iterdir() if path.is_dir()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_table_is_the_exported_one_and_leaves_no_file(recorded, tmp_path: Path, kind):
    with open_store(tmp_path / "sessions.db") as store:
        wanted = store.export(1, tmp_path / f"wanted.{kind}").read_bytes()
        record(store, "empty", [])
    answer = recorded.get(f"/api/sessions/1/table.{kind}")
    assert answer.content == wanted
    assert answer.headers["content-length"] == str(len(wanted))
    assert recorded.get(f"/api/sessions/3/table.{kind}").status_code == 409
    assert recorded.get(f"/api/sessions/4/table.{kind}").status_code == 404
    assert kept(recorded) == []


def test_of_a_client_that_leaves_half_way_no_file_stays(serve: Serve, tmp_path: Path):
    path = str(tmp_path / "sessions.db")
    with open_store(path) as store:
        record(store, "long", results(30_000))
    server = serve(sessions=True, store=path)
    with listening(server.app, lifespan="off") as port:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(f"GET /api/sessions/1/table.csv HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            assert client.recv(1000).startswith(b"HTTP/1.1 200 ")  # of some 10 MB
            assert len(kept(server)) == 1
        end = time.monotonic() + 30
        while kept(server):
            assert time.monotonic() < end, "it stayed"
            time.sleep(0.02)


def test_pages_and_tables_are_made_one_at_a_time_and_not_for_who_has_left(recorded, monkeypatch):
    began, go_on, at_once, most, made = threading.Event(), threading.Event(), 0, 0, 0
    page, export = sessions.page, Store.export

    def counted(make):
        def making(*words, **options):
            nonlocal at_once, most, made
            at_once, made = at_once + 1, made + 1
            most = max(most, at_once)
            began.set()
            go_on.wait(30)
            time.sleep(0.05)
            at_once -= 1
            return make(*words, **options)

        return making

    monkeypatch.setattr(sessions, "page", counted(page))
    monkeypatch.setattr(Store, "export", counted(export))
    with listening(recorded.app, lifespan="off") as port, ThreadPoolExecutor() as pool:
        address = f"http://localhost:{port}"
        found = [pool.submit(httpx.get, f"{address}/{path}", timeout=60) for path in ("sessions/1", "api/sessions/1/table.csv") * 2]
        assert began.wait(30)
        for path in ("sessions/2", "api/sessions/2/table.csv"):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(f"GET /{path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
                time.sleep(0.3)  # it waits in the line, and leaves
        assert httpx.get(f"{address}/api/sessions", timeout=30).status_code == 200  # others need not wait
        go_on.set()
        assert [one.result().status_code for one in found] == [200] * 4
    assert (most, made) == (1, 4)


def test_the_page_of_a_very_long_session_is_of_some_frames_and_says_so(serve: Serve, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sessions, "LIVE_ROWS", 20)
    path = str(tmp_path / "sessions.db")
    with open_store(path) as store:
        for n in (12, 30):  # of two faces, none, one, and so on: of 16 and 40 rows
            record(store, f"of {n}", results(n))
        rows = list(store.rows(2))
    server = serve(sessions=True, store=path)
    whole, some = (server.get(f"/sessions/{number}").text for number in (1, 2))
    assert "is on this page" not in whole
    assert "of its 30 frames one in 2 is on this page" in some
    assert "кадров 30, на странице один из каждых 2" in server.get("/sessions/2", params={"language": "ru"}).text
    table = list(csv.DictReader(server.get("/api/sessions/2/table.csv").text.splitlines()))
    assert len(table) == len(rows) == 40
    with open_store(path) as store:
        timeline = store.timeline(2, every=2)
        assert timeline["frame"].tolist() == [row["frame"] for row in rows if row["frame"] % 2 == 0]
        assert store.timeline(2, every=1)["frame"].tolist() == [row["frame"] for row in rows]


@pytest.mark.parametrize("name", ["вечер 1", "a/b", 'say "hi"', "50%", "день; ночь", "x" * 200, "日" * 200])
def test_a_download_is_called_as_its_session(name):
    header = disposition(name, ".csv", instead="session-7")
    assert header.isascii()
    encoded = re.search(r"filename\*=UTF-8''([\w.~%-]+)$", header)  # the characters of RFC 8187, and no other
    plain = re.search(r'filename="([\w. -]+)"', header)
    assert plain
    found = unquote(encoded[1]) if encoded else plain[1]
    assert found == re.sub(r'[/\\:*?"<>|]', "_", f"{name}.csv")
    assert encoded is None or plain[1] == "session-7.csv"
