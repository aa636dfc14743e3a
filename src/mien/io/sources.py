"""What the user names -> frames: files, folders, patterns, stdin, URLs, arrays and PIL images, in any mix and order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from mien.errors import MienError, SourceMissing, SourceUnreadable
from mien.io.events import Failure, Notice
from mien.io.folders import expand, is_pattern, natural_key, walk
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.images import DEFAULT_LIMITS, VIDEO_LATER, Decoded, ImageLimits, decode, from_array, is_pil, read_bytes, read_image
from mien.io.names import is_url
from mien.io.prefetch import prefetched
from mien.types import Frame

__all__ = ["Event", "Failure", "Notice", "natural_key", "open_source"]

Event: TypeAlias = Frame | Notice | Failure
_Job: TypeAlias = Callable[[], tuple[Event, ...]]


def open_source(
    inputs: Any,
    *,
    limits: ImageLimits = DEFAULT_LIMITS,
    recursive: bool = True,
    allow_private: bool = False,
    ahead: int = 2,
    stdin: BinaryIO | None = None,
    fetch: Callable[..., bytes] | None = None,
) -> Iterator[Event]:
    """Yield a Frame for every picture that the inputs name, in their order; a Failure for every input that gave none.

    Nothing an input does wrong is raised. A Notice comes right before the Frame it is about (a truncated file, say).
    The walk is lazy: at most `ahead` + 1 decoded pictures and the names of one folder are in memory.

    Args:
        inputs: one input or an iterable of them. An input is

            - a path (str or Path) of a picture, whatever its extension;
            - a folder: its picture files (`formats.SUFFIXES`), with its subfolders unless `recursive` is false, in
              natural order, hidden ones left out, links followed once;
            - a pattern (`*.jpg`, `**/*.png`): matches with a picture's extension, or with the extension the pattern
              itself names. A file that is really called like a pattern wins;
            - `-`: one picture from `stdin`;
            - an http or https URL;
            - a numpy array or PIL image, see `images.from_array`; or bytes of an encoded picture.
        limits: the largest picture to decode.
        recursive: whether folders are read with their subfolders.
        allow_private: whether URLs may lead to private and loopback addresses.
        ahead: how many pictures are read and decoded in the background, by as many threads; 0 for none.
        stdin: where `-` reads, standard input if None. It is read when its turn comes, in the caller's thread.
        fetch: called with a URL and `allow_private` as keyword; gives bytes or raises a MienError; `mien.io.fetch.fetch` if None.

    Raises:
        UsageError: at the call, for a negative `ahead`.
    """
    if isinstance(inputs, str | bytes | os.PathLike | np.ndarray) or is_pil(inputs) or not isinstance(inputs, Iterable):
        inputs = [inputs]
    opener = _Opener(limits, recursive, allow_private, stdin, fetch)
    return (event for events in prefetched(opener.jobs(inputs), ahead=ahead) for event in events)


@dataclass
class _Opener:
    limits: ImageLimits
    recursive: bool
    allow_private: bool
    stdin: BinaryIO | None
    fetch: Callable[..., bytes] | None
    stdin_used: bool = False

    def jobs(self, inputs: Iterable[Any]) -> Iterator[_Job]:
        for position, given in enumerate(inputs):
            if isinstance(given, bytes):
                yield self._decoding(f"bytes[{position}]", given)
            elif not isinstance(given, str | os.PathLike):
                yield _array_job(given, position)
            elif given == "-":
                yield self._from_stdin()
            elif isinstance(given, str) and is_url(given):
                yield self._from_url(given)
            else:
                yield from self._from_path(os.fsdecode(given))

    def _from_path(self, text: str) -> Iterator[_Job]:
        try:
            path = Path(text)
            if text and path.is_dir():
                yield from self._from_folder(text)
            elif text and (os.path.lexists(text) or not is_pattern(text)):
                yield self._from_file(text)
            elif text:
                yield from self._from_pattern(text)
            else:
                yield _failing(text, SourceMissing("an empty name, wanted a picture, a folder, a pattern, a URL or -"))
        except (OSError, ValueError) as error:  # a NUL or 5,000 characters in the name
            yield _failing(text, SourceUnreadable(f"{_printable(text)}: cannot be read ({getattr(error, 'strerror', None) or error})"))

    def _from_file(self, text: str) -> _Job:
        if Path(text).suffix.lower() in VIDEO_SUFFIXES and os.path.lexists(text):
            return _failing(text, SourceUnreadable(f"{_printable(text)}: {VIDEO_LATER}"))
        return _job(text, lambda: read_image(text, self.limits))

    def _from_folder(self, text: str) -> Iterator[_Job]:
        nothing = True
        for found in walk(text, wanted=_is_picture_name, recursive=self.recursive):
            nothing = False
            yield _failed(found) if isinstance(found, Failure) else self._from_file(found)
        if nothing:
            wanted = " ".join(sorted(SUFFIXES))
            yield _failing(text, SourceMissing(f"{_printable(text)}: no picture in this folder; wanted files that end in {wanted}"))

    def _from_pattern(self, text: str) -> Iterator[_Job]:
        suffix = Path(text).suffix
        any_kind = bool(suffix) and not is_pattern(suffix)  # *.dat asks for .dat files; photos/* for the pictures among them
        nothing = True
        for found in expand(text):
            if isinstance(found, Failure):
                yield _failed(found)
            elif Path(found).is_dir():
                if "**" in text:  # its files match by themselves
                    continue
                yield from self._from_folder(found)
            elif any_kind or _is_picture_name(found):
                yield self._from_file(found)
            else:
                continue
            nothing = False
        if nothing:
            yield _failing(text, SourceMissing(f"{_printable(text)}: no picture matches this pattern"))

    def _from_stdin(self) -> _Job:
        if self.stdin_used:
            return _failing("-", SourceMissing("-: standard input holds one picture, and it was already read"))
        self.stdin_used = True
        try:
            data = read_bytes(self.stdin or sys.stdin.buffer, name="-", limits=self.limits)
        except MienError as error:
            return _failing("-", error)
        except OSError as error:
            return _failing("-", SourceUnreadable(f"-: standard input cannot be read ({error})"))
        return self._decoding("-", data)

    def _from_url(self, url: str) -> _Job:
        from mien.io import fetch as urls  # here: TLS and HTTP take a while to import, and files need neither

        fetch = self.fetch or urls.fetch
        source = urls.without_userinfo(url)
        return _job(source, lambda: decode(fetch(url, allow_private=self.allow_private), name=urls.shown(url), limits=self.limits))

    def _decoding(self, source: str, data: bytes) -> _Job:
        return _job(source, lambda: decode(data, name=source, limits=self.limits))


def _is_picture_name(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES  # noqa: PTH122  called a million times


def _array_job(given: Any, position: int) -> _Job:
    kind = "array" if isinstance(given, np.ndarray) else "image" if is_pil(given) else "input"
    source = str(getattr(given, "filename", "") or f"{kind}[{position}]") if kind == "image" else f"{kind}[{position}]"
    return _job(source, lambda: Decoded(from_array(given)))


def _job(source: str, read: Callable[[], Decoded]) -> _Job:
    source = _printable(source)

    def events() -> tuple[Event, ...]:
        try:
            decoded = read()
        except MienError as error:
            return (Failure(source, error),)
        frame = Frame(decoded.image, source=source)
        return (Notice(source, decoded.note), frame) if decoded.note else (frame,)

    return events


def _failing(source: str, error: MienError) -> _Job:
    return _failed(Failure(_printable(source), error))


def _failed(failure: Failure) -> _Job:
    return lambda: (failure,)


def _printable(name: str) -> str:
    """A file name that is not valid UTF-8 as text that can be written anywhere; others as they are."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
