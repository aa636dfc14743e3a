"""Faces taken out of a picture: as crops to keep, or blurred where they stand."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.types import Faces, Floats, Image, check_image, check_kind
from mien.vision import boxes as bx
from mien.vision.align import warp

CELLS = 4
"""Mosaic cells along a head at strength 1. With 6, YuNet still finds a face in one of seven heads; with 4, in none of 76."""
HEAD = (0.85, 0.92)
"""Half axes of the ellipse over a head, as shares of the box's width and height: hair, ears and chin lie outside a face's box."""
LIFT = 0.07
"""How far the ellipse's middle lies above the box's, as a share of its height."""


def anonymize(image: NDArray[Any], faces: Faces, *, strength: float = 1.0) -> Image:
    """The picture with every head made unrecognisable; a new array.

    Each head, an ellipse 1.7 times as wide and 1.84 times as high as the face's box, becomes a mosaic of about 4 x 4 means of
    its pixels, blurred so that no cell edge is left: what is written depends on those few means only, so no filter brings the
    face back. strength: 1 or more; 2 means half as many cells. Faces partly outside the picture are covered as far as they
    are in it. A face that the detector missed stays: look at the result.
    Raises UsageError for a strength below 1, and for arguments of another kind.
    """
    import cv2

    check_image(image)
    _check_faces(faces)
    check_kind("strength", strength, Real, "a number of at least 1")
    if not (math.isfinite(strength) and strength >= 1):
        raise UsageError(f"strength is {strength}; wanted a number of at least 1: less would leave faces recognisable")
    out = image.copy()
    height, width = image.shape[:2]
    for box in faces.boxes:
        if not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
            continue
        side = box[2:] - box[:2]
        middle = (box[:2] + box[2:]) / 2 - (0, LIFT * side[1])
        half = np.maximum(side * HEAD, 2.0)
        feather = float(half.min()) * 0.12
        low = np.maximum(np.floor(middle - half - feather), 0).astype(int)
        high = np.minimum(np.ceil(middle + half + feather), (width, height)).astype(int)
        if (high <= low).any():
            continue
        window = out[low[1] : high[1], low[0] : high[0]]
        # Cells are sized by the head, not by what the border leaves of it, and never under 4 px.
        cell = max(4.0, float(2 * half.max()) / (CELLS / strength))
        grid = (max(1, round(window.shape[1] / cell)), max(1, round(window.shape[0] / cell)))
        mosaic = cv2.resize(window, grid, interpolation=cv2.INTER_AREA).reshape(grid[1], grid[0], 3)
        smooth = cv2.resize(mosaic, window.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        x = (np.arange(low[0], high[0], dtype=np.float32) + 0.5 - middle[0])[None] / half[0]
        y = (np.arange(low[1], high[1], dtype=np.float32) + 0.5 - middle[1])[:, None] / half[1]
        outside = (np.hypot(x, y) - 1) * half.min()  # pixels from the ellipse, nearly; the soft edge lies wholly outside it
        alpha = np.clip(1 - outside / max(feather, 1e-3), 0, 1)[..., None].astype(np.float32)
        window[:] = np.rint(window + (smooth.astype(np.float32) - window) * alpha).astype(np.uint8)
    return out


def face_crops(image: NDArray[Any], faces: Faces, *, size: int = 160) -> Image:
    """Crops of the faces as they stand (not turned upright), uint8 (n, size, size, 3) RGB, in the order of the faces.

    image: uint8 (H, W, 3) RGB, in which `faces` were found. size: side of a crop in pixels, whatever that of the face. Each is the box
    made square by its longer side and grown by 10 % of it on every side. Where that reaches over the border, the border's pixels are
    repeated, so that a face keeps its proportions. No faces: length 0. They are for people to look at and for other tools that take
    crops; mien's own recognisers see faces turned upright by their landmarks. Raises UsageError for a box without area, and for arguments
    of another kind.

    >>> import numpy as np
    >>> from mien.types import Faces
    >>> face_crops(np.zeros((90, 120, 3), np.uint8), Faces.without_points([[10, 20, 50, 70]], [0.9]), size=64).shape
    (1, 64, 64, 3)
    """
    check_image(image)
    _check_faces(faces)
    check_kind("size", size, Integral, "a whole number of pixels")
    if size < 1:
        raise UsageError(f"size is {size}; wanted at least 1 pixel")
    squares = bx.square(faces.boxes, margin=0.1)
    crops = np.empty((len(faces), size, size, 3), np.uint8)
    for i, (x1, y1, x2, _) in enumerate(squares):
        if not (np.isfinite(squares[i]).all() and x2 > x1):
            raise UsageError(f"face {i}: the box {faces.boxes[i].tolist()} has no area to crop")
        scale = size / float(x2 - x1)
        matrix: Floats = np.array([[scale, 0, -float(x1) * scale], [0, scale, -float(y1) * scale]], np.float32)
        crops[i] = warp(image, matrix, size)
    return crops


def _check_faces(faces: Faces) -> None:
    check_kind("faces", faces, Faces, "Faces, as result.faces are")


def crop_name(score: float, n: int) -> str:
    """File name of a saved crop, `<confidence>.<n>.jpg`: `0.9731.000012.jpg`.

    score: the detector's, 0..1, cut (not rounded) to four decimals, so that 0.99996 does not read as 1; n: number of the face in
    the run, from 0, which makes the name unique. Names sort by confidence, then by number.
    """
    if not (math.isfinite(score) and 0 <= score <= 1) or n < 0:
        raise UsageError(f"crop name: found score {score} and number {n}; wanted a score of 0..1 and a number from 0")
    # 1e-3: a float32's 0.9 is 0.89999998.
    return f"{math.floor(score * 10_000 + 1e-3) / 10_000:.4f}.{n:06d}.jpg"
