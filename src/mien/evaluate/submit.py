"""Answers for a competition: one label for every picture of a folder, a CSV of pixels or a manifest."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mien.data.manifest import Manifest
from mien.data.readers.fer_csv import InLines, pictures_of
from mien.data.readers.tables import head_of
from mien.errors import DataError, SourceError, SourceMissing, UsageError
from mien.evaluate.road import Asked, Face, cut, face_of
from mien.evaluate.submit_form import Form
from mien.io.events import Failure
from mien.io.folders import natural_key, walk
from mien.io.formats import SUFFIXES
from mien.io.images import decode, read_image
from mien.io.prefetch import prefetched
from mien.labels import Anchors
from mien.types import Detector, Image

FALLBACK = "neutral"
"""Answer for a picture that cannot be read: a competition wants a row for each, and every label set has this one."""
WANTED = "the folder of the pictures, a .csv with the column pixels, or a manifest (.parquet)"


class Picture(NamedTuple):
    """One that wants an answer."""

    name: str
    """Its path below the folder, with `/`; its row in a CSV, from 0; its id in a manifest."""
    read: Callable[[], Image]


@dataclass(frozen=True, slots=True)
class Answer:
    """The row of one picture."""

    name: str
    """The picture's."""
    emotion: str
    face: bool = True
    """False where none was found and the answer is that of the whole picture."""
    failure: Failure | None = None
    """Why the picture could not be read; the answer is FALLBACK then."""


def is_pixels(path: Path) -> bool:
    """Whether a path is a CSV that has its pictures in the column `pixels`, as FER-2013 has them: ready-made faces. Raises DataError."""
    return path.suffix.lower() == ".csv" and path.is_file() and "pixels" in head_of(path).columns


def pictures_in(path: Path) -> list[Picture]:
    """The pictures below a folder in natural order of their paths, or those of a CSV of pixels or a manifest in the order of its rows.

    Raises SourceMissing, SourceError, DataError.
    """
    if path.is_dir():
        return _in_folder(path)
    if not path.exists():
        raise SourceMissing(f"{path}: no such file or folder; wanted {WANTED}")
    if is_pixels(path):
        n, store = pictures_of(path)
        found = [Picture(str(row), partial(_in_line, store, row, f"{path}, row {row}")) for row in range(n)]
    elif path.suffix.lower() == ".parquet":
        manifest = Manifest.read(path)
        found = [Picture(str(name), partial(_in_row, manifest, row, str(name))) for row, name in enumerate(manifest["id"])]
    else:
        raise SourceMissing(f"{path}: not a folder; wanted {WANTED}")
    if not found:
        raise SourceMissing(f"{path}: no pictures in it")
    return found


def _in_folder(folder: Path) -> list[Picture]:
    found = []
    for path in walk(str(folder), wanted=_is_picture):
        if isinstance(path, Failure):  # rows would be missing, and nobody would see it in the CSV
            raise path.error
        found.append(os.path.relpath(path, folder).replace(os.sep, "/"))
    if not found:
        raise SourceMissing(f"{folder}: no pictures in it; wanted files such as .jpg or .png")
    return [Picture(name, partial(_in_file, folder / name)) for name in sorted(found, key=natural_key)]


def _in_file(path: Path) -> Image:
    return read_image(path).image


def _in_row(manifest: Manifest, row: int, name: str) -> Image:
    return decode(manifest.bytes_of(row), name=name).image  # not Manifest.picture: what is left of a damaged one wants an answer, too


def _in_line(store: InLines, row: int, name: str) -> Image:
    return decode(store(row), name=name).image


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def answers(
    model: Asked, detector: Detector, pictures: Sequence[Picture], *, faces: str = "detect", anchors: Anchors | None = None,
    threads: int = 1, progress: Callable[[int], None] = lambda done: None,
) -> list[Answer]:  # fmt: skip
    """One answer for each picture, in their order.

    faces: `detect` judges the largest face of each picture; where none is found, the whole picture, as if it were a ready-made crop.
    `crop` takes each for one. anchors: answer by the anchor nearest to the model's valence and arousal, in place of its probabilities.
    threads: pictures that are worked on at once. Each goes through the networks by itself, so that with models opened for one thread
    the answers are the same for any number.

    Raises UsageError where the model has no valence and arousal, or no labels, or the anchors have none of the labels.
    """
    if anchors is not None and not set(anchors.points) & set(model.labels):
        raise UsageError(f"anchors {anchors.name}: none of the labels {', '.join(model.labels)} has an anchor")
    jobs = (partial(_answer, model, detector, picture, faces, anchors) for picture in pictures)
    out: list[Answer] = []
    for answer in prefetched(jobs, ahead=threads):
        out.append(answer)
        progress(len(out))
    return out


def _answer(model: Asked, detector: Detector, picture: Picture, faces: str, anchors: Anchors | None) -> Answer:
    try:
        image = picture.read()
    except (SourceError, DataError) as error:
        return Answer(picture.name, FALLBACK, face=False, failure=Failure(picture.name, error))
    face = face_of(image, detector, faces=faces)
    return Answer(picture.name, _label(model, image, face or _whole(image, detector), anchors), face=face is not None)


def _whole(image: Image, detector: Detector) -> Face:
    face = face_of(image, detector, faces="crop")
    assert face is not None
    return face


def _label(model: Asked, image: Image, face: Face, anchors: Anchors | None) -> str:
    emotions = model.recogniser(cut(image, face, model.recogniser.crop)[None])
    if anchors is not None:
        if emotions.affect is None or not np.isfinite(emotions.affect).all():
            raise UsageError(f"model {model.name!r} gives no valence and arousal; leave out --from-affect to answer by its probabilities")
        return anchors.nearest(emotions.affect, model.labels)[0]
    probs = model.probs(emotions)[0]
    if not np.isfinite(probs).all():
        raise UsageError(f"model {model.name!r} gives none of the labels {', '.join(model.labels)}; wanted --from-affect ANCHORS")
    return model.labels[int(probs.argmax())]


def as_csv(rows: Iterable[Answer], *, labels: str = "", form: Form = Form(), prefix: str = "") -> bytes:
    """The CSV: UTF-8, lines end with a line feed, `prefix` before each name. labels: the set whose codes a form with codes has.

    form: where it names the pictures, they are called as it does; the rows are in its order. Labels are written as it writes them.
    """
    rows = list(rows)
    names = form.names or [f"{prefix}{row.name}" for row in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(form.columns)
    for row, name in zip(rows, names, strict=True):
        emotion = form.answer(row.emotion, labels)
        writer.writerow([emotion if column == form.emotion else name for column in form.columns])
    return text.getvalue().encode("utf-8", "replace")
