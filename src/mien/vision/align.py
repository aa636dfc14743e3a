"""From a picture and landmarks to the crop a recogniser wants: one function for training and for use.

A crop is a similarity transform (rotation, scale, shift) of the picture that brings the face's five landmarks as
near as least squares can to a template (Umeyama 1991, "Least-squares estimation of transformation parameters
between two point patterns"). The template belongs to the model's card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.errors import CardInvalid
from mien.types import Floats, Image

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
    """How a face is cut out for one model; part of its card."""

    size: int = 48
    """Side of the crop in pixels."""
    template: tuple[tuple[float, float], ...] = FER_TEMPLATE
    """Five x, y: where the landmarks go, as shares of the side of the frame."""
    margin: float = 0.0
    """Share of the frame's side added on each side (negative cuts: -1/24 of a 48 px frame keeps the middle 44)."""
    colour: str = "grey"
    """`grey` (luma ITU-R BT.601, repeated in three channels) or `rgb`."""

    def __post_init__(self) -> None:
        if np.shape(self.template) != (5, 2):
            raise CardInvalid(f"crop template: found shape {np.shape(self.template)}, wanted (5, 2)")
        if self.size < 8 or self.colour not in ("grey", "rgb") or not -0.4 < self.margin < 4:
            raise CardInvalid(f"crop: size {self.size}, colour {self.colour!r}, margin {self.margin} are not usable")

    @property
    def target(self) -> Floats:
        """float32 (5, 2): where the landmarks go in the crop, in pixels."""
        return (((np.array(self.template) + self.margin) / (1 + 2 * self.margin)) * self.size).astype(np.float32)


def similarity(source: Floats, target: Floats) -> Floats:
    """Least-squares similarity transforms from `source` to `target` points.

    source: float32 (n, P, 2); target: float32 (P, 2) or (n, P, 2). Returns float32 (n, 2, 3), `y = M @ (x, 1)`.
    All source points equal is answered with a pure shift (scale 1). Mirroring never occurs.
    """
    source = np.asarray(source, np.float64)
    target = np.broadcast_to(np.asarray(target, np.float64), source.shape)
    centre_s, centre_t = source.mean(axis=1), target.mean(axis=1)
    s, t = source - centre_s[:, None], target - centre_t[:, None]
    # In 2-D the optimal rotation and scale have a closed form: treat points as complex numbers and project t on s.
    norm = (s**2).sum(axis=(1, 2))
    safe = np.where(norm > 1e-12, norm, 1.0)
    a = np.where(norm > 1e-12, (s * t).sum(axis=(1, 2)) / safe, 1.0)
    b = np.where(norm > 1e-12, (s[..., 0] * t[..., 1] - s[..., 1] * t[..., 0]).sum(axis=1) / safe, 0.0)
    linear = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], 1)
    shift = centre_t - np.einsum("nij,nj->ni", linear, centre_s)
    return np.concatenate([linear, shift[..., None]], axis=2).astype(np.float32)


def warp(image: Image, matrix: Floats, size: int) -> Image:
    """Cut one crop: uint8 (size, size[, C]) from a picture (H, W[, C]) by a (2, 3) transform picture -> crop.

    Enlarges bilinearly. Shrinks by area first, so that a face of 500 px and one of 50 px give the same crop instead
    of one full of aliasing. Outside the picture the border is repeated.
    """
    import cv2

    height, width = image.shape[:2]
    matrix = np.array(matrix, np.float64)  # a copy: it is changed below
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    # Pixel centres lie at +0.5: cv2.warpAffine takes them at integers, so a scaling would shift by (1 - scale) / 2.
    matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    if scale < 0.75:
        corners = np.array([[-1, -1], [size, -1], [size, size], [-1, size]], np.float64)
        inside = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        pad = 2 / max(scale, 1e-6)
        x1, y1 = np.clip(np.floor(inside.min(axis=0) - pad), 0, (width - 1, height - 1)).astype(int)
        x2, y2 = np.clip(np.ceil(inside.max(axis=0) + pad), (x1 + 1, y1 + 1), (width, height)).astype(int)
        small_w, small_h = max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale))
        image = np.asarray(cv2.resize(image[y1:y2, x1:x2], (small_w, small_h), interpolation=cv2.INTER_AREA), np.uint8)
        factor = np.array([(x2 - x1) / small_w, (y2 - y1) / small_h])
        # small pixel u stands for picture coordinate x1 + (u + 0.5) * factor - 0.5
        matrix[:, 2] += matrix[:, :2] @ (np.array([x1, y1]) + 0.5 * factor - 0.5)
        matrix[:, :2] *= factor
    out = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, np.uint8)


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
    crops = np.empty((len(points), spec.size, spec.size, 3), np.uint8)
    for i, matrix in enumerate(similarity(points, spec.target) if len(points) else ()):
        crop = warp(image, matrix, spec.size)
        crops[i] = grey(crop)[..., None] if spec.colour == "grey" else crop
    return crops
