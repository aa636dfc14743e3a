"""Points in the plane of valence and arousal as a picture: a dot for each, its class's colour, and the anchors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mien.data.affect import SHOWN, WARNING, IsomapLabels, Points, where
from mien.data.contact import INK, PAPER, ink, wrapped
from mien.labels import EMOTIONS, PALETTES
from mien.types import Image
from mien.vision.colour import rgb
from mien.vision.fonts import text_mask

Place = Callable[[Points], Points]
"""Points on 1..7 -> pixels."""
PLOT, LEFT, BOTTOM, RIGHT = 640, 56, 48, 150
"""Pixels: side of the plot, and room for the numbers and the names."""
FINE = 4
"""Positions are drawn to a sixteenth of a pixel."""


def isomap_pictures(found: IsomapLabels) -> dict[int, Image]:
    """R0's pictures after steps 1, 4 and 6, by step: uint8 (H, W, 3), all on one scale, each with the warning that goes with them."""
    both = np.concatenate([found.stages[step] for step in SHOWN])
    span = span_of(both)
    centres = 4 + 3 * where(EMOTIONS, found.anchor_set)
    return {
        step: scatter(
            found.stages[step],
            found.labels,
            centres,
            span=span,
            heading=(f"Isomap labels after step {step} of 6", f"anchors {found.anchor_set}; {WARNING}"),
        )
        for step in SHOWN
    }


def span_of(points: Points) -> tuple[Points, Points]:
    """Lower and upper corner of what is shown: 1..7 at least, and nearly all points."""
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        return np.array([1.0, 1.0]), np.array([7.0, 7.0])
    low, high = np.quantile(finite, [0.005, 0.995], axis=0)
    return np.minimum(low, 1.0) - 0.25, np.maximum(high, 7.0) + 0.25


def scatter(points: Points, labels: Sequence[str], centres: Points, *, span: tuple[Points, Points], heading: Sequence[str] = ()) -> Image:
    """Valence to the right, arousal up, both on 1..7: uint8 (H, W, 3).

    points: (n, 2), NaN is not shown; labels: n names; centres: (9, 2), the anchors of EMOTIONS, drawn as rings.
    """
    import cv2

    width = LEFT + PLOT + RIGHT
    lines = tuple(
        (line, size) for text, size in zip(heading, (18, *[13] * len(heading)), strict=False) for line in wrapped(text, size, width)
    )
    top = (text_mask(lines).shape[0] if lines else 0) + 12
    canvas = np.full((top + PLOT + BOTTOM, width, 3), PAPER, np.uint8)
    ink(canvas, lines, 6, 4)
    low, high = span

    def place(at: Points) -> Points:
        share = (at - low) / (high - low)
        return np.stack([LEFT + share[:, 0] * PLOT, top + (1 - share[:, 1]) * PLOT], axis=1)

    _axes(canvas, place, low, high, top)
    inside = np.isfinite(points).all(axis=1)
    inside &= ((points >= low) & (points <= high)).all(axis=1)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(inside))  # no class is drawn over all others
    colours = {label: rgb(PALETTES["tol"][label]) for label in EMOTIONS}
    names = np.asarray(labels, object)
    dots = np.rint(place(points[rows]) * 2**FINE).astype(int) if len(rows) else np.zeros((0, 2), int)
    for (x, y), label in zip(dots, names[rows], strict=True):
        cv2.circle(canvas, (int(x), int(y)), 2 * 2**FINE, colours.get(label, (INK,) * 3), -1, cv2.LINE_AA, FINE)
    _legend(canvas, place, centres, labels, colours, top)
    hidden = int((np.isfinite(points).all(axis=1) & ~inside).sum())
    if hidden:
        ink(canvas, ((f"{hidden} of {len(points)} lie outside", 12),), LEFT + PLOT + 4, top + PLOT - 20)
    return canvas


def _axes(canvas: Image, place: Place, low: Points, high: Points, top: int) -> None:
    import cv2

    grey = (225, 225, 225)
    cv2.rectangle(canvas, (LEFT, top), (LEFT + PLOT, top + PLOT), (160, 160, 160), 1)
    stride = max(1, int(np.ceil((high - low).max() / 14)))
    for value in range(int(np.ceil(low.min())), int(np.floor(high.max())) + 1, stride):
        spot = np.rint(place(np.array([[value, value]], np.float64)))[0].astype(int)
        shade = (150, 150, 150) if value == 4 else grey
        if low[0] <= value <= high[0]:
            cv2.line(canvas, (int(spot[0]), top + 1), (int(spot[0]), top + PLOT - 1), shade, 1)
            ink(canvas, ((str(value), 13),), int(spot[0]) - 9, top + PLOT + 2)
        if low[1] <= value <= high[1]:
            cv2.line(canvas, (LEFT + 1, int(spot[1])), (LEFT + PLOT - 1, int(spot[1])), shade, 1)
            ink(canvas, ((str(value), 13),), LEFT - 26, int(spot[1]) - 10)
    ink(canvas, (("valence, 1..7 (4 = neutral)", 13),), LEFT + PLOT // 2 - 90, top + PLOT + 22)
    side = np.full((190, 26, 3), PAPER, np.uint8)
    turned = np.full((26, 190, 3), PAPER, np.uint8)
    ink(turned, (("arousal, 1..7 (4 = neutral)", 13),), 0, 2)
    side[:] = np.rot90(turned)
    canvas[top + PLOT // 2 - 95 : top + PLOT // 2 + 95, 2:28] = side


def _legend(canvas: Image, place: Place, centres: Points, names: Sequence[str], colours: dict[str, tuple[int, int, int]], top: int) -> None:
    import cv2

    there = set(names)
    y = top + 4
    for label, centre in zip(EMOTIONS, centres, strict=True):
        if label not in there:
            continue
        if np.isfinite(centre).all():
            x0, y0 = (int(v) for v in np.rint(place(centre[None]))[0])
            cv2.circle(canvas, (x0, y0), 9, (0, 0, 0), 4, cv2.LINE_AA)
            cv2.circle(canvas, (x0, y0), 9, colours[label], 2, cv2.LINE_AA)
        cv2.circle(canvas, (LEFT + PLOT + 14, y + 11), 6, colours[label], -1, cv2.LINE_AA)
        ink(canvas, ((label if np.isfinite(centre).all() else f"{label} (no anchor)", 13),), LEFT + PLOT + 20, y)
        y += 22
    ink(canvas, (("rings: anchors", 12),), LEFT + PLOT + 4, y + 4)
