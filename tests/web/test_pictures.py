import csv
import http.client
import json
import socket
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fastapi.testclient import TestClient

from mien.errors import MienError, SourceMissing, SourceRefused, SourceTooLarge, SourceUnreadable
from mien.io.fetch import PrivateAddress
from mien.io.images import Decoded, decode
from mien.pipeline import Analyzer
from mien.table import COLUMNS
from mien.testing import planted_picture
from mien.web.service import Service
from tests.io.internet import serving
from tests.web.conftest import TWO, Serve, encoded, listening, pixels

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


def test_pictures_are_turned(server, two):
    (picture,) = send(server, ("two.png", two), turn=180).json()["pictures"]
    (upright,) = send(server, ("two.png", two)).json()["pictures"]
    assert (picture["width"], picture["height"]) == (400, 320)
    for face, was in zip(reversed(picture["faces"]), upright["faces"], strict=True):
        assert [face["x1"], face["y1"], face["x2"], face["y2"]] == pytest.approx(
            [400 - was["x2"], 320 - was["y2"], 400 - was["x1"], 320 - was["y1"]], abs=1
        )
    shown = send(server, ("two.png", two), turn=90, format="png")
    assert pixels(shown.content).shape == (400, 320, 3)
    assert send(server, ("two.png", two), turn=45).json()["error"].startswith("turn: found 45, wanted 90, 180 or 270")


def test_one_bad_file_leaves_the_others(server, two):
    answer = send(server, ("bad.jpg", b"no picture"), ("two.png", two))
    assert answer.status_code == 200
    assert [one["source"] for one in answer.json()["pictures"]] == ["two.png"]
    (failure,) = answer.json()["failures"]
    assert failure["source"] == "bad.jpg"
    assert failure["error"].startswith("bad.jpg: 10 bytes of another kind, wanted a picture")
    assert failure["code"] == "unreadable"


def test_nothing_but_bad_files_is_an_error(server, film):
    answer = send(server, ("film.mp4", film.read_bytes()))
    assert answer.status_code == 422
    assert answer.json()["error"] == "film.mp4: a video; send it to /api/videos"
    assert [failure["code"] for failure in answer.json()["failures"]] == ["video"]


def test_the_table_is_that_of_the_command(server, two):
    answer = send(server, ("two.png", two), ("none.png", encoded([])), format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["source"], row["emotion"]) for row in rows] == [("two.png", "happy"), ("two.png", "sad"), ("none.png", "")]
    assert answer.headers["x-mien-failures"] == "0"
    part = send(server, ("two.png", two), ("bad.png", b"none"), format="csv")
    assert (part.status_code, part.headers["x-mien-failures"]) == (200, "1")
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
        "error": "format=jpg is for one picture, and 2 came; send them one by one",
        "code": "usage",
    }


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"model": "/etc/passwd"}, "unknown model '/etc/passwd'; there are: base, fake, large, tiny"),
        ({"detector": "haar:/etc/passwd.xml"}, "unknown detector 'haar:/etc/passwd.xml'; there are: "),
        ({"affect": "mood"}, "unknown affect 'mood'; there are: adfes2011, crowd, legacy, model, none"),
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
    assert server.post("/api/pictures").json() == {"error": "file: field required", "code": "usage"}


def test_too_many_pictures_are_refused(server, two):
    answer = send(server, *[("a.png", two)] * 101)
    assert answer.status_code == 400
    assert answer.json()["error"] == "101 pictures in one request; wanted 100 at most"


def test_a_picture_of_too_many_pixels_is_refused(serve: Serve, two):
    answer = send(serve(max_picture_pixels=10_000), ("two.png", two))
    assert answer.status_code == 422
    assert (
        answer.json()["error"] == "two.png: larger than this server reads, which is 0.01 megapixels and 50 MB, at most 12,000 pixels a side"
    )
    assert [failure["code"] for failure in answer.json()["failures"]] == ["too_large"]


def test_why_an_address_gives_no_picture_is_told_for_programs(serve: Serve, server, two, monkeypatch):
    def code(asked: TestClient, gives: bytes | MienError) -> str:
        def fetch(url: str, **how: object) -> bytes:
            if isinstance(gives, MienError):
                raise gives
            return gives

        monkeypatch.setattr("mien.web.pictures.fetch", fetch)
        (failure,) = asked.post("/api/pictures/url", json={"url": "http://good.test/x.png"}).json()["failures"]
        return str(failure["code"])

    assert code(server, SourceMissing("no such page")) == "missing"
    assert code(server, SourceRefused("too slow")) == "refused"
    assert code(server, PrivateAddress("inside")) == "refused"
    assert code(server, SourceTooLarge("too many bytes")) == "too_large"
    assert code(server, SourceUnreadable("a broken answer")) == "unreadable"
    assert code(server, b"no picture") == "unreadable"
    assert code(serve(max_picture_pixels=10_000), two) == "too_large"


def test_a_url_is_fetched_from_the_public_internet_only(server, monkeypatch, internet, two):
    monkeypatch.setattr("mien.web.pictures.fetch", lambda url, **how: internet.fetch(url, **how) and two)
    found = server.post("/api/pictures/url", json={"url": "http://good.test/picture.png?key=secret"})
    assert found.status_code == 200
    assert found.json()["pictures"][0]["source"] == "http://good.test/picture.png?key=secret"
    inside = server.post("/api/pictures/url", json={"url": "http://inside.test/picture.png"})
    assert inside.status_code == 422
    assert (
        inside.json()["error"] == "http://inside.test/picture.png: leads to no address of the public internet, and others are not fetched"
    )
    assert internet.connected
    assert all(address == "93.184.216.34" for address, _ in internet.connected)


def test_a_server_may_be_told_to_fetch_private_addresses(serve: Serve):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        refused = serve().post("/api/pictures/url", json={"url": f"http://127.0.0.1:{port}/x.png"}).json()["error"]
        asked = serve(allow_private=True).post("/api/pictures/url", json={"url": f"http://127.0.0.1:{port}/x.png"}).json()["error"]
    assert "leads to no address of the public internet" in refused
    assert "no connection to 127.0.0.1" in asked


def test_of_many_pictures_one_is_in_memory(server, monkeypatch):
    """A file of a few bytes may hold many pixels."""
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def watched(data: bytes, **how: object) -> Decoded:
        nonlocal most
        decoded = decode(data, **how)
        alive.append(weakref.ref(decoded.image))
        most = max(most, sum(one() is not None for one in alive))
        return decoded

    monkeypatch.setattr("mien.web.pictures.decode", watched)
    answer = send(server, *[(f"{i}.png", encoded(TWO)) for i in range(12)])
    assert len(answer.json()["pictures"]) == 12
    assert most <= 2


def test_slow_addresses_do_not_hold_up_pictures(server, monkeypatch, two):
    wait = threading.Event()
    monkeypatch.setattr("mien.web.pictures.fetch", lambda url, **_: wait.wait(30) and two)
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(server.post, "/api/pictures/url", json={"url": "http://good.test/"}) for _ in range(4)]
        assert send(server, ("two.png", two)).status_code == 200
        assert not any(one.done() for one in slow)
        wait.set()
        assert [one.result().status_code for one in slow] == [200] * 4


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, "body: this is no JSON"),
        ({"json": {"url": 5}}, "url: input should be a valid string"),
    ],
)
def test_a_body_that_is_wrong_is_told_on_one_line(server, request_, told):
    answer = server.post("/api/pictures/url", **request_)
    assert (answer.status_code, answer.json()) == (400, {"error": told, "code": "usage"})


def test_text_where_a_file_is_wanted_is_told(server):
    answer = server.post("/api/pictures", data={"file": "text"})
    told = "file: wanted a file: multipart form data with a file name"
    assert (answer.status_code, answer.json()) == (400, {"error": told, "code": "usage"})


def test_a_full_disk_is_told_without_its_places(server, monkeypatch, two, caplog):
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/secret/place")

    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", full)
    answer = send(server, ("two.png", two))
    told = "the server has no room for this request; its log says why"
    assert (answer.status_code, answer.json()) == (507, {"error": told, "code": "no_room"})
    assert "No space left" in caplog.text


def test_for_a_client_that_has_left_no_further_picture_is_read(server, monkeypatch, two):
    """A minute of work for nobody keeps those who wait from theirs."""
    read, begun, gone = [], threading.Event(), threading.Event()

    def slow(data: bytes, *, name: str, limits: object) -> Decoded:
        read.append(name)
        begun.set()
        gone.wait(20)
        return decode(data, name=name)

    monkeypatch.setattr("mien.web.pictures.decode", slow)
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + two + b"\r\n"
    with listening(server.app, lifespan="off") as port:
        client = http.client.HTTPConnection("localhost", port)
        client.request("POST", "/api/pictures", part * 60 + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"})
        assert begun.wait(20)
        client.close()
        time.sleep(0.3)  # until the server is told
        gone.set()
        other = http.client.HTTPConnection("localhost", port)
        other.request("POST", "/api/pictures", part + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"})
        assert other.getresponse().status == 200
        other.close()
        time.sleep(0.3)
    assert len(read) <= 3


FORM = {"Content-Type": "multipart/form-data; boundary=x"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "headers", "slow", "at_once"),
    [
        ("/api/pictures", FORM, "decode", 2),
        ("/api/pictures/url", JSON, "decode", 2),
        ("/api/pictures/url", JSON, "fetch", 8),
        ("/upload", FORM, "decode", 2),
        ("/upload", JSON, "decode", 2),
    ],
)
def test_for_clients_that_have_left_in_the_line_no_picture_is_read(server, monkeypatch, two, path, headers, slow, at_once):
    done, gone = [], threading.Event()

    def waiting(*_: object, **__: object) -> bytes:
        done.append(threading.get_ident())
        gone.wait(20)
        raise SourceUnreadable("as slow as can be")

    async def ready(service: Service, wanted: object) -> Analyzer:  # those who wait for it wait in the same line
        return service.analyzers.get()

    monkeypatch.setattr("mien.web.service.Service.analyzer", ready)
    monkeypatch.setattr("mien.web.pictures.fetch", lambda url, **_: two)
    monkeypatch.setattr(f"mien.web.pictures.{slow}", waiting)
    form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + two + b"\r\n--x--\r\n"
    body = form if headers is FORM else b'{"url": "http://good.test/a.png"}'
    service = server.app.state.service
    line = service.limiter if slow == "decode" else service.transfers

    def until(wanted: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not wanted():
            assert time.monotonic() < end
            time.sleep(0.01)

    with listening(server.app, lifespan="off") as port:
        clients = [http.client.HTTPConnection("localhost", port) for _ in range(at_once + 6)]
        for client in clients:
            client.request("POST", path, body, headers)
        until(lambda: len(done) == at_once and line.statistics().tasks_waiting == 6)
        for client in clients:
            client.close()
        time.sleep(0.3)  # until the server is told
        gone.set()
        until(lambda: line.statistics().borrowed_tokens == line.statistics().tasks_waiting == 0)
    assert len(done) == at_once
