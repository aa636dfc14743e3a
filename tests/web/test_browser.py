"""The web app in a browser, as people use it: pictures, a video, the camera, sessions."""

import dataclasses
import time
from pathlib import Path

import pytest

from mien.models.detectors import registry
from mien.store import open_store
from mien.testing import FakeDetector
from mien.types import Faces, Image
from mien.web.settings import ServeSettings
from tests.web.browser import RUSSIAN, Browser, wait_for
from tests.web.conftest import opened


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
    browser.run(RUSSIAN)
    browser.until("document.getElementById('panel-pictures').innerText.includes('радость')")
    failure = browser.run("document.getElementById('picture-failures').innerText")
    assert "broken.jpg: не читается как снимок" in failure
    assert failure.count("broken.jpg") == 1

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
        wait_for(lambda: store.sessions()[0].state() == "finished")
    assert [line for line in browser.complaints if "422" not in line] == []  # that of the broken picture


def test_what_is_no_picture_to_read_is_said_in_the_pages_language(
    browser: Browser, settings: ServeSettings, two: bytes, film: Path, tmp_path: Path
) -> None:
    (tmp_path / "large.png").write_bytes(two)
    (tmp_path / "clip").write_bytes(film.read_bytes())  # a browser knows videos by their names
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with opened(dataclasses.replace(settings, max_picture_pixels=10_000, language="ru")) as address:
        browser.open(address)
        browser.run(RUSSIAN)
        browser.choose("#picture-files", tmp_path / "large.png", tmp_path / "clip", tmp_path / "broken.jpg")
        browser.until("document.querySelectorAll('#picture-failures li').length === 3")
        lines = browser.run("[...document.querySelectorAll('#picture-failures li span')].map((one) => one.innerText)")
    assert lines[0].startswith("large.png: снимок больше, чем читает этот сервер. Сервер говорит: larger than this server reads")
    assert lines[1] == "clip: это видео: выберите его на вкладке «Видео»"
    assert lines[2].startswith("broken.jpg: не читается как снимок: файл повреждён или другого вида. Сервер говорит: 10 bytes of another")


class Slow(FakeDetector):
    """Takes its time after the first frames."""

    seen = 0

    def __call__(self, image: Image, /) -> Faces:
        self.seen += 1
        time.sleep(0.5 if self.seen > 10 else 0)
        return super().__call__(image)


def test_in_how_many_frames_a_hidden_face_was_not_found_is_said(browser: Browser, settings: ServeSettings, film: Path) -> None:
    with opened(dataclasses.replace(settings, options=dataclasses.replace(settings.options, detector="blinking"))) as address:
        browser.open(f"{address}#videos")
        browser.run("document.getElementById('option-anonymize').checked = true")
        browser.run("document.getElementById('video-annotated').checked = true")
        browser.choose("#video-files", film)
        browser.until("!document.getElementById('video-start').disabled")
        browser.run("document.getElementById('video-start').click()")
        browser.until("document.querySelector('#video-list iframe')")
        assert "In 3 frames a followed face was not found" in browser.run("document.getElementById('video-list').innerText")
        browser.run(RUSSIAN)
        browser.until("document.getElementById('video-list').innerText.includes('В 3 кадрах лицо не найдено')")


def port_of(address: str) -> int:
    return int(address.rstrip("/").rpartition(":")[2])


def test_videos_after_the_server_was_started_anew(
    browser: Browser, settings: ServeSettings, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.DETECTORS, "slow", lambda variant, *, threads: Slow())
    monkeypatch.setitem(registry.VARIANTS, "slow", ())
    settings = dataclasses.replace(settings, options=dataclasses.replace(settings.options, detector="slow"))
    (tmp_path / "second.mp4").write_bytes(film.read_bytes())
    with opened(settings) as address:
        browser.open(f"{address}#videos")
        browser.choose("#video-files", film, tmp_path / "second.mp4")
        browser.until("!document.getElementById('video-start').disabled")
        browser.run("document.getElementById('video-start').click()")
        browser.until("document.querySelector('#video-list iframe')")
        browser.until("document.getElementById('video-list').innerText.includes('Reading…')")
    browser.until("!document.getElementById('gone').hidden")
    with opened(settings, port_of(address)):
        browser.until("document.getElementById('gone').hidden")  # once it answers, though it knows none of them
        browser.until("!document.querySelector('#video-list a')")  # no link to what is not there
        done, running = browser.run("[...document.querySelectorAll('#video-list .card')].map((card) => card.innerText)")[::-1]
    assert "second.mp4" in running
    assert "started anew before it was read" in running
    assert "film.mp4" in done
    assert "no longer there: they were erased" in done


def test_a_new_token_is_asked_for(browser: Browser, settings: ServeSettings) -> None:
    with opened(dataclasses.replace(settings, token="first")) as address:
        browser.open(f"{address}?token=first#camera")
    with opened(dataclasses.replace(settings, token="second"), port_of(address)):
        browser.run("document.getElementById('camera-start').click()")  # of its handshake a browser is not told why it failed
        browser.until("document.getElementById('camera-status').innerText.startsWith('The server wants its token')")
        browser.ask("Page.reload")
        browser.until("document.querySelector('input[name=token]')")
        for given in ("wrong", "second"):
            browser.run(f"document.querySelector('input').value = '{given}', document.querySelector('button').click()")
            browser.until("document.readyState === 'complete' && document.querySelector('[role=alert], #main:not([hidden])')")
        browser.until("!location.href.includes('token') && document.querySelector('#main:not([hidden])')")


def test_the_view_goes_on_where_nothing_more_can_be_recorded(browser: Browser, address: str, tmp_path: Path) -> None:
    browser.open(f"{address}#camera")
    browser.run("document.getElementById('camera-session').value = 'shop', document.getElementById('camera-start').click()")
    browser.until("document.getElementById('camera-recording').innerText.includes('recording as shop')")
    browser.until("document.querySelectorAll('#camera-stage .box').length === 2")
    for file in tmp_path.glob("sessions.db*"):
        file.unlink()
    browser.until("document.getElementById('camera-status').innerText.startsWith('shop is not recorded any more')")
    assert browser.run("document.getElementById('camera-recording').innerText") == ""
    assert browser.run("document.querySelectorAll('#camera-stage .box').length") == 2
    assert browser.run("document.getElementById('camera-video').srcObject !== null")


def test_a_session_of_one_who_leaves_the_page_is_finished(browser: Browser, address: str, tmp_path: Path) -> None:
    browser.open(f"{address}#camera")
    browser.run("document.getElementById('camera-session').value = 'shop', document.getElementById('camera-start').click()")
    browser.until("document.querySelectorAll('#camera-stage .box').length === 2")
    browser.ask("Page.navigate", url="about:blank")
    with open_store(tmp_path / "sessions.db") as store:
        wait_for(lambda: store.sessions()[0].ended is not None)
        assert store.sessions()[0].state() == "finished"


def test_of_a_session_without_rows_there_is_no_link_to_its_table(browser: Browser, address: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "sessions.db") as store:
        store.writer("empty").close()
    browser.open(f"{address}#sessions")
    browser.until("document.getElementById('sessions-table').innerText.includes('empty')")
    assert browser.run("document.querySelectorAll('#sessions-table a').length") == 0
    assert browser.run("[...document.querySelectorAll('#sessions-table button')].find((one) => one.innerText === 'CSV').disabled")


@pytest.mark.parametrize("width", [320, 481, 640, 900, 1000])
def test_all_that_can_be_done_with_a_session_is_in_sight(browser: Browser, address: str, tmp_path: Path, width: int) -> None:
    with open_store(tmp_path / "sessions.db") as store:
        store.writer("a shop at the corner").close()
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.open(f"{address}#sessions")
    for language in ("en", "ru"):
        browser.run(f"document.getElementById('language').value = '{language}'")
        browser.run("document.getElementById('language').dispatchEvent(new Event('change'))")
        browser.until("document.querySelectorAll('#sessions-table button').length >= 3")
        ends = browser.run("[...document.querySelectorAll('#sessions-table button')].map((one) => one.getBoundingClientRect().right)")
        assert max(ends) <= browser.run("document.getElementById('sessions-table').getBoundingClientRect().right"), language
