"""One picture of a balanced set: looked at, copied or made. Pure but for reading, so that any thread may do it in any order."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mien.data.balance_plan import BalanceOptions
from mien.data.encode import encoded
from mien.data.facecount import bordered
from mien.data.manifest import Manifest
from mien.data.recipes import Augment, Recipe
from mien.errors import SourceError, UsageError
from mien.io import formats
from mien.io.images import decode_whole
from mien.types import Detector, Image


class Written(NamedTuple):
    """A file that was written."""

    sha256: str
    width: int
    height: int


class Maker:
    """Looks at pictures of a manifest, copies them and makes new ones.

    detector, make: called by several threads at once.
    """

    def __init__(self, manifest: Manifest, options: BalanceOptions, make: Augment, detector: Detector) -> None:
        self.manifest, self.options, self.make, self.detector = manifest, options, make, detector
        self.name = name_of(make)

    def look(self, row: int) -> tuple[int, str]:
        """How many faces, -1 for a picture that cannot be read, and the hash of its bytes."""
        digest = ""
        try:
            data = self.manifest.bytes_of(row)
            digest = hashlib.sha256(data).hexdigest()
            return face_count(self._decoded(row, data), self.detector), digest
        except SourceError:
            return -1, digest

    def hash_of(self, row: int) -> str:
        """The hash of a row's bytes; "" if it cannot be read."""
        try:
            return hashlib.sha256(self.manifest.bytes_of(row)).hexdigest()
        except SourceError:
            return ""

    def suffix_of(self, row: int) -> str:
        """The extension that a row's copy gets."""
        if self.options.image_size:
            return self.options.suffix
        named = Path(str(self.manifest["path"][row])).suffix.lower()
        return named if named in formats.SUFFIXES else SUFFIX_OF.get(formats.sniff(self.manifest.bytes_of(row)) or "", ".png")

    def copy(self, row: int) -> tuple[bytes, Written]:
        """A row's picture as it is kept: brought to the size and encoded like the new ones, or as it is when there is no size."""
        data = self.manifest.bytes_of(row)
        image = self._decoded(row, data)
        if self.options.image_size:
            image = self._sized(image)
            data = encoded(image, self.options.suffix, quality=self.options.quality)
        return data, _written(data, image)

    def attempt(self, row: int, number: int) -> tuple[bytes, Written] | None:
        """A new picture from a row, or None if it does not show exactly one face. The same row and number give the same bytes."""
        key = hashlib.sha256(str(self.manifest["id"][row]).encode()).digest()
        rng = np.random.default_rng([self.options.seed, int.from_bytes(key[:8], "little"), number])
        image = checked(self.make(self._sized(self.manifest.picture(row)), rng), self.name)
        if face_count(image, self.detector) != 1:
            return None
        data = encoded(image, self.options.suffix, quality=self.options.quality)
        return data, _written(data, image)

    def _decoded(self, row: int, data: bytes) -> Image:
        return decode_whole(data, name=str(self.manifest["id"][row])).image

    def _sized(self, image: Image) -> Image:
        import cv2

        side = self.options.image_size
        if not side or image.shape[:2] == (side, side):
            return image
        shrinks = max(image.shape[:2]) > side
        return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC), np.uint8)


SUFFIX_OF = {"JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "BMP": ".bmp", "TIFF": ".tif", "GIF": ".gif", "AVIF": ".avif", "HEIC": ".heic"}


def face_count(image: Image, detector: Detector) -> int:
    """Faces in a picture, uint8 (H, W, 3) RGB. One in which none is found is looked at again with a border, as ready-made crops need it."""
    return len(detector(image)) or len(detector(bordered(image)))


def checked(image: object, name: str) -> Image:
    """What a callable gave as uint8 (H, W, 3); floats are taken as 0..255, as Keras's layers give them. Raises UsageError."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.size == 0 or array.dtype.kind not in "uif" or not np.isfinite(array).all():
        raise UsageError(f"gen_model {name}: gave {array.dtype} {array.shape}, wanted a picture (height, width, 3), uint8 or 0..255")
    return array if array.dtype == np.uint8 else np.clip(np.rint(array.astype(np.float64)), 0, 255).astype(np.uint8)


def name_of(make: Augment | Detector) -> str:
    """A name for whatever makes or checks the pictures."""
    if isinstance(make, Recipe):
        return f"recipe {make.name}"
    return str(getattr(make, "__qualname__", type(make).__qualname__))


def picture_name(row: int, known_as: str) -> str:
    """A file's name without extension: the row, which makes it unique, and the start of the name it had."""
    stem = re.sub(r"[^\w.-]+", "_", Path(known_as).stem)[:40].strip("._")
    return f"{row:07d}-{stem}" if stem else f"{row:07d}"


def _written(data: bytes, image: Image) -> Written:
    return Written(hashlib.sha256(data).hexdigest(), image.shape[1], image.shape[0])
