"""The command line with fakes for its models, in this process and in one of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import Image as Pillow

from mien.models import registry
from mien.models.detectors import registry as detectors
from mien.testing import FakeDetector, FakeRecogniser, planted_picture

FAKES = ["--model", "fake", "--detector", "fake"]


class Said(NamedTuple):
    """What a command gave."""

    code: int
    out: str
    err: str


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command line in this process, with a detector and a model called `fake`."""
    from mien.cli.main import main

    monkeypatch.setitem(registry._factories, "fake", lambda threads: FakeRecogniser())
    monkeypatch.setitem(detectors.DETECTORS, "fake", lambda variant, *, threads: FakeDetector())
    monkeypatch.setitem(detectors.VARIANTS, "fake", ())

    def call(*words: object) -> Said:
        code = main([str(word) for word in words])
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with two pictures of faces, one without, and a file that is none: 3 faces in all."""
    folder = tmp_path / "pictures in"
    (folder / "sub").mkdir(parents=True)
    for name, faces in {
        "two.png": [((40, 30, 140, 130), "happy"), ((200, 200, 300, 300), "sad")],
        "лицо 1.jpg": [((100, 100, 220, 220), "fear")],
        "sub/none.png": [],
    }.items():
        Pillow.fromarray(planted_picture(faces, size=(400, 320))[0]).save(folder / name)
    return folder


@pytest.fixture
def broken(pictures: Path) -> Path:
    """A file beside the pictures that is called one and is none."""
    path = pictures / "broken.jpg"
    path.write_bytes(b"this is not a picture")
    return path


PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts the tests in the background has it ignored
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and nohup this
import time
from mien.models import registry
from mien.models.detectors import registry as detectors
from mien.testing import FakeDetector, FakeRecogniser

class Slow(FakeDetector):
    def __call__(self, image, /):
        time.sleep({seconds})
        return super().__call__(image)

registry.register("base", lambda threads: FakeRecogniser())
detectors.register("yunet", lambda variant, *, threads: Slow())
from mien.cli.main import run
run()
"""


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start `mien` as a process of its own, with fakes as its default models; seconds: what the detector takes."""
    running: list[subprocess.Popen[bytes]] = []

    def call(*words: object, seconds: float = 0.0, **settings: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", PROGRAM.format(seconds=seconds), *map(str, words)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
        process = subprocess.Popen(command, env=os.environ | {"PYTHONUTF8": "1", "COLUMNS": "200"}, **pipes)  # type: ignore[call-overload]
        running.append(process)
        return process  # type: ignore[no-any-return]

    yield call
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
