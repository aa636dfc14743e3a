"""What one worker of a batch does: reads a block of inputs, and sends back a table of what it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mien import __version__
from mien.errors import MienError
from mien.io.events import Failure, Notice
from mien.io.images import ImageLimits
from mien.io.span import VideoSpan
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzed, Analyzer
from mien.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Order:
    """How inputs are read: the same for all workers of a batch."""

    options: AnalyzeOptions
    span: VideoSpan = field(default_factory=VideoSpan)
    """Which frames of videos are taken."""
    turn: int = 0
    """Degrees clockwise, 0, 90, 180 or 270, that make what is read upright."""
    limits: ImageLimits = field(default_factory=ImageLimits)
    allow_private: bool = False
    """Whether addresses that are not of the public internet are fetched too."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What was found in a block of inputs. Pictures and frames stay where they were read."""

    rows: Timeline | None = None
    """None where there are none."""
    frames: int = 0
    faces: int = 0
    failures: tuple[tuple[str, str], ...] = ()
    """Source and why, of what could not be read, or not to its end. Text, since an exception need not survive the way."""
    notices: tuple[Notice, ...] = ()
    refused: str = ""
    """Why the worker can do nothing at all: it has no such model, say."""
    version: str = __version__
    """Of mien, on the worker's machine."""


def read_block(order: Order, names: Sequence[str]) -> Answer:
    """Read files and addresses, in their order. What cannot be read is told of in the answer, and the others are read all the same."""
    try:
        analyzer = _analyzer(order.options)
    except MienError as error:
        return Answer(refused=str(error))
    failures, notices, counts = list[tuple[str, str]](), list[Notice](), [0, 0]

    def rows() -> Iterator[dict[str, Any]]:
        reading = analyzer.stream(
            list(names), span=order.span, turn=order.turn, limits=order.limits, allow_private=order.allow_private, recursive=False
        )
        for item in reading:
            if isinstance(item, Analyzed):
                counts[0] += 1
                counts[1] += len(item.result)
                yield from item.result.rows()
            elif isinstance(item, Failure):
                failures.append((item.source, str(item.error)))
            else:
                notices.append(item)

    found = Timeline.from_rows(rows())
    return Answer(found if len(found) else None, counts[0], counts[1], tuple(failures), tuple(notices))


@lru_cache(maxsize=1)
def _analyzer(options: AnalyzeOptions) -> Analyzer:
    """Its models, which are loaded once in a worker's process and serve all its blocks."""
    return Analyzer(options)
