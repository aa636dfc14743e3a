"""Where the encoded pictures of a manifest are: a row of a store each, fetched when asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mien.data.rowgroups import RowGroups
from mien.errors import DataError, SourceUnreadable
from mien.types import Image, Ints

BYTES = ("image", "bytes")
HELD = 64 << 20
"""Bytes of pictures of recently read row groups that a Parquet store keeps."""


class Store(Protocol):
    """Gives the encoded picture of a row, or None where the manifest has a path instead. For any number of threads at once."""

    def __call__(self, row: int, /) -> bytes | None:
        """The picture of one row."""


class InMemory:
    """Encoded pictures in a list."""

    def __init__(self, pictures: Sequence[bytes | None]) -> None:
        self._pictures = pictures

    def __call__(self, row: int, /) -> bytes | None:
        """The picture of one row."""
        return self._pictures[row]


class InBlob:
    """Encoded pictures one behind the other in a uint8 array; picture k lies from offsets[k] to offsets[k + 1]."""

    def __init__(self, blob: Image, offsets: Ints) -> None:
        self._blob, self._offsets = blob, offsets

    def __call__(self, row: int, /) -> bytes:
        """The picture of one row."""
        return self._blob[self._offsets[row] : self._offsets[row + 1]].tobytes()


class InArray:
    """Pixels, uint8 (n, H, W) grey or (n, H, W, 3) RGB; given as PNG."""

    def __init__(self, pixels: Image) -> None:
        self._pixels = pixels

    def __call__(self, row: int, /) -> bytes:
        """The picture of one row."""
        return png(self._pixels[row])


class InPhotos:
    """Parts of photos: the file at paths[row] inside the box x1, y1, x2, y2 in pixels; given as PNG, or the file where there is no box."""

    def __init__(self, paths: Sequence[str], boxes: Sequence[tuple[float, float, float, float] | None]) -> None:
        self._paths, self._boxes = paths, boxes

    def __call__(self, row: int, /) -> bytes | None:
        """The picture of one row."""
        from mien.io.images import read_image

        box = self._boxes[row]
        if box is None:
            return None
        image = read_image(self._paths[row]).image
        x1, y1, x2, y2 = (max(0, round(value)) for value in box)
        if not (part := image[y1:y2, x1:x2]).size:
            raise SourceUnreadable(f"{self._paths[row]}: the face's box {box} lies outside the picture")
        return png(part)


class InParquet:
    """The column `image.bytes` of a Parquet file, read by row groups, of which the last used are kept.

    Replacing the file by another of its name does not mix the two, see RowGroups.
    """

    def __init__(self, path: Path, parts: RowGroups | None = None) -> None:
        self._path, self._parts = path, parts or RowGroups(path)
        self._starts = np.cumsum([0, *self._parts.rows])
        self._held: OrderedDict[int, list[bytes | None]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __reduce__(self) -> Any:
        return InParquet, (self._path,)

    def __call__(self, row: int, /) -> bytes | None:
        """The picture of one row."""
        group = int(np.searchsorted(self._starts, row, "right")) - 1
        with self._lock:
            pictures = self._held[group] if group in self._held else self._read(group)
            self._held.move_to_end(group)
        return pictures[row - int(self._starts[group])]

    def _read(self, group: int) -> list[bytes | None]:
        from arro3.core import struct_field

        try:
            batches = list(self._parts.read([BYTES], group))
        except DataError:
            raise
        except Exception as error:  # arro3's own exceptions have no common base but Exception
            raise DataError(f"{self._path}: row group {group} cannot be read ({' '.join(str(error).split())})") from error
        pictures: list[bytes | None] = [x for batch in batches for x in struct_field(batch.column("image"), [0]).to_pylist()]
        self._held[group] = pictures
        self._size += _weight(pictures)
        while self._size > HELD and len(self._held) > 1:
            self._size -= _weight(self._held.popitem(last=False)[1])
        return pictures


def _weight(pictures: list[bytes | None]) -> int:
    return sum(len(picture) for picture in pictures if picture is not None)


def png(pixels: Image) -> bytes:
    """Pixels, uint8 (H, W) grey or (H, W, 3) RGB, as PNG."""
    import cv2

    done, data = cv2.imencode(".png", pixels if pixels.ndim == 2 else pixels[..., ::-1])
    if not done:
        raise DataError(f"pixels of shape {pixels.shape} cannot be written as PNG")
    return bytes(data)
