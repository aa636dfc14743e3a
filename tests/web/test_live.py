import csv
from pathlib import Path

import pytest
from starlette.websockets import WebSocketDisconnect

from mien.table import RAW_COLUMNS
from tests.web.conftest import TWO, Serve, encoded


def test_frames_in_faces_out_with_people_followed(server):
    with server.websocket_connect("ws://localhost/api/live") as camera:
        answers = []
        for shift in range(6):
            moved = [((x1 + shift, y1, x2 + shift, y2), name) for (x1, y1, x2, y2), name in TWO]
            camera.send_bytes(encoded(moved, ".jpg"))
            answers.append(camera.receive_json())
    assert [answer["frame"] for answer in answers] == list(range(6))
    times = [answer["time_s"] for answer in answers]
    assert times[0] == pytest.approx(0, abs=0.5)
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
        assert camera.receive_json()["error"].startswith("frame: 10 bytes of another kind")
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
        assert camera.receive_json() == {"error": "found a text message; wanted a picture (JPEG, PNG, WebP) as a binary one"}


def test_there_are_so_many_places_and_they_come_free(serve: Serve, two):
    server = serve(most_cameras=1)
    with server.websocket_connect("ws://localhost/api/live") as first:
        first.send_bytes(two)
        first.receive_json()
        with server.websocket_connect("ws://localhost/api/live") as second:
            assert second.receive_json() == {"error": "1 cameras are watched already; try again later"}
    with server.websocket_connect("ws://localhost/api/live") as third:
        third.send_bytes(two)
        assert third.receive_json()["frame"] == 0


def test_who_sends_nothing_loses_the_place(server, monkeypatch):
    monkeypatch.setattr("mien.web.live.IDLE_SECONDS", 0.05)
    with server.websocket_connect("ws://localhost/api/live") as camera:
        assert camera.receive_json() == {"error": "no frame came for 0.05 seconds; connect again to go on"}


def test_a_session_is_recorded_where_the_server_allows_it(serve: Serve, two, tmp_path: Path):
    server = serve(sessions=True, store=str(tmp_path / "sessions.db"))
    assert server.get("/api/sessions").json() == []
    with server.websocket_connect("ws://localhost/api/live?session=evening&every=0.000001") as camera:
        for _ in range(3):
            camera.send_bytes(two)
            camera.receive_json()
    (session,) = server.get("/api/sessions").json()
    assert (session["name"], session["state"], session["frame_count"], session["row_count"]) == ("evening", "finished", 3, 6)
    rows = list(csv.DictReader(server.get("/api/sessions/1/table.csv").text.splitlines()))
    assert [row["emotion"] for row in rows] == ["happy", "sad"] * 3
    assert {row["source"] for row in rows} == {"camera"}
