"""Judge a model on labelled pictures by the user's own road: file, detector, crop, exported network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.labelled import AFFECT_FROM, AGREEMENT, Labelled, Read
from mien.errors import DataError, MienError, SourceError
from mien.evaluate.compare import Three, compare
from mien.evaluate.intervals import Clusters, alone, clusters, intervals_by, percentile_intervals, with_width
from mien.evaluate.metrics import Judged, affect_figures, figures
from mien.evaluate.moments import affect_intervals
from mien.evaluate.road import Asked, Face, asked, check_faces, cut, face_of
from mien.evaluate.slices import EDGES, check_columns, slices
from mien.io.events import Failure
from mien.io.prefetch import prefetched
from mien.types import Bools, Detector, Floats, Image, Ints, Recogniser
from mien.vision.align import grey
from mien.vision.quality import pose, skin_lightness

CHUNK = 256
AXES = ("valence", "arousal")
SHARES = ("accuracy", "top2")
"""Figures that are a share of all pictures."""
NOT_NOTED = "not noted"
"""Where valence and arousal come from that the data say nothing of."""
ENOUGH = 256
"""Brightness is measured on about so many pixels a side."""
FIRST = (
    "model", "data", "labels", "n", "accuracy", "balanced_accuracy", "macro_f1", "top2", "second_given_wrong", "ece",
    "per_class", "confusion", "intervals", *AXES,
)  # fmt: skip
"""Keys of the JSON that stay, in this order, where there are such figures; the others come behind them."""
Progress = Callable[[int], None]
Pair = tuple[Floats, Floats]
"""The model's values of one axis and the true ones, float32 (n,) each."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What came out, with what it was measured on."""

    model: str
    data: str
    labels: str
    faces: str
    head: str
    """Output of the model that was judged: a head's name, or `blend` for the probabilities that mien reports."""
    figures: dict[str, Any]
    left_out: dict[str, int]
    """Why pictures of the data are not among those judged: reason -> count."""
    failures: tuple[Failure, ...]
    """Pictures that could not be read."""
    rows: Ints
    """int64 (m,): the pictures that were judged, by their place in the data. All arrays below have a row for each."""
    judged: Judged | None
    """None where the data or the model have no labels."""
    affect: tuple[Floats, Floats] | None
    """float32 (m, 2) each: the model's valence and arousal, and the true ones. None where either has none."""
    columns: dict[str, NDArray[Any]] = field(repr=False)
    """What is known of each picture, (m,) each: the manifest's columns and the measures of slices.MEASURED."""
    clusters: Clusters = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `json.dumps`, FIRST first; NaN stands for figures that there are none of."""
        said = {"model": self.model, "data": self.data, "labels": self.labels, "faces": self.faces, "head": self.head}
        said |= self.figures | {"left_out": self.left_out}
        return {key: said[key] for key in FIRST if key in said} | said


def evaluate(
    recogniser: Recogniser, detector: Detector, data: Labelled, *, labels: str, faces: str = "detect", head: str = "auto",
    rounds: int = 1000, slice_by: Sequence[str] = (), progress: Progress = lambda done: None,
) -> Evaluation:  # fmt: skip
    """Judge a model.

    faces: `detect` takes each picture for a photo and the largest face in it; one without a face counts as wrong.
    `crop` takes each picture for a ready-made crop of one face: its landmarks are looked for inside, and where none are
    found the whole frame is used. head: an output's name, `blend`, or `auto`, which is what the card says for the label set.
    rounds: resamples of the bootstrap; 0 for no intervals. slice_by: columns to cut the data by, see slices.MEASURED.
    Unreadable pictures are counted in `left_out`. Raises UsageError, UnknownName, DataError.
    """
    check_columns(data.columns, slice_by)
    found = Answers(detector, data, [asked(recogniser, labels, data.labels, head=head)], faces)
    found.ask(progress)
    return found.evaluation(0, labels, rounds, slice_by)


def evaluate_both(
    first: Recogniser, second: Recogniser, detector: Detector, data: Labelled, *, labels: str, faces: str = "detect", head: str = "auto",
    rounds: int = 1000, slice_by: Sequence[str] = (), progress: Progress = lambda done: None,
) -> tuple[Evaluation, Evaluation, dict[str, Any]]:  # fmt: skip
    """Judge two models on the same pictures and faces, and compare their answers: see compare.compare. Raises as `evaluate`.

    Where both have one name, the second's gets ` (2)` behind it. Of pictures with labels the comparison says in `without_labels` which of
    the models give none, so that labels are not compared.
    """
    check_columns(data.columns, slice_by)
    answers = Answers(detector, data, [asked(one, labels, data.labels, head=head) for one in (first, second)], faces)
    answers.ask(progress)
    one, other = (answers.evaluation(k, labels, rounds, slice_by) for k in range(2))
    axes = _axes_of_both(one.affect, other.affect)
    if not axes and (one.judged is None or other.judged is None):
        raise DataError(f"{data.name}: models are compared by labels, valence or arousal that both give and the data have; found none")
    other = replace(other, model=f"{other.model} (2)") if one.model == other.model else other
    compared = compare(one.judged, other.judged, one.clusters, axes=axes, rounds=rounds)
    if (data.true >= 0).all():
        compared["without_labels"] = [found.model for found in (one, other) if found.judged is None]
    return one, other, compared


class Answers:
    """What models answer to each picture, and what is measured on the way."""

    def __init__(self, detector: Detector, data: Labelled, models: Sequence[Asked], faces: str) -> None:
        check_faces(faces)
        n = len(data)
        self.detector, self.data, self.models, self.faces = detector, data, models, faces
        self.probs = [np.full((n, len(data.labels)), np.nan, np.float32) for _ in models]
        self.affect = [np.full((n, 2), np.nan, np.float32) for _ in models]
        self.labelled = [True for _ in models]
        self.read: Bools = np.ones(n, np.bool_)
        self.failures: list[Failure] = []
        self.measures = {name: np.full(n, np.nan, np.float32) for name in EDGES}

    def ask(self, progress: Progress, images: Iterable[Image | MienError | None] | None = None) -> None:
        """Read every picture once and ask every model.

        images: the pictures of the data, if they are read elsewhere; an error for one that could not be, None for one to leave out.
        """
        rows: list[int] = []
        crops: list[list[Image]] = [[] for _ in self.models]
        for i, image in enumerate(read_all(self.data.readers) if images is None else images):
            if image is None or isinstance(image, MienError):
                self.read[i] = False
                if image is not None:
                    self.failures.append(Failure(self.data.sources[i], image))
            else:
                face = face_of(image, self.detector, faces=self.faces)
                self._measure(i, image, face)
                if face is not None:
                    rows.append(i)
                    for model, own in zip(self.models, crops, strict=True):
                        own.append(cut(image, face, model.recogniser.crop))
            if len(rows) == CHUNK:
                self._recognise(rows, crops)
            progress(i + 1)
        self._recognise(rows, crops)
        if not self.read.any():
            raise DataError(f"{self.data.name}: none of its {len(self.data)} pictures could be read")

    def _recognise(self, rows: list[int], crops: list[list[Image]]) -> None:
        for k, (model, own) in enumerate(zip(self.models, crops, strict=True)):
            if rows:
                emotions = model.recogniser(np.stack(own))
                self.probs[k][rows] = model.probs(emotions)
                self.labelled[k] = bool(set(emotions.labels))
                if emotions.affect is not None:
                    self.affect[k][rows] = emotions.affect
            own.clear()
        rows.clear()

    def _measure(self, i: int, image: Image, face: Face | None) -> None:
        step = max(1, min(image.shape[:2]) // ENOUGH)
        self.measures["size"][i] = min(image.shape[:2])
        self.measures["brightness"][i] = grey(np.ascontiguousarray(image[::step, ::step])).mean()
        if face is not None:
            self.measures["face_size"][i] = face.size
            self.measures["skin"][i] = skin_lightness(image, face.seen)
            for name, angle in zip(("yaw", "pitch", "roll"), pose(face.seen[None])[0], strict=True):
                self.measures[name][i] = angle

    def evaluation(self, k: int, labels: str, rounds: int, slice_by: Sequence[str]) -> Evaluation:
        """The figures of one of the models."""
        rows, data, model = np.flatnonzero(self.read), self.data, self.models[k]
        columns = {name: values[rows] for name, values in (data.columns | self.measures).items()}
        own = clusters_of(columns, len(rows))
        judged = Judged(self.probs[k][rows], data.true[rows], data.labels) if self.labelled[k] and (data.true >= 0).all() else None
        affect = None if data.affect is None else (self.affect[k][rows], data.affect[rows])
        if affect is not None and not np.isfinite(affect[0]).any():
            affect = None
        if judged is None and affect is None:
            raise DataError(f"{data.name}: model {model.name!r} and these data have neither labels nor valence and arousal in common")
        found: dict[str, Any] = {"n": len(rows), "unanswered": int((~np.isfinite(self.measures["face_size"][rows])).sum())}
        by_axis = _by_axis(affect)
        found |= _figures(judged, by_axis, own, rounds)
        if judged is not None and np.isfinite(agreed := columns.get(AGREEMENT, np.zeros(0))).any():
            found["one_rater"] = float(np.nanmean(agreed))
        if affect is not None and AFFECT_FROM in columns:
            found[AFFECT_FROM] = _origins(columns[AFFECT_FROM], affect[1])
        if slice_by:
            found["slices"] = slices(judged, columns, slice_by, own, affect=by_axis, rounds=rounds)
        left_out = data.left_out | ({"cannot be read": len(self.failures)} if self.failures else {})
        return Evaluation(
            model.name, data.name, labels, self.faces, model.head, found, left_out, tuple(self.failures), rows, judged, affect, columns, own
        )


def _by_axis(affect: tuple[Floats, Floats] | None) -> dict[str, Pair]:
    """The axes that the model gives of any rated picture: people may have rated one of the two."""
    if affect is None:
        return {}
    every = {axis: (affect[0][:, k], affect[1][:, k]) for k, axis in enumerate(AXES)}
    return {axis: pair for axis, pair in every.items() if np.isfinite(pair).all(axis=0).any()}


def _axes_of_both(one: tuple[Floats, Floats] | None, other: tuple[Floats, Floats] | None) -> dict[str, Three]:
    """The axes that both models give of any rated picture. The true values of the two are the same."""
    if one is None or other is None:
        return {}
    every = {axis: (one[0][:, k], other[0][:, k], one[1][:, k]) for k, axis in enumerate(AXES)}
    return {axis: three for axis, three in every.items() if np.isfinite(three).all(axis=0).any()}


def _figures(judged: Judged | None, by_axis: Mapping[str, Pair], own: Clusters, rounds: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    intervals: dict[str, tuple[float, float]] = {}
    if judged is not None:
        found |= figures(judged)
        shares = {name: value for name, value in judged.headline().items() if name in SHARES}
        intervals |= with_width(percentile_intervals(judged.headline, own, rounds=rounds), shares, own) if rounds else {}
    if by_axis:
        found |= {axis: affect_figures(*pair) for axis, pair in by_axis.items()}
        for axis, pair in by_axis.items():
            intervals |= {f"{axis}_{name}": between for name, between in affect_intervals(*pair, own, rounds=rounds).items()}
    return found | {"intervals": intervals, "intervals_by": intervals_by(own, rounds)}


def _origins(said: NDArray[np.object_], true: Floats) -> dict[str, int]:
    """Where true valence and arousal, float32 (n, 2), come from -> pictures that have either, the most first."""
    known = np.isfinite(true).any(axis=1)
    return dict(Counter(str(origin) or NOT_NOTED for origin in said[known]).most_common())


def clusters_of(columns: Mapping[str, NDArray[Any]], n: int) -> Clusters:
    """n pictures by the person on them, where their columns name people."""
    return clusters(columns["subject"], columns["source"]) if "subject" in columns else alone(n)


def read_all(readers: Sequence[Read]) -> Iterator[Image | MienError]:
    """The pictures in order, or why one cannot be read; a few are read ahead."""
    return prefetched((partial(_tried, reader) for reader in readers), ahead=2)


def _tried(reader: Read) -> Image | MienError:
    try:
        return reader()
    except (SourceError, DataError) as error:
        return error
