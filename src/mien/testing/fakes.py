"""Planted pictures, and a detector and a recogniser that read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mien.errors import UsageError
from mien.labels import EMOTIONS, anchors
from mien.types import Emotions, Faces, Floats, Image, Result, check_image
from mien.vision.align import CropSpec, whole_frame_points

BACKGROUND = 10
"""Grey value of a planted picture; everything from `DARKEST` on is a face."""
DARKEST = 60
"""Grey value of a face that shows the first emotion; each further one is `STEP` brighter."""
STEP = 20
"""Far enough apart for JPEG at any sane quality."""


def planted_picture(faces: Sequence[tuple[Sequence[float], str]], size: tuple[int, int] = (640, 480)) -> tuple[Image, Faces]:
    """A picture with planted faces, uint8 (H, W, 3), and where they are.

    faces: pairs of a square box x1, y1, x2, y2 in whole pixels, inside the picture, and the emotion it shows. Boxes must
    not touch. size: width, height in pixels. The returned faces have the order in which FakeDetector finds them.
    """
    width, height = size
    image = np.full((height, width, 3), BACKGROUND, np.uint8)
    for box, emotion in faces:
        x1, y1, x2, y2 = (int(value) for value in box)
        if emotion not in EMOTIONS:
            raise UsageError(f"emotion {emotion!r} is unknown; there are: {', '.join(EMOTIONS)}")
        if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height and x2 - x1 == y2 - y1 >= 8):
            raise UsageError(f"box {tuple(box)}: wanted a square of at least 8 px inside {width}x{height}")
        value = DARKEST + STEP * EMOTIONS.index(emotion)
        image[y1:y2, x1:x2] = value
        for x, y in _points([x1, y1, x2, y2]):  # eyes, nose and mouth make it sharp, and leave the median as it is
            dot = max(1, (x2 - x1) // 24)
            image[int(y) - dot : int(y) + dot, int(x) - dot : int(x) + dot] = BACKGROUND
    boxes = sorted(([float(v) for v in box] for box, _ in faces), key=lambda box: (box[1], box[0]))
    return image, _faces(boxes)


def _points(box: Sequence[float]) -> Floats:
    side = int(box[2] - box[0])
    return whole_frame_points(side, side) + np.array(box[:2], np.float32)


def _faces(boxes: Sequence[Sequence[float]], score: float = 0.95) -> Faces:
    if not boxes:
        return Faces.none()
    return Faces(np.array(boxes, np.float32), np.full(len(boxes), score), np.stack([_points(box) for box in boxes]))


class FakeDetector:
    """A detector that finds the planted faces, top to bottom, or gives what it was told to give.

    faces: None to look for planted squares; Faces to give them for every picture; or a function of the picture.
    """

    name = "fake"

    def __init__(self, faces: Faces | Callable[[Image], Faces] | None = None) -> None:
        self._given = faces

    def __call__(self, image: Image, /) -> Faces:
        """Faces of one uint8 (H, W, 3) RGB picture."""
        check_image(image)
        if isinstance(self._given, Faces):
            return self._given
        return self._given(image) if self._given else _squares(image)


def _squares(image: Image) -> Faces:
    import cv2

    bright = (image.max(axis=2) > (BACKGROUND + DARKEST) // 2).astype(np.uint8)
    _, _, found, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    boxes = [[float(x), float(y), float(x + w), float(y + h)] for x, y, w, h, _ in found[1:] if min(w, h) >= 8]
    return _faces(sorted(boxes, key=lambda box: (box[1], box[0])))


class FakeRecogniser:
    """A recogniser that reads the planted emotion back from a crop: that one gets `confidence`, the others share the rest.

    Valence and arousal are the expected ones under `adfes2011`. crop: any CropSpec.
    """

    name = "fake"

    def __init__(self, crop: CropSpec | None = None, *, confidence: float = 0.92) -> None:
        self._crop = crop or CropSpec()
        self._confidence = confidence

    @property
    def crop(self) -> CropSpec:
        """The crop it wants."""
        return self._crop

    def __call__(self, crops: Image, /) -> Emotions:
        """Emotions of uint8 (n, size, size, 3) crops."""
        values = np.median(crops.reshape(len(crops), -1), axis=1) if len(crops) else np.zeros(0)
        which = np.clip(np.round((values - DARKEST) / STEP), 0, len(EMOTIONS) - 1).astype(int)
        probs = np.full((len(crops), len(EMOTIONS)), (1 - self._confidence) / (len(EMOTIONS) - 1))
        probs[np.arange(len(crops)), which] = self._confidence
        return _with_affect(probs.astype(np.float32))


def _with_affect(probs: Floats) -> Emotions:
    return Emotions(EMOTIONS, probs, anchors("adfes2011").expected(probs), "adfes2011")


def make_result(
    emotions: Sequence[str] = ("happy", "sad"),
    *,
    source: str = "picture.jpg",
    size: tuple[int, int] = (640, 480),
    confidence: float = 0.92,
    unsure: Sequence[str] = (),
) -> Result:
    """A Result as the road would give it, with a face in a row for each emotion; none for an empty list.

    size: width, height of the picture in pixels. unsure: emotions whose faces are marked unsure, with the reason `blur`.
    """
    width, height = size
    n = len(emotions)
    side = max(1, min(height // 2, width // (2 * n))) if n else 0
    boxes = [[x, height // 4, x + side, height // 4 + side] for x in (width * (2 * i + 1) // (2 * n) - side // 2 for i in range(n))]
    probs = np.full((n, len(EMOTIONS)), (1 - confidence) / (len(EMOTIONS) - 1), np.float32)
    for row, emotion in zip(probs, emotions, strict=True):
        row[EMOTIONS.index(emotion)] = confidence
    read = _with_affect(probs)
    flags = np.array([emotion in unsure for emotion in emotions], np.bool_)
    doubts = tuple(("blur",) if flag else () for flag in flags)
    judged = Emotions(read.labels, read.probs, read.affect, read.affect_from, flags, doubts)
    return Result(source, 0, 0.0, size, _faces(boxes), judged, "fake")
