"""How many pictures and frames `mien analyze` will read: what its bar needs to tell how much time is left."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from mien.errors import MienError
from mien.io.folders import files_of, is_pattern
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.kinds import is_video_file
from mien.io.names import is_url
from mien.io.sequences import folder_of_frames
from mien.io.span import Chooser, VideoSpan
from mien.sinks.single import names_in

MOST_SECONDS = 1.0
"""Longer than that nobody waits for the first picture to know of the last: 300,000 files of a folder, 30,000 that were named."""


def total(inputs: list[str], span: VideoSpan, *, recursive: bool, as_video: float | None, leaves_out: Callable[[str], bool]) -> int | None:
    """How many pictures and frames will come; None where that cannot be known beforehand, or not within MOST_SECONDS.

    span, recursive, as_video: as in `open_source`. leaves_out: whether an input of that name, of those that are found, is not read.
    """
    until = time.monotonic() + MOST_SECONDS
    if not inputs or not all(map(_is_countable, inputs)):
        return None
    number, recordings = 0, Counter[str]()
    for file in _files(inputs, recursive):
        if time.monotonic() > until:
            return None
        is_video = is_video_file(file)
        source = file if is_video or as_video is None else folder_of_frames(file)
        if leaves_out(source):
            continue
        if is_video:
            frames = _frames(file, span)
            if frames is None:
                return None
            number += frames
        elif as_video is None:
            number += 1
        else:
            recordings[source] += 1
    if as_video is not None:
        number += sum(_taken(pictures, as_video, span) for pictures in recordings.values())
    return number or None


def _is_countable(name: str) -> bool:
    """Whether it can be looked at without being opened: a file, a folder, or a pattern of names by which files are known."""
    if os.path.isfile(name) or os.path.isdir(name):  # noqa: PTH112, PTH113  Path's raise for a name that is too long
        return True
    suffix = Path(name).suffix
    return is_pattern(name) and not is_url(name) and (not suffix or is_pattern(suffix) or _is_known(name))


def _files(inputs: list[str], recursive: bool) -> Iterator[str]:
    """Files that will be read, each once; of one input none can come twice, and real paths take ten times as long as the walk."""
    if len(inputs) > 1:
        yield from names_in(inputs, recursive=recursive)
    else:
        yield from filter(_is_known, files_of(inputs[0], wanted=_is_known, recursive=recursive))
    yield from (name for name in inputs if os.path.isfile(name) and not _is_known(name))  # noqa: PTH113  read whatever its name


def _is_known(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES | VIDEO_SUFFIXES  # noqa: PTH122  called a million times


def _taken(pictures: int, rate: float, span: VideoSpan) -> int:
    """How many of the frames of a recording that is a folder are taken."""
    chooser = Chooser(span)
    times = (round(index / rate, 6) for index in range(pictures))
    return sum(not chooser.is_over(at) and chooser.takes(index, at) for index, at in enumerate(times))


def _frames(name: str, span: VideoSpan) -> int | None:
    """How many frames of a video will be read; None where it does not say, or cannot be read at all."""
    from mien.io.video import probe

    try:
        info = probe(Path(name))
    except MienError:  # told of when its turn comes
        return None
    return info.frames if span == VideoSpan() else span.frames(info.duration, info.fps) if info.duration and info.fps else None
