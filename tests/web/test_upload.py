"""R4's route."""

import pytest

from mien.labels import EMOTIONS
from tests.web.conftest import encoded


def test_a_url_gives_faces_in_the_form_of_then(server, monkeypatch, two):
    monkeypatch.setattr("mien.web.pictures.fetch", lambda url, **_: two)
    for answer in (
        server.post("/upload", data={"url": "http://good.test/a.png"}),
        server.post("/upload", params={"url": "http://good.test/a.png"}),
        server.post("/upload", json={"url": "http://good.test/a.png"}),
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


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "http://10.0.0.1/a.png", "http://[::1]/"])
def test_an_address_that_is_not_public_is_400(server, url):
    answer = server.post("/upload", data={"url": url})
    assert (answer.status_code, list(answer.json())) == (400, ["error", "code"])


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a.test/a.png", "nonsense"])
def test_what_is_no_address_of_the_web_is_told(server, url):
    answer = server.post("/upload", data={"url": url})
    told = f"{url}: wanted a picture's address, http:// or https://; or send the picture itself"
    assert (answer.status_code, answer.json()) == (400, {"error": told, "code": "refused"})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"url": "http://a.test/', "upload: the body is no JSON; wanted an object with url"),
        ("[" * 50_000, "upload: the body is no JSON; wanted an object with url"),
        (f'{{"url": "http://a.test/"}}{" " * 64_000}', "upload: found 64025 bytes of JSON; wanted an object with url, of 64000 at most"),
        ("[]", "upload: wanted a JSON object with url, a text of at most 4000 characters"),
        ('{"url": 3}', "upload: wanted a JSON object with url, a text of at most 4000 characters"),
        (f'{{"url": "{"x" * 4001}"}}', "upload: wanted a JSON object with url, a text of at most 4000 characters"),
        ('{"url": ""}', "upload: found neither url nor file; wanted one of them as form data, or url as JSON"),
    ],
)
def test_json_that_names_no_url_is_400(server, body, told):
    answer = server.post("/upload", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": told, "code": "usage"})


def test_neither_or_both_is_400(server, two):
    told = "wanted one of them as form data, or url as JSON"
    assert server.post("/upload").json() == {"error": f"upload: found neither url nor file; {told}", "code": "usage"}
    both = server.post("/upload", data={"url": "http://good.test/"}, files={"file": ("a.png", two)})
    assert (both.status_code, both.json()["error"]) == (400, f"upload: found both url and file; {told}")
    assert server.post("/upload", files={"file": ("a.png", b"none")}).status_code == 400


def test_another_method_is_405(server):
    answer = server.get("/upload")
    assert (answer.status_code, answer.json()) == (405, {"error": "GET is not for /upload; allowed: POST", "code": "method"})
