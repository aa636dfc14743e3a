"""Where the landmarks lie in a box on average: what alignment uses for detectors without landmarks."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from mien.types import Floats

Prior: TypeAlias = tuple[tuple[float, float], ...]
"""Five x, y as shares of the box's width and height, in the order of `Faces.points`."""

# Medians of where YuNet's points (score above 0.8) lie, over research photos (media, detection_small and
# skillbox_anger272, 318 pictures): 300 faces in YuNet's own boxes, and in those of the cascades, at scale 1.1 and 3 neighbours,
# 371 (default), 375 (alt2), 375 (alt), 177 (alt_tree), 116 (profile). Spread 0.03-0.06 of the box. A crop by the prior of
# default or alt2 has its corners off by a median 0.23 or 0.21 eye distances from one by YuNet's points.
TIGHT: Prior = ((0.261, 0.382), (0.731, 0.381), (0.497, 0.581), (0.305, 0.738), (0.698, 0.741))
HAAR_DEFAULT: Prior = ((0.312, 0.39), (0.685, 0.389), (0.499, 0.605), (0.342, 0.769), (0.655, 0.773))
HAAR_ALT2: Prior = ((0.308, 0.392), (0.686, 0.389), (0.498, 0.612), (0.338, 0.777), (0.656, 0.782))
HAAR_ALT: Prior = ((0.309, 0.39), (0.684, 0.39), (0.498, 0.61), (0.339, 0.777), (0.654, 0.78))
HAAR_ALT_TREE: Prior = ((0.306, 0.39), (0.682, 0.391), (0.491, 0.608), (0.331, 0.768), (0.649, 0.774))
# Knows heads turned to the picture's left; with the mirrored search both occur, so this is the mean of both.
HAAR_PROFILE: Prior = ((0.333, 0.421), (0.667, 0.421), (0.5, 0.618), (0.357, 0.772), (0.643, 0.772))


def points_from_boxes(boxes: Floats, prior: Prior | None = None) -> Floats:
    """Landmarks, float32 (n, 5, 2) pixels, of float32 (n, 4) boxes by a detector's `prior`; without one, by that of a tight box."""
    share = np.array(TIGHT if prior is None else prior, np.float32)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    low, sides = boxes[:, None, :2], (boxes[:, 2:] - boxes[:, :2])[:, None]
    return np.asarray(low + share[None] * sides, np.float32)
