"""A server with fakes for its models, asked in this process."""

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
import uvicorn
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

from mien.models import registry
from mien.models.detectors import registry as detectors
from mien.options import AnalyzeOptions
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from mien.track.options import TrackOptions
from mien.types import Faces, Image
from mien.web.app import create_app
from mien.web.settings import ServeSettings
from tests.io.clips import clip
from tests.web.browser import Browser

Serve = Callable[..., TestClient]
TWO = [((40, 30, 140, 130), "happy"), ((200, 150, 300, 250), "sad")]


def encoded(faces: list[tuple[tuple[float, float, float, float], str]], suffix: str = ".png") -> bytes:
    """A picture with planted faces as a file's bytes."""
    image, _ = planted_picture(faces, size=(400, 320))
    return bytes(cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])


class Blinking(FakeDetector):
    """Finds nothing in the frames 4 to 6."""

    calls = -1

    def __call__(self, image: Image, /) -> Faces:
        self.calls += 1
        return Faces.none() if 4 <= self.calls < 7 else super().__call__(image)


@pytest.fixture
def two() -> bytes:
    """A PNG with a happy and a sad face."""
    return encoded(TWO)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Two seconds of 5 frames each with a happy face."""
    image, _ = planted_picture(TWO[:1], size=(400, 320))
    return clip(tmp_path / "film.mp4", 10, fps=5, size=(400, 320), images=[image] * 10, sound="aac")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Start a server: keyword arguments are ServeSettings'. It ends with the test."""
    monkeypatch.setitem(registry._factories, "fake", lambda threads: FakeRecogniser())
    monkeypatch.setitem(detectors.DETECTORS, "fake", lambda variant, *, threads: FakeDetector())
    monkeypatch.setitem(detectors.DETECTORS, "blinking", lambda variant, *, threads: Blinking())
    for name in ("fake", "blinking"):
        monkeypatch.setitem(detectors.VARIANTS, name, ())
    with ExitStack() as stack:

        def start(
            *, model: str = "fake", detector: str = "fake", headers: dict[str, str] | None = None, detect_every: int = 1, **settings: Any
        ) -> TestClient:  # fmt: skip
            options = AnalyzeOptions(model=model, detector=detector, track=TrackOptions(detect_every=detect_every))
            app = create_app(ServeSettings(options=options, **settings))
            return stack.enter_context(
                TestClient(app, base_url="http://localhost", headers=headers, raise_server_exceptions=False, follow_redirects=False)
            )

        yield start


@pytest.fixture
def server(serve: Serve) -> TestClient:
    """A server as `mien serve` starts it."""
    return serve()


@contextmanager
def listening(app: ASGIApp, port: int = 0, *, lifespan: Literal["auto", "off"] = "auto") -> Iterator[int]:
    """The port of a server that listens. lifespan: `off` for an app that is told already when it begins and ends."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan=lifespan, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def opened(settings: ServeSettings, port: int = 0) -> Iterator[str]:
    """The address of a server that listens."""
    with listening(create_app(settings), port) as found:
        yield f"http://localhost:{found}/"


@pytest.fixture
def settings(serve: Serve, tmp_path: Path) -> ServeSettings:
    """Of a server with fakes for its models that records sessions."""
    return serve(sessions=True, store=str(tmp_path / "sessions.db")).app.state.settings  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def address(settings: ServeSettings) -> Iterator[str]:
    """Of a server that listens."""
    with opened(settings) as address:
        yield address


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """With a camera before which a happy and a sad face are."""
    camera = tmp_path / "camera.mjpeg"
    camera.write_bytes(encoded(TWO, ".jpg") * 10)
    with Browser(tmp_path / "profile", camera=camera) as opened:
        yield opened


def pixels(data: bytes) -> np.ndarray:
    """A picture's pixels, BGR."""
    found = cv2.imdecode(np.frombuffer(io.BytesIO(data).getbuffer(), np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found
