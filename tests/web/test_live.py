import csv
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
import websockets.sync.client
from starlette.websockets import WebSocketDisconnect

from mien.store import open_store
from mien.store.place import StoreError
from mien.table import RAW_COLUMNS
from mien.testing import FakeRecogniser
from mien.types import Emotions, Image
from tests.web.conftest import TWO, Serve, encoded, listening


def test_frames_in_faces_out_with_people_followed(server):
    with server.websocket_connect("ws://localhost/api/live") as camera:
        answers = []
        for shift in range(6):
            moved = [((x1 + shift, y1, x2 + shift, y2), name) for (x1, y1, x2, y2), name in TWO]
            camera.send_bytes(encoded(moved, ".jpg"))
            answers.append(camera.receive_json())
    assert [answer["frame"] for answer in answers] == list(range(6))
    times = [answer["time_s"] for answer in answers]
    assert times[0] == 0
    assert times == sorted(times)
    assert len(set(times)) == 6
    people = [{face["person"]: face["emotion"] for face in answer["faces"]} for answer in answers]
    assert all(one == people[0] for one in people)
    assert sorted(people[0].values()) == ["happy", "sad"]
    assert set(RAW_COLUMNS) <= set(answers[-1]["faces"][0])
    assert (answers[0]["width"], answers[0]["height"]) == (400, 320)


def test_a_bad_frame_ends_nothing(server, two):
    with server.websocket_connect("ws://localhost/api/live") as camera:
        camera.send_bytes(b"no picture")
        answer = camera.receive_json()
        assert answer["error"].startswith("frame: 10 bytes of another kind")
        assert answer["code"] == "unreadable"
        camera.send_bytes(two)
        assert camera.receive_json()["frame"] == 0


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("model=../../x", "unknown model '../../x'"),
        ("session=evening", "this server records no sessions; start it with --sessions"),
        ("every=0", "every"),
        ("every=abc", "every: input should be a valid number"),
        (f"session={'x' * 201}", "session: string should have at most 200 characters"),
    ],
)
def test_a_wrong_option_is_told_and_ends_it(server, query, told):
    with server.websocket_connect(f"ws://localhost/api/live?{query}") as camera:
        assert told in camera.receive_json()["error"]
        with pytest.raises(WebSocketDisconnect):
            camera.receive_json()


def test_text_is_told_and_ends_it(server):
    with server.websocket_connect("ws://localhost/api/live") as camera:
        camera.send_text("hello")
        told = "found a text message; wanted a picture (JPEG, PNG, WebP) as a binary one"
        assert camera.receive_json() == {"error": told, "code": "usage"}


def test_there_are_so_many_places_and_they_come_free(serve: Serve, two):
    server = serve(most_cameras=1)
    with server.websocket_connect("ws://localhost/api/live") as first:
        first.send_bytes(two)
        first.receive_json()
        with server.websocket_connect("ws://localhost/api/live") as second:
            told = {"error": "1 cameras are watched already; try again later", "code": "cameras_full"}
            assert second.receive_json() == told
    with server.websocket_connect("ws://localhost/api/live") as third:
        third.send_bytes(two)
        assert third.receive_json()["frame"] == 0


def test_who_sends_nothing_loses_the_place(server, monkeypatch):
    monkeypatch.setattr("mien.web.live.IDLE_SECONDS", 0.05)
    with server.websocket_connect("ws://localhost/api/live") as camera:
        assert camera.receive_json() == {"error": "no frame came for 0.05 seconds; connect again to go on", "code": "idle"}


def test_a_session_is_recorded_where_the_server_allows_it(serve: Serve, two, tmp_path: Path):
    server = serve(sessions=True, store=str(tmp_path / "sessions.db"))
    assert server.get("/api/sessions").json() == []
    with server.websocket_connect("ws://localhost/api/live?session=evening&every=0.000001") as camera:
        for _ in range(3):
            camera.send_bytes(two)
            camera.receive_json()
    (session,) = server.get("/api/sessions").json()
    assert (session["name"], session["state"], session["frame_count"], session["row_count"]) == ("evening", "finished", 3, 6)
    options = session["options"]
    assert (options["every"], options["turn"], options["detector"]) == (0.000001, 0, "fake")
    assert "one each 1e\u221206 s" in server.get("/sessions/1").text
    rows = list(csv.DictReader(server.get("/api/sessions/1/table.csv").text.splitlines()))
    assert [row["emotion"] for row in rows] == ["happy", "sad"] * 3
    assert {row["source"] for row in rows} == {"camera"}
    assert rows[0]["time_s"] == "0.0"


def state_when_over(path: Path) -> str:
    """The state of session 1, once its camera is gone."""
    end = time.monotonic() + 30
    with open_store(path) as store:
        while store.session(1).ended is None:
            assert time.monotonic() < end, "it never ended"
            time.sleep(0.02)
        return store.session(1).state()


ENDS = {1000: "finished", 1001: "finished", 1012: "finished", 1005: "broken off", 1006: "broken off", 1011: "broken off"}


@pytest.mark.parametrize(("code", "state"), ENDS.items())
def test_a_session_is_broken_off_where_the_connection_is(serve: Serve, two, tmp_path: Path, code, state):
    server = serve(sessions=True, store=str(tmp_path / "sessions.db"))
    with server.websocket_connect("ws://localhost/api/live?session=evening") as camera:
        camera.send_bytes(two)
        camera.receive_json()
        camera.close(code)
    assert state_when_over(tmp_path / "sessions.db") == state


Camera = websockets.sync.client.ClientConnection
WAYS: dict[str, tuple[Callable[[Camera], None], str]] = {
    "cut": (lambda camera: camera.socket.shutdown(socket.SHUT_RDWR), "broken off"),
    "closed": (lambda camera: camera.close(), "finished"),
    "left": (lambda camera: camera.close(1001), "finished"),
    "failed": (lambda camera: camera.close(1011), "broken off"),
}


@pytest.mark.parametrize("is_waiting", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_over_a_real_connection_it_is_so_too(serve: Serve, two, tmp_path: Path, monkeypatch, way: str, is_waiting: bool):
    """Also for one who goes while the answer to the last frame is on its way, as a browser's page nearly always does."""
    go, state = WAYS[way]
    server, reached, gone = serve(sessions=True, store=str(tmp_path / "sessions.db")), threading.Event(), threading.Event()
    seen = FakeRecogniser.__call__

    def slow(self: FakeRecogniser, crops: Image, /) -> Emotions:
        if reached.is_set():
            gone.wait(10)
        reached.set()
        return seen(self, crops)

    if is_waiting:
        monkeypatch.setattr(FakeRecogniser, "__call__", slow)
    with listening(server.app, lifespan="off") as port:
        with websockets.sync.client.connect(f"ws://localhost:{port}/api/live?session=evening") as camera:
            camera.send(two)
            camera.recv()
            if is_waiting:
                camera.send(two)
                time.sleep(0.2)
            go(camera)
        gone.set()
        assert state_when_over(tmp_path / "sessions.db") == state


def test_a_session_that_an_error_ends_is_broken_off(serve: Serve, two, tmp_path: Path):
    server = serve(sessions=True, store=str(tmp_path / "sessions.db"))
    with server.websocket_connect("ws://localhost/api/live?session=evening") as camera:
        camera.send_bytes(two)
        camera.receive_json()
        camera.send_text("hello")
        assert "found a text message" in camera.receive_json()["error"]
    assert state_when_over(tmp_path / "sessions.db") == "broken off"


def test_a_store_that_fails_ends_the_recording_and_not_the_camera(serve: Serve, two, tmp_path: Path, caplog):
    path = tmp_path / "sessions.db"
    server = serve(sessions=True, store=str(path))
    with server.websocket_connect("ws://localhost/api/live?session=evening&every=0.000001") as camera:
        camera.send_bytes(two)
        assert "not_recorded" not in camera.receive_json()
        for file in tmp_path.glob("sessions.db*"):
            file.unlink()
        end = time.monotonic() + 30
        answer = {}
        while "not_recorded" not in answer:
            assert time.monotonic() < end, "it was never told"
            camera.send_bytes(two)
            answer = camera.receive_json()
        camera.send_bytes(two)
        further = camera.receive_json()
    assert len(further["faces"]) == 2
    assert answer["not_recorded"] == further["not_recorded"] == "the server cannot do this at the moment; its log says why"
    assert answer["not_recorded_code"] == "store"
    (said,) = (one.getMessage() for one in caplog.records if one.levelname == "ERROR")
    assert said == f"camera, session 'evening': {path}: the store was deleted or replaced while it was in use; nothing more is kept in it"


def test_who_deletes_a_session_while_it_is_recorded_is_told_so(serve: Serve, two, tmp_path: Path):
    server = serve(sessions=True, store=str(tmp_path / "sessions.db"))
    with server.websocket_connect("ws://localhost/api/live?session=evening&every=0.000001") as camera:
        camera.send_bytes(two)
        assert "not_recorded" not in camera.receive_json()
        assert server.delete("/api/sessions/1").status_code == 204
        end = time.monotonic() + 30
        answer = {}
        while "not_recorded" not in answer:
            assert time.monotonic() < end, "it was never told"
            camera.send_bytes(two)
            answer = camera.receive_json()
    assert len(answer["faces"]) == 2
    assert answer["not_recorded"] == "the session was deleted while it was recorded; nothing more of it is kept"
    assert answer["not_recorded_code"] == "session_deleted"


@pytest.mark.parametrize("name", ["12345", "%00"])
def test_a_name_that_no_session_can_have_is_told_with_a_code_of_its_own(serve: Serve, tmp_path: Path, name):
    server = serve(sessions=True, store=str(tmp_path / "sessions.db"))
    with server.websocket_connect(f"ws://localhost/api/live?session={name}") as camera:
        answer = camera.receive_json()
    assert answer["code"] == "session_name"
    assert answer["error"].startswith("session name")


def test_what_a_database_says_is_for_the_log_alone(serve: Serve, monkeypatch, caplog):
    def down(*_: object) -> None:
        raise StoreError("postgresql://mien@10.0.0.7/faces: cannot be used (connection refused)")

    monkeypatch.setattr("mien.store.open_store", down)
    with serve(sessions=True).websocket_connect("ws://localhost/api/live?session=evening") as camera:
        assert camera.receive_json() == {"error": "the server cannot do this at the moment; its log says why", "code": "store"}
    assert "WebSocket /api/live: postgresql://mien@10.0.0.7/faces: cannot be used (connection refused)" in caplog.text


def test_a_store_that_makes_wait_holds_up_nobody_else(serve: Serve, two, monkeypatch):
    locked = threading.Event()

    def slow(*_: object) -> None:
        locked.wait(60)
        raise StoreError("locked")

    def few() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 12

    monkeypatch.setattr("mien.store.open_store", slow)
    server = serve(sessions=True, most_cameras=12)
    assert server.portal is not None
    server.portal.call(few)  # not 40 threads that all others share: so many cameras would be needed to take them
    cameras = [server.websocket_connect("ws://localhost/api/live?session=evening") for _ in range(12)]
    for camera in cameras:
        camera.__enter__()
    giving_up = threading.Timer(20, locked.set)
    giving_up.start()
    try:
        assert server.post("/api/pictures", files={"file": ("a.png", two)}).status_code == 200
        assert server.get("/api/about").status_code == 200
        assert not locked.is_set()
    finally:
        locked.set()
        giving_up.cancel()
        for camera in cameras:
            assert "error" in camera.receive_json()
            camera.__exit__(None, None, None)
