"""Judge a model on labelled pictures by the user's own road: file, detector, crop, exported network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mien.data.labelled import Labelled
from mien.errors import DataError, SourceError, UnknownName, UsageError
from mien.evaluate.metrics import affect_figures, figures
from mien.labels import convert
from mien.models.landmarks import crop_points, find_in_crop
from mien.models.recogniser import OnnxRecogniser
from mien.types import Detector, Image
from mien.vision.align import CropSpec, align, whole_frame_points
from mien.vision.boxes import area

FACES = ("crop", "detect")
CHUNK = 256


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
    left_out: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `json.dumps`."""
        said = {"model": self.model, "data": self.data, "labels": self.labels, "faces": self.faces, "head": self.head}
        return said | self.figures | {"left_out": self.left_out}


def evaluate(
    recogniser: OnnxRecogniser,
    detector: Detector,
    data: Labelled,
    *,
    labels: str,
    faces: str = "detect",
    head: str = "auto",
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Judge a model.

    faces: `detect` takes each picture for a photo and the largest face in it; one without a face counts as wrong.
    `crop` takes each picture for a ready-made crop of one face: its landmarks are looked for inside, and where none are
    found the whole frame is used. head: an output's name, `blend`, or `auto`, which is what the card says for the label set.
    Unreadable pictures are counted in `left_out`. Raises UsageError, UnknownName.
    """
    if faces not in FACES:
        raise UsageError(f"faces is {faces!r}; wanted {' or '.join(FACES)}")
    card = recogniser.card
    chosen = card.answers.get(labels, "blend") if head == "auto" else head
    if chosen != "blend" and (chosen not in card.outputs or not card.outputs[chosen].labels):
        raise UnknownName("output with labels", chosen, ["auto", "blend", *(n for n, h in card.outputs.items() if h.labels)])
    left_out = dict(data.left_out)
    probs = np.full((len(data), len(data.labels)), np.nan, np.float32)
    affect = np.full((len(data), 2), np.nan, np.float32)
    read = np.ones(len(data), np.bool_)
    crops: list[Image] = []
    rows: list[int] = []

    def recognise() -> None:
        if rows:
            emotions = recogniser(np.stack(crops))
            out, names = (emotions.probs, card.labels) if chosen == "blend" else (emotions.heads[chosen], card.outputs[chosen].labels)
            probs[rows] = convert(out, names, data.labels)
            if emotions.affect is not None:
                affect[rows] = emotions.affect
        crops.clear()
        rows.clear()

    for i, reader in enumerate(data.readers):
        try:
            image = reader()
        except SourceError as error:
            read[i] = False
            left_out[f"unreadable: {error}"] = 1
            continue
        crop = one_face(image, detector, recogniser.crop, faces=faces)
        if crop is not None:
            crops.append(crop)
            rows.append(i)
        if len(rows) == CHUNK:
            recognise()
        progress(i + 1)
    recognise()
    if not read.any():
        raise DataError(f"{data.name}: none of its {len(data)} pictures could be read")
    found = figures(probs[read], data.true[read], data.labels)
    if data.affect is not None:
        found |= {axis: affect_figures(affect[read, k], data.affect[read, k]) for k, axis in enumerate(("valence", "arousal"))}
    return Evaluation(card.name, data.name, labels, faces, chosen, found, left_out)


def one_face(image: Image, detector: Detector, spec: CropSpec, *, faces: str) -> Image | None:
    """The crop, uint8 (size, size, 3), of the face of a picture; None where none is found (never with faces=`crop`)."""
    if faces == "crop":
        points = find_in_crop(image, detector)
        if not np.isfinite(points).all():
            points = whole_frame_points(image.shape[1], image.shape[0], spec.template)
        return np.asarray(align(image, points[None], spec)[0])
    found = detector(image)
    if not len(found):
        return None
    largest = found[[int(area(found.boxes).argmax())]]
    return np.asarray(align(image, crop_points(largest, detector), spec)[0])
