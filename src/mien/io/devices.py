"""Cameras of this computer: which there are, and their frames, by OpenCV."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import SourceMissing, SourceUnreadable
from mien.io.grabs import Grab
from mien.io.remarks import withheld
from mien.types import Image

LINUX = Path("/sys/class/video4linux")
TRIED = 6
"""Device numbers that are tried where the system has no list of them."""
MISSES = 3
"""Reads in a row without a frame after which a camera counts as lost; some need a moment when they begin."""
BACKENDS = {"linux": "CAP_V4L2", "darwin": "CAP_AVFOUNDATION", "win32": "CAP_DSHOW"}
"""The backend is named: OpenCV's own choice also tries others, which take seconds and complain on stderr."""
PRIVACY = {
    "darwin": "System Settings > Privacy & Security > Camera",
    "win32": "Settings > Privacy & security > Camera, where desktop apps have a switch of their own",
}
"""Where the system says which programs may use cameras. To those that may not, a camera is as one that is not there."""
ASKING = "(status 0), requesting"
"""Of the line that OpenCV prints when it has macOS ask whether the program may use cameras; that open fails. With status 1, which it prints
as well, the administrator forbids them, and nobody is asked.
"""
NOWHERE = 1000
"""A number that no camera has: whether the program may use one is looked at before the number, so none is opened for the question."""
ANSWER_SECONDS = 30.0
"""How long the answer is waited for."""
AGAIN_SECONDS = 0.5

log = logging.getLogger("mien")


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
    """The cameras there are, by number. Where the system has no list of them, each is opened for a moment, and its light may go on."""
    if sys.platform == "linux":
        return _by_linux()
    found = []
    for number in range(TRIED):
        device = _open(number)
        there = device.isOpened()
        device.release()
        if there:
            found.append(Camera(number, ""))
        elif sys.platform == "darwin" and number:  # which numbers them without gaps, but the first may be one that does not open
            break
    return found


def none_there() -> str:
    """What is said where no camera was found."""
    return f"none opens: not there, in use by another program, or not allowed ({place})" if (place := PRIVACY.get(sys.platform)) else "none"


def ask_to_use() -> None:
    """On macOS have the system ask, where it has not yet, whether this program may use cameras, and wait for the answer; to be called in
    the main thread, from which alone OpenCV can show the question (opencv#16427), before another one takes the frames.
    """
    if sys.platform != "darwin" or threading.current_thread() is not threading.main_thread():
        return
    began, told = time.monotonic(), False
    while _asks() and time.monotonic() < began + ANSWER_SECONDS:
        if not told:
            log.warning("mien: waiting for your answer to the system's question whether this program may use the camera")
            told = True
        time.sleep(AGAIN_SECONDS)


def _asks() -> bool:
    """Whether an attempt to open a camera made the system ask."""
    with withheld("OpenCV") as told:
        _capture(NOWHERE).release()
    return any(ASKING in line for line in told)


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

    Raises SourceMissing where it cannot be opened, see `why_none`; SourceUnreadable when it gives no more frames.
    """
    device = _open(number)
    try:
        if not device.isOpened():
            raise SourceMissing(f"camera {number}: cannot be opened")
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
    if sys.platform != "darwin":
        return _capture(number)
    with withheld("OpenCV"):  # of AVFoundation it prints, whatever its log level, also that a number is not there
        return _capture(number)


def _capture(number: int) -> Any:
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


def why_none(number: int) -> str:
    """What is said of a camera that cannot be opened, with the cameras there are: see `cameras` for what looking for them does."""
    there = cameras()
    if any(camera.number == number or (camera.number > number and sys.platform == "darwin") for camera in there):
        return f"camera {number}: cannot be opened; is it in use by another program, or are you not allowed to (on Linux: group video)?"
    if not there and sys.platform in PRIVACY:
        return f"camera {number}: cannot be opened; {none_there()}"
    known = f"there are: {', '.join(map(str, there))}" if there else "there is none on this computer"
    no = "cannot be opened; not there, or in use by another program" if sys.platform == "win32" else "no such device"
    return f"camera {number}: {no}; {known}"
