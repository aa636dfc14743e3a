"""YuNet: the default detector, a one-stage network with five landmarks.

Wu, Peng & Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector". Weights: OpenCV zoo 2023mar (MIT).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.errors import UsageError
from mien.models.detectors.tiles import together
from mien.models.session import open_session
from mien.types import Faces, Floats, Image
from mien.vision import boxes as bx

STRIDES = (8, 16, 32)
OUTPUTS = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]
USUAL_SIDE = 640
ENLARGED_SIDE = 256
"""Smaller pictures are enlarged to this: of 300 FER-2013 pictures (48 px) a face is found in 99 % instead of 70 %."""
FRAMED_SIDE, FRAME_SHARE, FRAME_GREY = 224, 0.125, 128
"""The second look. YuNet misses faces that fill the picture: with a tenth of the face's box cut off on every side, 55 % of
139 close-ups are found, and 100 % when shrunk into this grey frame; with a fifth cut off, 7 % and 99 %. In 105 pictures
without a face it found none."""
MOST_PIXELS = 16_000_000


class YuNet:
    """Detector on the ONNX file `path`. Thread-safe.

    side: the picture is shrunk so that its longer side has at most this many pixels; 0 keeps its full size, up to
    `most_pixels` (16 million, about 0.8 GB of memory; larger ones are shrunk to that), which finds smaller faces and takes
    longer; beyond 640 the picture is also looked at with 640, for the large faces. threshold: lowest score kept, 0..1.
    overlap: boxes that overlap more (IoU) are one face. second_look: a picture in which nothing is found is looked at once
    more, small and with a grey frame. Faces from about 10 px (after shrinking) to more than the picture are found.
    """

    prior = None

    def __init__(
        self,
        path: Path,
        *,
        side: int = USUAL_SIDE,
        threshold: float = 0.7,
        overlap: float = 0.3,
        second_look: bool = True,
        most_pixels: int = MOST_PIXELS,
        threads: int = 0,
    ) -> None:
        self.side, self.threshold, self.overlap = side, threshold, overlap
        self.second_look, self.most_pixels = second_look, most_pixels
        self._session = open_session(path, threads=threads)
        height, width = self._session.get_inputs()[0].shape[2:]
        self._fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        if self._fixed and not 0 < side <= min(self._fixed):
            raise UsageError(f"{path.name} takes {width}x{height} px only, side is {side}; use yunet, yunet:tiled or mien's own yunet.onnx")

    def __call__(self, image: Image) -> Faces:
        """Faces of one uint8 (H, W, 3) RGB picture, best first."""
        height, width = image.shape[:2]
        longer = max(height, width)
        scale = min(self.side or longer, longer) / longer
        if longer < ENLARGED_SIDE:
            scale = min(self.side or ENLARGED_SIDE, ENLARGED_SIDE) / longer
        scale = min(scale, (self.most_pixels / (height * width)) ** 0.5)
        faces = self._look(image, scale)
        if longer * scale > USUAL_SIDE:
            faces = together([faces, self._look(image, USUAL_SIDE / longer)], most=self.overlap)
        if not len(faces) and self.second_look:
            faces = self._look(image, FRAMED_SIDE * (1 - 2 * FRAME_SHARE) / longer, frame=round(FRAMED_SIDE * FRAME_SHARE))
        return faces

    def _look(self, image: Image, scale: float, *, frame: int = 0) -> Faces:
        """Faces of the picture scaled by `scale`, with a grey frame of so many pixels around it, in pixels of `image`."""
        import cv2

        height, width = image.shape[:2]
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        small = image
        if (w, h) != (width, height):
            small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        if frame:
            small = cv2.copyMakeBorder(small, frame, frame, frame, frame, cv2.BORDER_CONSTANT, value=(FRAME_GREY,) * 3)
        boxes, scores, points = self._run(small)
        kept = bx.suppress(boxes, scores, most=self.overlap)
        back = np.array([width / w, height / h], np.float32)
        return Faces((boxes[kept] - frame) * np.tile(back, 2), scores[kept], (points[kept] - frame) * back)

    def _run(self, image: Image) -> tuple[Floats, Floats, Floats]:
        """Boxes, scores and points above the threshold, in pixels of `image`."""
        import cv2

        h, w = image.shape[:2]
        blob = np.zeros((1, 3, *(self._fixed or (-(-h // 32) * 32, -(-w // 32) * 32))), np.float32)
        # The network was trained on BGR, 0..255.
        for channel, plane in enumerate(reversed(cv2.split(image))):
            blob[0, channel, :h, :w] = plane
        return _decode(self._session.run(OUTPUTS, {"input": blob}), blob.shape[3], self.threshold)


def _decode(outputs: list[Floats], width: int, threshold: float) -> tuple[Floats, Floats, Floats]:
    """Boxes (n, 4), scores (n,), points (n, 5, 2) above `threshold` from the 12 maps of an image `width` wide."""
    parts = []
    for level, stride in enumerate(STRIDES):
        cls, obj, box, kps = (outputs[level + 3 * kind][0] for kind in range(4))
        score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        hit = np.flatnonzero(score >= threshold)
        cell = np.stack([hit % (width // stride), hit // (width // stride)], 1).astype(np.float32)
        centre = (cell + box[hit, :2]) * stride
        half = np.exp(box[hit, 2:]) * stride / 2
        points = (kps[hit].reshape(-1, 5, 2) + cell[:, None]) * stride
        parts.append((np.concatenate([centre - half, centre + half], 1), score[hit], points))
    boxes, scores, points = (np.concatenate(part).astype(np.float32) for part in zip(*parts, strict=True))
    return boxes, scores, points
