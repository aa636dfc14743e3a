"""How far accuracy falls with small, blurred, compressed, dark, bright, rolled and turned pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mien.data.labelled import Labelled
from mien.errors import DataError, MienError
from mien.evaluate.changes import ALL, KINDS, frame_of, kinds_of
from mien.evaluate.intervals import Clusters, Interval, intervals_by, percentile_intervals, share_of
from mien.evaluate.metrics import Judged, mean_known, recalls
from mien.evaluate.road import asked, check_faces, face_of
from mien.evaluate.run import Answers, Progress, clusters_of, read_all
from mien.io.events import Failure
from mien.types import Bools, Detector, Image, Ints, Recogniser

Run = tuple[str, float]
UNKNOWN: Interval = (float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class Level:
    """What became of the pictures at one level."""

    level: float
    n: int
    """Pictures that it could be made of; for sizes, those whose face is at least so large."""
    accuracy: float
    interval: Interval
    """Percentile bootstrap of the accuracy; NaN without resamples."""
    balanced_accuracy: float
    faceless: float
    """Share of the pictures in which no face was found, which count as wrong; 0 of ready-made crops."""
    untouched: float
    """Accuracy of the same pictures as they are."""
    change: float
    """accuracy - untouched."""
    change_interval: Interval
    """Of the change, from the same resamples: narrower than the accuracy's, since the pictures are the same."""
    same: float
    """Share of the pictures with the answer, right or wrong, that they get as they are; no face found is an answer too."""


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """Accuracy by kind and level of change, with what it was measured on."""

    model: str
    data: str
    labels: str
    faces: str
    head: str
    untouched: Level
    """All pictures as they are."""
    kinds: dict[str, tuple[Level, ...]]
    """Names of changes.KINDS -> their levels that could be made of any picture."""
    intervals_by: dict[str, Any]
    failures: tuple[Failure, ...]
    """Pictures that could not be read."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `json.dumps`; NaN stands for intervals that there are none of."""
        said: dict[str, Any] = {name: getattr(self, name) for name in ("model", "data", "labels", "faces", "head", "intervals_by")}
        said["untouched"] = {name: value for name, value in asdict(self.untouched).items() if name in OF_ALL}
        said["kinds"] = {name: _told(name) | {"levels": [asdict(level) for level in levels]} for name, levels in self.kinds.items()}
        return said


OF_ALL = ("n", "accuracy", "interval", "balanced_accuracy", "faceless")


def robustness(
    recogniser: Recogniser, detector: Detector, data: Labelled, *, labels: str, faces: str = "detect", head: str = "auto",
    kinds: Sequence[str] = (ALL,), rounds: int = 1000, progress: Progress = lambda done: None,
) -> Robustness:  # fmt: skip
    """Judge a model on the pictures as they are and at every level of changes.KINDS, by the very road of run.evaluate.

    Each picture is read once; it is changed as a whole, before a face is looked for, and then judged like any other. So with
    faces=`detect` a face that is no longer found counts as wrong. What goes by the face's size goes by the frame of the one found in the
    picture as it is; where none is found there, by the whole picture. Of ready-made crops (`crop`) the frame is the picture.

    kinds: names of changes.KINDS, or `all`. Yaw is simulated, see changes.turned. rounds: resamples of the bootstrap; 0 for no
    intervals. progress is told of pictures done. `run_count(kinds)` times as long as one evaluation. Raises as `evaluate`, and DataError
    for pictures without labels.
    """
    wanted = kinds_of(kinds)
    check_faces(faces)
    if (data.true < 0).any():
        raise DataError(f"{data.name}: robustness is accuracy by level; found pictures without labels")
    runs = [(name, level) for name in wanted for level in KINDS[name].levels if level]
    width = 1 + len(runs)
    each = replace(data, columns={}, affect=None).where(np.repeat(np.arange(len(data)), width))
    answers = Answers(detector, each, [asked(recogniser, labels, data.labels, head=head)], faces)
    answers.ask(lambda done: progress(done // width), _versions(data, detector, faces, runs))
    if not answers.labelled[0]:
        raise DataError(f"{data.name}: model {answers.models[0].name!r} has no labels, so that it has no accuracy")
    there = answers.read.reshape(-1, width)
    rows = np.flatnonzero(there[:, 0])
    judged = Judged(answers.probs[0], each.true, data.labels)
    own = clusters_of(data.where(rows).columns, len(rows))
    levels = _levels(runs, judged, there, rows, own, rounds)
    found = {name: _of(name, levels) for name in wanted}
    of = answers.models[0]
    return Robustness(
        of.name, data.name, labels, faces, of.head, levels[""][0], found, intervals_by(own, rounds), tuple(answers.failures)
    )  # fmt: skip


def run_count(kinds: Sequence[str]) -> int:
    """How many times each picture is judged for some kinds."""
    return 1 + sum(level != 0 for name in kinds_of(kinds) for level in KINDS[name].levels)


def _versions(data: Labelled, detector: Detector, faces: str, runs: Sequence[Run]) -> Iterator[Image | MienError | None]:
    """Of each picture, as it is and then at each level; None for what there is none of."""
    for image in read_all(data.readers):
        yield image
        if isinstance(image, MienError):
            yield from [None] * len(runs)
            continue
        frame = frame_of(image, face_of(image, detector, faces=faces), faces=faces)
        for name, level in runs:
            yield KINDS[name].change(image, level, frame)


def _levels(
    runs: Sequence[Run], judged: Judged, there: Bools, rows: Ints, own: Clusters, rounds: int
) -> dict[str, dict[float, Level]]:  # fmt: skip
    """Kind -> level -> figures, of levels with pictures. The pictures as they are have the kind "" and the level 0."""
    width = there.shape[1]
    right = judged.right.reshape(-1, width)[rows]
    said = np.where(judged.answered, judged.guess, -1).reshape(-1, width)[rows]
    of, drawn = there[rows], _intervals(right, there[rows], own, rounds)
    out: dict[str, dict[float, Level]] = {}
    for k, (name, level) in enumerate([("", 0.0), *runs]):
        kept = of[:, k]
        if not kept.any():
            continue
        at = rows[kept] * width + k
        accuracy, before = float(right[kept, k].mean()), float(right[kept, 0].mean())
        if rounds and accuracy in (0, 1):  # resamples of what is always right have no width
            drawn[f"accuracy {k}"] = share_of(accuracy, own.where(kept))
        recall = recalls(judged.true[at], judged.guess[at], len(judged.labels)).astype(np.float64)
        out.setdefault(name, {})[level] = Level(
            level, len(at), accuracy, drawn.get(f"accuracy {k}", UNKNOWN), mean_known(recall),
            float((~judged.answered[at]).mean()), before, accuracy - before, drawn.get(f"change {k}", UNKNOWN),
            float((said[kept, k] == said[kept, 0]).mean()),
        )  # fmt: skip
    return out


def _intervals(right: Bools, there: Bools, own: Clusters, rounds: int) -> dict[str, Interval]:
    """Of every column's accuracy and of its change from column 0, over the rows that the column has, from the same resamples."""
    rows = there.astype(np.float64)
    hits, before = right * rows, right[:, :1] * rows

    def shares(weights: Ints) -> dict[str, float]:
        counted = weights @ rows
        known = np.where(counted > 0, counted, np.nan)
        accuracy, untouched = weights @ hits / known, weights @ before / known
        named = {f"accuracy {k}": value for k, value in enumerate(accuracy.tolist())}
        return named | {f"change {k}": value for k, value in enumerate((accuracy - untouched).tolist())}

    return percentile_intervals(shares, own, rounds=rounds)


def _of(name: str, levels: dict[str, dict[float, Level]]) -> tuple[Level, ...]:
    own = levels.get(name, {}) | levels[""]
    return tuple(own[level] for level in KINDS[name].levels if level in own)


def _told(name: str) -> dict[str, Any]:
    kind = KINDS[name]
    return {"unit": kind.unit, "what": kind.what, "simulated": kind.simulated}
