"""What one input after the other stands for: jobs that read it, in threads of their own if need be, and give its frames."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from mien.errors import MienError, SourceMissing, SourceRefused, SourceUnreadable
from mien.io.container import Media
from mien.io.data_uris import decode_data_uri, is_base64_picture, is_data_uri
from mien.io.events import Event, Failure, Notice
from mien.io.folders import expand, is_pattern, takes_folders, walk
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.images import Decoded, ImageLimits, IsOther, IsVideo, decode, from_array, is_pil, read_bytes, read_image
from mien.io.kinds import is_video_file, is_video_name
from mien.io.names import MOST_KEPT, is_live, is_url, shortened
from mien.io.near_misses import dark_note
from mien.io.pipes import is_pipe, left_at_the_end, open_pipe
from mien.io.pixels import turned
from mien.io.sequences import folder_of_frames, read_sequence
from mien.io.video import VideoSpan, read_video
from mien.types import Frame

Job: TypeAlias = Callable[[], Iterable[Event]]

LEFT_OUT = "the same file as an earlier input; left out, or it would count twice"
BYTES = bytes | bytearray | memoryview
_FOLDER_SUFFIXES = SUFFIXES | VIDEO_SUFFIXES
BASE64 = "a picture as base64 text; give base64.b64decode(text), or a data URI: 'data:image/jpeg;base64,' + text"
_WANTED = "a path, a URL, a numpy array, a PIL image, bytes or a file object"


@dataclass(frozen=True, slots=True)
class _File:
    """The job of a file."""

    file: str
    job: Job
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
class Opener:
    """Makes the jobs; see open_source for what its fields mean."""

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

    def jobs(self, inputs: Iterable[Any]) -> Iterator[Job]:
        """The jobs of inputs, in their order; of a folder or a pattern one for each file."""
        for position, given in enumerate(inputs):
            if isinstance(given, BYTES):
                yield self._decoding(f"bytes[{position}]", bytes(given))
            elif hasattr(given, "read") and not isinstance(given, os.PathLike):
                name = getattr(given, "name", None)
                yield self._from_stream(given, name if isinstance(name, str) and name else f"file[{position}]")
            elif isinstance(given, str) and is_data_uri(given):
                yield self._from_data_uri(given, f"data[{position}]")
            elif isinstance(given, str) and is_base64_picture(given):
                yield _failing(f"text[{position}]", SourceUnreadable(f"text[{position}]: {BASE64}"))
            elif is_live(given):
                yield _live(str(given))
            elif not isinstance(given, str | os.PathLike):
                yield _array_job(given, position, self.turn)
            elif given == "-":
                yield self._from_stdin()
            elif isinstance(given, str) and is_url(given):
                if as_utf8(_without_secrets(given)) not in self.skip:
                    yield self._from_url(given)
            else:
                yield from self._from_path(os.fsdecode(given))

    def names(self, inputs: Iterable[str]) -> Iterator[str | Failure | Notice]:
        """The names of the files and addresses that inputs stand for, in their order, and what is to be told of others; none is opened."""
        for given in inputs:
            if is_url(given) and not is_live(given):
                if as_utf8(_without_secrets(given)) not in self.skip:
                    yield given
                continue
            if given == "-" or is_live(given) or is_data_uri(given) or is_pipe(given):
                name = shortened(given)
                yield _failure(
                    name, SourceRefused(f"{name}: wanted what other processes can open too: files, folders, patterns, addresses")
                )
                continue
            for job in self._from_path(given):
                if isinstance(job, _File):
                    yield job.file
                elif isinstance(job, _Telling) and not isinstance(job.event, Frame):  # there are no others
                    yield job.event

    def recordings(self, jobs: Iterable[Job], rate: float, ahead: int) -> Iterator[Job]:
        """The jobs, with those of the pictures of a folder as one, before those of its videos."""
        folder, files, videos, seen = "", list[str](), list[Job](), set[str]()
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

    def _recording(self, folder: str, files: list[str], rate: float, ahead: int, seen: set[str]) -> Iterator[Job]:
        """seen: real paths of the folders before it."""
        source, real = as_utf8(folder), os.path.realpath(folder)
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

    def _from_path(self, text: str) -> Iterator[Job]:
        try:
            path = Path(text)
            if text and path.is_dir():
                yield from self._from_folder(text)
            elif as_utf8(text) in self.skip:
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

    def _from_file(self, text: str) -> Job:
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
            source=as_utf8(source),
            every=span.every,
            stride=span.stride,
            start=span.start,
            stop=span.stop,
            limits=self.limits,
            turn=self.turn,
        )

    def _from_folder(self, text: str) -> Iterator[Job]:
        nothing, again = True, 0
        for found in walk(text, wanted=is_wanted_name, recursive=self.recursive):
            nothing = False
            if isinstance(found, Failure):
                yield _failed(found)
            elif as_utf8(found) in self.skip:
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

    def _from_pattern(self, text: str) -> Iterator[Job]:
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
            elif not any_kind and not is_wanted_name(found):
                continue
            elif as_utf8(found) in self.skip:
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

    def _from_stdin(self) -> Job:
        if self.stdin_used:
            return _failing("-", SourceMissing("-: standard input holds one picture or video, and it was already read"))
        self.stdin_used = True
        stream = self.stdin or getattr(sys.stdin, "buffer", None)
        if stream is None:
            return _failing("-", SourceMissing("-: standard input is closed; wanted a picture or video from it"))
        return self._from_stream(stream, "-")

    def _from_pipe(self, text: str) -> Job:
        try:
            with open_pipe(text) as pipe:
                return self._from_stream(pipe, text)
        except OSError as error:
            return _failing(text, SourceUnreadable(f"{_told(text)}: cannot be read ({error.strerror or error})"))

    def _from_stream(self, stream: BinaryIO, name: str) -> Job:
        try:
            data = read_bytes(left_at_the_end(stream, name=name), name=name, limits=self.limits)
        except MienError as error:
            return _failing(name, error)
        except Exception as error:  # anybody's file object raises what it likes: zlib.error, BadZipFile, ...
            return _failing(name, SourceUnreadable(f"{_told(name)}: cannot be read ({str(error) or type(error).__name__})"))
        if not data:
            return _failing(name, SourceUnreadable(f"{_told(name)}: an empty file, or one that was read to its end before"))
        return self._decoding(name, data)

    def _from_data_uri(self, uri: str, name: str) -> Job:
        try:
            return self._decoding(name, decode_data_uri(uri, name=name))
        except SourceUnreadable as error:
            return _failing(name, error)

    def _from_url(self, url: str) -> Job:
        from mien.io import fetch as urls  # here: TLS and HTTP take a while to import, and files need neither

        fetch = self.fetch or urls.fetch
        source = _without_secrets(url)

        def events() -> Iterable[Event]:
            try:
                data = fetch(url, allow_private=self.allow_private)
            except MienError as error:
                return (_failure(source, error),)
            return self._decoding(source, data, name=urls.shown(url))()

        return events

    def _decoding(self, source: str, data: bytes, *, name: str = "") -> Job:
        return self._job(source, lambda: decode(data, name=name or shortened(source), limits=self.limits), lambda: data)

    def _job(self, source: str, read: Callable[[], Decoded], media: Callable[[], Media]) -> Job:
        """Reads a picture, or what turns out to be a video."""

        def events() -> Iterable[Event]:
            try:
                return _pictured(source, read, self.turn)
            except IsVideo:
                return self._video(source, media())

        return events


def _without_secrets(url: str) -> str:
    from mien.io.fetch import without_secrets  # here: see _from_url

    return without_secrets(url)


def _live(source: str) -> Job:
    name = as_utf8(_without_secrets(source))
    known = source if source.isdecimal() else repr(name)
    return _failing(
        name,
        SourceRefused(
            f"{name}: a camera or stream, which has no end; watch it with "
            f"`with mien.open_live({known}) as live: for item in mien.Analyzer().run(live, batch=1): ...`, or by mien live"
        ),
    )


def is_wanted_name(name: str) -> bool:
    """Whether a folder's file is read: a picture or video by its name."""
    return os.path.splitext(name)[1].lower() in _FOLDER_SUFFIXES  # noqa: PTH122  called a million times


def _array_job(given: Any, position: int, turn: int) -> Job:
    kind = "array" if isinstance(given, np.ndarray) else "image" if is_pil(given) else "input"
    source = str(getattr(given, "filename", "") or f"{kind}[{position}]") if kind == "image" else f"{kind}[{position}]"
    return lambda: _pictured(source, lambda: of_array(given, name=source, wanted=_WANTED), turn)


def of_array(given: Any, *, name: str, wanted: str) -> Decoded:
    """A picture in memory, see images.from_array, with a note where it is dark all over."""
    image = from_array(given, name=name, wanted=wanted)
    return Decoded(image, dark_note(image))


def _pictured(source: str, read: Callable[[], Decoded], turn: int) -> tuple[Event, ...]:
    """The events of one picture, turned. Raises IsVideo."""
    source = as_utf8(source)
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


def _noting(source: str, message: str) -> Job:
    return _Telling(Notice(as_utf8(source), message))


def _failing(source: str, error: MienError) -> Job:
    return _failed(_failure(source, error))


def _failure(source: str, error: MienError) -> Failure:
    """The failure of an input, whose name is what it was given by, unless that is no name."""
    name = as_utf8(source)
    return Failure(name if len(name) <= MOST_KEPT else shortened(name), error)


def _failed(failure: Failure) -> Job:
    return _Telling(failure)


def _told(name: str) -> str:
    """A name for a message."""
    return shortened(as_utf8(name))


def as_utf8(name: str) -> str:
    """A file name that is not valid UTF-8 as text that is, `caf\\xe9.png`, so that two such names stay two; others as they are."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
