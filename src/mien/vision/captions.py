"""Where captions go: near their face, inside the picture, not over one another, and off other faces where there is room."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.types import Bools, Floats

Reals: TypeAlias = NDArray[np.floating[Any]]

CROWD = 40
"""Faces from which on a caption stays right at its box or is left out: leader lines would make a thicket."""
RINGS = (0.5, 1.2, 2.0, 3.0, 4.5, 6.5, 9.0)
"""Gaps tried between a box and its displaced caption, in heights of the caption."""
APART = 0.3
"""How little a displaced caption is liked, before its distance counts: none is better than one at the box that costs this."""
CROWD_COVER = 0.3
"""In a crowd, the largest share of other faces that a caption may hide."""


def place(boxes: Reals, sizes: Reals, width: int, height: int) -> Floats:
    """Choose a place for each caption.

    boxes: float (n, 4), x1, y1, x2, y2 of the faces in pixels; sizes: float (n, 2), width and height of the captions;
    width, height: the picture. Returns float32 (n, 4): whole pixels, inside the picture, no two overlapping, the same for
    the same input. A row is NaN where a caption has no size, is larger than the picture, belongs to a box that is not in the picture
    (or not finite), or finds no free place: larger faces choose first, so the smallest go without.
    """
    n = len(boxes)
    frames = np.clip(np.asarray(boxes, np.float64), 0, (width, height, width, height))
    wanted = np.ceil(np.asarray(sizes, np.float64)).reshape(n, 2)
    sides = frames[:, 2:] - frames[:, :2]
    usable: Bools = np.isfinite(boxes).all(axis=1) & np.all((sides > 0) & (wanted > 0) & (wanted <= (width, height)), axis=1)
    order = [int(i) for i in np.argsort(-sides.prod(axis=1), kind="stable") if usable[i]]
    faces = frames[usable]
    rects = np.full((n, 4), np.nan)
    crowd = len(order) > CROWD
    lists, squeezed = frames.tolist(), False
    taken: list[list[float]] = []
    others = [lists[i] for i in order]
    for i in order:
        rects[i] = _above(lists[i], wanted[i].tolist(), others, taken, width) or _near(
            frames[i], wanted[i], faces, rects, width, height, crowd=crowd
        )
        if np.isnan(rects[i, 0]) and not crowd:
            squeezed = True
            rects[i] = _anywhere(frames[i], wanted[i], faces, rects, width, height)
        if np.isfinite(rects[i, 0]):
            taken.append(rects[i].tolist())
    # Early captions did not know the late ones, which only took places away that they had not chosen: all stay where they are.
    # But where one found no place near its box, let each choose once more, twice.
    for i in order * (2 if squeezed else 0):
        rects[i] = np.nan
        rects[i] = _near(frames[i], wanted[i], faces, rects, width, height, crowd=False)
        if np.isnan(rects[i, 0]):
            rects[i] = _anywhere(frames[i], wanted[i], faces, rects, width, height)
    return rects.astype(np.float32)


def hidden(boxes: Reals, rects: Reals) -> Floats:
    """Share of each face's box that captions (float (m, 4), NaN rows ignored) hide, float32 (n,)."""
    there = rects[np.isfinite(rects).all(axis=1)]
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    return np.asarray(_shared(boxes, there).sum(axis=1) / np.maximum(sides, 1e-6), np.float32)


def gap(rect: Reals, box: Reals) -> float:
    """Distance in pixels between two rectangles; 0 when they touch or overlap."""
    (left, top, right, bottom), (x1, y1, x2, y2) = rect.tolist(), box.tolist()
    return math.hypot(max(left - x2, x1 - right, 0.0), max(top - y2, y1 - bottom, 0.0))


def _shared(a: Reals, b: Reals) -> Reals:
    """Shared area of each pair, (n, m)."""
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides: Reals = np.clip(high - low, 0, None)
    return sides[..., 0] * sides[..., 1]


def _above(box: list[float], size: list[float], faces: list[list[float]], taken: list[list[float]], width: int) -> list[float] | None:
    """The best place of all, flush left on top of the box, if it is in the picture, free, and on no face.

    A shortcut for what is so nearly always: `_near` would choose it too, thirty times as slowly.
    """
    x, y = float(round(box[0])), float(round(box[1] - size[1]))
    right, bottom = x + size[0], y + size[1]
    # For tiny faces or captions, half a pixel of rounding may make another place better.
    if y < 0 or right > width or min(box[2] - box[0], box[3] - box[1], 6 * size[1]) < 13:
        return None
    if any(x1 < right + 1 and y1 < bottom + 1 and x2 > x - 1 and y2 > y - 1 for x1, y1, x2, y2 in taken):
        return None
    if any(face[0] < right and face[1] < bottom and face[2] > x and face[3] > y and face != box for face in faces):
        return None
    return [x, y, right, bottom]


def _near(box: Reals, size: Reals, faces: Reals, rects: Reals, width: int, height: int, *, crowd: bool) -> Reals:
    """The cheapest free rectangle at the box or around it for one caption, float (4,); NaN if there is none."""
    taken = rects[np.isfinite(rects[:, 0])]
    for rings in ((),) if crowd else ((), RINGS):
        corners, taste = _around(box, size, rings=rings)
        free, picks = _free(corners, size, taken, width, height, margin=1.0)
        if free.any():
            cost = _cost(picks[free], taste[free], box, size, faces, crowd=crowd)
            if cost.min() <= APART or (np.isfinite(cost.min()) and (crowd or rings)):
                chosen: Reals = picks[free][cost.argmin()]
                return chosen
    return np.full(4, np.nan)


def _anywhere(box: Reals, size: Reals, faces: Reals, rects: Reals, width: int, height: int) -> Reals:
    """The cheapest free rectangle in the whole picture; NaN if there is none."""
    taken = rects[np.isfinite(rects[:, 0])]
    # Any free place can be slid left and up until it touches something: trying all such corners misses none.
    xs = np.concatenate([[0, width - size[0]], taken[:, 2], taken[:, 0] - size[0]])
    ys = np.concatenate([[0, height - size[1]], taken[:, 3], taken[:, 1] - size[1]])
    corners = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
    free, picks = _free(corners, size, taken, width, height, margin=0.0)
    if not free.any():
        return np.full(4, np.nan)
    cost = _cost(picks[free], np.zeros(int(free.sum())), box, size, faces, crowd=False)
    last: Reals = picks[free][cost.argmin()]
    return last


def _around(box: Reals, size: Reals, *, rings: tuple[float, ...]) -> tuple[Reals, Reals]:
    """Top left corners (C, 2) to try around one box, and how little each is liked (C,)."""
    (x1, y1, x2, y2), (w, h) = box, size
    mx, my = (x1 + x2 - w) / 2, (y1 + y2 - h) / 2
    corners: list[tuple[float, float]] = []
    taste: list[float] = []
    for y, dislike in ((y1 - h, 0.0), (y2, 0.1), (y2 - h, 0.5), (y1, 0.55)):  # above, below, inside at the bottom, at the top
        corners += [(x1, y), (mx, y), (x2 - w, y)]
        taste += [dislike, dislike + 0.02, dislike + 0.02]
    for x in (x2, x1 - w):
        corners += [(x, y1), (x, y2 - h), (x, my)]
        taste += [0.2, 0.2, 0.25]
    for ring in rings:
        d = ring * h
        steps = (x1 - w - d, x1 - w / 2, x1, mx, x2 - w, x2 - w / 2, x2 + d)
        corners += [(x, y) for y in (y1 - h - d, y2 + d) for x in steps]
        corners += [(x, y) for x in (x1 - w - d, x2 + d) for y in (y1, my, y2 - h)]
    taste += [APART] * (len(corners) - len(taste))
    return np.array(corners), np.array(taste)


def _free(corners: Reals, size: Reals, taken: Reals, width: int, height: int, *, margin: float) -> tuple[Bools, Reals]:
    """Which of the rectangles at `corners`, moved into the picture, overlap nothing in `taken`: bool (C,), float (C, 4)."""
    low = np.clip(np.rint(corners), 0, np.array([width, height]) - size)
    rects = np.concatenate([low, low + size], axis=1)
    grown = taken + np.array([-margin, -margin, margin, margin])
    return np.asarray(~(_shared(rects, grown) > 0).any(axis=1), np.bool_), rects


def _cost(rects: Reals, taste: Reals, box: Reals, size: Reals, faces: Reals, *, crowd: bool) -> Reals:
    """What each of the rectangles (C, 4) costs one caption: dislike, distance to its box, and how much it hides of faces."""
    low, high = rects[:, :2].min(axis=0), rects[:, 2:].max(axis=0)
    near = (faces[:, :2] < high).all(axis=1) & (faces[:, 2:] > low).all(axis=1)
    others = faces[near & (faces != box).any(axis=1)]
    apart = np.maximum(np.maximum(box[:2] - rects[:, 2:], rects[:, :2] - box[2:]), 0)
    cost = taste + 0.3 * np.hypot(apart[:, 0], apart[:, 1]) / size[1]
    own = _shared(rects, box[None])[:, 0] / max(float((box[2:] - box[:2]).prod()), 1e-6)
    cost = cost + 2.5 * own
    if len(others):
        hides = _shared(rects, others) / np.maximum((others[:, 2:] - others[:, :2]).prod(axis=1), 1e-6)
        cost = cost + 5 * hides.sum(axis=1) + 0.3 * (hides > 0).sum(axis=1)
        if crowd:
            cost = np.where(hides.sum(axis=1) > CROWD_COVER, np.inf, cost)
    return np.asarray(cost)
