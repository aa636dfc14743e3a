"""BlazeFace, MediaPipe's face detector: a phone's camera in mind, very fast, on faces that fill a good part of the picture.

Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs". Weights: MediaPipe's short-range and
full-range files (Apache-2.0), made ONNX by tools/convert_blazeface.py, so that mediapipe itself is not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import UnknownName
from mien.models.session import open_session
from mien.types import Faces, Floats, Image
from mien.vision import boxes as bx

MERGE = 0.3
"""Boxes that overlap more (IoU) are taken for one face, as MediaPipe does."""


@dataclass(frozen=True, slots=True)
class Range:
    """One of MediaPipe's two networks."""

    file: str
    size: int
    """Side of the network's input in pixels."""
    maps: tuple[tuple[int, int], ...]
    """Stride and number of anchors a cell of each output map."""


RANGES: dict[str, Range] = {
    "short": Range("blazeface_short.onnx", 128, ((8, 2), (16, 6))),
    "full": Range("blazeface_full.onnx", 192, ((4, 1),)),
}


def anchors(kind: Range) -> Floats:
    """Centres of the anchors, float32 (n, 2) in shares of the input's side."""
    parts = []
    for stride, repeats in kind.maps:
        cells = kind.size // stride
        y, x = np.mgrid[:cells, :cells]
        parts.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1) + 0.5, repeats, axis=0) / cells)
    return np.concatenate(parts).astype(np.float32)


class BlazeFace:
    """Detector on the ONNX file `path`.

    range: `short` (faces within about 2 m of a phone; the whole picture is seen at 128x128, so faces under about a
    tenth of its longer side are missed: not for groups) or `full` (within about 5 m; 192x192). confidence: least score, 0..1.
    square and margin: boxes squared and grown by this share on every side; .6, squared and 5 % are R0's rule. The mouth
    corners among the landmarks are derived, see MOUTH_WIDTH.
    """

    prior = None

    def __init__(
        self, path: Path, *, range: str = "short", confidence: float = 0.6, margin: float = 0.05, square: bool = True, threads: int = 0
    ) -> None:
        if range not in RANGES:
            raise UnknownName("BlazeFace range", range, RANGES)
        self.kind, self.confidence, self.margin, self.square = RANGES[range], confidence, margin, square
        self._anchors = anchors(self.kind)
        self._session = open_session(path, threads=threads)

    def __call__(self, image: Image) -> Faces:
        """Faces of one uint8 (H, W, 3) RGB picture, best first."""
        blob, scale, shift = _letterboxed(image, self.kind.size)
        raw, logits = self._session.run(["boxes", "scores"], {"input": blob})
        scores = (1 / (1 + np.exp(-np.clip(logits[0, :, 0], -100, 100, dtype=np.float64)))).astype(np.float32)
        hit = np.flatnonzero(scores >= self.confidence)
        values = raw[0, hit].reshape(-1, 8, 2) / self.kind.size
        centre, half = values[:, 0] + self._anchors[hit], values[:, 1] / 2
        # (n, 8, 2): both corners, then right eye, left eye, nose, mouth, right and left ear
        found = np.concatenate([(centre - half)[:, None], (centre + half)[:, None], values[:, 2:] + self._anchors[hit, None]], axis=1)
        real = (half > 0).all(axis=1)
        found, scores = merged(found[real], scores[hit][real])
        found = (found * self.kind.size - shift) / scale
        boxes = found[:, :2].reshape(-1, 4)
        if self.square:
            boxes = bx.square(boxes, margin=self.margin)
        return Faces(boxes, scores, _five(found[:, 2:]))


def merged(found: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Weighted non-maximum suppression: (n, P, 2) -> (m, P, 2), the mean of each cluster by score, with its best score."""
    order = np.argsort(-scores, kind="stable")
    found, scores = found[order], scores[order]
    boxes = np.ascontiguousarray(found[:, :2].reshape(-1, 4))
    left = np.ones(len(found), np.bool_)
    means, best = [np.zeros((0, *found.shape[1:]), np.float32)], []
    while left.any():
        first = int(np.flatnonzero(left)[0])
        near = left & (bx.overlap(boxes[first : first + 1], boxes)[0] > MERGE)
        near[first] = True
        means.append(np.average(found[near], axis=0, weights=scores[near])[None].astype(np.float32))
        best.append(scores[first])
        left &= ~near
    return np.concatenate(means), np.array(best, np.float32)


def _letterboxed(image: Image, size: int) -> tuple[Floats, Floats, Floats]:
    """The picture in the middle of a black square: float32 (1, 3, size, size) in -1..1, with scale and shift (x, y) of it."""
    import cv2

    height, width = image.shape[:2]
    ratio = size / max(height, width)
    w, h = max(1, round(width * ratio)), max(1, round(height * ratio))
    left, top = (size - w) // 2, (size - h) // 2
    canvas = np.zeros((size, size, 3), np.uint8)
    canvas[top : top + h, left : left + w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
    blob = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32) / 127.5 - 1
    return blob, np.array([w / width, h / height], np.float32), np.array([left, top], np.float32)


MOUTH_WIDTH, MOUTH_RISE = 0.81, 0.055
"""BlazeFace gives the middle of the mouth, not its corners: they are taken to lie on a line along the eyes, this many eye
distances apart and above that point. Medians of 205 faces against YuNet's points; alignment is better for it: the corners
of the crop are off by 0.18 eye distances, against 0.30 with average landmarks of the box (full range: 0.21 and 0.22)."""


def _five(marks: Floats) -> Floats:
    """Our five points from BlazeFace's right eye, left eye, nose, mouth centre (n, 6, 2): float32 (n, 5, 2)."""
    right, left, nose, mouth = (marks[:, i] for i in range(4))
    along = left - right
    middle = mouth + MOUTH_RISE * along[:, ::-1] * (1, -1)
    return np.stack([right, left, nose, middle - MOUTH_WIDTH / 2 * along, middle + MOUTH_WIDTH / 2 * along], axis=1).astype(np.float32)
