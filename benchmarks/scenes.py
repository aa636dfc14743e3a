"""Pictures to time on: the example portraits put on a grey canvas, so that size and number of faces are known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mien.io.images import read_image
from mien.types import Image

EXAMPLES = Path(__file__).parents[1] / "examples"
SETTINGS = ((640, 480, 1), (640, 480, 5), (1280, 720, 1), (1280, 720, 5))


def portraits() -> list[Image]:
    """The single-face example pictures."""
    return [read_image(EXAMPLES / name).image for name in PORTRAITS]


PORTRAITS = ("astronaut.jpg",)


def scene(width: int, height: int, faces: int) -> Image:
    """A canvas with that many portraits side by side, uint8 (height, width, 3) RGB."""
    canvas = np.full((height, width, 3), 96, np.uint8)
    columns = 1 if faces == 1 else 3
    rows = -(-faces // columns)
    cell_w, cell_h = width // columns, height // rows
    pictures = portraits()
    for i in range(faces):
        picture = pictures[i % len(pictures)]
        scale = min(cell_w / picture.shape[1], cell_h / picture.shape[0])
        w, h = int(picture.shape[1] * scale), int(picture.shape[0] * scale)
        x, y = (i % columns) * cell_w + (cell_w - w) // 2, (i // columns) * cell_h + (cell_h - h) // 2
        canvas[y : y + h, x : x + w] = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA)
    return canvas
