"""A server below a path of another program, which tells it neither that it begins nor that it ends."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urljoin

import anyio
import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette._utils import get_route_path
from starlette.websockets import WebSocketDisconnect

from mien.web.app import create_app
from mien.web.mounted import own_path
from tests.web.conftest import Serve

Mount = Callable[..., TestClient]


@pytest.fixture
def mount(serve: Serve) -> Iterator[Mount]:
    """Start a program with a server at /mien: keyword arguments are ServeSettings'."""
    with ExitStack() as stack:

        def start(**settings: object) -> TestClient:
            app, program = create_app(serve(**settings).app.state.settings), FastAPI()  # type: ignore[attr-defined]
            program.mount("/mien", app)
            stack.callback(lambda: hasattr(app.state, "service") and app.state.service.jobs.close())
            return stack.enter_context(
                TestClient(program, base_url="http://localhost", raise_server_exceptions=False, follow_redirects=False)
            )

        yield start


@pytest.mark.parametrize("above", ["", "/mien", "/a/mien", "/mien/", "/"])
@pytest.mark.parametrize(
    "path", ["", "/", "/mien", "/mien/", "/mien/api/health", "/mienapi/health", "/a/mien/upload", "/api/health", "//x"]
)
def test_a_path_is_the_one_that_is_routed(above: str, path: str) -> None:
    scope = {"type": "http", "path": path, "root_path": above}
    assert own_path(scope) == get_route_path(scope)
    del scope["root_path"]
    assert own_path(scope) == path


def test_pictures_and_what_there_is(mount: Mount, two: bytes) -> None:
    program = mount()
    assert program.get("/mien/api/about").status_code == 200
    (picture,) = program.post("/mien/api/pictures", files={"file": ("two.png", two + bytes(70_000))}).json()["pictures"]
    assert [face["emotion"] for face in picture["faces"]] == ["happy", "sad"]
    assert len(program.post("/mien/upload", files={"file": ("two.png", two + bytes(70_000))}).json()["Faces"]) == 2


def test_a_video_and_the_addresses_of_its_results(mount: Mount, film: Path) -> None:
    program = mount()
    answer = program.post("/mien/api/videos", files={"file": ("film.mp4", film.read_bytes() + bytes(70_000))})
    assert (answer.status_code, answer.headers["location"]) == (202, f"/mien/api/videos/{answer.json()['id']}")
    end = time.monotonic() + 60
    while (job := program.get(answer.headers["location"]).json())["state"] != "done":
        assert job["state"] != "failed", job["error"]
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.02)
    assert program.get(job["results"]["csv"]).text.count("\n") == 11
    assert "film" in program.get(job["results"]["page"]).text
    missing = program.get(f"{answer.headers['location']}/annotated.mp4").json()["error"]
    assert job["results"]["page"] in missing


def test_a_camera(mount: Mount, two: bytes) -> None:
    with mount().websocket_connect("ws://localhost/mien/api/live") as camera:
        camera.send_bytes(two)
        assert [face["emotion"] for face in camera.receive_json()["faces"]] == ["happy", "sad"]


def test_full_is_full(mount: Mount, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = mount()
    program.get("/mien/api/about")
    monkeypatch.setattr("mien.web.gate.TRANSFERS", 0)
    answer = program.post("/mien/api/videos", files={"file": ("film.mp4", film.read_bytes())})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


def test_limits_are_those_of_each_path(mount: Mount) -> None:
    program = mount(max_picture_mb=0.1, max_upload_mb=0.2)
    sizes = {"/mien/api/pictures": "0.1", "/mien/upload": "0.1", "/mien/api/videos": "0.2", "/mien/api/pictures/url": "0.064"}
    for path, most in sizes.items():
        answer = program.post(path, files={"file": ("a", bytes(250_000))})
        assert answer.status_code == 413, path
        assert answer.json()["error"].startswith(f"the request is larger than {most} MB"), path


def test_the_token_is_wanted_for_all_but_its_health(mount: Mount) -> None:
    program = mount(token="a-long-token")
    assert program.get("/mien/api/health").status_code == 200
    for path in ("/mien/", "/mien/api/about", "/mien/static/app.js", "/mien/static/api/health", "/mien/mien/api/health"):
        assert program.get(path).status_code == 401, path
    with pytest.raises(WebSocketDisconnect), program.websocket_connect("ws://localhost/mien/api/live"):
        pass
    entered = program.get("/mien/", params={"token": "a-long-token"})
    assert (entered.status_code, urljoin("/mien/", entered.headers["location"])) == (303, "/mien/")
    assert program.get("/mien/").status_code == 200


def test_its_pages_find_what_they_need(mount: Mount) -> None:
    program = mount()
    assert program.get("/mien").headers["location"] == "http://localhost/mien/"
    for page, script in (("/mien/", "/mien/static/app.js"), ("/mien/api/docs", "/mien/api/docs/static/swagger-ui-bundle.js")):
        assert urljoin(page, next(part for part in program.get(page).text.split('"') if part.endswith(".js"))) == script
        assert program.get(script).status_code == 200
    (api,) = program.get("/mien/api/openapi.json").json()["servers"]
    assert urljoin("/mien/api/openapi.json", api["url"]) == "/mien/"


@pytest.mark.parametrize(
    ("path", "allowed"), [("/api/about", "GET"), ("/static/app.js", "GET, HEAD"), ("/static/upload", "GET, HEAD"), ("/upload", "POST")]
)
def test_another_method_is_told_all_that_there_are(mount: Mount, path: str, allowed: str) -> None:
    answer = mount().put(f"/mien{path}")
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json() == {"error": f"PUT is not for /mien{path}; allowed: {allowed}", "code": "method"}


def test_a_client_that_tells_it_nothing_is_answered_too(serve: Serve) -> None:
    app = create_app(serve().app.state.settings)  # type: ignore[attr-defined]

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return (await client.get("/api/about")).status_code

    try:
        assert anyio.run(ask) == 200
    finally:
        app.state.service.jobs.close()


PROGRAM = """
import sys, tempfile, time
from fastapi import FastAPI
from fastapi.testclient import TestClient
from mien.models import registry
from mien.models.detectors import registry as detectors
from mien.options import AnalyzeOptions
from mien.testing import FakeDetector, FakeRecogniser
from mien.web.app import create_app
from mien.web.settings import ServeSettings

def slow(image):
    time.sleep(0.3)
    return FakeDetector()(image)

registry.register("fake", lambda threads: FakeRecogniser())
detectors.register("slow", lambda variant, *, threads: slow)
program = FastAPI()
app = create_app(ServeSettings(options=AnalyzeOptions(detector="slow", model="fake")))
program.mount("/mien", app)
with TestClient(program, base_url="http://localhost") as client:
    for _ in range(20):
        with open(sys.argv[1], "rb") as film:
            job = client.post("/mien/api/videos", files={"file": ("film.mp4", film)}).json()["id"]
    print(app.state.service.jobs.folder)
"""


def test_with_the_end_of_python_all_is_stopped_and_erased(film: Path) -> None:
    """Twenty videos of ten frames, of which each takes 0.3 seconds, would be a minute."""
    began = time.monotonic()
    run = subprocess.run([sys.executable, "-c", PROGRAM, str(film)], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (0, "")
    folder = Path(run.stdout.strip())
    assert folder.name.startswith("mien-serve-")
    assert not folder.exists()
    assert time.monotonic() - began < 45
