"""Who is let in."""

import re
import socket
import time
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.websockets import WebSocketDisconnect

from mien.errors import UsageError
from mien.testing import FakeRecogniser
from mien.types import Emotions, Image
from mien.web.service import TRANSFERS
from mien.web.settings import ServeSettings
from tests.web.conftest import Serve, listening

TOKEN = "a-long-token"


def server_of(answer: httpx.Response) -> str | None:
    """Where a redirect leads."""
    return urlsplit(urljoin(str(answer.request.url), answer.headers["location"])).hostname


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7:8000", "LOCALHOST"])
def test_a_server_is_reached_by_its_names_and_by_address(server, host):
    assert server.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8000", "127.0.0.1.evil.example", "", "[::1", "a@localhost"])
def test_a_name_that_is_not_its_own_is_refused(server, host):
    """Or a stranger's page could reach it under the stranger's name, once that leads to this machine."""
    answer = server.get("/api/about", headers={"Host": host})
    assert (answer.status_code, list(answer.json())) == (421, ["error", "code"]) or host == "a@localhost"


def test_further_names_can_be_allowed(serve: Serve):
    server = serve(hosts=("Cafe.example",))
    assert server.get("/api/health", headers={"Host": "cafe.example:8000"}).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_page_of_another_site_can_change_and_see_nothing(server, two, headers):
    answer = server.post("/api/pictures", files={"file": ("two.png", two)}, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"].startswith("refused: this request comes from a page of another site (")
    with pytest.raises(WebSocketDisconnect), server.websocket_connect("ws://localhost/api/live", headers=headers):
        pass


def test_its_own_page_may(server, two):
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert server.post("/api/pictures", files={"file": ("two.png", two)}, headers=headers).status_code == 200


def test_without_the_token_nothing_is_told(serve: Serve):
    server = serve(token=TOKEN)
    for path in ("/", "/api/about", "/static/icon.svg", "/api/docs", "/upload", "/nothing"):
        answer = server.get(path)
        assert (answer.status_code, list(answer.json())) == (401, ["error", "code"]), path
    assert server.get("/api/health").status_code == 200
    with pytest.raises(WebSocketDisconnect), server.websocket_connect("ws://localhost/api/live"):
        pass


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}"])
def test_a_program_shows_the_token_in_a_header(serve: Serve, header):
    assert serve(token=TOKEN).get("/api/about", headers={"Authorization": header}).status_code == 200


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", f"Basic {TOKEN}", f"{TOKEN}", "Bearer ключ".encode()])
def test_a_wrong_token_is_refused(serve: Serve, header):
    assert serve(token=TOKEN).get("/api/about", headers={"Authorization": header}).status_code == 401


def test_a_browser_shows_it_once_in_the_address(serve: Serve):
    server = serve(token=TOKEN)
    assert server.get("/", params={"token": "wrong"}).status_code == 401
    entered = server.get("/", params={"token": TOKEN, "x": "1"})
    assert (entered.status_code, entered.headers["location"]) == (303, "./?x=1")
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()  # with strict a link in a mail would lead to a refusal
    assert TOKEN not in cookie
    assert server.get("/api/about").status_code == 200  # the client keeps the cookie, as a browser does


LOOKS = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("languages", "default", "shown"),
    [("de,ru-RU;q=0.9,en;q=0.8", "en", "ru"), ("en-GB", "ru", "en"), ("de", "ru", "ru"), ("", "en", "en")],
)
def test_who_looks_without_the_token_is_asked_for_it(serve: Serve, languages, default, shown):
    server = serve(token=TOKEN, language=default)
    page = server.get("/sessions/1", headers=LOOKS | {"Accept-Language": languages})
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert f'<html lang="{shown}">' in page.text
    assert {"en": "This server wants its token", "ru": "Этому серверу нужен его токен"}[shown] in page.text
    assert 'role="alert"' not in page.text
    assert not re.findall(r"(?:src|href|action)=", page.text)  # it needs nothing that would be refused
    assert "script" not in page.headers["content-security-policy"]
    assert "form-action 'self'" in page.headers["content-security-policy"]


def test_who_sends_something_without_the_token_gets_a_line_and_no_page(serve: Serve):
    answer = serve(token=TOKEN).post("/upload", headers=LOOKS)
    assert (answer.status_code, list(answer.json())) == (401, ["error", "code"])


def test_the_page_says_that_a_token_is_wrong_and_its_form_lets_in(serve: Serve):
    server = serve(token=TOKEN)
    wrong = server.get("/", params={"token": "<wrong>"}, headers=LOOKS)
    assert (wrong.status_code, "That was not its token." in wrong.text, "<wrong>" in wrong.text) == (401, True, False)
    (field,) = re.findall(r'<input[^>]* name="(\w+)"', wrong.text)
    assert '<form class="line" method="get">' in wrong.text
    assert server.get("/", params={field: TOKEN}, headers=LOOKS).status_code == 303
    assert server.get("/", headers=LOOKS).status_code == 200


def test_the_way_in_leads_to_no_other_site(serve: Serve):
    entered = serve(token=TOKEN).get("http://localhost//evil.example/", params={"token": TOKEN})
    assert entered.status_code == 303
    assert entered.headers["location"] == "./"
    assert server_of(entered) == "localhost"


def test_a_cookie_of_another_token_is_refused(serve: Serve):
    first, second = serve(token=TOKEN), serve(token="another")
    first.get("/", params={"token": TOKEN})
    assert second.get("/api/about", headers={"Cookie": f"mien={first.cookies['mien']}"}).status_code == 401


def test_two_servers_on_one_machine_have_cookies_of_their_own(serve: Serve):
    entered = serve(token=TOKEN).get("/", params={"token": TOKEN}, headers={"Host": "localhost:8001"})
    assert entered.headers["set-cookie"].startswith("mien-8001=")


def test_behind_a_proxy_that_names_another_host_the_allowed_names_are_its_own(serve: Serve, two):
    server = serve(hosts=("faces.example.org",))
    for origin, status in (("https://faces.example.org", 200), ("https://other.example.org", 403), ("http://localhost:3000", 403)):
        answer = server.post("/api/pictures", files={"file": ("a.png", two)}, headers={"Origin": origin})
        assert answer.status_code == status, origin


def test_other_requests_than_uploads_are_small(server):
    answer = server.post("/api/pictures/url", json={"url": "http://a.test/" + "x" * 70_000})
    line = "the request is larger than 0.064 MB, the limit of this address; send less"  # which no option raises
    told = {"error": line, "code": "too_large"}
    assert (answer.status_code, answer.json()) == (413, told)


@pytest.mark.parametrize("name", ["faces.example.org:8443", "https://faces.example.org", "a b", ""])
def test_a_name_is_a_bare_one(name):
    with pytest.raises(UsageError, match="wanted a bare name such as"):
        ServeSettings(hosts=(name,))


def test_a_body_is_held_to_its_limit_whether_or_not_it_says_its_length(serve: Serve):
    server = serve(max_picture_mb=0.01, max_upload_mb=0.1)
    line = "the request is larger than 0.01 MB, the limit of this address; send less, or start mien serve with a higher one"
    told = {"error": line, "code": "too_large"}
    big = server.post("/api/pictures", files={"file": ("a.png", bytes(20_000))})
    assert (big.status_code, big.json()) == (413, told)

    def pieces():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        for _ in range(20):
            yield bytes(1000)
        yield b"\r\n--x--\r\n"

    silent = server.post("/api/pictures", content=pieces(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (silent.status_code, silent.json()) == (413, told)
    assert server.post("/api/videos", files={"file": ("a.mp4", bytes(20_000))}).status_code == 202
    assert server.post("/api/videos", files={"file": ("a.mp4", bytes(200_000))}).status_code == 413


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who falls silent is waited for but a moment."""
    monkeypatch.setattr("mien.web.guard.SILENT_SECONDS", 0.3)


BEGIN = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\nbytes'


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("path", ["/api/videos", "/api/pictures", "/upload"])
def test_who_falls_silent_while_sending_is_told_and_loses_the_place(serve: Serve, film, path):
    server = serve()
    with listening(server.app, lifespan="off") as port:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        silent = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(TRANSFERS)]
        for one in silent:
            one.sendall(f"{head}Content-Length: 100000\r\n\r\n".encode() + BEGIN)
        if path == "/api/videos":
            with httpx.Client(base_url=f"http://localhost:{port}") as client:
                full = client.post(path, files={"file": film.read_bytes()})
                while full.status_code != 503:  # the last of them has not come to its place yet
                    full = client.post(path, files={"file": film.read_bytes()})
                assert full.json() == {"error": "8 videos are being sent at the moment; try again later", "code": "videos_sending"}
        for one in silent:
            with one, one.makefile("rb") as answer:
                told = answer.read().decode()  # to its end: the connection is closed
            assert told.startswith("HTTP/1.1 408 ")
            assert '{"error":"nothing more of this request came for 0.3 seconds; send it again","code":"silent"}' in told
        assert httpx.post(f"http://localhost:{port}/api/videos", files={"file": film.read_bytes()}).status_code == 202


@pytest.mark.usefixtures("impatient")
def test_who_goes_on_sending_or_waits_for_an_answer_is_not_cut_off(serve: Serve, two, monkeypatch):
    seen = FakeRecogniser.__call__

    def slow(self: FakeRecogniser, crops: Image, /) -> Emotions:
        time.sleep(0.7)
        return seen(self, crops)

    monkeypatch.setattr(FakeRecogniser, "__call__", slow)
    form = b"".join((BEGIN.removesuffix(b"bytes").replace(b"a.mp4", b"a.png"), two, b"\r\n--x--\r\n"))

    def pieces():
        for start in range(0, len(form), len(form) // 4):
            yield form[start : start + len(form) // 4]
            time.sleep(0.15)

    with listening(serve().app, lifespan="off") as port:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = httpx.post(f"http://localhost:{port}/api/pictures", content=pieces(), headers=headers, timeout=30)
    assert (answer.status_code, len(answer.json()["pictures"][0]["faces"])) == (200, 2)


def test_answers_lie_in_no_cache_and_no_frame(server):
    headers = server.get("/api/about").headers
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert server.get("/nothing").headers["cache-control"] == "no-store"
