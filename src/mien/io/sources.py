"""What the user names -> frames: files, folders, patterns, stdin, URLs, file objects, arrays and PIL images, in any order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sized
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mien.errors import UsageError
from mien.io.data_uris import decode_data_uri, is_base64_picture, is_data_uri
from mien.io.events import Event, Failure, Notice
from mien.io.folders import files_of, natural_key
from mien.io.formats import HEAD, SUFFIXES, VIDEO, sniff
from mien.io.images import DEFAULT_LIMITS, ImageLimits, decode, is_pil, read_image
from mien.io.kinds import first_bytes, is_video_file, is_video_name
from mien.io.names import is_url
from mien.io.near_misses import CHANNELS, NAMES, shape_of
from mien.io.opener import BASE64, BYTES, Opener, as_utf8, is_wanted_name, of_array
from mien.io.pixels import check_turn
from mien.io.prefetch import prefetched
from mien.io.sequences import check_rate
from mien.io.video import VideoSpan
from mien.types import Frame

__all__ = ["Event", "Failure", "Notice", "has_streams", "names_of", "natural_key", "open_source", "read_picture"]


def open_source(
    inputs: Any,
    *,
    limits: ImageLimits = DEFAULT_LIMITS,
    span: VideoSpan = VideoSpan(),
    turn: int = 0,
    recursive: bool = True,
    once: bool = False,
    as_video: float | None = None,
    skip: Container[str] = (),
    allow_private: bool = False,
    ahead: int = 2,
    stdin: BinaryIO | None = None,
    fetch: Callable[..., bytes] | None = None,
) -> Iterator[Event]:
    """Yield a Frame for every picture and for each frame of every video that the inputs name, in their order.

    A Failure comes for every input that gave none, and after the frames of a video that is damaged. Nothing an input does
    wrong is raised. A Notice comes right before the Frame it is about (a truncated file, say), or tells of files that were
    left out. The walk is lazy: at most `ahead` + 1 decoded pictures, a few frames of one video and the names of one folder are
    in memory.

    Args:
        inputs: one input or an iterable of them. An input is

            - a path (str or Path) of a picture or a video, whatever its extension;
            - a folder: its picture and video files (`formats.SUFFIXES`, `VIDEO_SUFFIXES`), with its subfolders unless
              `recursive` is false, in natural order, hidden ones left out, links followed once;
            - a pattern (`*.jpg`, `**/*.mp4`): matches with the extension of a picture or video, or with the one that the
              pattern itself names. A file that is really called like a pattern wins;
            - `-`: one picture or video from `stdin`;
            - an http or https URL;
            - a data URI (`data:image/jpeg;base64,...`) of an encoded picture or video;
            - a numpy array or PIL image, see `images.from_array`;
            - bytes (bytearray, memoryview) of an encoded picture or video, or a file object opened as "rb", or whatever else has
              a `read` that gives them. It is read to its end when its turn comes, in the thread that takes the events, and left open.

            Animated pictures count as pictures: their first frame, after a Notice.
        limits: the largest picture to decode.
        span: which frames of videos are taken.
        turn: degrees clockwise, 0, 90, 180 or 270, that make pictures and videos upright where what they tell of it (EXIF, a display
            matrix) does not: those of a camera that hangs upside down. Boxes are in pixels of the picture so turned.
        recursive: whether folders are read with their subfolders.
        once: whether a file that an earlier input was too, by whatever name or link, is left out with a Notice: in one table
            the rows of both could not be told apart.
        as_video: frames a second; the pictures of each folder are then the frames of one recording, which is called like the folder, in
            natural order of their names, whether the folder was named, a pattern, or each of them. Those of a subfolder are another.
            A picture that is a link to another is a frame of its own; one that was named before is left out with a Notice.
        skip: names of inputs, as the frames' `source` has them, that are passed over without being opened: paths and URLs.
        allow_private: whether URLs may lead to private and loopback addresses.
        ahead: how many pictures are read and decoded in the background, by as many threads; 0 for none. A video is decoded
            by a thread of its own.
        stdin: where `-` reads, standard input if None. It is read when its turn comes, in the thread that takes the events.
        fetch: called with a URL and `allow_private` as keyword; gives bytes or raises a MienError; `mien.io.fetch.fetch` if None.

    Raises:
        UsageError: at the call, for a negative `ahead`, another `turn`, or an `as_video` that is no number of frames a second.
    """
    check_turn(turn)
    check_rate(as_video)
    inputs = _one_by_one(inputs)
    remembers = as_video is not None or (once and (not isinstance(inputs, Sized) or len(inputs) > 1))
    opener = Opener(limits, span, turn, recursive, skip, allow_private, stdin, fetch, remembers=remembers, frames=as_video is not None)
    jobs = opener.jobs(inputs)
    if as_video is not None:
        jobs = opener.recordings(jobs, float(as_video), ahead)
    return _in_turn(prefetched(jobs, ahead=ahead))


def names_of(inputs: Iterable[str], *, recursive: bool = True, skip: Container[str] = ()) -> Iterator[str | Failure | Notice]:
    """The names of the files and addresses that open_source would read, each once, in its order; a Failure or Notice where it would give
    one without opening anything. For those who have others open them.

    inputs, recursive, skip: as in open_source, with `once`; of inputs only names.
    """
    names = list(inputs)
    return Opener(DEFAULT_LIMITS, VideoSpan(), 0, recursive, skip, False, None, None, remembers=len(names) > 1).names(names)


def read_picture(given: Any) -> tuple[Frame, str]:
    """One picture, and a note on it, empty for none.

    given: the path of a picture (str or Path), a data URI, the bytes of an encoded one, a numpy array or a PIL image, see
    `images.from_array`.
    The frame has a source if it is of a path.

    Raises SourceError for a file that cannot be read, UsageError for what is no picture.
    """
    if isinstance(given, BYTES):
        source, decoded = "", decode(bytes(given), name="picture")
    elif isinstance(given, str) and is_data_uri(given):
        source, decoded = "", decode(decode_data_uri(given, name="picture"), name="picture")
    elif isinstance(given, str | os.PathLike):
        source = os.fsdecode(given)
        if is_base64_picture(source):
            raise UsageError(f"picture: found {BASE64}")
        if source in ("", "-") or is_url(source):
            found = {"": "an empty name", "-": "standard input"}.get(source, "a URL")
            raise UsageError(f"picture: found {found}, wanted a path; analyzer.analyze takes URLs and - too")
        decoded = read_image(source)
    else:
        source, decoded = "", of_array(given, name="picture", wanted="a path, a numpy array, a PIL image or bytes")
    return Frame(decoded.image, source=as_utf8(source)), decoded.note


def has_streams(inputs: Any, *, recursive: bool = True, as_video: float | None = None) -> bool:
    """Whether any of the inputs is a video by its name or its first bytes, or a folder or pattern that holds one by its name, and not
    a picture by its first bytes; stops at the first it finds.

    inputs, recursive, as_video: as in `open_source`, but an iterator would be used up. Waits for the first bytes of standard input, which
    stay there to be read; where they come by ones and twos, they tell nothing. Of a URL nothing but its name is looked at.
    """
    names = (os.fsdecode(given) for given in _one_by_one(inputs) if isinstance(given, str | os.PathLike))
    return any(_has_video(name, recursive) or (as_video is not None and _has_picture(name, recursive)) for name in names)


def _one_by_one(inputs: Any) -> Iterable[Any]:
    """What may be one input or several, as several.

    Also what could be iterated otherwise is one: a file object by lines, a dict by keys, a table by names of columns, a tensor by rows.
    A column of pandas, an array of names and a data set that gives pictures are several.
    """
    if isinstance(inputs, np.ndarray) and inputs.ndim == 1 and inputs.dtype.kind in NAMES:
        names = inputs.tolist()
        return [os.fsdecode(name) for name in names] if inputs.dtype.kind == "S" else list(names)
    one = isinstance(inputs, str | os.PathLike | np.ndarray | BYTES | Mapping) or is_pil(inputs) or hasattr(inputs, "read")
    return [inputs] if one or not isinstance(inputs, Iterable) or _gives_rows(inputs) else inputs


def _gives_rows(values: Iterable[Any]) -> bool:
    """Whether what can be iterated is itself a picture, a tensor or a table of another library, so that what it gives are none.

    h5py and zarr hold many pictures in one array, and give each as one of NumPy's.
    """
    shape = shape_of(values)
    if shape is None or len(shape) == 1 or isinstance(values, Iterator):
        return False
    if not shape or hasattr(values, "columns") or (len(shape) == 3 and shape[2] in CHANNELS):
        return True
    return not all(isinstance(first, str | os.PathLike | BYTES) or _is_picture(first) for first in islice(values, 1))


def _is_picture(value: Any) -> bool:
    return is_pil(value) or (isinstance(value, np.ndarray) and value.ndim > 1)


def _has_video(name: str, recursive: bool) -> bool:
    if is_data_uri(name):
        return name.lower().startswith("data:video/")
    if is_url(name):
        return is_video_name(name.partition("?")[0].partition("#")[0])
    try:
        if any(map(is_video_file, files_of(name, wanted=is_video_name, recursive=recursive))):
            return True
        return Path(name).suffix.lower() not in SUFFIXES and sniff(_head(name)) == VIDEO
    except (OSError, ValueError):  # told of when it is opened
        return False


def _has_picture(name: str, recursive: bool) -> bool:
    if name == "-" or is_url(name) or is_data_uri(name):
        return False
    return any(map(is_wanted_name, files_of(name, wanted=is_wanted_name, recursive=recursive)))


def _head(name: str) -> bytes:
    """The first bytes of a file, or of standard input, where they can be looked at without being taken."""
    if name == "-":
        peek = getattr(getattr(sys.stdin, "buffer", None), "peek", None)
        return b"" if peek is None else bytes(peek(HEAD))
    return first_bytes(name)


def _in_turn(jobs: Iterator[Iterable[Event]]) -> Iterator[Event]:
    """Events of one job after the other; a video begins to be decoded when its turn comes, and is closed when nobody wants more."""
    for events in jobs:
        yield from events
