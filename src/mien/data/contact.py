"""Contact sheets: pictures in a grid under a heading, each with a line below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.data.recipes import Recipe, apply, recipe
from mien.errors import UsageError
from mien.types import Image, check_image
from mien.vision.fonts import text_mask, text_width

PAPER, INK = 255, 32
GAP, HEADING, TEXT = 8, 18, 13
"""Pixels: between pictures, and of the letters."""


def contact_sheet(
    pictures: Sequence[Image], captions: Sequence[str], *, heading: Sequence[str] = (), columns: int = 4, side: int = 192
) -> Image:
    """Pictures in rows of `columns`, each fitted into `side` x `side` pixels, as one uint8 (H, W, 3) picture."""
    if len(pictures) != len(captions) or not pictures or columns < 1 or side < 16:
        raise UsageError(
            f"contact sheet: {len(pictures)} pictures, {len(captions)} captions, {columns} columns of {side} px cannot be laid out"
        )
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    width = columns * (side + GAP) + GAP
    lines = [
        (line, HEADING if i == 0 else TEXT) for i, text in enumerate(heading) for line in wrapped(text, HEADING if i == 0 else TEXT, width)
    ]
    head = text_mask(tuple(lines)).shape[0] + GAP if lines else 0
    cell = side + TEXT + 2 * GAP
    sheet = np.full((head + GAP + rows * cell, width, 3), PAPER, np.uint8)
    if lines:
        ink(sheet, tuple(lines), GAP // 2, GAP // 2)
    for k, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        y, x = head + GAP + k // columns * cell, GAP + k % columns * (side + GAP)
        small = fitted(picture, side)
        top, left = y + (side - small.shape[0]) // 2, x + (side - small.shape[1]) // 2
        sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
        ink(sheet, ((clipped(caption, TEXT, side), TEXT),), x - 4, y + side)
    return sheet


def recipe_sheet(which: str | Recipe, image: Image, *, count: int = 15, seed: int = 0, columns: int = 4, side: int = 192) -> Image:
    """The picture and `count` augmented ones under the recipe's name, source and steps: uint8 (H, W, 3).

    image: uint8 (H, W, 3) RGB. Number k on the sheet is what `apply` gives with `numpy.random.default_rng([seed, k])`.
    """
    chosen = recipe(which)
    check_image(image)
    pictures = [image, *(apply(chosen, image, np.random.default_rng([seed, k])) for k in range(1, count + 1))]
    heading = (f"Recipe {chosen.name}", chosen.source, "; ".join(map(str, chosen.steps)))
    return contact_sheet(pictures, ["as it is", *(str(k) for k in range(1, count + 1))], heading=heading, columns=columns, side=side)


def fitted(picture: Image, side: int) -> Image:
    """A picture scaled so that its long side has `side` pixels; small ones are shown in blocks, as they are."""
    import cv2

    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST), np.uint8)


def ink(canvas: Image, lines: tuple[tuple[str, int], ...], x: int, y: int, colour: Sequence[int] = (INK, INK, INK)) -> None:
    """Write lines of (text, pixels) with the top left at x, y; what does not fit on the canvas is cut off. In place."""
    mask = text_mask(lines)
    height, width = canvas.shape[:2]
    x, y = max(0, x), max(0, y)
    mask = mask[: max(0, height - y), : max(0, width - x)]
    part = canvas[y : y + mask.shape[0], x : x + mask.shape[1]]
    share = mask[..., None] / 255.0
    part[:] = np.rint(part * (1 - share) + np.array(colour) * share).astype(np.uint8)


def wrapped(text: str, size: int, width: int) -> list[str]:
    """A text as lines of at most `width` pixels, broken at spaces."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}", size) <= width - 2 * size:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def clipped(text: str, size: int, width: int) -> str:
    """A text that fits into `width` pixels, its end cut off if it must be."""
    while text and text_width(text, size) > width:
        text = text[:-2] + "…" if len(text) > 1 and text != "…" else ""
    return text
