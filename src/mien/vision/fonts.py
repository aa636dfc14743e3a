"""Text to pixels: captions in Latin and Cyrillic letters, which cv2.putText cannot draw.

The font is DejaVu Sans, cut down to Latin, Cyrillic and punctuation (`fonts/`, with its licence). No core dependency ships a
font with Cyrillic letters: Pillow's built-in Aileron has none.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mien.types import Image

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Line: TypeAlias = tuple[str, int]
"""Text and its size in pixels (of the em)."""

# As shares of the text's size. Accents on capitals reach .93 above the baseline and descenders .24 below, in DejaVu Sans.
SIDE, ABOVE, BELOW, BASELINE, DESCENT = 0.36, 0.2, 0.14, 0.76, 0.22

_LOCK = Lock()  # FreeType faces must not be used by two threads at once


@cache
def _bytes() -> bytes:
    return resources.files("mien.vision").joinpath("fonts/DejaVuSans-subset.ttf").read_bytes()


@lru_cache(maxsize=64)
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    # The basic layout engine is always there and gives the same pixels everywhere; Raqm is optional in Pillow.
    return ImageFont.truetype(BytesIO(_bytes()), size, layout_engine=ImageFont.Layout.BASIC)


def text_width(text: str, size: int) -> float:
    """Advance of `text` in pixels at `size` pixels an em."""
    with _LOCK:
        return float(_font(size).getlength(text))


@lru_cache(maxsize=1024)
def text_mask(lines: tuple[Line, ...]) -> Image:
    """How much of each pixel ink covers, uint8 (h, w), for lines set flush left with padding for a plate around them.

    No lines: an array of shape (0, 0). The array is shared and read-only.
    """
    from PIL import Image as Pictures
    from PIL import ImageDraw

    if not lines:
        return np.zeros((0, 0), np.uint8)
    side, top, bottom = lines[0][1] * SIDE, max(2.0, lines[0][1] * ABOVE), lines[-1][1] * BELOW
    width = max(text_width(text, size) for text, size in lines) + 2 * side
    height = top + sum(size * (BASELINE + DESCENT) for _, size in lines) + (len(lines) - 1) * lines[0][1] * 0.1 + bottom
    canvas = Pictures.new("L", (int(np.ceil(width)), int(np.ceil(height))), 0)
    pen = ImageDraw.Draw(canvas)
    y = top
    with _LOCK:
        for text, size in lines:
            pen.text((round(side), round(y + size * BASELINE)), text, fill=255, font=_font(size), anchor="ls")
            y += size * (BASELINE + DESCENT) + lines[0][1] * 0.1
    mask = np.asarray(canvas).copy()
    mask.setflags(write=False)
    return mask
