"""Any container that FFmpeg reads, opened through PyAV for one video stream, and nothing but the file it is."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from mien.errors import ExtraMissing, SourceError, SourceMissing, SourceTooLarge, SourceUnreadable, install
from mien.io.mp4_index import why_too_much
from mien.io.pipes import is_pipe, left_at_the_end, open_pipe

if TYPE_CHECKING:
    import av.container
    import av.video.stream

Media: TypeAlias = str | os.PathLike[str] | bytes
"""A path, or the bytes of a file."""

NEEDS_AV = f"reading videos needs PyAV: {install('video')}"

# Formats that are lists of other files or addresses, which a stranger's upload could point anywhere; devices; and those that
# take any text or picture for a video.
_ELSEWHERE = {"hls", "dash", "concat", "imf", "sdp", "rtsp", "rtp", "sap", "hds", "smoothstreaming", "webm_dash_manifest", "vividas"}
_DEVICES = {"alsa", "oss", "pulse", "jack", "sndio", "fbdev", "kmsgrab", "video4linux2", "v4l2", "x11grab", "xcbgrab", "lavfi"}
_DEVICES |= {"avfoundation", "dshow", "gdigrab", "android_camera"}
_ANYTHING = {"image2", "image2pipe", "tty"}


@contextmanager
def opened(media: Media, *, name: str) -> Iterator[tuple[av.container.InputContainer, av.video.stream.VideoStream]]:
    """The container and its video stream (the best, were there several; never a cover picture).

    Raises:
        ExtraMissing: PyAV is not installed.
        SourceMissing: no such file.
        SourceUnreadable: not a container, damaged before anything can be read, or without a video.
    """
    try:
        import av
    except ImportError as error:
        raise ExtraMissing(f"{name}: {NEEDS_AV}") from error
    refuse_endless_index(media, name)
    options = {"format_whitelist": _formats(), "protocol_whitelist": "data" if isinstance(media, bytes) else "file"}
    with ExitStack() as stack:
        try:
            file = stack.enter_context(_read_from(media, name))
            container = stack.enter_context(av.open(file, "r", options=options, **lenient()))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise _unopened(media, name, error) from error
        found = [stream for stream in container.streams.video if not stream.disposition & av.stream.Disposition.attached_pic]
        best = container.streams.best("video")
        if not found:
            what = "only sound, no video" if container.streams.audio else "no video in this file"
            raise SourceUnreadable(f"{name}: {what}; wanted a file with a video")
        stream = next((s for s in found if best is not None and s.index == best.index), found[0])
        if stream.codec_context is None:
            raise SourceUnreadable(f"{name}: a video of a kind that this FFmpeg cannot decode")
        for other in container.streams:
            if other is not stream and other.type != "audio":
                other.discard = av.stream.Discard.all
        yield container, stream


def refuse_endless_index(media: Media, name: str) -> None:
    """Raise SourceTooLarge for a file whose header promises more than anybody films; FFmpeg would make room for all of it."""
    if isinstance(media, bytes):
        why_not = why_too_much(io.BytesIO(media))
    else:
        try:
            if not Path(media).is_file():  # a pipe, or told of when it is opened
                return
            with Path(media).open("rb") as file:
                why_not = why_too_much(file)
        except (OSError, ValueError):
            return
    if why_not:
        raise SourceTooLarge(f"{name}: {why_not}, which no recording has; it is damaged, or made to fill the memory")


def lenient() -> dict[str, Any]:
    """What `av.open` is told so that titles and remarks in a file that are not UTF-8 keep nobody from its frames. PyAV reads them so by
    itself from 19 on, and knows no such argument any more."""
    import av

    return {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}


@contextmanager
def _read_from(media: Media, name: str) -> Iterator[str | BinaryIO]:
    """What FFmpeg reads: bytes, a file by its name, or a pipe, in which FFmpeg itself would wait for ever."""
    if isinstance(media, bytes):
        yield io.BytesIO(media)
    elif is_pipe(path := os.fspath(media)):
        with open_pipe(path) as pipe:
            yield left_at_the_end(pipe, name=name)
    else:
        yield f"file:{path}"  # with its scheme, or FFmpeg would read one out of a name such as concat:a|b


def why(error: BaseException) -> str:
    """What FFmpeg or the system said, on one line without numbers and names."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".") or type(error).__name__


def _unopened(media: Media, name: str, error: Exception) -> SourceError:
    if isinstance(media, bytes):
        empty = not media
    else:
        try:
            empty = Path(media).is_file() and not Path(media).stat().st_size
        except (OSError, ValueError):
            empty = False
        if isinstance(error, FileNotFoundError):
            return SourceMissing(f"{name}: no such file")
    if empty:
        return SourceUnreadable(f"{name}: an empty file, wanted a video")
    return SourceUnreadable(f"{name}: not a video that can be read, or damaged at its beginning or end ({why(error)})")


@functools.cache
def _formats() -> str:
    """Names of the formats that are read, as FFmpeg's whitelist takes them."""
    import av

    single = {name for names in av.formats_available for name in names.split(",")}
    pictures = {name for name in single if name.endswith("_pipe")}
    return ",".join(sorted(single - pictures - _ELSEWHERE - _DEVICES - _ANYTHING))
