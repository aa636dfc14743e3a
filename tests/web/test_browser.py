"""The web app in a browser, as people use it: pictures, a video, the camera, sessions."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from mien.store import open_store
from mien.web.app import create_app
from tests.web.browser import Browser, wait_for
from tests.web.conftest import TWO, Serve, encoded


@pytest.fixture
def address(serve: Serve, tmp_path: Path) -> Iterator[str]:
    """Of a server that listens."""
    settings = serve(sessions=True, store=str(tmp_path / "sessions.db")).app.state.settings  # type: ignore[attr-defined]
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://localhost:{listening.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """With a camera before which a happy and a sad face are."""
    camera = tmp_path / "camera.mjpeg"
    camera.write_bytes(encoded(TWO, ".jpg") * 10)
    with Browser(tmp_path / "profile", camera=camera) as opened:
        yield opened


def test_the_web_app(browser: Browser, address: str, two: bytes, film: Path, tmp_path: Path) -> None:
    (tmp_path / "<b>two.png").write_bytes(two)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    browser.open(address)

    browser.choose("#picture-files", tmp_path / "<b>two.png", tmp_path / "broken.jpg")
    browser.until("document.querySelectorAll('#picture-list .box').length === 2 && !document.getElementById('picture-failures').hidden")
    pictures = browser.run("document.getElementById('panel-pictures').innerText")
    assert "<b>two.png" in pictures  # a name is text, whatever is in it
    assert "happy" in pictures
    assert "sad" in pictures
    assert "broken.jpg: 10 bytes of another kind" in pictures
    left, width = browser.run(
        "(() => { const box = document.querySelector('#picture-list .box').getBoundingClientRect(),"
        " stage = document.querySelector('#picture-list .stage').getBoundingClientRect();"
        " return [(box.left - stage.left) / stage.width, box.width / stage.width]; })()"
    )
    assert left == pytest.approx(40 / 400, abs=0.02)
    assert width == pytest.approx(100 / 400, abs=0.02)
    browser.run("document.getElementById('language').value = 'ru', document.getElementById('language').dispatchEvent(new Event('change'))")
    browser.until("document.getElementById('panel-pictures').innerText.includes('радость')")

    browser.run("document.getElementById('tab-videos').click()")
    browser.choose("#video-files", film)
    browser.until("!document.getElementById('video-start').disabled")
    browser.run("document.getElementById('video-start').click()")
    browser.until("document.querySelector('#video-list iframe')")
    assert "film.mp4" in browser.run("document.getElementById('video-list').innerText")

    browser.run("document.getElementById('tab-camera').click()")
    browser.run("document.getElementById('camera-session').value = 'shop', document.getElementById('camera-start').click()")
    browser.until("document.querySelectorAll('#camera-stage .box').length === 2")
    browser.until("document.getElementById('camera-stage').innerText.includes('радость')")
    browser.run("document.getElementById('tab-sessions').click()")  # which ends the camera
    browser.until("document.getElementById('camera-video').srcObject === null")
    browser.run("document.getElementById('sessions-refresh').click()")
    browser.until("document.getElementById('sessions-table').innerText.includes('shop')")
    with open_store(tmp_path / "sessions.db") as store:
        wait_for(lambda: store.sessions()[0].row_count >= 2)  # what the camera saw is written when its connection has ended
    assert [line for line in browser.complaints if "422" not in line] == []  # that of the broken picture
