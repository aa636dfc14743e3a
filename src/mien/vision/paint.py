"""Shapes blended into a picture, with smooth edges. Each changes the picture it is given, and only the pixels it covers.

A shape is a signed distance to its outline (negative inside), so that edges are anti-aliased, widths may be fractions of a
pixel and only small windows of a large picture are touched.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.types import Floats, Image
from mien.vision.colour import RGB

Reals: TypeAlias = NDArray[np.floating[Any]]
Rect: TypeAlias = tuple[float, float, float, float]
EDGE = 0.6
"""Opacity of the thin edges that set a line off from a picture of its own colour."""


class Stamp(NamedTuple):
    """Colours laid over one another, ready to be put on any picture: `under * keep + add` is what can be seen."""

    keep: Floats
    """(h, w, 3), 0..1, the same in all channels: arithmetic on whole arrays is four times as fast as on ones stretched over them."""
    add: Floats
    """(h, w, 3), 0..255, and a half more, so that cutting off rounds."""


def stamped(*layers: tuple[Reals, RGB]) -> Stamp:
    """The stamp of layers from the lowest to the topmost: opacity (h, w), 0..1, and colour."""
    keep = add = np.zeros((*layers[0][0].shape, 3), np.float32)
    keep = keep + 1
    for alpha, colour in layers:
        over = np.repeat(np.asarray(alpha, np.float32)[..., None], 3, axis=2)
        keep, add = keep * (1 - over), add + (np.asarray(colour, np.float32) - add) * over
    return Stamp(keep, add + np.float32(0.5))


def lay(image: Image, x: int, y: int, stamp: Stamp) -> None:
    """Put a stamp on the picture, its top left at x, y; what lies outside is left out."""
    height, width = stamp.keep.shape[:2]
    top, left, bottom, right = max(-y, 0), max(-x, 0), min(height, image.shape[0] - y), min(width, image.shape[1] - x)
    if top < bottom and left < right:
        under = image[y + top : y + bottom, x + left : x + right]
        under[:] = under * stamp.keep[top:bottom, left:right] + stamp.add[top:bottom, left:right]


def _grid(window: tuple[int, int, int, int]) -> tuple[Floats, Floats]:
    """Pixel centres of a window: x (1, w) and y (h, 1)."""
    x1, y1, x2, y2 = window
    return np.arange(x1, x2, dtype=np.float32)[None] + 0.5, np.arange(y1, y2, dtype=np.float32)[:, None] + 0.5


def _rounded(x: Floats, y: Floats, rect: Rect, radius: float) -> Floats:
    """Signed distance to a rectangle with round corners."""
    x1, y1, x2, y2 = rect
    radius = min(radius, (x2 - x1) / 2, (y2 - y1) / 2)
    qx = np.abs(x - (x1 + x2) / 2) - ((x2 - x1) / 2 - radius)
    qy = np.abs(y - (y1 + y2) / 2) - ((y2 - y1) / 2 - radius)
    out: Floats = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - radius
    return out


def _windows(image: Image, rect: Rect, reach: float, depth: float) -> list[tuple[int, int, int, int]]:
    """Up to four windows that together hold the outline of `rect`: `reach` outside it, `depth` inside."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = rect
    left, top = int(max(np.floor(x1 - reach), 0)), int(max(np.floor(y1 - reach), 0))
    right, bottom = int(min(np.ceil(x2 + reach), width)), int(min(np.ceil(y2 + reach), height))
    upper, lower = int(np.ceil(y1 + depth)), int(np.floor(y2 - depth))
    inner_l, inner_r = int(np.ceil(x1 + depth)), int(np.floor(x2 - depth))
    if upper >= lower or inner_l >= inner_r:
        parts = [(left, top, right, bottom)]
    else:
        parts = [(left, top, right, upper), (left, lower, right, bottom), (left, upper, inner_l, lower), (inner_r, upper, right, lower)]
    cut = [(max(a, 0), max(b, 0), min(c, width), min(d, height)) for a, b, c, d in parts]
    return [window for window in cut if window[0] < window[2] and window[1] < window[3]]


def frame(
    image: Image, rect: Rect, *, thickness: float, radius: float, colour: RGB, edge: RGB, edge_width: float, dashes: float = 0.0
) -> None:
    """The outline of a rectangle, `thickness` wide and lying inside `rect`, with a see-through `edge` along both sides.

    dashes: length of a dash in pixels; the gaps show `edge`, opaque, so that dashes can be seen on any picture. 0 draws a solid line.
    """
    x1, y1, x2, y2 = (round(v) for v in rect)
    reach, depth = _corner_sides(thickness, radius, edge_width)
    if not dashes and (x1, y1, x2, y2) == tuple(rect) and min(x2 - x1, y2 - y1) > 2 * depth:
        corner = _corner(thickness, radius, colour, edge, edge_width)
        wide, high = x2 - x1 - 2 * depth, y2 - y1 - 2 * depth
        upper = Stamp(*(np.concatenate([part, np.repeat(part[:, -1:], wide, axis=1), part[:, ::-1]], axis=1) for part in corner))
        sides = [Stamp(*(np.broadcast_to(part[-1, ::step].copy(), (high, *part[-1].shape)) for part in corner)) for step in (1, -1)]
        lay(image, x1 - reach, y1 - reach, upper)
        lay(image, x1 - reach, y2 - depth, Stamp(upper.keep[::-1], upper.add[::-1]))
        lay(image, x1 - reach, y1 + depth, sides[0])
        lay(image, x2 - depth, y1 + depth, sides[1])
        return
    for window in _windows(image, rect, edge_width + 1, max(radius, thickness) + edge_width + 1):
        x, y = _grid(window)
        line, rim = _line(x, y, rect, thickness, radius, edge_width)
        if dashes:
            stamp = stamped((rim, edge), (line, edge), (line * _dashed(x, y, rect, dashes), colour))
        else:
            stamp = stamped((rim, edge), (line, colour))
        lay(image, window[0], window[1], stamp)


def _line(x: Floats, y: Floats, rect: Rect, thickness: float, radius: float, edge_width: float) -> tuple[Floats, Floats]:
    """Opacity of a frame's line, and of the edge under it."""
    middle = thickness / 2
    off = np.abs(_rounded(x, y, rect, radius) + middle) - middle
    return np.clip(0.5 - off, 0, 1), np.clip(0.5 - (off - edge_width), 0, 1) * EDGE


def _corner_sides(thickness: float, radius: float, edge_width: float) -> tuple[int, int]:
    """Whole pixels from a frame's corner outwards to where nothing is drawn, and inwards to where its sides are straight."""
    return int(np.ceil(edge_width + 1)), int(np.ceil(max(radius, thickness) + edge_width + 1))


@lru_cache(maxsize=256)
def _corner(thickness: float, radius: float, colour: RGB, edge: RGB, edge_width: float) -> Stamp:
    """The top left corner of a frame on whole pixels: the others are its mirror images, the sides repeat its last row and column."""
    reach, depth = _corner_sides(thickness, radius, edge_width)
    x, y = _grid((-reach, -reach, depth, depth))
    line, rim = _line(x, y, (0, 0, 4 * depth, 4 * depth), thickness, radius, edge_width)
    return stamped((rim, edge), (line, colour))


def _dashed(x: Floats, y: Floats, rect: Rect, length: float) -> Floats:
    """1 on dashes, 0 between, along the sides of `rect`; every corner lies in the middle of a dash."""
    x1, y1, x2, y2 = rect
    across = np.minimum(np.abs(x - x1), np.abs(x - x2)) < np.minimum(np.abs(y - y1), np.abs(y - y2))
    out = np.zeros(across.shape, np.float32)
    for along, low, high, here in ((x, x1, x2, ~across), (y, y1, y2, across)):
        periods = max(1, round((high - low) / (2 * length)))
        phase = (along - low) / max(high - low, 1e-6) * periods
        out += np.where(here, np.abs(phase - np.rint(phase)) < 0.31, False)
    return out


def plate(width: int, height: int, *, radius: float, rim: float = 0.0) -> Floats:
    """Opacity (height, width) of a filled rectangle with round corners, `rim` pixels away from the borders."""
    x, y = _grid((0, 0, width, height))
    out: Floats = np.clip(0.5 - _rounded(x, y, (rim, rim, width - rim, height - rim), radius), 0, 1)
    return out


def stroke(
    image: Image, start: tuple[float, float], end: tuple[float, float], *, thickness: float, colour: RGB, edge: RGB, edge_width: float
) -> None:
    """A straight line with round ends (a disc when start and end are the same) and a see-through edge."""
    height, width = image.shape[:2]
    reach = thickness / 2 + edge_width + 1
    window = (
        int(max(np.floor(min(start[0], end[0]) - reach), 0)),
        int(max(np.floor(min(start[1], end[1]) - reach), 0)),
        int(min(np.ceil(max(start[0], end[0]) + reach), width)),
        int(min(np.ceil(max(start[1], end[1]) + reach), height)),
    )
    if window[0] >= window[2] or window[1] >= window[3]:
        return
    x, y = _grid(window)
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = (x - start[0]) * dx + (y - start[1]) * dy
    share = np.clip(along / max(dx * dx + dy * dy, 1e-9), 0, 1)
    off = np.hypot(x - start[0] - share * dx, y - start[1] - share * dy) - thickness / 2
    lay(image, window[0], window[1], stamped((np.clip(0.5 - (off - edge_width), 0, 1) * EDGE, edge), (np.clip(0.5 - off, 0, 1), colour)))
