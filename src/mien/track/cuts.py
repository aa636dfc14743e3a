"""Where one shot of a film ends and the next begins, told from the two frames: there a face's place says nothing any more."""

from __future__ import annotations

import numpy as np

from mien.types import Floats, Image

POINTS, CELLS = (64, 36), (16, 9)
"""Pixels that are looked at and the cells that they are averaged over: width, height."""
UNLIKE = 0.55
"""One less the correlation of two frames' patterns above which there is a cut. Read frame by frame, some twenty clips had their cuts at
.71 and above and were at .41 at most within a shot, where a car filled the picture. In frames a third of a second apart such a car
looks like a cut; whoever is there before and after it is then known by looks."""
FLAT = 8.0
"""Standard deviation of a pattern, in grey levels, below which a frame (black, white, very dark) tells nothing."""


class Cuts:
    """Compares each frame with the last one that showed something."""

    def __init__(self) -> None:
        self._last: Floats | None = None

    def before(self, image: Image) -> bool:
        """Whether a cut lies between the frame of the last call and this one, uint8 (H, W, 3) RGB. Light that changes is none."""
        pattern = _pattern(image)
        if pattern is None:
            return False
        last, self._last = self._last, pattern
        return last is not None and 1 - float(last @ pattern) > UNLIKE


def _pattern(image: Image) -> Floats | None:
    """The coarse picture, each colour less its mean, with length 1: float32 (432,). None where there is hardly any."""
    import cv2

    # To average all pixels would take ten times as long, and points enough are as good.
    points = cv2.resize(image, POINTS, interpolation=cv2.INTER_LINEAR)
    cells = cv2.resize(points, CELLS, interpolation=cv2.INTER_AREA).astype(np.float32)
    cells -= cells.mean(axis=(0, 1))
    if cells.std() < FLAT:
        return None
    return np.asarray(cells.ravel() / np.linalg.norm(cells), np.float32)
