"""R4's route."""

import pytest

from mien.labels import EMOTIONS
from tests.web.conftest import encoded


def test_a_url_gives_faces_in_the_form_of_then(server, monkeypatch, two):
    monkeypatch.setattr("mien.web.pictures.fetch", lambda url, **_: two)
    for answer in (
        server.post("/upload", data={"url": "http://good.test/a.png"}),
        server.post("/upload", params={"url": "http://good.test/a.png"}),
    ):
        assert answer.status_code == 200
        first, second = answer.json()["Faces"]
        assert first["Face Rectangles"] == {"x": 40, "y": 30, "width": 100, "height": 100}
        assert list(first["Emotions"]) == list(EMOTIONS)
        assert max(first["Emotions"], key=first["Emotions"].get) == "happy"
        assert max(second["Emotions"], key=second["Emotions"].get) == "sad"
        assert all(value == round(value, 3) for value in first["Emotions"].values())


def test_a_file_may_be_sent_instead(server, two):
    assert len(server.post("/upload", files={"file": ("a.png", two)}).json()["Faces"]) == 2


def test_a_picture_without_a_face_gives_none(server):
    assert server.post("/upload", files={"file": ("a.png", encoded([]))}).json() == {"Faces": []}


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "http://10.0.0.1/a.png", "http://[::1]/", "file:///etc/passwd", "nonsense"])
def test_an_address_that_is_not_public_is_400(server, url):
    answer = server.post("/upload", data={"url": url})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_neither_or_both_is_400(server, two):
    assert server.post("/upload").json() == {"error": "upload: found neither url nor file; wanted one of them, as form data"}
    both = server.post("/upload", data={"url": "http://good.test/"}, files={"file": ("a.png", two)})
    assert (both.status_code, both.json()["error"]) == (400, "upload: found both url and file; wanted one of them, as form data")
    assert server.post("/upload", files={"file": ("a.png", b"none")}).status_code == 400


def test_another_method_is_405(server):
    answer = server.get("/upload")
    assert (answer.status_code, answer.json()) == (405, {"error": "GET is not for /upload; allowed: POST"})
