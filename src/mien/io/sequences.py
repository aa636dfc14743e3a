"""Recordings that are folders of pictures, one a frame, as data sets of faces and fast cameras have them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from numbers import Real
from pathlib import PurePath

from mien.errors import SourceMissing, SourceRefused, UsageError
from mien.io.events import Event, Failure, Notice
from mien.io.folders import natural_key
from mien.io.images import IsVideo
from mien.io.prefetch import prefetched
from mien.io.span import Chooser, VideoSpan
from mien.types import Frame

_LEAST, _MOST = 1e-5, 1000.0
"""Frames a second: about one a day; faster cameras do not look at faces, and times are rounded to microseconds."""


def check_rate(rate: object) -> None:
    """Raise UsageError for what cannot be a number of frames a second; None stands for pictures that are no frames."""
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, Real) or not _LEAST <= float(rate) <= _MOST):
        raise UsageError(f"as_video: found {rate!r}, wanted the frames a second, a number from {_LEAST:g} to {_MOST:g}")


def folder_of_frames(file: str) -> str:
    """The folder of a picture, which is the recording that it is a frame of."""
    return os.path.dirname(file) or os.curdir  # noqa: PTH120  called a million times


def read_sequence(
    files: Sequence[str],
    *,
    source: str,
    rate: float,
    span: VideoSpan,
    read: Callable[[str], Iterable[Event]],
    ahead: int,
) -> Iterator[Event]:
    """Yield the frames of a recording whose pictures are `files`, by the numbers in their names.

    The nth, from 0, is at n / `rate` seconds, whether or not those before it could be read; of one that cannot a Failure comes. What the
    span does not take is not opened. A Notice names the first of the pictures of which it is true.

    Args:
        files: paths of the pictures, in any order.
        source: what to call the recording in frames and messages.
        rate: frames a second.
        span: which of them are taken.
        read: the events of one picture; raises IsVideo for a file that is none.
        ahead: pictures that are read before they are asked for, in threads of their own; 0 for none.
    """
    chooser, last, taken = Chooser(span), 0.0, False
    in_turn = sorted(files, key=lambda file: natural_key(PurePath(file).name))

    def jobs() -> Iterator[Callable[[], list[Event]]]:
        nonlocal last
        for index, file in enumerate(in_turn):
            last = round(index / rate, 6)
            if chooser.is_over(last):
                break
            if chooser.takes(index, last):
                yield partial(_events, file, index, last, source, read)

    told: set[str] = set()
    with closing(prefetched(jobs(), ahead=ahead)) as results:  # type: ignore[type-var]
        for events in results:
            taken = True
            for event in events:
                if not isinstance(event, Notice):
                    yield event
                elif event.message not in told:
                    told.add(event.message)
                    yield Notice(source, f"{event.source}: {event.message}")
    if not taken:
        first = f"from {span.start:g} s on" if span.start else "in this span"
        yield Failure(source, SourceMissing(f"{source}: no frame {first}; the last one is at {last:.2f} s"))


def _events(file: str, index: int, time: float, source: str, read: Callable[[str], Iterable[Event]]) -> list[Event]:
    """The events of one picture, as those of the recording."""
    try:
        events = list(read(file))
    except IsVideo:
        return [Failure(source, SourceRefused(f"{file}: a video by its content, wanted a picture, which is one frame of {source}"))]
    return [_of_recording(event, index, time, source) for event in events]


def _of_recording(event: Event, index: int, time: float, source: str) -> Event:
    match event:
        case Frame():
            return Frame(event.image, index, time, source, stream=True)
        case Failure():
            return Failure(source, event.error)
    return event
