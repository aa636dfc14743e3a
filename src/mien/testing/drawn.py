"""A drawn head: of nobody, and yet a face to every detector there is here."""

from __future__ import annotations

import numpy as np

from mien.types import Image

SIZE = (640, 480)


def drawn_face() -> Image:
    """A picture with one drawn face, uint8 (480, 640, 3) RGB: to time with, or to try an installation."""
    import cv2

    width, height = SIZE
    image = np.full((height, width, 3), (118, 132, 140), np.uint8)

    def oval(x: int, y: int, across: int, down: int, colour: tuple[int, int, int]) -> None:
        cv2.ellipse(image, (x, y), (across, down), 0, 0, 360, colour, cv2.FILLED, cv2.LINE_AA)

    def arc(x: int, y: int, across: int, down: int, ends: tuple[int, int], colour: tuple[int, int, int], thickness: int) -> None:
        cv2.ellipse(image, (x, y), (across, down), 0, *ends, colour, thickness, cv2.LINE_AA)

    oval(320, 215, 118, 150, (52, 38, 30))  # hair
    cv2.rectangle(image, (280, 340), (360, 470), (196, 150, 124), cv2.FILLED)
    oval(320, 480, 190, 90, (60, 80, 120))
    oval(320, 250, 98, 130, (224, 178, 150))
    for x in (278, 362):
        oval(x, 228, 20, 11, (245, 242, 238))
        oval(x, 228, 9, 9, (70, 45, 30))
        oval(x, 228, 4, 4, (10, 10, 10))
        arc(x, 228, 21, 12, (180, 360), (90, 60, 45), 3)
        arc(x, 208, 26, 10, (200, 340), (60, 40, 30), 6)
    oval(320, 278, 16, 10, (196, 146, 120))
    oval(320, 262, 9, 26, (236, 192, 164))
    for x in (312, 328):
        oval(x, 282, 4, 3, (120, 75, 60))
    oval(320, 318, 36, 14, (170, 80, 80))
    oval(320, 315, 34, 4, (110, 45, 45))
    light = np.linspace(1.08, 0.85, width)[:, None]  # from the left
    return np.asarray(np.clip(cv2.GaussianBlur(image, (0, 0), 2.2) * light, 0, 255), np.uint8)
