import csv
import json
import socket

import numpy as np
import pytest
from fastapi.testclient import TestClient

from mien.table import COLUMNS
from mien.testing import planted_picture
from tests.io.internet import serving
from tests.web.conftest import TWO, Serve, encoded, pixels

internet = pytest.fixture(serving)


def send(server: TestClient, *files: tuple[str, bytes], **asked: object):
    return server.post("/api/pictures", files=[("file", file) for file in files], params=asked)


def test_faces_of_pictures_come_in_their_order_as_the_tables_rows(server, two):
    answer = send(server, ("a/b\\two.png", two), ("none.jpg", encoded([], ".jpg")))
    assert answer.status_code == 200
    found = answer.json()
    assert found["failures"] == []
    first, second = found["pictures"]
    assert (first["source"], first["width"], first["height"]) == ("two.png", 400, 320)
    assert [face["emotion"] for face in first["faces"]] == ["happy", "sad"]
    assert set(first["faces"][0]) == set(COLUMNS)
    assert first["faces"][0]["x1"] == pytest.approx(40, abs=1)
    assert (second["source"], second["faces"]) == ("none.jpg", [])


def test_one_bad_file_leaves_the_others(server, two):
    answer = send(server, ("bad.jpg", b"no picture"), ("two.png", two))
    assert answer.status_code == 200
    assert [one["source"] for one in answer.json()["pictures"]] == ["two.png"]
    (failure,) = answer.json()["failures"]
    assert failure["source"] == "bad.jpg"
    assert failure["error"].startswith("bad.jpg: 10 bytes of another kind, wanted a picture")


def test_nothing_but_bad_files_is_an_error(server, film):
    answer = send(server, ("film.mp4", film.read_bytes()))
    assert answer.status_code == 422
    assert answer.json()["error"] == "film.mp4: a video; send it to /api/videos"
    assert len(answer.json()["failures"]) == 1


def test_the_table_is_that_of_the_command(server, two):
    answer = send(server, ("two.png", two), ("none.png", encoded([])), format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["source"], row["emotion"]) for row in rows] == [("two.png", "happy"), ("two.png", "sad"), ("none.png", "")]
    lines = send(server, ("two.png", two), format="jsonl").text.splitlines()
    assert [json.loads(line)["emotion"] for line in lines] == ["happy", "sad"]


def test_an_annotated_picture_is_drawn_as_asked(server, two):
    plain, _ = planted_picture(TWO, size=(400, 320))
    drawn = pixels(send(server, ("two.png", two), format="png").content)[..., ::-1]
    assert drawn.shape == plain.shape
    assert (drawn != plain).any(axis=2).mean() > 0.005
    english, russian = (send(server, ("two.png", two), format="png", language=one).content for one in ("en", "ru"))
    assert english != russian
    face = np.s_[60:100, 60:100]
    hidden = pixels(send(server, ("two.png", encoded([((40, 30, 140, 130), "happy")])), format="jpg", anonymize=True).content)
    assert hidden.shape == plain.shape
    assert hidden[face].std() >= 0
    assert send(server, ("two.png", two), ("b.png", two), format="jpg").json() == {
        "error": "format=jpg is for one picture, and 2 came; send them one by one"
    }


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"model": "/etc/passwd"}, "unknown model '/etc/passwd'; there are: base, fake, large, tiny"),
        ({"detector": "haar:/etc/passwd.xml"}, "unknown detector 'haar:/etc/passwd.xml'; there are: "),
        ({"affect": "mood"}, "unknown anchor set 'mood'"),
        ({"colour": "mood"}, "unknown colour mode 'mood'"),
        ({"language": "xx"}, "unknown language 'xx'"),
        ({"format": "gif"}, "format: input should be 'json', 'csv', 'jsonl', 'jpg' or 'png'"),
    ],
)
def test_a_wrong_option_is_told_on_one_line(server, two, asked, told):
    answer = send(server, ("two.png", two), **asked)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(told)


def test_another_model_and_detector_may_be_named(server, two):
    answer = send(server, ("two.png", two), model="tiny", detector="fake", affect="legacy")
    assert {face["model"] for face in answer.json()["pictures"][0]["faces"]} == {"tiny"}
    assert {face["affect_from"] for face in answer.json()["pictures"][0]["faces"]} == {"legacy"}


def test_no_file_is_told(server):
    assert server.post("/api/pictures").json() == {"error": "file: field required"}


def test_too_many_pictures_are_refused(server, two):
    answer = send(server, *[("a.png", two)] * 101)
    assert answer.status_code == 400
    assert answer.json()["error"] == "101 pictures in one request; wanted 100 at most"


def test_a_picture_of_too_many_pixels_is_refused(serve: Serve, two):
    answer = send(serve(max_picture_pixels=10_000), ("two.png", two))
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("two.png: 400 x 320 pixels, the limit is")


def test_a_url_is_fetched_from_the_public_internet_only(server, monkeypatch, internet, two):
    monkeypatch.setattr("mien.web.pictures.fetch", lambda url, **how: internet.fetch(url, **how) and two)
    found = server.post("/api/pictures/url", json={"url": "http://good.test/picture.png?key=secret"})
    assert found.status_code == 200
    assert found.json()["pictures"][0]["source"] == "http://good.test/picture.png?key=secret"
    inside = server.post("/api/pictures/url", json={"url": "http://inside.test/picture.png"})
    assert inside.status_code == 422
    assert "not an address of the public internet" in inside.json()["error"]
    assert internet.connected
    assert all(address == "93.184.216.34" for address, _ in internet.connected)


def test_a_server_may_be_told_to_fetch_private_addresses(serve: Serve):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        refused = serve().post("/api/pictures/url", json={"url": f"http://127.0.0.1:{port}/x.png"}).json()["error"]
        asked = serve(allow_private=True).post("/api/pictures/url", json={"url": f"http://127.0.0.1:{port}/x.png"}).json()["error"]
    assert "not an address of the public internet" in refused
    assert "no connection to 127.0.0.1" in asked
