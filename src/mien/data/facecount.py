"""How many faces a detector finds in each picture of a manifest."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from mien.data.journal import Journal
from mien.data.manifest import Manifest
from mien.errors import MienError, UnknownName
from mien.io.prefetch import prefetched
from mien.types import Detector, Image, Ints
from mien.vision.align import grey

BATCH = 16
"""Pictures that a thread takes at a time."""
UNREADABLE = -1
FORM = 2
"""Of the lists of results; those of an older form are not gone on from. 1 counted faces in what was left of damaged pictures, too."""
R4_SIDE, R4_CANVAS, R4_GREY = 48, 150, 200
"""R4 put the 48x48 picture in the middle of a 150x150 canvas of grey 200."""
SIDE, GREY = 192, 128
"""Smaller pictures are enlarged to this long side; colour of the border."""


def plain(image: Image) -> Image:
    """The picture as it is: for photos."""
    return image


def bordered(image: Image) -> Image:
    """For ready-made crops: at least 192 pixels on the long side, and a grey border of a quarter of that; detectors want context."""
    import cv2

    height, width = image.shape[:2]
    if max(height, width) < SIDE:
        scale = SIDE / max(height, width)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    edge = max(height, width) // 4
    canvas = np.full((height + 2 * edge, width + 2 * edge, 3), GREY, np.uint8)
    canvas[edge : edge + height, edge : edge + width] = image
    return canvas


def as_r4(image: Image) -> Image:
    """R4's canvas: the grey picture, brought to 48x48 where it is not, in the middle of 150x150 of grey 200."""
    import cv2

    small = grey(image)
    if small.shape != (R4_SIDE, R4_SIDE):
        small = np.asarray(cv2.resize(small, (R4_SIDE, R4_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    canvas = np.full((R4_CANVAS, R4_CANVAS, 3), R4_GREY, np.uint8)
    edge = (R4_CANVAS - R4_SIDE) // 2
    canvas[edge : edge + R4_SIDE, edge : edge + R4_SIDE] = small[..., None]
    return canvas


FRAMINGS: dict[str, Callable[[Image], Image]] = {"plain": plain, "border": bordered, "r4": as_r4}
"""How a picture is put before the detector."""


def framing(name: str) -> Callable[[Image], Image]:
    """A framing by name; UnknownName lists the names there are."""
    if name not in FRAMINGS:
        raise UnknownName("framing", name, FRAMINGS)
    return FRAMINGS[name]


def count_faces(
    manifest: Manifest,
    detect: Detector,
    *,
    frame: str = "border",
    name: str = "detector",
    threads: int = 0,
    cache: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Ints:
    """Faces found in each picture, int64 (n,); -1 for a picture that cannot be read.

    detect is called by several threads at once. frame: a name of FRAMINGS. threads: 0 takes all cores. cache: a folder for a list of
    results by the pictures' sha256, from which a later call with the same detector, called `name`, and frame goes on. progress is
    called with the number of pictures done. Raises UnknownName; SinkError and DataError for the cache.
    """
    put = framing(frame)
    n = len(manifest)
    out = np.full(n, UNREADABLE, np.int64)
    path = cache / f"faces{FORM}-{re.sub(r'[^A-Za-z0-9._-]+', '-', f'{name}-{frame}')}.jsonl" if cache else None
    with closing(Journal(path, f"faces found by {name}, framed {frame}")) if path else nullcontext() as journal:
        known: dict[str, int] = dict(journal.found) if journal else {}
        jobs = (partial(_counted, manifest, detect, put, known, range(a, min(a + BATCH, n))) for a in range(0, n, BATCH))
        done = 0
        for found in prefetched(jobs, ahead=threads or os.cpu_count() or 1):
            for key, count in found:
                out[done] = count
                done += 1
                if key and known.setdefault(key, count) == count and journal and key not in journal.found:
                    journal.note(key, count)
                    journal.found[key] = count
            if progress:
                progress(done)
    return out


def _counted(
    manifest: Manifest, detect: Detector, put: Callable[[Image], Image], known: dict[str, int], at: range
) -> list[tuple[str, int]]:
    """sha256 and number of faces of some pictures; what is known of the same bytes is not looked for again."""
    from mien.io.images import decode_whole

    out: list[tuple[str, int]] = []
    for position in at:
        key = str(manifest["sha256"][position])
        if key in known:
            out.append((key, known[key]))
            continue
        try:
            data = manifest.bytes_of(position)
            key = key or hashlib.sha256(data).hexdigest()
            count = known[key] if key in known else len(detect(put(decode_whole(data, name=str(manifest["id"][position])).image)))
        except MienError:
            out.append(("", UNREADABLE))
        else:
            out.append((key, count))
    return out
