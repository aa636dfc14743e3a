"""Pictures and landmarks of a data set on the disk, from one training to the next."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.data.manifest import Manifest
from mien.errors import DataError, SourceError
from mien.io.whole import sweep, whole
from mien.train.kept import AROUND, READY, ROOM, Keeping
from mien.train.telling import Counter
from mien.types import Bools, Detector, Floats, Image

FORM = 2
"""Of what is kept; that of an older form is made anew. 1 kept what was left of damaged pictures, too."""
IN_MEMORY = 512 << 20
"""Larger sets of pictures are mapped from a file."""


@dataclass(frozen=True, slots=True, eq=False)
class Cached:
    """What is kept of n pictures (see kept.Kept)."""

    pictures: Image
    """uint8 (n, S, S[, 3]): each at the top left, its border repeated."""
    points: Floats
    """float32 (n, 5, 2)."""
    frames: Floats
    """float32 (n, 5, 2)."""
    faceless: Bools
    """bool (n,)."""
    read: Bools
    """bool (n,): which could be read."""


class RowCache:
    """Pictures and landmarks of one data set, kept from one training to the next; called: name of the detector."""

    def __init__(self, folder: Path, keeping: Keeping, detector: Detector, called: str) -> None:
        self._folder, self._keeping, self._detector = folder, keeping, detector
        key = hashlib.sha256(json.dumps([FORM, dataclasses.asdict(keeping), ROOM, AROUND, READY, called]).encode()).hexdigest()[:12]
        self._how = f"{keeping.square}-{'rgb' if keeping.colour else 'grey'}-{key}"

    def rows(self, kind: str, manifest: Manifest, progress: Counter) -> Cached:
        """Those kept before, or else now; anew where one can be read by now that could not be: a disk may have been away."""
        path = self._folder / f"{kind}-{self._how}.npy"
        about = path.with_suffix(".npz")
        if not (path.exists() and about.exists()) or self._more_to_read(about, manifest):
            sweep(self._folder)
            with whole(path) as part:  # another training may be making the same file
                points, frames, faceless, read = self._write(part, manifest, progress)
                with whole(about) as beside, beside.open("wb") as file:
                    np.savez(file, points=points, frames=frames, faceless=faceless, read=read)
        kept: Image = np.load(path, mmap_mode="r" if path.stat().st_size > IN_MEMORY else None)
        with np.load(about) as file:
            return Cached(kept, file["points"], file["frames"], file["faceless"], file["read"])

    def _more_to_read(self, about: Path, manifest: Manifest) -> bool:
        """Whether one that could not be read can be now."""
        with np.load(about) as file:
            return any(readable(manifest, i) for i in np.flatnonzero(~file["read"]).tolist())

    def _write(self, path: Path, manifest: Manifest, progress: Counter) -> tuple[Floats, Floats, Bools, Bools]:
        """Write the pictures; landmarks, frames, which are faceless, and which could be read."""
        import cv2

        n, side = len(manifest), self._keeping.square
        shape = (n, side, side, 3) if self._keeping.colour else (n, side, side)
        out = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        points, frames = (np.full((n, 5, 2), np.nan, np.float32) for _ in range(2))
        faceless, read = np.zeros(n, np.bool_), np.ones(n, np.bool_)
        with progress(n, "pictures kept") as done:
            for i in range(n):
                try:
                    picture = manifest.picture(i)
                except (SourceError, DataError):
                    read[i] = False
                    continue
                kept = self._keeping.keep(picture, self._detector)
                h, w = kept.picture.shape[:2]
                out[i] = cv2.copyMakeBorder(kept.picture, 0, side - h, 0, side - w, cv2.BORDER_REPLICATE)
                points[i], frames[i], faceless[i] = kept.points, kept.frame, kept.faceless
                done(i + 1)
        out.flush()
        return points, frames, faceless, read


def readable(manifest: Manifest, position: int) -> bool:
    """Whether the picture at a position can be read."""
    try:
        manifest.picture(position)
    except (SourceError, DataError):
        return False
    return True
