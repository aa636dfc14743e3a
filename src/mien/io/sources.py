"""What the user names -> frames: files, folders, patterns, stdin, URLs, file objects, arrays and PIL images, in any order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from mien.errors import MienError, SourceMissing, SourceRefused, SourceUnreadable, UsageError
from mien.io.container import Media
from mien.io.data_uris import decode_data_uri, is_base64_picture, is_data_uri
from mien.io.events import Failure, Notice
from mien.io.folders import expand, files_of, is_pattern, natural_key, takes_folders, walk
from mien.io.formats import HEAD, SUFFIXES, VIDEO, VIDEO_SUFFIXES, sniff
from mien.io.images import DEFAULT_LIMITS, Decoded, ImageLimits, IsOther, IsVideo, decode, from_array, is_pil, read_bytes, read_image
from mien.io.kinds import first_bytes, is_video_file, is_video_name
from mien.io.names import MOST_KEPT, is_live, is_url, shortened
from mien.io.near_misses import CHANNELS, NAMES, dark_note, shape_of
from mien.io.pipes import is_pipe, left_at_the_end, open_pipe
from mien.io.pixels import check_turn, turned
from mien.io.prefetch import prefetched
from mien.io.sequences import check_rate, folder_of_frames, read_sequence
from mien.io.video import VideoSpan, read_video
from mien.types import Frame

__all__ = ["Event", "Failure", "Notice", "has_streams", "natural_key", "open_source", "read_picture"]

Event: TypeAlias = Frame | Notice | Failure
_Job: TypeAlias = Callable[[], Iterable[Event]]

LEFT_OUT = "the same file as an earlier input; left out, or it would count twice"
_BYTES = bytes | bytearray | memoryview
_FOLDER_SUFFIXES = SUFFIXES | VIDEO_SUFFIXES
_BASE64 = "a picture as base64 text; give base64.b64decode(text), or a data URI: 'data:image/jpeg;base64,' + text"
_WANTED = "a path, a URL, a numpy array, a PIL image, bytes or a file object"


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
    opener = _Opener(limits, span, turn, recursive, skip, allow_private, stdin, fetch, remembers=remembers, frames=as_video is not None)
    jobs = opener.jobs(inputs)
    if as_video is not None:
        jobs = opener.recordings(jobs, float(as_video), ahead)
    return _in_turn(prefetched(jobs, ahead=ahead))


def read_picture(given: Any) -> tuple[Frame, str]:
    """One picture, and a note on it, empty for none.

    given: the path of a picture (str or Path), a data URI, the bytes of an encoded one, a numpy array or a PIL image, see
    `images.from_array`.
    The frame has a source if it is of a path.

    Raises SourceError for a file that cannot be read, UsageError for what is no picture.
    """
    if isinstance(given, _BYTES):
        source, decoded = "", decode(bytes(given), name="picture")
    elif isinstance(given, str) and is_data_uri(given):
        source, decoded = "", decode(decode_data_uri(given, name="picture"), name="picture")
    elif isinstance(given, str | os.PathLike):
        source = os.fsdecode(given)
        if is_base64_picture(source):
            raise UsageError(f"picture: found {_BASE64}")
        if source in ("", "-") or is_url(source):
            found = {"": "an empty name", "-": "standard input"}.get(source, "a URL")
            raise UsageError(f"picture: found {found}, wanted a path; analyzer.analyze takes URLs and - too")
        decoded = read_image(source)
    else:
        source, decoded = "", _of_array(given, name="picture", wanted="a path, a numpy array, a PIL image or bytes")
    return Frame(decoded.image, source=_as_utf8(source)), decoded.note


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
    one = isinstance(inputs, str | os.PathLike | np.ndarray | _BYTES | Mapping) or is_pil(inputs) or hasattr(inputs, "read")
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
    return not all(isinstance(first, str | os.PathLike | _BYTES) or _is_picture(first) for first in islice(values, 1))


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
    return any(map(_is_wanted_name, files_of(name, wanted=_is_wanted_name, recursive=recursive)))


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


@dataclass(frozen=True, slots=True)
class _File:
    """The job of a file."""

    file: str
    job: _Job
    is_picture: bool
    """By its name."""

    def __call__(self) -> Iterable[Event]:
        return self.job()


@dataclass(frozen=True, slots=True)
class _Telling:
    """A job that reads nothing."""

    event: Event

    def __call__(self) -> Iterable[Event]:
        return (self.event,)


@dataclass
class _Opener:
    limits: ImageLimits
    span: VideoSpan
    turn: int
    recursive: bool
    skip: Container[str]
    allow_private: bool
    stdin: BinaryIO | None
    fetch: Callable[..., bytes] | None
    remembers: bool
    """Whether files are read once. A single input names none twice, and its names need not be remembered."""
    frames: bool = False
    """Whether pictures are frames: one may be a link to another, which was held, and counts all the same."""
    stdin_used: bool = False
    seen: set[int] = field(default_factory=set)
    """Hashes of the real paths that were read: a tenth of the memory of the paths, 0.1 GB for a million files."""

    def jobs(self, inputs: Iterable[Any]) -> Iterator[_Job]:
        for position, given in enumerate(inputs):
            if isinstance(given, _BYTES):
                yield self._decoding(f"bytes[{position}]", bytes(given))
            elif hasattr(given, "read") and not isinstance(given, os.PathLike):
                name = getattr(given, "name", None)
                yield self._from_stream(given, name if isinstance(name, str) and name else f"file[{position}]")
            elif isinstance(given, str) and is_data_uri(given):
                yield self._from_data_uri(given, f"data[{position}]")
            elif isinstance(given, str) and is_base64_picture(given):
                yield _failing(f"text[{position}]", SourceUnreadable(f"text[{position}]: {_BASE64}"))
            elif is_live(given):
                yield _live(str(given))
            elif not isinstance(given, str | os.PathLike):
                yield _array_job(given, position, self.turn)
            elif given == "-":
                yield self._from_stdin()
            elif isinstance(given, str) and is_url(given):
                if _as_utf8(_without_userinfo(given)) not in self.skip:
                    yield self._from_url(given)
            else:
                yield from self._from_path(os.fsdecode(given))

    def recordings(self, jobs: Iterable[_Job], rate: float, ahead: int) -> Iterator[_Job]:
        """The jobs, with those of the pictures of a folder as one, before those of its videos."""
        folder, files, videos, seen = "", list[str](), list[_Job](), set[str]()
        for job in jobs:
            if isinstance(job, _Telling) or (isinstance(job, _File) and not os.path.lexists(job.file)):
                yield job
                continue
            here = folder_of_frames(job.file) if isinstance(job, _File) else ""
            if here != folder or not here:
                yield from self._recording(folder, files, rate, ahead, seen)
                yield from videos
                folder, files, videos = here, [], []
            if not isinstance(job, _File):
                yield job
            elif job.is_picture:
                files.append(job.file)
            else:
                videos.append(job)
        yield from self._recording(folder, files, rate, ahead, seen)
        yield from videos

    def _recording(self, folder: str, files: list[str], rate: float, ahead: int, seen: set[str]) -> Iterator[_Job]:
        """seen: real paths of the folders before it."""
        source, real = _as_utf8(folder), os.path.realpath(folder)
        if not files or source in self.skip:
            return
        if real in seen:
            again = f"{source}: pictures of this folder came before others and come again; a recording is one folder, named once"
            yield _failing(source, SourceRefused(again))
            return
        seen.add(real)

        def read(file: str) -> Iterable[Event]:
            return _pictured(file, lambda: read_image(file, self.limits), self.turn)

        yield lambda: read_sequence(files, source=source, rate=rate, span=self.span, read=read, ahead=ahead)

    def _from_path(self, text: str) -> Iterator[_Job]:
        try:
            path = Path(text)
            if text and path.is_dir():
                yield from self._from_folder(text)
            elif _as_utf8(text) in self.skip:
                self._is_new(text)
            elif text and (os.path.lexists(text) or not is_pattern(text)):
                yield self._from_file(text) if self._is_new(text) else _noting(text, LEFT_OUT)
            elif text:
                yield from self._from_pattern(text)
            else:
                yield _failing(text, SourceMissing("an empty name, wanted a picture, a folder, a pattern, a URL or -"))
        except (OSError, ValueError) as error:  # a NUL or 5,000 characters in the name
            yield _failing(text, SourceUnreadable(f"{_told(text)}: cannot be read ({getattr(error, 'strerror', None) or error})"))

    def _is_new(self, text: str) -> bool:
        """Whether no earlier input was this file; from now on one was."""
        if not self.remembers:
            return True
        known = len(self.seen)
        folder, name = os.path.split(text)
        self.seen.add(hash((os.path.realpath(folder), name) if self.frames else os.path.realpath(text)))
        return len(self.seen) > known

    def _from_file(self, text: str) -> _Job:
        if not is_video_name(text) and is_pipe(text):
            return self._from_pipe(text)
        picture = self._job(text, lambda: read_image(text, self.limits), lambda: text)
        if not is_video_name(text):
            return _File(text, picture, is_picture=True)
        return _File(text, lambda: self._video(text, text) if is_video_file(text) else picture(), is_picture=False)

    def _video(self, source: str, media: Media) -> Iterator[Event]:
        span = self.span
        return read_video(
            media,
            source=_as_utf8(source),
            every=span.every,
            stride=span.stride,
            start=span.start,
            stop=span.stop,
            limits=self.limits,
            turn=self.turn,
        )

    def _from_folder(self, text: str) -> Iterator[_Job]:
        nothing, again = True, 0
        for found in walk(text, wanted=_is_wanted_name, recursive=self.recursive):
            nothing = False
            if isinstance(found, Failure):
                yield _failed(found)
            elif _as_utf8(found) in self.skip:
                self._is_new(found)
            elif self._is_new(found):
                yield self._from_file(found)
            else:
                again += 1
        if again:
            yield _noting(text, _left_out(again))
        if nothing:
            wanted = " ".join(sorted(_FOLDER_SUFFIXES))
            yield _failing(text, SourceMissing(f"{_told(text)}: no picture or video in this folder; wanted files that end in {wanted}"))

    def _from_pattern(self, text: str) -> Iterator[_Job]:
        suffix = Path(text).suffix
        any_kind = bool(suffix) and not is_pattern(suffix)  # *.dat asks for .dat files; photos/* for the pictures and videos among them
        nothing, again = True, 0
        for found in expand(text):
            if isinstance(found, Failure):
                yield _failed(found)
            elif Path(found).is_dir():
                if not takes_folders(text):
                    continue
                yield from self._from_folder(found)
            elif not any_kind and not _is_wanted_name(found):
                continue
            elif _as_utf8(found) in self.skip:
                self._is_new(found)
            elif self._is_new(found):
                yield self._from_file(found)
            else:
                again += 1
            nothing = False
        if again:
            yield _noting(text, _left_out(again))
        if nothing:
            yield _failing(text, SourceMissing(f"{_told(text)}: no picture or video matches this pattern"))

    def _from_stdin(self) -> _Job:
        if self.stdin_used:
            return _failing("-", SourceMissing("-: standard input holds one picture or video, and it was already read"))
        self.stdin_used = True
        stream = self.stdin or getattr(sys.stdin, "buffer", None)
        if stream is None:
            return _failing("-", SourceMissing("-: standard input is closed; wanted a picture or video from it"))
        return self._from_stream(stream, "-")

    def _from_pipe(self, text: str) -> _Job:
        try:
            with open_pipe(text) as pipe:
                return self._from_stream(pipe, text)
        except OSError as error:
            return _failing(text, SourceUnreadable(f"{_told(text)}: cannot be read ({error.strerror or error})"))

    def _from_stream(self, stream: BinaryIO, name: str) -> _Job:
        try:
            data = read_bytes(left_at_the_end(stream, name=name), name=name, limits=self.limits)
        except MienError as error:
            return _failing(name, error)
        except Exception as error:  # anybody's file object raises what it likes: zlib.error, BadZipFile, ...
            return _failing(name, SourceUnreadable(f"{_told(name)}: cannot be read ({str(error) or type(error).__name__})"))
        if not data:
            return _failing(name, SourceUnreadable(f"{_told(name)}: an empty file, or one that was read to its end before"))
        return self._decoding(name, data)

    def _from_data_uri(self, uri: str, name: str) -> _Job:
        try:
            return self._decoding(name, decode_data_uri(uri, name=name))
        except SourceUnreadable as error:
            return _failing(name, error)

    def _from_url(self, url: str) -> _Job:
        from mien.io import fetch as urls  # here: TLS and HTTP take a while to import, and files need neither

        fetch = self.fetch or urls.fetch
        source = _without_userinfo(url)

        def events() -> Iterable[Event]:
            try:
                data = fetch(url, allow_private=self.allow_private)
            except MienError as error:
                return (_failure(source, error),)
            return self._decoding(source, data, name=urls.shown(url))()

        return events

    def _decoding(self, source: str, data: bytes, *, name: str = "") -> _Job:
        return self._job(source, lambda: decode(data, name=name or shortened(source), limits=self.limits), lambda: data)

    def _job(self, source: str, read: Callable[[], Decoded], media: Callable[[], Media]) -> _Job:
        """Reads a picture, or what turns out to be a video."""

        def events() -> Iterable[Event]:
            try:
                return _pictured(source, read, self.turn)
            except IsVideo:
                return self._video(source, media())

        return events


def _without_userinfo(url: str) -> str:
    from mien.io.fetch import without_userinfo  # here: see _from_url

    return without_userinfo(url)


def _live(source: str) -> _Job:
    name = _as_utf8(_without_userinfo(source))
    known = source if source.isdecimal() else repr(name)
    return _failing(
        name,
        SourceRefused(
            f"{name}: a camera or stream, which has no end; watch it with "
            f"`with mien.open_live({known}) as live: for item in mien.Analyzer().run(live, batch=1): ...`, or by mien live"
        ),
    )


def _is_wanted_name(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in _FOLDER_SUFFIXES  # noqa: PTH122  called a million times


def _array_job(given: Any, position: int, turn: int) -> _Job:
    kind = "array" if isinstance(given, np.ndarray) else "image" if is_pil(given) else "input"
    source = str(getattr(given, "filename", "") or f"{kind}[{position}]") if kind == "image" else f"{kind}[{position}]"
    return lambda: _pictured(source, lambda: _of_array(given, name=source, wanted=_WANTED), turn)


def _of_array(given: Any, *, name: str, wanted: str) -> Decoded:
    image = from_array(given, name=name, wanted=wanted)
    return Decoded(image, dark_note(image))


def _pictured(source: str, read: Callable[[], Decoded], turn: int) -> tuple[Event, ...]:
    """The events of one picture, turned. Raises IsVideo."""
    source = _as_utf8(source)
    try:
        decoded = read()
    except IsVideo:
        raise
    except IsOther as error:
        return (_failure(source, SourceUnreadable(f"{error} or a video")),)
    except MienError as error:
        return (_failure(source, error),)
    frame = Frame(turned(decoded.image, turn), source=source)
    return (Notice(source, decoded.note), frame) if decoded.note else (frame,)


def _left_out(files: int) -> str:
    """The message for files of a folder or pattern."""
    are, it = ("is an earlier input", "it") if files == 1 else ("are earlier inputs", "they")
    return f"{files} of its files {are} too; left out, or {it} would count twice"


def _noting(source: str, message: str) -> _Job:
    return _Telling(Notice(_as_utf8(source), message))


def _failing(source: str, error: MienError) -> _Job:
    return _failed(_failure(source, error))


def _failure(source: str, error: MienError) -> Failure:
    """The failure of an input, whose name is what it was given by, unless that is no name."""
    name = _as_utf8(source)
    return Failure(name if len(name) <= MOST_KEPT else shortened(name), error)


def _failed(failure: Failure) -> _Job:
    return _Telling(failure)


def _told(name: str) -> str:
    """A name for a message."""
    return shortened(_as_utf8(name))


def _as_utf8(name: str) -> str:
    """A file name that is not valid UTF-8 as text that is, `caf\\xe9.png`, so that two such names stay two; others as they are."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
