"""Where the keyboard's focus goes when what held it goes: never to the top of the page."""

from pathlib import Path

import pytest

from mien.store import open_store
from tests.web.browser import RUSSIAN, Browser
from tests.web.conftest import TWO, encoded

FOCUS = "(document.activeElement.getAttribute('aria-label') || document.activeElement.id || document.activeElement.tagName)"
SETTLED = "new Promise((then) => requestAnimationFrame(() => requestAnimationFrame(then)))"
"""A browser takes the focus from what is hidden or disabled only when it draws the page."""


def press(browser: Browser, selector: str) -> str:
    """What has the focus after the element that had it was pressed."""
    browser.run(f"document.querySelector({selector!r}).focus(), document.querySelector({selector!r}).click()")
    browser.run(SETTLED)
    return str(browser.run(FOCUS))


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three that can be read, and between them two that cannot."""
    paths = [tmp_path / name for name in ("a.png", "b.jpg", "c.png", "d.jpg", "e.png")]
    for path in paths:
        path.write_bytes(encoded(TWO) if path.suffix == ".png" else b"no picture")
    return paths


def test_of_pictures_that_are_removed(browser: Browser, address: str, pictures: list[Path]) -> None:
    browser.open(address)
    browser.choose("#picture-files", *pictures)
    browser.until("document.querySelectorAll('#picture-list .face').length === 6")
    browser.until("document.querySelectorAll('#picture-failures li').length === 2")
    assert press(browser, "[aria-label='Remove c.png']") == "Remove e.png"
    assert press(browser, "[aria-label='Remove e.png']") == "Remove a.png"
    assert press(browser, "#picture-failures [aria-label='Remove b.jpg']") == "Remove d.jpg"
    assert press(browser, "#picture-failures [aria-label='Remove d.jpg']") == "picture-files"
    browser.run("document.querySelector(\"[aria-label='Remove a.png']\").focus()")
    browser.run(RUSSIAN)  # by which the card is made anew
    assert browser.run(FOCUS) == "Убрать a.png"
    assert press(browser, "#picture-clear") == "picture-files"


def test_of_a_list_that_grows_and_of_a_download(browser: Browser, address: str, pictures: list[Path]) -> None:
    browser.open(address)
    browser.choose("#picture-files", pictures[1])
    browser.until("document.querySelector('#picture-failures button')")
    browser.run("document.querySelector('#picture-failures button').focus()")
    browser.choose("#picture-files", pictures[0], pictures[3])
    browser.until("document.querySelectorAll('#picture-failures li').length === 2 && document.querySelector('#picture-list .face')")
    assert browser.run(FOCUS) == "Remove b.jpg"
    assert press(browser, "[aria-label='CSV: a.png']") in ("BODY", "CSV: a.png")  # it is disabled while the table is on its way
    browser.until("!document.querySelector(\"[aria-label='CSV: a.png']\").disabled")
    browser.until(f"{FOCUS} === 'CSV: a.png'")


def test_of_videos(browser: Browser, address: str, film: Path, tmp_path: Path) -> None:
    films = [tmp_path / f"{name}.mp4" for name in "abc"]
    for path in films:
        path.write_bytes(film.read_bytes())
    browser.open(f"{address}#videos")
    browser.run("window.confirm = () => true")
    browser.choose("#video-files", *films)
    browser.until("document.querySelectorAll('#video-chosen li').length === 3")
    assert press(browser, "[aria-label='Remove b.mp4']") == "Remove c.mp4"
    assert press(browser, "[aria-label='Remove c.mp4']") == "Remove a.mp4"
    assert press(browser, "[aria-label='Remove a.mp4']") == "video-files"
    browser.choose("#video-files", *films[:2])
    browser.until("!document.getElementById('video-start').disabled")
    assert press(browser, "#video-start") == "video-files"
    browser.until("document.querySelectorAll('#video-list iframe').length === 2")
    last = "#video-list .card:first-child .line > button:last-child"
    press(browser, last)
    browser.until("document.querySelectorAll('#video-list .card').length === 1")
    browser.run(SETTLED)
    assert browser.run("document.activeElement.innerText") == "Delete now"
    press(browser, last)
    browser.until("document.querySelectorAll('#video-list .card').length === 0")
    browser.until(f"{FOCUS} === 'video-files'")


def test_of_the_camera(browser: Browser, address: str) -> None:
    browser.open(f"{address}#camera")
    assert press(browser, "#camera-start") == "camera-stop"
    browser.until("document.querySelectorAll('#camera-stage .box').length === 2")
    assert browser.run(FOCUS) == "camera-stop"
    assert press(browser, "#camera-stop") == "camera-start"
    browser.run("document.getElementById('camera-session').focus(), document.getElementById('camera-form').requestSubmit()")
    browser.run(SETTLED)
    assert browser.run(FOCUS) == "camera-stop"  # Enter in the field, which is disabled then
    browser.until("document.querySelectorAll('#camera-stage .box').length === 2")
    assert browser.run("document.getElementById('camera-start').hidden")
    browser.run("document.getElementById('language').focus()")
    browser.run("document.getElementById('camera-stop').click()")
    browser.run(SETTLED)
    assert browser.run(FOCUS) == "Language"  # of somebody who is elsewhere it is not taken


def test_a_camera_that_is_only_being_started_is_stopped_too(browser: Browser, address: str) -> None:
    browser.open(f"{address}#camera")
    browser.run("navigator.mediaDevices.getUserMedia = () => new Promise((then) => (window.give = then))")
    assert press(browser, "#camera-start") == "camera-stop"
    browser.run("document.getElementById('tab-pictures').click()")
    browser.run("window.give({ getTracks: () => [{ stop: () => (window.stopped = true) }] })")
    browser.until("window.stopped")
    assert browser.run("document.getElementById('camera-live').hidden && !document.getElementById('camera-start').hidden")


def test_of_sessions(browser: Browser, address: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "sessions.db") as store:
        store.writer("shop").close()
    browser.open(f"{address}#sessions")
    browser.run("window.confirm = () => true")
    browser.until("document.querySelector('#sessions-table button')")
    press(browser, "[aria-label='Open: shop']")
    browser.until("document.activeElement.tagName === 'H2'")
    browser.run("document.querySelector('#session-page button').id = 'away'")
    assert press(browser, "#away") == "Open: shop"
    press(browser, "[aria-label='Delete: shop']")
    browser.until(f"document.getElementById('sessions-table').hidden && {FOCUS} === 'sessions-refresh'")
