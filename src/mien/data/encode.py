"""Pictures to files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.errors import SinkError, UsageError
from mien.io.whole import whole
from mien.types import Image

ENCODINGS = (".jpg", ".jpeg", ".png", ".webp")


def encoded(image: Image, suffix: str, *, quality: int = 95) -> bytes:
    """A picture, uint8 (H, W, 3) RGB, as bytes of a file with that extension. quality: 1..100, for JPEG and WebP.

    Raises UsageError for another extension.
    """
    import cv2

    suffix = suffix.lower()
    if suffix not in ENCODINGS:
        raise UsageError(f"extension {suffix or 'none'}: pictures are written as {', '.join(ENCODINGS)}")
    flag = {".webp": cv2.IMWRITE_WEBP_QUALITY, ".png": None}.get(suffix, cv2.IMWRITE_JPEG_QUALITY)
    good, data = cv2.imencode(suffix, np.ascontiguousarray(image[..., ::-1]), [] if flag is None else [flag, quality])
    if not good:
        raise SinkError(f"a picture of {image.shape[1]} x {image.shape[0]} pixels cannot be written as {suffix}")
    return bytes(data)


def write_picture(path: Path, image: Image, *, quality: int = 95) -> None:
    """Write a picture, uint8 (H, W, 3) RGB, as its extension says; it appears whole. Raises UsageError, SinkError."""
    data = encoded(image, path.suffix, quality=quality)
    with whole(path) as part:
        part.write_bytes(data)
