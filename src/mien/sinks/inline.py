"""Pictures and their table as HTML, for notebooks."""

from __future__ import annotations

import base64
import html as escape
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mien.sinks.pictures import encoded
from mien.table import html as table_html
from mien.types import Drawer, Image, Result

if TYPE_CHECKING:
    from mien.pipeline import Analyzed

SIDE = 480
MOST_ROWS = 200


def html(pairs: Iterable[Analyzed], results: Sequence[Result], *, drawer: Drawer | None = None) -> str:
    """The pictures of `pairs`, annotated, at most 480 pixels a side, and the table of `results`, at most 200 rows of it.

    Nothing is loaded from elsewhere: the pictures are part of the text. drawer: mien's own if None.
    """
    return f"<div>{''.join(figure(pair, drawer) for pair in pairs)}</div>{table(results)}"


def figure(pair: Analyzed, drawer: Drawer | None = None) -> str:
    """One annotated picture as an <img> with its source as the title."""
    from mien.drawers import drawer as drawer_by_name

    small, result = shrunk(pair.frame.image, pair.result)
    data = base64.b64encode(encoded((drawer or drawer_by_name())(small, result), ".jpg")).decode("ascii")
    name = escape.escape(pair.result.source, quote=True)
    return f'<img alt="{name}" title="{name}" style="display:inline-block;margin:2px" src="data:image/jpeg;base64,{data}">'


def table(results: Sequence[Result]) -> str:
    """The table, cut after MOST_ROWS rows with a line that says how many there are more."""
    shown: list[Result] = []
    left = MOST_ROWS
    for result in results:
        if left <= 0:
            break
        shown.append(result)
        left -= max(1, len(result))
    more = sum(max(1, len(result)) for result in results[len(shown) :])
    return table_html(*shown) + (f"<p>… {more} more rows</p>" if more else "")


def shrunk(image: Image, result: Result) -> tuple[Image, Result]:
    """The picture with at most SIDE pixels a side, and its result with the boxes where they then are: captions stay legible."""
    import dataclasses

    import cv2

    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return image, result
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    by = np.array([size[0] / width, size[1] / height], np.float32)
    faces = dataclasses.replace(result.faces, boxes=result.faces.boxes * np.tile(by, 2), points=result.faces.points * by)
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, dataclasses.replace(result, size=size, faces=faces)
