"""More or less light on a picture that was already taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.types import Image


def relit(image: Image, stops: float) -> Image:
    """A picture, uint8 of any shape, with 2 ** stops times the light, clipped at white: in linear light, by sRGB (IEC 61966-2-1)."""
    light = linear(np.arange(256) / 255) * 2.0**stops
    return np.asarray(np.rint(255 * curve(np.minimum(light, 1))), np.uint8)[image]


def linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light, 0..1, of sRGB values, 0..1."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def curve(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB values, 0..1, of light, 0..1."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
