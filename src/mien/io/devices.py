"""Cameras of this computer: which there are, and their frames, by OpenCV."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import SourceMissing, SourceUnreadable
from mien.io.grabs import Grab
from mien.types import Image

LINUX = Path("/sys/class/video4linux")
TRIED = 6
"""Device numbers that are tried where the system has no list of them."""
MISSES = 3
"""Reads in a row without a frame after which a camera counts as lost; some need a moment when they begin."""
BACKENDS = {"linux": "CAP_V4L2", "darwin": "CAP_AVFOUNDATION", "win32": "CAP_DSHOW"}
"""The backend is named: OpenCV's own choice also tries others, which take seconds and complain on stderr."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera of this computer."""

    number: int
    """What `mien live` is given."""
    name: str

    def __str__(self) -> str:
        return f"{self.number} ({self.name})" if self.name else str(self.number)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a camera is asked for; it gives what it can. 0: its own choice."""

    width: int = 0
    height: int = 0
    fps: float = 0


def cameras() -> list[Camera]:
    """The cameras there are, by number."""
    if sys.platform == "linux":
        return _by_linux()
    found = []
    for number in range(TRIED):
        device = _open(number)
        if device.isOpened():
            found.append(Camera(number, ""))
        device.release()
    return found


def _by_linux() -> list[Camera]:
    found = []
    for folder in LINUX.glob("video*"):
        number = re.fullmatch(r"video(\d+)", folder.name)
        if number and _text(folder / "index") in ("", "0"):  # of one camera's nodes the further ones give no pictures
            found.append(Camera(int(number[1]), _text(folder / "name")))
    return sorted(found, key=lambda camera: camera.number)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def device_frames(number: int, wishes: Wishes = Wishes()) -> Generator[Grab, None, None]:
    """Frames of a camera, without end.

    Raises SourceMissing, with the cameras there are, where it cannot be opened; SourceUnreadable when it gives no more frames.
    """
    device = _open(number)
    try:
        if not device.isOpened():
            raise SourceMissing(_missing(number))
        _ask(device, wishes)
        misses = 0
        while misses < MISSES:
            there, picture = device.read()
            misses = 0 if there else misses + 1
            if there:
                yield Grab(partial(_rgb, picture), None)
        raise SourceUnreadable(f"camera {number}: gives no frames; is it unplugged, or in use by another program?")
    finally:
        device.release()


def _open(number: int) -> Any:
    from mien.io.images import opencv

    cv2 = opencv()
    return cv2.VideoCapture(number, getattr(cv2, BACKENDS.get(sys.platform, "CAP_ANY")))


def _ask(device: Any, wishes: Wishes) -> None:
    import cv2

    device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where it is heeded, no old frames wait in the driver
    if wishes.width or wishes.height or wishes.fps:
        # Over USB 2 uncompressed pictures of 1280 x 720 come 10 times a second, Motion JPEG 30 times.
        device.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    for what, value in (
        (cv2.CAP_PROP_FRAME_WIDTH, wishes.width),
        (cv2.CAP_PROP_FRAME_HEIGHT, wishes.height),
        (cv2.CAP_PROP_FPS, wishes.fps),
    ):
        if value:
            device.set(what, value)


def _rgb(picture: Any) -> Image:
    import cv2

    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB), np.uint8)


def _missing(number: int) -> str:
    there = cameras()
    if any(camera.number == number for camera in there):
        return f"camera {number}: cannot be opened; is it in use by another program, or are you not allowed to (on Linux: group video)?"
    known = f"there are: {', '.join(map(str, there))}" if there else "there is none on this computer"
    return f"camera {number}: no such device; {known}"
