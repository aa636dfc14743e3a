"""What is kept of a picture for a training: all of a ready-made crop, and of a photo the part around its face."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from mien.data.extra import find_faces
from mien.data.manifest import Manifest
from mien.models.landmarks import crop_points, find_in_crop
from mien.train.config import TrainConfig
from mien.train.nets import input_of
from mien.types import Detector, Floats, Image
from mien.vision.align import CropSpec, grey, similarity, warp, whole_frame_points
from mien.vision.boxes import area

ROOM = 1.25
"""Pictures are kept at this many times the crop's resolution: more would be shrunk again."""
AROUND = math.sqrt(2)
"""Side of what is kept of a photo, in sides of the crop: so the crop of a face that is tilted by any angle lies in it."""
READY = 64
"""Pictures with no side longer than this are ready-made crops: too small to cut a face out of."""
FRAME = CropSpec(size=128)
"""A face as FER-2013 frames it."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What is kept of one picture."""

    picture: Image
    """uint8 (h, w) grey or (h, w, 3) RGB."""
    points: Floats
    """float32 (5, 2): landmarks in its pixels, NaN where no face was found."""
    frame: Floats
    """float32 (5, 2): where they would be if the face were framed as FER-2013 frames it, upright: in a ready-made crop, by all of it."""
    faceless: bool = False
    """Whether no face was found in a picture that is no ready-made crop by its size."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How pictures are kept for a training."""

    side: int
    """Longest side in pixels of a picture that is kept whole."""
    large: int
    """Longest side from which on faces are looked for in the picture itself, before anything is shrunk."""
    size: int
    """Side of the network's crop in pixels."""
    margin: float
    """Its margin (see CropSpec)."""
    colour: bool
    """Whether they are kept in RGB."""
    square: int
    """Side of the squares in which they come to lie: the same for all of a set."""
    photos: bool
    """Whether some are no ready-made crops, as far as the manifest says."""

    @classmethod
    def of(cls, config: TrainConfig, manifest: Manifest, *, colour: bool) -> Keeping:
        """As the network of these settings needs the pictures of a manifest."""
        size = input_of(config.net, config.settings).size
        side, longest = round(ROOM * size * (1 + 2 * max(config.margin, 0))), np.maximum(manifest["width"], manifest["height"])
        large, most = max(side, READY), int(longest.max(initial=0))
        whole = min(side, most) if most else side
        photos = most > large or bool((longest == 0).any())  # 0: not known yet
        return cls(whole, large, size, config.margin, colour, max(whole, round(ROOM * size * AROUND)) if photos else whole, photos)

    def marked(self, key: str) -> str:
        """A data set's hash; of photos another one for each way of keeping them, so that no training goes on with other pictures."""
        if not self.photos:
            return key
        return hashlib.sha256(f"{key} {ROOM} {AROUND} {READY}".encode()).hexdigest()

    def keep(self, picture: Image, detector: Detector) -> Kept:
        """What is kept of a picture, uint8 (H, W, 3) RGB.

        A ready-made crop, in which the face's frame takes up as much as ROOM needs, is kept whole; so is a picture without a face. Of
        others the square around the face is, at ROOM times the crop's resolution. A face in a photo is the one that `mien evaluate` takes.
        """
        longest = max(picture.shape[:2])
        if longest <= self.large or not self.photos:  # the latter: larger than its manifest says
            return self._whole(picture, None, detector)
        points = _largest(picture, detector)
        if not np.isfinite(points).all():
            return self._whole(picture, points, detector)
        matrix = similarity(points[None], FRAME.target)[0]
        side = FRAME.size / math.hypot(matrix[0, 0], matrix[1, 0])  # of the face's frame, in pixels of the picture
        if side * ROOM >= longest:
            return self._whole(picture, points, detector)
        return self._around(picture, points, _back(matrix, FRAME.size / 2), side)

    def _whole(self, picture: Image, points: Floats | None, detector: Detector) -> Kept:
        """points: of the picture as it was; None: to be looked for in what is kept."""
        seen = _shrunk(picture if self.colour else grey(picture), self.side)
        height, width = seen.shape[:2]
        frame = whole_frame_points(width, height)
        if points is None:
            rgb = seen if seen.ndim == 3 else np.repeat(seen[..., None], 3, axis=2)
            return Kept(seen, find_in_crop(rgb, detector), frame)
        scale = np.array([width / picture.shape[1], height / picture.shape[0]], np.float32)
        return Kept(seen, points * scale, frame, faceless=not np.isfinite(points).all())

    def _around(self, picture: Image, points: Floats, middle: Floats, side: float) -> Kept:
        """A square around the middle of a face whose frame has that side."""
        crop = side * (1 + 2 * self.margin)
        scale = min(1.0, ROOM * self.size / crop)
        size = max(1, round(AROUND * crop * scale))
        shift = size / 2 - middle * scale
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
        frame = middle + (np.array(FRAME.template, np.float32) - 0.5) * np.float32(side)
        seen = warp(picture, matrix, size, to_grey=not self.colour)
        points, frame = (np.asarray(one * scale + shift, np.float32) for one in (points, frame))
        return Kept(seen, points, frame)


def _largest(picture: Image, detector: Detector) -> Floats:
    """Landmarks of the largest face in a picture, float32 (5, 2); NaN where none is found."""
    faces = find_faces(picture, detector)
    if not len(faces):
        return np.full((5, 2), np.nan, np.float32)
    return np.asarray(crop_points(faces[[int(area(faces.boxes).argmax())]], detector)[0])


def _back(matrix: Floats, at: float) -> Floats:
    """Where a similarity transform takes to (at, at) from: float32 (2,)."""
    return np.asarray(np.linalg.solve(matrix[:, :2].astype(np.float64), at - matrix[:, 2].astype(np.float64)), np.float32)


def _shrunk(picture: Image, side: int) -> Image:
    """The picture with its longer side no longer than that."""
    import cv2

    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
