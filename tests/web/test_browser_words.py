"""The language of the page in a browser, and refusals of the server in it."""

import dataclasses
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import pytest
import websockets.sync.client

from mien.models.detectors import registry
from mien.testing import FakeDetector
from mien.types import Faces, Image
from mien.web import faults
from mien.web.settings import ServeSettings
from tests.web.browser import RUSSIAN, Browser
from tests.web.conftest import opened


def asks_for(browser: Browser, languages: str) -> None:
    """Have the browser ask for these languages, the best first."""
    browser.ask("Emulation.setUserAgentOverride", userAgent=browser.run("navigator.userAgent"), acceptLanguage=languages)


@pytest.mark.parametrize(
    ("languages", "own", "shown"),
    [("ru-RU,ru,en", "en", "ru"), ("de-DE,de,en-US,ru", "ru", "en"), ("de,fr", "ru", "ru"), ("de", "en", "en")],
)
def test_the_page_is_in_the_browsers_language(browser: Browser, settings: ServeSettings, languages: str, own: str, shown: str) -> None:
    with opened(dataclasses.replace(settings, language=own)) as address:
        asks_for(browser, languages)
        browser.open(address)
        assert browser.run("[document.documentElement.lang, document.getElementById('language').value]") == [shown, shown]


def test_who_chose_a_language_keeps_it(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.run(RUSSIAN)
    asks_for(browser, "en")
    browser.open(f"{address}?again")
    assert browser.run("document.documentElement.lang") == "ru"


def test_the_token_page_and_the_page_behind_it_are_in_the_same_language(browser: Browser, settings: ServeSettings) -> None:
    with opened(dataclasses.replace(settings, token="secret")) as address:
        asks_for(browser, "ru-RU,ru;q=0.9")
        browser.ask("Page.navigate", url=address)
        browser.until("document.querySelector('input[name=token]')")
        assert browser.run("document.documentElement.lang") == "ru"
        browser.run("document.querySelector('input').value = 'secret', document.querySelector('button').click()")
        browser.until("document.readyState === 'complete' && document.querySelector('#main:not([hidden])')")
        assert browser.run("document.documentElement.lang") == "ru"


def test_what_a_camera_is_refused_is_said_in_the_pages_language(browser: Browser, settings: ServeSettings) -> None:
    status = "document.getElementById('camera-status').innerText"
    with opened(dataclasses.replace(settings, most_cameras=1)) as address:
        browser.open(f"{address}#camera")
        browser.run(RUSSIAN)
        with websockets.sync.client.connect(address.replace("http", "ws") + "api/live"):
            browser.run("document.getElementById('camera-start').click()")
            browser.until(f"{status}.includes('1 cameras are watched already')")
            told = "Сервер уже читает столько камер, сколько может; попробуйте позже. Сервер говорит: "
            assert browser.run(status) == f"{told}1 cameras are watched already; try again later"
            browser.run("document.getElementById('language').value = 'en'")
            browser.run("document.getElementById('language').dispatchEvent(new Event('change'))")
            assert browser.run(status) == "1 cameras are watched already; try again later"
        browser.run(RUSSIAN)
        browser.run("document.getElementById('camera-session').value = '12345', document.getElementById('camera-start').click()")
        browser.until(f"{status}.startsWith('Сеанс не может так называться. Сервер говорит: session name')")


def test_what_is_no_video_is_said_in_the_pages_language(browser: Browser, address: str, two: bytes, tmp_path: Path) -> None:
    for name, data in (("битый.mp4", b"no video"), ("two.mp4", two)):
        (tmp_path / name).write_bytes(data)
    browser.open(f"{address}#videos")
    browser.run(RUSSIAN)
    browser.choose("#video-files", tmp_path / "битый.mp4", tmp_path / "two.mp4")
    browser.until("!document.getElementById('video-start').disabled")
    browser.run("document.getElementById('video-start').click()")
    browser.until("document.querySelectorAll('#video-list .error:not([hidden])').length === 2")
    picture, broken = browser.run("[...document.querySelectorAll('#video-list .error')].map((one) => one.innerText)")
    assert broken.startswith("битый.mp4: не читается как видео: файл повреждён или другого вида. Сервер говорит: ")
    assert broken.count("битый.mp4") == 1
    assert picture == "two.mp4: это снимок: выберите его на вкладке «Снимки»"
    assert browser.run("document.querySelectorAll('#video-list button[aria-label^=\"Попробовать снова\"]:not([hidden])').length") == 0


class Held(FakeDetector):
    """Waits until it may go on."""

    go = threading.Event()

    def __call__(self, image: Image, /) -> Faces:
        assert self.go.wait(60)
        return super().__call__(image)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Lets the detector `held` go on."""
    monkeypatch.setattr(Held, "go", threading.Event())
    monkeypatch.setitem(registry.DETECTORS, "held", lambda variant, *, threads: Held())
    monkeypatch.setitem(registry.VARIANTS, "held", ())
    with ExitStack() as stack:
        stack.callback(Held.go.set)
        yield Held.go


def test_an_upload_without_a_place_can_be_tried_again(
    browser: Browser, settings: ServeSettings, film: Path, tmp_path: Path, held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "RETRY_SECONDS", 4)
    again = "document.querySelector('#video-list button[aria-label=\"Try again: second.mp4\"]:not([hidden])')"
    (tmp_path / "second.mp4").write_bytes(film.read_bytes())
    settings = dataclasses.replace(settings, most_jobs=1, options=dataclasses.replace(settings.options, detector="held"))
    with opened(settings) as address:
        browser.open(f"{address}#videos")
        browser.choose("#video-files", film, tmp_path / "second.mp4")
        browser.until("!document.getElementById('video-start').disabled")
        browser.run("document.getElementById('video-start').click()")
        browser.until(again)
        refused = time.monotonic()
        card = "document.querySelector('#video-list .card').innerText"
        assert "second.mp4: 1 videos are waiting already; try again later" in browser.run(card)
        held.set()
        browser.until("document.querySelectorAll('#video-list iframe').length === 1")  # now there would be a place
        browser.run(f"{again}.focus(), {again}.click()")
        assert re.search(r"Waiting…\s+Next try at \d?\d:\d\d:\d\d", browser.run(card))
        assert browser.run("document.activeElement.innerText") == "Cancel"
        browser.until("document.querySelectorAll('#video-list iframe').length === 2")
        assert time.monotonic() - refused > 3.5
        assert "try again" not in browser.run(card).lower()


def test_an_upload_that_found_no_server_can_be_tried_again(browser: Browser, settings: ServeSettings, film: Path) -> None:
    again = "document.querySelector('#video-list button[aria-label=\"Попробовать снова: film.mp4\"]:not([hidden])')"
    with opened(settings) as address:
        browser.open(f"{address}#videos")
        browser.run(RUSSIAN)
        browser.choose("#video-files", film)
        browser.until("!document.getElementById('video-start').disabled")
    browser.run("document.getElementById('video-start').click()")
    browser.until(again)
    with opened(settings, int(address.rstrip("/").rpartition(":")[2])):
        browser.run(f"{again}.click()")
        browser.until("document.querySelector('#video-list iframe')")


def test_before_every_line_of_the_server_something_is_said_in_russian() -> None:
    """Codes that visitors of the page can meet; for the others `other` is said."""
    script = files("mien.web").joinpath("static", "complaints.js").read_text("utf-8")
    leads = set(re.findall(r"^    (\w+): \"[^A-Za-z]*(?:mien)?[^A-Za-z]*\",$", script, re.MULTILINE))
    assert {"other", "server_says"} <= leads
    codes = {code for _, _, code in faults.KINDS} | set(faults.CODES.values())
    of_programs = {"usage", "unknown_name", "no_rows", "token", "other_site", "method", "host", "client_left"}
    elsewhere = {"session_deleted"}  # said by the camera, in words of its own
    bare = {
        lead.removeprefix(f"{sent}_") for lead in leads for sent in ("picture", "url", "video", "camera") if lead.startswith(f"{sent}_")
    }
    assert codes - of_programs - elsewhere - leads - bare == {"picture"}  # of videos, which the page's own words say
