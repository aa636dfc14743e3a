"""Chromium without a screen, told what to do by its own DevTools protocol."""

import json
import shutil
import subprocess
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import websockets.sync.client

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost", "--remote-debugging-port=0",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
)  # fmt: skip
RUSSIAN = "document.getElementById('language').value = 'ru', document.getElementById('language').dispatchEvent(new Event('change'))"
"""Chooses the language of the page."""


class Browser:
    """One page in a browser of its own. complaints: errors that it logged."""

    def __init__(self, folder: Path, *, camera: Path) -> None:
        if CHROMIUM is None:
            pytest.skip("no Chromium here to open the page in")
        self._command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", f"--use-file-for-fake-video-capture={camera}", "about:blank"]
        self._told = folder / "DevToolsActivePort"
        self._stack = ExitStack()
        self._number = 0
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait, 30)
            stack.callback(process.terminate)
            wait_for(lambda: self._told.exists() and self._told.read_text().count("\n") >= 1, what="a browser that listens")
            with urllib.request.urlopen(f"http://127.0.0.1:{self._told.read_text().split()[0]}/json", timeout=30) as answer:
                page = next(one for one in json.load(answer) if one["type"] == "page")
            self._socket = stack.enter_context(
                websockets.sync.client.connect(page["webSocketDebuggerUrl"], max_size=None, ping_interval=None)
            )
            for domain in ("Page", "Runtime", "Log", "DOM"):
                self.ask(f"{domain}.enable")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self._stack.close()

    def ask(self, method: str, **params: object) -> Any:
        """Give a command and its answer."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == self._number:
                assert "error" not in message, (method, message)
                return message["result"]
            self._note(message.get("method"), message.get("params", {}))

    def run(self, code: str) -> Any:
        """The value of an expression in the page."""
        found = self.ask("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in found, (code, found)
        return found["result"].get("value")

    def until(self, code: str, seconds: float = 60) -> None:
        """Wait until an expression is true."""
        wait_for(lambda: bool(self.run(f"!!({code})")), seconds, code)

    def open(self, address: str) -> None:
        """Go to a page of the app and wait until it is ready."""
        self.ask("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && document.getElementById('main') && !document.getElementById('main').hidden")

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files in a field."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in files])

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.complaints.append(str(params["args"]))


def wait_for(condition: Any, seconds: float = 60, what: str = "") -> None:
    """Wait until it is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it never came: {what}"
        time.sleep(0.05)
