"""Shapes blended into a picture, with smooth edges. Each changes the picture it is given, and only the pixels it covers.

A shape is a signed distance to its outline (negative inside), so that edges are anti-aliased, widths may be fractions of a
pixel and only small windows of a large picture are touched.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from mien.types import Floats, Image
from mien.vision.colour import RGB

Rect: TypeAlias = tuple[float, float, float, float]
EDGE = 0.6
"""Opacity of the thin edges that set a line off from a picture of its own colour."""


def blend(image: Image, x: int, y: int, alpha: Floats, colour: RGB) -> None:
    """Lay `colour` over the picture where float32 `alpha` (h, w), 0..1, with its top left at x, y, says so."""
    height, width = image.shape[:2]
    left, top = max(-x, 0), max(-y, 0)
    alpha = alpha[top : max(height - y, 0), left : max(width - x, 0)]
    if not alpha.size:
        return
    under = image[y + top : y + top + alpha.shape[0], x + left : x + left + alpha.shape[1]]
    under[:] = np.rint(under + (np.asarray(colour, np.float32) - under) * alpha[..., None]).astype(np.uint8)


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
    middle = thickness / 2
    for window in _windows(image, rect, edge_width + 1, max(radius, thickness) + edge_width + 1):
        x, y = _grid(window)
        off = np.abs(_rounded(x, y, rect, radius) + middle) - middle
        line = np.clip(0.5 - off, 0, 1)
        blend(image, window[0], window[1], np.clip(0.5 - (off - edge_width), 0, 1) * EDGE, edge)
        if dashes:
            blend(image, window[0], window[1], line, edge)
            line = line * _dashed(x, y, rect, dashes)
        blend(image, window[0], window[1], line, colour)


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


def plate(image: Image, rect: Rect, *, radius: float, colour: RGB) -> None:
    """A filled rectangle with round corners."""
    height, width = image.shape[:2]
    right, bottom = int(np.ceil(rect[2])) + 1, int(np.ceil(rect[3])) + 1
    window = (max(int(rect[0]) - 1, 0), max(int(rect[1]) - 1, 0), min(right, width), min(bottom, height))
    if window[0] >= window[2] or window[1] >= window[3]:
        return
    x, y = _grid(window)
    blend(image, window[0], window[1], np.clip(0.5 - _rounded(x, y, rect, radius), 0, 1), colour)


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
    rim: Floats = np.asarray(np.clip(0.5 - (off - edge_width), 0, 1) * EDGE, np.float32)
    blend(image, window[0], window[1], rim, edge)
    blend(image, window[0], window[1], np.asarray(np.clip(0.5 - off, 0, 1), np.float32), colour)
