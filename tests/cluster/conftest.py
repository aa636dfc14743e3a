"""Fakes by a plug-in, as workers of a cluster get theirs; and the command in a process of its own, where Ray leaves nothing in this one."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image as Pillow

from mien.testing import planted_picture

PLUGIN = """
import os
import time

import mien
from mien.testing import FakeDetector, FakeRecogniser

def fake(variant, *, threads):
    found = FakeDetector()
    def detect(image):
        time.sleep(float(os.environ.get("FAKE_SECONDS", 0)))
        if image.shape[:2] == (99, 99):
            os.kill(os.getpid(), 9)  # as the kernel does where memory runs out, and a fault in C
        return found(image)
    return detect

def register():
    mien.register_detector("fake", fake)
    mien.register_recogniser("fake", lambda threads: FakeRecogniser())
"""
FAKES = ("--model", "fake", "--detector", "fake")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plug-in that brings a detector and a recogniser called `fake`; a picture of 99 x 99 px kills the process."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "mien_fakes.py").write_text(PLUGIN)
    about = folder / "mien_fakes-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mien-fakes\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[mien.plugins]\nfakes = mien_fakes:register\n")
    return folder


@pytest.fixture
def start(plugin: Path) -> Iterator[Start]:
    """Start `mien`; seconds: what the detector takes for a picture. It leaves no temporary files; Ray keeps its logs."""
    running: list[subprocess.Popen[str]] = []
    folder = Path(tempfile.mkdtemp(prefix="m", dir="/tmp"))  # a socket's name has 107 characters at most
    left, of_ray = folder / "t", folder / "r"
    left.mkdir()

    def call(*words: object, seconds: float = 0.0) -> subprocess.Popen[str]:
        env = os.environ | {
            "PYTHONPATH": str(plugin),
            "FAKE_SECONDS": str(seconds),
            "TMPDIR": str(left),
            "RAY_TMPDIR": str(of_ray),
            "HOME": str(folder),  # where Ray keeps a token
            "COLUMNS": "200",
            "PYTHONUTF8": "1",
        }
        command = [sys.executable, "-m", "mien", *map(str, words)]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, env=env, text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]
        running.append(process)
        return process  # type: ignore[no-any-return]

    yield call
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()
    there = [path.name for path in left.iterdir()]
    shutil.rmtree(folder)
    assert there == []


def picture(path: Path, size: tuple[int, int] = (200, 200)) -> Path:
    """A picture with one face, or none where it is too small for it."""
    faces = [((40, 40, 140, 140), "happy")] if min(size) > 160 else []
    Pillow.fromarray(planted_picture(faces, size=size)[0]).save(path)
    return path
