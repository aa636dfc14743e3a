"""Colours: hex to RGB, contrast between two (WCAG 2), and ramps from a number to a colour."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

import numpy as np

from mien.vision.light import linear

RGB: TypeAlias = tuple[int, int, int]
"""Red, green, blue, 0..255, sRGB."""

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)

VIRIDIS = ("#440154", "#472D7B", "#3B528B", "#2C728E", "#21918C", "#28AE80", "#5EC962", "#ADDC30", "#FDE725")
"""Nine even steps of matplotlib's viridis (CC0): even to the eye, and ordered by lightness, so also right in grey."""
DIVERGING = ("#B35806", "#E08214", "#FDB863", "#DDDDDD", "#8DB4E0", "#3F83C9", "#1B4F9C")
"""Orange over grey to blue, the pair that every common kind of colour blindness keeps apart."""


def rgb(code: str) -> RGB:
    """`#RRGGBB` as three numbers; ValueError for anything else."""
    if len(code) != 7 or code[0] != "#":
        raise ValueError(f"colour {code!r}: wanted #RRGGBB")
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def luminance(colour: RGB) -> float:
    """Relative luminance 0..1 as WCAG 2 defines it."""
    return float(linear(np.asarray(colour, np.float64) / 255) @ (0.2126, 0.7152, 0.0722))


def contrast(a: RGB, b: RGB) -> float:
    """WCAG 2 contrast ratio, 1..21."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


@lru_cache(maxsize=4096)
def legible_on(plate: RGB) -> RGB:
    """Black or white, whichever contrasts more: at least 4.58:1 on any colour, above WCAG AA's 4.5."""
    return WHITE if contrast(WHITE, plate) >= contrast(BLACK, plate) else BLACK


def ramp(stops: tuple[str, ...], at: float) -> RGB:
    """The colour at `at` (0..1, cut to that) along evenly spaced stops."""
    table = np.array([rgb(stop) for stop in stops], np.float64)
    places = np.linspace(0, 1, len(stops))
    red, green, blue = (round(float(np.interp(at, places, table[:, k]))) for k in range(3))
    return red, green, blue
