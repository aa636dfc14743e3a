"""Frames as they come: of a network stream or a file, by PyAV. Which of them are used is not decided here."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mien.errors import ExtraMissing, SourceError, SourceMissing, SourceRefused, SourceUnreadable
from mien.io.container import NEEDS_AV, lenient, why
from mien.io.formats import HEAD, VIDEO, sniff, with_article
from mien.io.frame_pixels import FramePixels
from mien.io.images import DEFAULT_LIMITS
from mien.io.names import STREAM_SCHEMES
from mien.io.video import timed_frames
from mien.types import Image

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

SCHEMES = (*STREAM_SCHEMES, "http", "https")
WITHOUT_TIMES = ("mpjpeg", "mjpeg", "image2", "jpeg_pipe", "png_pipe")
"""Formats whose timestamps FFmpeg invents when they come over a network: 25 frames a second, whatever comes."""
IN_BURSTS = ("hls", "dash")
"""Formats that deliver seconds of video at once, to be played at the pace of their timestamps."""
WANTED = "wanted the number of a camera, a video file or a URL"
PLAIN = {
    "Invalid data found when processing input": "nothing there that can be decoded as video",
    "Immediate exit requested": "nothing came in time",
    "End of file": "it ended",
    "Input/output error": "it ended",
}
"""What FFmpeg says -> what it means here."""
NOTHING = "nothing came; is the address right, and the camera on?"
PLAIN_AT_FIRST = PLAIN | {"End of file": NOTHING, "Input/output error": NOTHING}
"""The same, while it connects."""


@dataclass(frozen=True, slots=True, eq=False)
class Grab:
    """A frame as it came."""

    image: Callable[[], Image]
    """Makes the pixels, uint8 (H, W, 3) RGB, upright."""
    stamp: float | None
    """Seconds by the source's own timestamps, from wherever they begin (a file's at 0); None if it has none that are sound."""
    paced: bool = False
    """Whether it may have come before its time, and is to be held until then."""


def stream_frames(url: str, *, connect_seconds: float = 10.0, read_seconds: float = 5.0) -> Generator[Grab, None, None]:
    """Frames of a network stream, until it ends.

    Raises SourceRefused for a scheme that is none of SCHEMES and by a server that wants another user or password, SourceUnreadable when
    nothing comes for so many seconds or what comes is no video, and ExtraMissing without PyAV. No message holds a password.
    """
    from mien.io.fetch import shown

    name, scheme = shown(url), urlsplit(url).scheme.lower()
    if scheme not in SCHEMES:
        raise SourceRefused(f"{name}: not a stream that mien reads; wanted {', '.join(f'{known}://' for known in SCHEMES)}")
    try:
        import av
    except ImportError as error:
        raise ExtraMissing(f"{name}: {NEEDS_AV}") from error
    options = {"analyzeduration": "1000000"}  # microseconds to look at before the first frame; FFmpeg's own 5 s would be waited for
    if scheme.startswith("rtsp"):
        options["rtsp_flags"] = "prefer_tcp"  # over UDP, pictures fall apart on any busy network
    try:
        opened = av.open(url, options=options, timeout=(connect_seconds, read_seconds), **lenient())
    except (av.HTTPUnauthorizedError, av.HTTPForbiddenError) as error:  # many cameras lock an account after some tries
        wrong = f"{_plain(error, PLAIN_AT_FIRST)}; are the user and the password in the address right?"
        raise SourceRefused(f"{name}: {wrong}") from None
    except (av.FFmpegError, OSError) as error:
        raise SourceUnreadable(f"{name}: {_plain(error, PLAIN_AT_FIRST)}") from None  # its traceback would show the URL with its password
    try:
        with opened as container:
            if not container.streams.video:
                raise SourceUnreadable(f"{name}: holds no video")
            kinds = container.format.name.split(",")
            stamped = not any(kind in WITHOUT_TIMES for kind in kinds)
            paced = any(kind in IN_BURSTS for kind in kinds)
            try:
                yield from _decoded(container, container.streams.video[0], name, stamped=stamped, paced=paced, patience=connect_seconds)
            except av.ExitError:
                slow = "a slower stream needs a longer read_seconds, in mien live --read-timeout"
                raise SourceUnreadable(f"{name}: nothing came for {read_seconds:g} s; {slow}") from None
    except (av.FFmpegError, OSError) as error:
        raise SourceUnreadable(f"{name}: {_plain(error, PLAIN)}") from None


def file_frames(path: Path, name: str) -> Generator[Grab, None, None]:
    """Frames of a video file, until it ends, with the times that `read_video` gives them.

    Raises SourceMissing, SourceUnreadable, and ExtraMissing without PyAV.
    """
    try:
        if not path.is_file():
            raise _no_file(path, name)
        with path.open("rb") as file:
            kind = sniff(file.read(HEAD))
    except OSError as error:
        raise SourceUnreadable(f"{name}: cannot be read ({why(error)}); {WANTED}") from error
    if kind not in (None, VIDEO, "GIF"):  # a GIF may be a film
        raise SourceUnreadable(
            f"{name}: {with_article(kind)} picture, wanted a camera, video or stream; for pictures: mien analyze {shlex.quote(name)}"
        )
    for image, seconds in timed_frames(path, source=name):
        yield Grab(image, seconds, paced=True)


def _no_file(path: Path, name: str) -> SourceError:
    """What is said of a path that is no file, by what is there."""
    if name == "-":
        return SourceMissing(f"-: standard input cannot be watched; {WANTED}; for a video from a pipe: mien analyze -")
    if not name:
        return SourceMissing(f"an empty name; {WANTED}")
    if path.is_dir():
        return SourceUnreadable(f"{name}: a folder; {WANTED}; for what is in it: mien analyze {shlex.quote(name)}")
    for what, there in (("a named pipe", path.is_fifo()), ("a socket", path.is_socket()), ("a device, but no camera", path.exists())):
        if there:
            return SourceUnreadable(f"{name}: {what}; {WANTED}")
    return SourceMissing(f"{name}: no such file; {WANTED}")


def _decoded(
    container: InputContainer, stream: VideoStream, name: str, *, stamped: bool, paced: bool, patience: float
) -> Generator[Grab, None, None]:
    """patience: seconds for which packets may come, none of which makes a frame."""
    import av

    stream.thread_type = "SLICE"  # decoding several frames at once would delay each
    pixels = FramePixels(stream.sample_aspect_ratio, DEFAULT_LIMITS, name)
    last = time.monotonic()
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:  # one damaged frame; the next may be whole
            frames = []
        for frame in frames:
            yield Grab(partial(pixels, frame), frame.time if stamped else None, paced)
        if frames:
            last = time.monotonic()
        elif time.monotonic() - last > patience:
            raise SourceUnreadable(f"{name}: {PLAIN['Invalid data found when processing input']}")


def _plain(error: BaseException, plain: Mapping[str, str]) -> str:
    """What FFmpeg says, without the address, which may hold a password."""
    text = why(error)
    return plain.get(text, text[:1].lower() + text[1:])
