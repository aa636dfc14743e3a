"""Pictures and their table as HTML, for notebooks."""

from __future__ import annotations

import base64
import dataclasses
import html as escape
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from mien.sinks.pictures import encoded
from mien.table import MOST_ROWS, clock, rows_html
from mien.types import Drawer, Frame, Image, Result

if TYPE_CHECKING:
    from mien.pipeline import Analyzed

SIDE = 480


class Sample:
    """Some of the pictures of a run, as small as a notebook shows them: the first single ones, and frames from all over its videos.

    most: of both together.
    """

    def __init__(self, most: int) -> None:
        self.pairs: list[Analyzed] = []
        self._most = most
        self._frames, self._step = 0, 1

    def passing(self, pairs: Iterable[Analyzed]) -> Iterator[Analyzed]:
        """The pairs as they come; some of them are kept."""
        for pair in pairs:
            if self._takes(pair.frame):
                image, result = shrunk(pair.frame.image, pair.result)
                self.pairs.append(dataclasses.replace(pair, frame=dataclasses.replace(pair.frame, image=image), result=result))
            yield pair

    def _takes(self, frame: Frame) -> bool:
        """Each frame, then each second one, and so on: when there is no room any more, every second one of those that are kept goes."""
        if not frame.stream:
            return len(self.pairs) < self._most
        number, self._frames = self._frames, self._frames + 1
        if number % self._step == 0 and len(self.pairs) >= self._most:
            gone = [pair for pair in self.pairs if pair.frame.stream][1::2]
            self.pairs = [pair for pair in self.pairs if all(pair is not other for other in gone)]
            self._step *= 2
        return number % self._step == 0 and len(self.pairs) < self._most


def html(pairs: Iterable[Analyzed], results: Sequence[Result], *, drawer: Drawer | None = None) -> str:
    """The pictures of `pairs`, annotated, at most 480 pixels a side, and the table of `results`, at most 200 rows of it.

    Nothing is loaded from elsewhere: the pictures are part of the text. drawer: mien's own if None.
    """
    return f"<div>{''.join(figure(pair, drawer) for pair in pairs)}</div>{table(results)}"


def figure(pair: Analyzed, drawer: Drawer | None = None) -> str:
    """One annotated picture as an <img> with its source as the title, and the time of a video's frame."""
    from mien.drawers import drawer as drawer_by_name

    small, result = shrunk(pair.frame.image, pair.result)
    data = base64.b64encode(encoded((drawer or drawer_by_name())(small, result), ".jpg")).decode("ascii")
    time = f" {clock(pair.result.time)}" if pair.frame.stream else ""
    name = escape.escape(pair.result.source + time, quote=True)
    return f'<img alt="{name}" title="{name}" style="display:inline-block;margin:2px" src="data:image/jpeg;base64,{data}">'


def table(results: Sequence[Result]) -> str:
    """The table, cut after MOST_ROWS rows with a line that says how many there are more."""
    every = (row for result in results for row in result.rows())
    return rows_html(list(islice(every, MOST_ROWS)), of=sum(max(1, len(result)) for result in results))


def shrunk(image: Image, result: Result) -> tuple[Image, Result]:
    """The picture with at most SIDE pixels a side, and its result with the boxes where they then are: captions stay legible."""
    import cv2

    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return image, result
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    by = np.array([size[0] / width, size[1] / height], np.float32)
    faces = dataclasses.replace(result.faces, boxes=result.faces.boxes * np.tile(by, 2), points=result.faces.points * by)
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    covers = None if result.covers is None else np.asarray(result.covers * np.tile(by, 2), np.float32)
    return small, dataclasses.replace(result, size=size, faces=faces, covers=covers)
