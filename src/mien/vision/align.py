"""From a picture and landmarks to the crop a recogniser wants: one function for training and for use.

A crop is a similarity transform (rotation, scale, shift) of the picture that brings the face's five landmarks as
near as least squares can to a template (Umeyama 1991, "Least-squares estimation of transformation parameters
between two point patterns"). The template belongs to the model's card.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from mien.errors import UsageError
from mien.types import Floats, Image, check_floats, check_numbers

FER_TEMPLATE: tuple[tuple[float, float], ...] = (
    (14.7 / 48, 18.3 / 48),
    (32.8 / 48, 18.2 / 48),
    (23.2 / 48, 28.3 / 48),
    (16.4 / 48, 36.7 / 48),
    (31.3 / 48, 36.6 / 48),
)
"""Where the landmarks of FER-2013 lie in its 48x48 frame, as shares of its side: medians over 600 Training pictures
in which YuNet found the face. A whole FER-2013 picture is therefore, near enough, already a crop of this template."""


@dataclass(frozen=True, slots=True)
class CropSpec:
    """How a face is cut out for one model; part of its card. Raises UsageError for what cannot be cut so."""

    size: int = 48
    """Side of the crop in pixels."""
    template: tuple[tuple[float, float], ...] = FER_TEMPLATE
    """Five x, y: where the landmarks go, as shares of the side of the frame."""
    margin: float = 0.0
    """Share of the frame's side added on each side (negative cuts: -1/24 of a 48 px frame keeps the middle 44)."""
    colour: str = "grey"
    """`grey` (luma ITU-R BT.601, repeated in three channels) or `rgb`."""

    def __post_init__(self) -> None:
        check_numbers(self, ("margin",), whole=("size",))
        object.__setattr__(self, "template", _points(self.template))
        if self.size < 8:
            raise UsageError(f"size: found {self.size}, wanted a side of at least 8 pixels")
        if self.colour not in ("grey", "rgb"):
            raise UsageError(f"colour: found {self.colour!r}, wanted grey or rgb")
        if not -0.4 < self.margin < 4:
            raise UsageError(f"margin: found {self.margin}, wanted a share of the frame's side, more than -0.4 and less than 4")

    @property
    def target(self) -> Floats:
        """float32 (5, 2): where the landmarks go in the crop, in pixels; not to be written to."""
        return _target(self)


def _points(template: object) -> tuple[tuple[float, float], ...]:
    """A template from lists or an array, as a card's JSON and NumPy have it, in what can be a key. Raises UsageError."""
    points = check_floats("template", template, np.float64, "five pairs of numbers, x and y")
    if points.shape != (5, 2):
        raise UsageError(f"template: found shape {points.shape}, wanted (5, 2): x and y of five landmarks, as shares of the side")
    if not (finite := np.isfinite(points)).all():
        raise UsageError(f"template: found {points[~finite][0]:g} in it, wanted numbers: x and y of five landmarks, as shares of the side")
    return tuple((x, y) for x, y in points.tolist())


@cache
def _target(spec: CropSpec) -> Floats:
    target: Floats = (((np.array(spec.template) + spec.margin) / (1 + 2 * spec.margin)) * spec.size).astype(np.float32)
    target.flags.writeable = False  # it is handed out again and again
    return target


def similarity(source: Floats, target: Floats) -> Floats:
    """Least-squares similarity transforms from `source` to `target` points.

    source: float32 (n, P, 2); target: float32 (P, 2). Returns float32 (n, 2, 3), `y = M @ (x, 1)`.
    All source points equal is answered with a pure shift (scale 1). Mirroring never occurs.
    """
    # In 2-D the optimal rotation and scale have a closed form: treat points as complex numbers and project t on s.
    # Plain numbers: on five points each NumPy call costs more than all the arithmetic, four times as much in sum.
    goal, centre_t = _centre(target.tolist())
    found = []
    for points in source.tolist():
        face, centre_s = _centre(points)
        norm = sum([s.real * s.real + s.imag * s.imag for s in face])
        turn = sum([s.conjugate() * t for s, t in zip(face, goal, strict=True)]) / norm if norm > 1e-12 else 1 + 0j
        shift = centre_t - turn * centre_s
        found.append(((turn.real, -turn.imag, shift.real), (turn.imag, turn.real, shift.imag)))
    return np.array(found, np.float32).reshape(-1, 2, 3)


def _centre(points: list[list[float]]) -> tuple[list[complex], complex]:
    """Points as complex numbers around their centre, and the centre."""
    face = [complex(x, y) for x, y in points]
    centre = sum(face) / len(face)
    return [s - centre for s in face], centre


def warp(image: Image, matrix: Floats, size: int, *, to_grey: bool = False) -> Image:
    """Cut one crop: uint8 (size, size[, C]) from a picture (H, W[, C]) by a (2, 3) transform picture -> crop.

    to_grey: the picture is RGB and the crop is to be grey, (size, size).

    Enlarges bilinearly. Shrinks by area first, so that a face of 500 px and one of 50 px give the same crop instead
    of one full of aliasing. Outside the picture the border is repeated.
    """
    import cv2

    # Plain numbers: on a 2x3 matrix each NumPy call costs more than all the arithmetic.
    (a, b, x), (c, d, y) = matrix.tolist()
    scale = math.hypot(a, c)
    # Pixel centres lie at +0.5: cv2.warpAffine takes them at integers, so a scaling would shift by (1 - scale) / 2.
    x, y = x + (a + b) / 2 - 0.5, y + (c + d) / 2 - 0.5
    x1, y1, x2, y2 = _needed(image, (a, b, x, c, d, y), scale, size)
    image = image[y1:y2, x1:x2]
    if to_grey and image.ndim == 3:  # at once: one channel takes a third of the time of three in what follows
        image = grey(image)
    x, y = x + a * x1 + b * y1, y + c * x1 + d * y1
    if scale < 0.75:
        image, (wide, high) = _shrunk(image, scale)
        # small pixel u stands for coordinate (u + 0.5) * wide - 0.5 of the part
        left, top = 0.5 * wide - 0.5, 0.5 * high - 0.5
        x, y = x + a * left + b * top, y + c * left + d * top
        a, b, c, d = a * wide, b * high, c * wide, d * high
    affine = np.array(((a, b, x), (c, d, y)))
    return np.asarray(cv2.warpAffine(image, affine, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _shrunk(image: Image, scale: float) -> tuple[Image, tuple[float, float]]:
    """A picture shrunk by area to about `scale` times its size, and how many times narrower and lower it is.

    First by a whole number, which OpenCV does many times faster than by others; by what is left of `scale` only where that is much.
    """
    import cv2

    height, width = image.shape[:2]
    times = round(1 / max(scale, 1e-6))
    if scale * times > 1.1:  # too coarse for the crop
        times -= 1
    wide, high = min(times, width), min(times, height)
    right, below = -width % wide, -height % high
    if right or below:  # up to the next multiple, by the mirror picture: the last pixel alone could be any
        image = np.asarray(cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REFLECT), np.uint8)
    size = small_w, small_h = (width + right) // wide, (height + below) // high
    if scale * times < 0.75:
        size = max(1, round((width + right) * scale)), max(1, round((height + below) * scale))
    if times > 1:
        image = np.asarray(cv2.resize(image, (small_w, small_h), interpolation=cv2.INTER_AREA), np.uint8)
    if size != (small_w, small_h):
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return image, ((width + right) / size[0], (height + below) / size[1])


def _needed(image: Image, matrix: tuple[float, float, float, float, float, float], scale: float, size: int) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the part of a picture that a crop is made of, with a border for shrinking and for interpolation."""
    height, width = image.shape[:2]
    a, b, x, c, d, y = matrix
    determinant = a * d - b * c
    if abs(determinant) < 1e-12:  # landmarks that no face has: the crop is one colour
        return 0, 0, width, height
    u, v = (size - 1) / 2 - x, (size - 1) / 2 - y
    reach = (size + 1) / 2 / abs(determinant)  # a pixel further than the crop's own
    pad = max(2.0, 2 / scale)
    x1, x2 = _span((d * u - b * v) / determinant, (abs(d) + abs(b)) * reach + pad, width)
    y1, y2 = _span((a * v - c * u) / determinant, (abs(a) + abs(c)) * reach + pad, height)
    return x1, y1, x2, y2


def _span(middle: float, reach: float, side: int) -> tuple[int, int]:
    """The whole pixels, first and one after the last, within `reach` of `middle` that a side has; at least one."""
    first = int(min(max(math.floor(middle - reach), 0), side - 1))
    return first, int(min(max(math.ceil(middle + reach), first + 1), side))


def grey(image: Image) -> Image:
    """Luma (ITU-R BT.601) of an RGB picture: uint8 (H, W)."""
    import cv2

    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def whole_frame_points(width: int, height: int, template: Sequence[Sequence[float]] = FER_TEMPLATE) -> Floats:
    """Landmarks, float32 (5, 2), of a picture that is itself a face framed as the template frames it."""
    return (np.array(template) * (width, height)).astype(np.float32)


def align(image: Image, points: Floats, spec: CropSpec) -> Image:
    """Crops of the faces of one picture, as a model's card wants them.

    image: uint8 (H, W, 3) RGB; points: float32 (n, 5, 2) pixels, finite. Returns uint8 (n, size, size, 3).
    """
    import cv2

    crops = np.empty((len(points), spec.size, spec.size, 3), np.uint8)
    to_grey = spec.colour == "grey"
    for i, matrix in enumerate(similarity(points, spec.target)):
        crop = warp(image, matrix, spec.size, to_grey=to_grey)
        if to_grey:  # NumPy would take longer to write one plane into three than the crop took to cut
            cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB, dst=crops[i])
        else:
            crops[i] = crop
    return crops
