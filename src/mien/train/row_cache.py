"""Pictures and landmarks of a data set on the disk, from one training to the next."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from mien.data.manifest import Manifest
from mien.errors import SourceError
from mien.models.landmarks import find_in_crop
from mien.train.telling import Counter
from mien.types import Bools, Detector, Floats, Image, Ints
from mien.vision.align import grey

IN_MEMORY = 512 << 20
"""Larger sets of pictures are mapped from a file."""


class RowCache:
    """Pictures and landmarks of one data set, kept from one training to the next: squares of `side` pixels, grey or RGB."""

    def __init__(self, folder: Path, side: int, colour: bool) -> None:
        self._folder, self._side, self._colour = folder, side, colour
        self._how = f"{side}-{'rgb' if colour else 'grey'}"

    def pictures(self, kind: str, manifest: Manifest, progress: Counter) -> tuple[Image, Ints, Bools]:
        """uint8 (n, S, S[, 3]), their widths and heights int64 (n, 2), and which could be read, bool (n,)."""
        import cv2

        n, side, colour = len(manifest), self._side, self._colour
        path = self._folder / f"{kind}-{self._how}.npy"
        about = path.with_suffix(".sizes.npz")
        if not (path.exists() and about.exists()):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(f".{os.getpid()}.part")  # another training may be making the same file
            shape = (n, side, side, 3) if colour else (n, side, side)
            out = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)
            sizes, read = np.full((n, 2), side, np.int64), np.ones(n, np.bool_)
            with progress(n, "pictures kept") as done:
                for i in range(n):
                    try:
                        picture = manifest.picture(i)
                    except SourceError:
                        read[i] = False
                        continue
                    seen = _shrunk(picture if colour else grey(picture), side)
                    h, w = seen.shape[:2]
                    out[i] = cv2.copyMakeBorder(seen, 0, side - h, 0, side - w, cv2.BORDER_REPLICATE)
                    sizes[i] = w, h
                    done(i + 1)
            out.flush()
            del out
            if not read.all():  # a disk may be missing, and be there the next time
                return np.asarray(np.load(partial)), sizes, read
            beside = about.with_suffix(f".{os.getpid()}.npz")
            np.savez(beside, sizes=sizes, read=read)
            beside.replace(about)
            partial.replace(path)
        pictures: Image = np.load(path, mmap_mode="r" if path.stat().st_size > IN_MEMORY else None)
        with np.load(about) as file:
            return pictures, file["sizes"], file["read"]

    def points(self, kind: str, pictures: Image, sizes: Ints, detector: Detector, name: str, progress: Counter) -> Floats:
        """Landmarks, float32 (n, 5, 2), NaN where the detector finds no face."""
        called = hashlib.sha256(name.encode()).hexdigest()[:8]
        path = self._folder / f"{kind}-{self._how}-points-{called}.npy"
        if path.exists():
            return np.asarray(np.load(path), np.float32)
        found = np.full((len(pictures), 5, 2), np.nan, np.float32)
        with progress(len(pictures), "faces looked for") as done:
            for i, (picture, (w, h)) in enumerate(zip(pictures, sizes.tolist(), strict=True)):
                seen = picture[:h, :w]
                found[i] = find_in_crop(seen if seen.ndim == 3 else np.repeat(seen[..., None], 3, axis=2), detector)
                done(i + 1)
        partial = path.with_suffix(f".{os.getpid()}.part")
        with partial.open("wb") as file:
            np.save(file, found)
        partial.replace(path)
        return found


def _shrunk(picture: Image, side: int) -> Image:
    """The picture with its longer side no longer than that."""
    import cv2

    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
