"""Haar cascades (Viola & Jones 2001; Lienhart's cascades in OpenCV): offered because asked for, not recommended.

They need no weights of ours, give no landmarks and no probability, and find upright frontal faces only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import ModelError, WeightsMissing
from mien.models.detectors.tiles import together
from mien.types import Faces, Floats, Image
from mien.vision.align import grey
from mien.vision.prior import HAAR_ALT, HAAR_ALT2, HAAR_ALT_TREE, HAAR_DEFAULT, HAAR_PROFILE, Prior

if TYPE_CHECKING:
    import cv2


@dataclass(frozen=True, slots=True)
class Cascade:
    """A cascade file of OpenCV, and what was measured of it (see mien.vision.prior for the pictures)."""

    file: str
    prior: Prior
    middle: float
    """Weight of the last stage at which half of the boxes are faces."""
    steepness: float
    both_ways: bool = False
    """Knows one side of the head only: the mirrored picture is searched too."""


CASCADES: dict[str, Cascade] = {
    "default": Cascade("haarcascade_frontalface_default.xml", HAAR_DEFAULT, 2.88, 0.617),
    "alt": Cascade("haarcascade_frontalface_alt.xml", HAAR_ALT, 106.1, 1.34),
    "alt2": Cascade("haarcascade_frontalface_alt2.xml", HAAR_ALT2, 54.8, 1.72),
    "alt_tree": Cascade("haarcascade_frontalface_alt_tree.xml", HAAR_ALT_TREE, -2.97, 0.52),
    "profile": Cascade("haarcascade_profileface.xml", HAAR_PROFILE, -1.56, 0.56, both_ways=True),
}


class Haar:
    """Detector on a cascade: a name of CASCADES or the path of an XML file. Thread-safe; `threads` of OpenCV are used.

    scale: step of the pyramid, above 1. neighbours: windows that must agree. min_size: least side of a face in pixels.
    side: longer pictures are shrunk to this many pixels first; 0 never shrinks.
    Scores are a monotone map of the cascade's last stage, `1 / (1 + exp(-steepness (weight - middle)))`, fitted so that they are
    near the share of boxes that are faces; a cascade of your own gets `weight / (1 + |weight|)` moved to 0..1, an order and no
    more. Raises WeightsMissing for a file that is not there, ModelError for one that is no cascade.
    """

    def __init__(
        self, cascade: str | Path = "default", *, scale: float = 1.1, neighbours: int = 5, min_size: int = 20, side: int = 1920
    ) -> None:
        if not scale > 1:
            raise ModelError(f"haar: scale is {scale}; wanted a number above 1, such as 1.1")
        import cv2

        self.known = CASCADES.get(str(cascade))
        self.path = Path(cv2.data.haarcascades) / self.known.file if self.known else Path(cascade)
        self.scale, self.neighbours, self.min_size, self.side = scale, neighbours, min_size, side
        self.prior = self.known.prior if self.known else HAAR_DEFAULT
        # A cascade keeps the picture it works on inside itself, so that each thread at work needs its own.
        self._idle = [open_cascade(self.path)]
        self._lock = threading.Lock()

    def __call__(self, image: Image) -> Faces:
        """Faces of one uint8 (H, W, 3) RGB picture, best first, landmarks NaN."""
        import cv2

        height, width = image.shape[:2]
        scale = min(1.0, self.side / max(height, width)) if self.side else 1.0
        small = grey(np.ascontiguousarray(image))
        if scale < 1:
            small = cv2.resize(small, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
        faces = self._found(small)
        if self.known and self.known.both_ways:
            mirrored = self._found(np.ascontiguousarray(small[:, ::-1]))
            boxes = mirrored.boxes.copy()
            boxes[:, [0, 2]] = small.shape[1] - boxes[:, [2, 0]]
            faces = together([faces, Faces.without_points(boxes, mirrored.scores)])
        back = np.array([width / small.shape[1], height / small.shape[0]] * 2, np.float32)
        return Faces.without_points(faces.boxes * back, faces.scores)

    def _found(self, picture: Image) -> Faces:
        with self._classifier() as classifier:
            boxes, _, weights = classifier.detectMultiScale3(
                picture,
                scaleFactor=self.scale,
                minNeighbors=self.neighbours,
                minSize=(self.min_size, self.min_size),
                outputRejectLevels=True,
            )
        if not len(boxes):
            return Faces.none()
        corners = np.asarray(boxes, np.float32)
        corners[:, 2:] += corners[:, :2]
        scores = self._scores(np.asarray(weights, np.float32).ravel())
        order = np.argsort(-scores, kind="stable")
        return Faces.without_points(corners[order], scores[order])

    def _scores(self, weights: Floats) -> Floats:
        if self.known is None:
            return np.asarray(0.5 + 0.5 * weights / (1 + np.abs(weights)), np.float32)
        return np.asarray(1 / (1 + np.exp(-np.clip(self.known.steepness * (weights - self.known.middle), -50, 50))), np.float32)

    @contextmanager
    def _classifier(self) -> Iterator[cv2.CascadeClassifier]:
        """A cascade that no other thread uses meanwhile."""
        with self._lock:
            classifier = self._idle.pop() if self._idle else None
        classifier = classifier or open_cascade(self.path)
        try:
            yield classifier
        finally:
            with self._lock:
                self._idle.append(classifier)


def open_cascade(path: Path) -> cv2.CascadeClassifier:
    """OpenCV's classifier of a cascade file; OpenCV itself gives an empty one, or an unreadable error, for a bad file."""
    import cv2

    if not path.is_file():
        raise WeightsMissing(f"{path}: no such cascade file; there are: {', '.join(CASCADES)}, or the path of an OpenCV cascade (.xml)")
    try:
        classifier = _by_text(path)
        if classifier.empty():
            classifier = cv2.CascadeClassifier(str(path))  # which also knows the format of OpenCV 1, and files that are packed
    except (OSError, cv2.error, SystemError) as error:
        raise ModelError(f"{path}: not an OpenCV cascade (.xml); try haar:alt2") from error
    if classifier.empty():
        raise ModelError(f"{path}: not an OpenCV cascade (.xml); try haar:alt2")
    return classifier


def _by_text(path: Path) -> cv2.CascadeClassifier:
    """The classifier of what stands in a file, empty where that is none. On Windows OpenCV itself opens no file whose path has letters
    beyond ASCII (opencv#4292), as those of many users' folders have.
    """
    import cv2

    classifier = cv2.CascadeClassifier()
    with suppress(cv2.error, SystemError):
        stored = cv2.FileStorage(path.read_text("utf-8", "replace"), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        classifier.read(stored.getFirstTopLevelNode())
    return classifier
