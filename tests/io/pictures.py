"""Pictures for the tests of this folder, made with Pillow."""

import io

import numpy as np
from PIL import Image as Pil


def scene(width: int = 96, height: int = 64) -> np.ndarray:
    """Asymmetric in every way: each corner and both gradients differ. uint8 (height, width, 3)."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    image = np.stack([255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 128 + 60 * np.sin(x / 9 + y / 5)], axis=2)
    image[: height // 3, : width // 4] = (250, 20, 30)
    return image.astype(np.uint8)


def encoded(picture: Pil.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
