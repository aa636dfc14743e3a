"""Answers for a competition: one label for every picture of a folder, as Kaggle's CSV `image_path,emotion`."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from mien.errors import SourceError, SourceMissing, UsageError
from mien.evaluate.road import Asked, Face, cut, face_of
from mien.io.events import Failure
from mien.io.folders import natural_key, walk
from mien.io.formats import SUFFIXES
from mien.io.images import read_image
from mien.io.prefetch import prefetched
from mien.labels import Anchors
from mien.types import Detector, Image

FALLBACK = "neutral"
"""Answer for a picture that cannot be read: a competition wants a row for each, and every label set has this one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The row of one picture."""

    path: str
    """Below the folder, with `/`."""
    emotion: str
    face: bool = True
    """False where none was found and the answer is that of the whole picture."""
    failure: Failure | None = None
    """Why the picture could not be read; the answer is FALLBACK then."""


def pictures_in(folder: Path) -> list[str]:
    """Paths of the pictures below a folder, relative to it and with `/`, in natural order. Raises SourceMissing, SourceError."""
    if not folder.is_dir():
        raise SourceMissing(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}; wanted the folder of the pictures")
    found = []
    for path in walk(str(folder), wanted=_is_picture):
        if isinstance(path, Failure):  # rows would be missing, and nobody would see it in the CSV
            raise path.error
        found.append(os.path.relpath(path, folder).replace(os.sep, "/"))
    if not found:
        raise SourceMissing(f"{folder}: no pictures in it; wanted files such as .jpg or .png")
    return sorted(found, key=natural_key)


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def answers(
    model: Asked, detector: Detector, folder: Path, paths: Sequence[str], *, anchors: Anchors | None = None, threads: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Answer]:  # fmt: skip
    """One answer for each picture, in the order of `paths`.

    The largest face of each picture is judged; where none is found, the whole picture, as if it were a ready-made crop. anchors: answer
    by the anchor nearest to the model's valence and arousal, in place of its probabilities. threads: pictures that are worked on at
    once. Each goes through the networks by itself, so that with models opened for one thread the answers are the same for any number.

    Raises UsageError where the model has no valence and arousal, or no labels, or the anchors have none of the labels.
    """
    if anchors is not None and not set(anchors.points) & set(model.labels):
        raise UsageError(f"anchors {anchors.name}: none of the labels {', '.join(model.labels)} has an anchor")
    jobs = (partial(_answer, model, detector, folder, path, anchors) for path in paths)
    out: list[Answer] = []
    for answer in prefetched(jobs, ahead=threads):
        out.append(answer)
        progress(len(out))
    return out


def _answer(model: Asked, detector: Detector, folder: Path, path: str, anchors: Anchors | None) -> Answer:
    try:
        image = read_image(folder / path).image
    except SourceError as error:
        return Answer(path, FALLBACK, face=False, failure=Failure(path, error))
    face = face_of(image, detector, faces="detect")
    return Answer(path, _label(model, image, face or _whole(image, detector), anchors), face=face is not None)


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


def as_csv(rows: Iterable[Answer], *, prefix: str = "") -> bytes:
    """The CSV: UTF-8, lines end with a line feed, `prefix` before each path."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_path", "emotion"])
    writer.writerows([f"{prefix}{row.path}", row.emotion] for row in rows)
    return text.getvalue().encode("utf-8", "replace")
