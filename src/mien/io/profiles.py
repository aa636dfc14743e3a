"""Pictures with a colour profile (Adobe RGB, Display P3, a printer's CMYK ...) -> sRGB, as browsers show them."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.types import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

Family: TypeAlias = Literal["L", "RGB", "CMYK"]

_SPACES: dict[bytes, Family] = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}
"""Bytes 16 to 20 of a profile: what the values are that it is for."""
MOST_BYTES = 8_000_000
"""A larger profile counts as broken; those of printers have up to 3 MB."""
NEAR = 2
"""Of 255. A profile that moves no colour further than this is sRGB by another name, of which there are dozens."""
_BAND = 1 << 20
"""Pixels that are converted at once, so that Pillow never holds the whole picture twice."""


def to_srgb(values: NDArray[np.uint8], profile: object, family: Family) -> Image | None:
    """Convert a picture by the profile that came with it; None where it has none that does anything.

    Nothing is done by a broken one, by sRGB, and by one that is for other values.

    By the perceptual intent: the darkest ink of a CMYK profile becomes black. The profiles of cameras and screens, which are a curve and a
    matrix, have no other but the relative colorimetric.

    Args:
        values: uint8 (H, W, 3) RGB, of a grey picture too; (H, W, 4) for CMYK, 0 is no ink.
        profile: bytes of an ICC profile; anything else counts as none.
        family: what the picture had before it became RGB.
    """
    if not isinstance(profile, bytes) or len(profile) > MOST_BYTES:
        return None
    space = _SPACES.get(profile[16:20])
    if space is None or (space != family and (space, family) != ("RGB", "L")):
        return None
    transform = _transform(profile, space)
    if transform is None:
        return None
    if space == "L":
        import cv2

        return np.asarray(cv2.LUT(values, _applied(transform, _GREYS, "L")[0, :, 1]), np.uint8)
    converted = np.empty((*values.shape[:2], 3), np.uint8)
    rows = max(1, _BAND // max(1, values.shape[1]))
    for top in range(0, len(values), rows):
        converted[top : top + rows] = _applied(transform, values[top : top + rows], space)
    return converted


_GREYS = np.arange(256, dtype=np.uint8)[None]
_COLOURS = np.stack(np.meshgrid(*[np.linspace(0, 255, 9).astype(np.uint8)] * 3, indexing="ij"), axis=-1).reshape(27, 27, 3)


@functools.lru_cache(maxsize=8)
def _transform(profile: bytes, space: Family) -> ImageCmsTransform | None:
    """From a profile to sRGB; None for one that is broken or changes nothing."""
    from PIL import ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            space,
            "RGB",
            renderingIntent=ImageCms.Intent.PERCEPTUAL,
        )
    except (ImageCms.PyCMSError, OSError, ImportError):  # anybody's bytes; ImportError: a Pillow built without LittleCMS
        return None
    if space == "CMYK":
        return transform
    given = _COLOURS if space == "RGB" else _GREYS
    wanted = given if space == "RGB" else np.repeat(given[..., None], 3, axis=2)
    moved = np.abs(_applied(transform, given, space).astype(int) - wanted)
    return transform if moved.max() > NEAR else None


def _applied(transform: ImageCmsTransform, values: NDArray[np.uint8], space: Family) -> Image:
    from PIL import Image as Pil
    from PIL import ImageCms

    picture = Pil.frombuffer(space, values.shape[1::-1], np.ascontiguousarray(values), "raw", space, 0, 1)
    converted = ImageCms.applyTransform(picture, transform)
    assert converted is not None  # it is, in place only
    return np.asarray(converted, np.uint8)
