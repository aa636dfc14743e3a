"""How many faces a detector finds, how much it takes for one that is none, and how long it takes: `mien bench detectors`.

Boxes come as CSV, one row a face: `image,left,top,width,height` in pixels, and optionally `set`, the folder of the image.
"""

from __future__ import annotations

import csv
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import DataError, SourceMissing, UsageError
from mien.types import Bools, Detector, Faces, Floats, Image
from mien.vision import boxes as bx
from mien.vision.quality import face_size

COLUMNS = ("image", "left", "top", "width", "height")
TABLE = "boxes.csv"
"""Of a folder or zip."""
MATCH = 0.4
"""Least overlap (IoU) of a found with a true face. The usual 0.5 asks for one way to frame a face; Haar's squares and MediaPipe's
squares with margin frame it otherwise than the boxes drawn by hand, and at 0.4 neighbours are still told apart."""


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """What a detector did on pictures with known faces."""

    pictures: int
    faces: int
    """True faces that count (not smaller than `min_face`)."""
    found: int
    false: int
    """Boxes that match no true face. Faces nobody drew a box around count here too."""
    ms_median: float
    """Milliseconds a picture, reading not included."""
    ms_p95: float

    @property
    def recall(self) -> float:
        """Share of the faces that were found; NaN without faces."""
        return self.found / self.faces if self.faces else float("nan")

    @property
    def precision(self) -> float:
        """Share of the boxes that are faces; NaN without boxes."""
        boxes = self.found + self.false
        return self.found / boxes if boxes else float("nan")


def read_boxes(table: Path | str) -> dict[str, Floats]:
    """True faces by image: float32 (n, 4) x1, y1, x2, y2, in the order of the CSV; the key is `set/image` or `image`.

    table: a CSV file, or a folder or zip that holds boxes.csv. An image without faces has a row with empty numbers. Raises
    SourceMissing, or DataError for a table without the columns or with something that is no number.
    """
    path = Path(table)
    name = path / TABLE if path.is_dir() else path
    try:
        if zipfile.is_zipfile(name):
            with zipfile.ZipFile(name) as archive:
                text = _of_archive(archive, TABLE).decode("utf-8-sig")
        else:
            text = name.read_text(encoding="utf-8-sig")
    except (OSError, KeyError) as error:
        raise SourceMissing(f"{name}: no table of boxes there ({error})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not a CSV table in UTF-8; wanted the columns {','.join(COLUMNS)}") from error
    reader = csv.DictReader(io.StringIO(text))
    if missing := set(COLUMNS) - set(reader.fieldnames or ()):
        raise DataError(f"{name}: no column {', '.join(sorted(missing))}; wanted {','.join(COLUMNS)} and optionally set")
    rows: dict[str, list[tuple[float, ...]]] = {}
    for row in reader:
        boxes = rows.setdefault("/".join(filter(None, (row.get("set"), row["image"]))), [])
        if not any(row[column] for column in COLUMNS[1:]):
            continue
        try:
            left, top, width, height = (float(row[column]) for column in COLUMNS[1:])
        except (TypeError, ValueError) as error:
            raise DataError(f"{name}, line {reader.line_num}: wanted four numbers ({','.join(COLUMNS[1:])}): {error}") from error
        boxes.append((left, top, left + width, top + height))
    return {image: np.array(boxes, np.float32).reshape(-1, 4) for image, boxes in rows.items()}


def picture_reader(where: Path | str) -> Callable[[str], Image]:
    """A function that reads a picture by its key, from a folder or a zip: uint8 (H, W, 3) RGB, upright."""
    from mien.io.images import decode

    path = Path(where)
    if path.is_dir():
        return lambda key: decode(_bytes(path / key), name=key).image
    if not zipfile.is_zipfile(path):
        raise SourceMissing(f"{path}: neither a folder nor a zip of pictures")

    def from_zip(key: str) -> Image:
        with zipfile.ZipFile(path) as archive:
            try:
                data = _of_archive(archive, key)
            except KeyError as error:
                raise SourceMissing(f"{path}: no picture {key} in it") from error
        return decode(data, name=key).image

    return from_zip


def _of_archive(archive: zipfile.ZipFile, name: str) -> bytes:
    """A file of a zip. Raises KeyError where there is none, DataError for one that cannot be unpacked, or is larger than any picture."""
    from mien.io.images import ImageLimits

    size, most = archive.getinfo(name).file_size, ImageLimits().max_bytes
    if size > most:
        raise DataError(f"{archive.filename}: {name} has {size:,} bytes; wanted {most:,} at most")
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:  # damaged, encrypted, packed otherwise
        raise DataError(f"{archive.filename}: {name} cannot be unpacked ({error}); wanted a zip without a password") from error


def score_detector(
    detector: Detector, boxes_by_image: Mapping[str, Floats], read: Callable[[str], Image], *, min_face: float = 0.0, match: float = MATCH
) -> DetectionScore:
    """Run a detector over pictures with known faces.

    boxes_by_image: true faces, float32 (n, 4), by key. read: gives the picture of a key. min_face: true faces whose shorter side
    is less, in pixels, do not count, found or not; nor do false boxes as small. match: least IoU of a found with a true face.
    The first picture is looked at once more before the clock runs.
    """
    if not boxes_by_image:
        raise UsageError("no pictures with boxes to score a detector on")
    found = false = faces = 0
    seconds: list[float] = []
    for key, true in boxes_by_image.items():
        image = read(key)
        if not seconds:
            detector(image)
        start = time.perf_counter()
        given = detector(image)
        seconds.append(time.perf_counter() - start)
        counts = face_size(true) >= min_face
        hits, misses = _matched(given, true, counts, min_face=min_face, match=match)
        found, false, faces = found + hits, false + misses, faces + int(counts.sum())
    ms = np.array(seconds) * 1000
    return DetectionScore(len(ms), faces, found, false, float(np.median(ms)), float(np.percentile(ms, 95)))


def _matched(given: Faces, true: Floats, counts: Bools, *, min_face: float, match: float) -> tuple[int, int]:
    """True faces found and false boxes of one picture: best score first, each box takes the free face it overlaps most."""
    shared = bx.overlap(given.boxes, true)
    free = np.ones(len(true), np.bool_)
    found = false = 0
    for i in np.argsort(-given.scores, kind="stable"):
        fits = np.where(free, shared[i], 0)
        best = int(fits.argmax()) if len(fits) else -1
        if best >= 0 and fits[best] >= match:
            free[best] = False
            found += bool(counts[best])
        elif face_size(given.boxes[i : i + 1])[0] >= min_face:
            false += 1
    return found, false


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceMissing(f"{path}: {error.strerror}") from error
