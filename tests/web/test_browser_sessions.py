"""The pages of sessions in a browser: asked for once, waited for with a word, and let go of."""

import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.report.page import page
from mien.store import open_store
from tests.web.browser import RUSSIAN, Browser, wait_for

STATUS = "document.querySelector('#session-page [role=status]').innerText"


class Slow:
    """Makes pages of sessions when it is let."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []
        self.go = threading.Event()

    def __call__(self, *args: Any, title: str, language: str, **more: Any) -> str:
        self.made.append((title, language))
        assert self.go.wait(60)
        return page(*args, title=title, language=language, **more)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Slow]:
    """And two sessions."""
    with open_store(tmp_path / "sessions.db") as store:
        for name in ("first", "second"):
            store.writer(name).close()
    found = Slow()
    monkeypatch.setattr("mien.web.sessions.page", found)
    yield found
    found.go.set()


def opening(name: str) -> str:
    return f"document.querySelector(\"[aria-label='Open: {name}']\").click()"


def test_a_page_is_asked_for_once_and_waited_for(browser: Browser, slow: Slow, address: str) -> None:
    browser.open(f"{address}#sessions")
    browser.until("document.querySelector('#sessions-table button')")
    for _ in range(3):
        browser.run(opening("first"))
        assert browser.run(STATUS) == "Reading…"
    wait_for(lambda: slow.made)
    assert browser.run("document.activeElement.innerText") == "first"
    slow.go.set()
    browser.until(f"{STATUS} === ''")
    browser.run(opening("first"))
    assert browser.run(STATUS) == ""
    browser.run("document.getElementById('language').focus()")
    browser.run(RUSSIAN)
    assert browser.run(STATUS) == "Читаем…"
    assert browser.run("document.activeElement.id") == "language"
    browser.until(f"{STATUS} === ''")
    assert slow.made == [("first", "en"), ("first", "ru")]


def test_what_is_waited_for_no_more_is_not_made(browser: Browser, slow: Slow, address: str) -> None:
    browser.open(f"{address}#sessions")
    browser.until("document.querySelector('#sessions-table button')")
    browser.run(opening("first"))
    wait_for(lambda: slow.made)
    browser.run(opening("second"))  # these wait for their turn
    browser.run(RUSSIAN)
    browser.until("document.querySelector('#session-page button').innerText === 'Закрыть'")
    browser.run("document.querySelector('#session-page button').click()")
    assert browser.run("document.getElementById('session-page').innerHTML") == ""
    slow.go.set()
    browser.run("document.querySelector(\"[aria-label='Открыть: first']\").click()")
    browser.until(f"{STATUS} === ''")  # behind all of them
    assert slow.made == [("first", "en"), ("first", "ru")]


def test_the_name_of_an_open_session_has_room_on_a_telephone(browser: Browser, address: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "sessions.db") as store:
        store.writer("shop").close()
    browser.ask("Emulation.setDeviceMetricsOverride", width=360, height=800, deviceScaleFactor=1, mobile=False)
    browser.open(f"{address}#sessions")
    browser.run(RUSSIAN)
    browser.until("document.querySelector('#sessions-table button')")
    browser.run("document.querySelector('#sessions-table button').click()")
    height, line = browser.run(
        "(() => { const title = document.querySelector('#session-page h2');"
        " return [title.getBoundingClientRect().height, parseFloat(getComputedStyle(title).lineHeight)]; })()"
    )
    assert height < 1.5 * line  # not letter below letter


def test_a_session_that_is_deleted_while_it_is_recorded(browser: Browser, address: str, tmp_path: Path) -> None:
    browser.open(f"{address}#camera")
    browser.run("document.getElementById('camera-session').value = 'shop', document.getElementById('camera-start').click()")
    browser.until("document.querySelectorAll('#camera-stage .box').length === 2")
    with open_store(tmp_path / "sessions.db") as store:
        wait_for(lambda: store.sessions()[0].row_count)
    urllib.request.urlopen(urllib.request.Request(f"{address}api/sessions/1", method="DELETE"), timeout=30).close()
    browser.until("document.getElementById('camera-status').innerText.startsWith('shop is not recorded any more: the session was deleted')")
    browser.run(RUSSIAN)
    assert browser.run("document.getElementById('camera-status').innerText").startswith("shop больше не записывается: сеанс удалён.")
    assert browser.run("document.getElementById('camera-video').srcObject !== null")


def test_that_a_session_is_being_recorded_is_said_before_it_is_deleted(browser: Browser, address: str, tmp_path: Path) -> None:
    with open_store(tmp_path / "sessions.db") as store:
        store.writer("over").close()
        running = store.writer("shop")
        browser.open(f"{address}#sessions")
        browser.run("window.asked = [], window.confirm = (text) => (window.asked.push(text), false)")
        browser.until("document.querySelectorAll('#sessions-table tbody tr').length === 2")
        for name in ("shop", "over"):
            browser.run(f"document.querySelector(\"[aria-label='Delete: {name}']\").click()")
        running.close()
    assert browser.run("window.asked") == [
        "Session 2, shop, is being recorded now. Delete it for good? The recording ends then.",
        "Delete session 1, over, for good?",
    ]
