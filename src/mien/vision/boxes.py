"""Arithmetic on boxes: float32 (n, 4), x1, y1, x2, y2 in pixels."""

from __future__ import annotations

import numpy as np

from mien.types import Floats, Ints


def area(boxes: Floats) -> Floats:
    """Areas, float32 (n,); 0 for boxes turned inside out."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def overlap(a: Floats, b: Floats, *, over: str = "union") -> Floats:
    """Shared area of each pair as a share of their union (IoU) or of the smaller one: float32 (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    one, two = area(a)[:, None], area(b)[None]
    whole = one + two - shared if over == "union" else np.minimum(one, two)
    return np.asarray(shared / np.maximum(whole, 1e-9), np.float32)


def suppress(boxes: Floats, scores: Floats, *, most: float, over: str = "union") -> Ints:
    """Non-maximum suppression: positions kept, int64 (k,), best score first; pairs overlap at most `most`."""
    order = np.argsort(-scores, kind="stable").astype(np.int64)
    left, kept = order, []
    while len(left):  # one row of overlaps at a time: the whole matrix of a crowd's candidates would take gigabytes
        kept.append(left[0])
        left = left[1:][overlap(boxes[left[:1]], boxes[left[1:]], over=over)[0] <= most]
    return np.array(kept, np.int64)


def square(boxes: Floats, *, margin: float = 0.0) -> Floats:
    """Squares around the boxes' centres with the longer side, grown by `margin` of it on every side."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) * (0.5 + margin)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def clip(boxes: Floats, *, width: int, height: int) -> Floats:
    """Boxes cut to the picture."""
    out: Floats = np.clip(boxes, 0, np.array([width, height, width, height], np.float32)).astype(np.float32)
    return out
