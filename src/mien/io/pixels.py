"""Any pixels -> uint8 RGB: deep greys scaled instead of clipped, transparency laid on white, profiles applied, EXIF orientations undone."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.io import formats, profiles
from mien.types import Image

if TYPE_CHECKING:
    import PIL.Image

_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
_GREY_MODES = ("1", "L", "LA", "La")
TURNS = {0: 1, 90: 6, 180: 3, 270: 8}
"""Degrees by which a picture is turned, clockwise -> the EXIF orientation that asks for it."""


def check_turn(degrees: object) -> None:
    """Raise UsageError for another angle than those of TURNS."""
    if not isinstance(degrees, Integral) or degrees not in TURNS:
        raise UsageError(f"turn: found {degrees}, wanted 90, 180 or 270 (degrees clockwise that make the picture upright), or 0")


def turned(image: Image, degrees: int) -> Image:
    """Turn a picture by one of TURNS, clockwise."""
    return upright(image, TURNS[degrees])


def upright(image: Image, orientation: int) -> Image:
    """Undo an EXIF orientation: what was stored as `orientation` 1..8 comes back the way it was seen. Others count as 1."""
    if not 2 <= orientation <= 8:
        return image
    import cv2

    if orientation == 2:
        turned = cv2.flip(image, 1)
    elif orientation == 3:
        turned = cv2.rotate(image, cv2.ROTATE_180)
    elif orientation == 4:
        turned = cv2.flip(image, 0)
    elif orientation == 5:
        turned = cv2.transpose(image)
    elif orientation == 6:
        turned = cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)
    elif orientation == 7:
        turned = cv2.rotate(cv2.transpose(image), cv2.ROTATE_180)
    else:
        turned = cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return np.asarray(turned, dtype=np.uint8).reshape(turned.shape[0], turned.shape[1], 3)


def orientation_of(picture: PIL.Image.Image) -> int:
    """EXIF (or XMP) orientation 1..8; 1 where there is none or it cannot be read."""
    try:
        found = picture.getexif().get(0x0112, 1)
    except Exception:  # metadata is anybody's bytes, and Pillow's readers raise many things on them; the pixels still count
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def rgb8(picture: PIL.Image.Image) -> tuple[Image, str]:
    """Pixels of a loaded PIL image of any mode, not turned, and a note.

    Returns:
        image: uint8 (H, W, 3), sRGB: by the picture's profile, if it has one; 16-bit and other deep greys have it ignored.
            Transparent parts show white, as on a page.
        note: one line if the range of the values had to be guessed (integers of 32 bits, floats), else empty.
    """
    mode = picture.mode
    if mode.startswith("I;16") or (mode == "I" and picture.format in ("PPM", "PNG")):  # the latter: 16 bits, opened as 32
        deep = np.asarray(picture)
        deep = deep.astype(deep.dtype.newbyteorder("="), copy=False)  # clip of other byte orders crashes in NumPy 2.0 and 2.1
        grey = from_16_bits(deep.clip(0, 65535))
        grey[deep == picture.info.get("transparency", -1)] = 255
        return stacked(_least_black(grey, picture)), ""
    if mode in ("I", "F"):
        grey, note = from_any_range(np.asarray(picture))
        return stacked(_least_black(grey, picture)), note
    if mode == "CMYK":
        converted = profiles.to_srgb(np.asarray(picture), picture.info.get("icc_profile"), "CMYK")
        return _without_profile(picture) if converted is None else converted, ""
    return in_srgb(_without_profile(picture), picture), ""


def in_srgb(image: Image, picture: PIL.Image.Image) -> Image:
    """The pixels of a picture, which is none in CMYK, by its colour profile, if it has one. image: uint8 (H, W, 3), as stored."""
    converted = profiles.to_srgb(image, picture.info.get("icc_profile"), "L" if picture.mode in _GREY_MODES else "RGB")
    return image if converted is None else converted


def _least_black(grey: NDArray[np.uint8], picture: PIL.Image.Image) -> NDArray[np.uint8]:
    """Greys of which the least is black: Pillow turns those of 8 bits round where a TIFF says that it is white, deeper ones it leaves."""
    least_is_white = picture.format == "TIFF" and getattr(picture, "tag_v2", {}).get(formats.MEANING) == 0
    return 255 - grey if least_is_white else grey


def _without_profile(picture: PIL.Image.Image) -> Image:
    """Pixels of a picture of 8 bits a channel, as if its colours were sRGB."""
    mode = picture.mode
    if mode in _ALPHA_MODES or picture.has_transparency_data:
        picture = on_white(picture)
    elif mode == "LAB":
        picture = _from_lab(picture)
    elif mode != "RGB":
        picture = picture.convert("RGB")
    return np.array(picture, dtype=np.uint8)


def on_white(picture: PIL.Image.Image) -> PIL.Image.Image:
    """A picture with transparency, composited on white; mode RGB."""
    from PIL import Image as Pil

    picture = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
    page = Pil.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    return page


def _from_lab(picture: PIL.Image.Image) -> PIL.Image.Image:
    from PIL import ImageCms

    transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    converted = ImageCms.applyTransform(picture, transform)
    return picture.convert("RGB") if converted is None else converted


def from_16_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """0..65535 -> 0..255, rounded: 257 v maps to v exactly. Same shape."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def from_any_range(values: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    """Numbers without a declared range -> 0..255, and a note saying which range was taken. Non-finite values become 0."""
    with np.errstate(invalid="ignore", over="ignore"):  # signalling NaNs, ranges wider than a float
        values = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        if low < 0 or high > 65535:
            half = (high / 2 - low / 2) or 1.0
            scaled = (values / 2 - low / 2) / half
            note = f"values {low:g}..{high:g} stretched to 0..255"
        else:
            full = 1 if high <= 1 else 255 if high <= 255 else 65535
            scaled = values / full
            note = "" if full == 1 else f"values {low:g}..{high:g} taken as 0..{full}"
    return np.rint(scaled * 255).astype(np.uint8), note


def stacked(grey: NDArray[np.uint8]) -> Image:
    """uint8 (H, W) -> (H, W, 3)."""
    return np.repeat(grey[:, :, None], 3, axis=2)


def blended(image: NDArray[np.uint8]) -> Image:
    """uint8 (H, W, 4) RGBA -> (H, W, 3) on white, rounded."""
    alpha = image[:, :, 3:].astype(np.uint16)
    mixed = image[:, :, :3] * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)
