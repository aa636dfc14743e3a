"""What has to be hidden so that nobody who is followed is seen: whole heads, also where a detector saw half of one or missed it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.types import Floats, Result

Array = NDArray[np.float64]

WHOLE_SECONDS = 1.5
"""Time constant with which the size of somebody's whole box falls to that of the one that was found: what hides half a face is gone
sooner, and who turns the head gets narrower."""
SPREAD, SPREAD_SECONDS = 0.5, 1.0
"""Faces a second by which a cover grows on each side while somebody is missed, and for how long. At 109 to 182 places in eight clips a
face had gone up to .06 faces beyond its last box and the one that the filter moved after 0.1 s in 95 of 100 cases, .22 after 1 s, and
in 99 of 100 .08 and .83; the ellipse that hides a head reaches .35 beyond the box by itself. With a detector that found nothing for up
to 8 and up to 24 frames at a time, 862 of 879 faces of eleven clips were covered wholly; at 15 of the others nobody was followed then."""


def whole_size(sizes: Array, found: Array, seconds: Array) -> Array:
    """Width and height of whole boxes, (n, 2) pixels, where such were `sizes` so many `seconds` ago, (n,), and `found` is seen now."""
    return np.asarray(found + np.maximum(sizes - found, 0) * np.exp(-seconds / WHOLE_SECONDS)[:, None])


def covers(boxes: Floats, sizes: Array, shift: Array, since: Array) -> Floats:
    """Boxes that hold the whole face, float32 (n, 4).

    boxes: float32 (n, 4), where faces were last found. sizes: (n, 2), width and height of their whole boxes lately; which part of it was
    found is not known, so what is missing of its shape is added on both sides. shift: (n, 2) pixels that people have moved since by the
    filter; where they were stays covered, since half a face that comes out from behind something moves otherwise than the person.
    since: (n,) seconds.
    """
    found = np.maximum(boxes[:, 2:].astype(np.float64) - boxes[:, :2], 1)
    # What hides half a face changes the shape of its box. Where both sides got smaller, the person is further away, by as much as the side
    # that lost less says. `sizes` keep what they were lately all the same: while one side is hidden the other one trembles, and with each
    # time that it is a little shorter they would forget some of both.
    further = np.minimum((found / sizes).max(axis=1, keepdims=True), 1)
    whole = np.maximum(sizes * further, found)
    lack = whole - found
    grown = SPREAD * np.minimum(since, SPREAD_SECONDS) * np.sqrt(np.prod(whole, axis=1))
    low = boxes[:, :2] - lack + np.minimum(shift, 0) - grown[:, None]
    high = boxes[:, 2:] + lack + np.maximum(shift, 0) + grown[:, None]
    return np.concatenate([low, high], axis=1).astype(np.float32)


def missed(result: Result) -> int:
    """How many were hidden without being found, and may be in the picture still: not who went out of it, or was about to.

    How much of a cover is growth is not known, so the most that it can be does not count as being beyond the picture's edge.
    """
    if result.covers is None:
        return 0
    hidden = result.covers[len(result.faces) :].astype(np.float64)
    most = SPREAD * SPREAD_SECONDS
    grown = most / (1 + 2 * most) * np.sqrt(np.prod(hidden[:, 2:] - hidden[:, :2], axis=1))[:, None]
    inside = (hidden[:, :2] + grown > 0) & (hidden[:, 2:] - grown < result.size)
    return int(inside.all(axis=1).sum())
