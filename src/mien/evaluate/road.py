"""The user's road from a picture to an answer: find the face, cut it out, ask the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mien.errors import UnknownName, UsageError
from mien.labels import convert
from mien.models.landmarks import crop_points, find_in_crop
from mien.part_checks import checked_emotions
from mien.types import Detector, Emotions, Floats, Image, Recogniser
from mien.vision.align import CropSpec, align, whole_frame_points
from mien.vision.boxes import area
from mien.vision.quality import face_size

FACES = ("crop", "detect")
BLEND = "blend"


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """The face of a picture that is judged."""

    points: Floats
    """float32 (5, 2): landmarks to cut by, in pixels; NaN where the whole picture is to be taken."""
    seen: Floats
    """float32 (5, 2): landmarks that the detector found; NaN for none."""
    size: float
    """Shorter side of its box in pixels."""


def face_of(image: Image, detector: Detector, *, faces: str) -> Face | None:
    """The one face of a picture, uint8 (H, W, 3); None where none is found, never with faces=`crop`.

    faces: `detect` takes the largest face of a photo. `crop` takes the picture for a ready-made crop: landmarks are looked for
    inside, and where none are found the whole frame is used.
    """
    if faces == "crop":
        points = find_in_crop(image, detector)
        return Face(points, points, float(min(image.shape[:2])))
    found = detector(image)
    if not len(found):
        return None
    largest = found[[int(area(found.boxes).argmax())]]
    return Face(crop_points(largest, detector)[0], largest.points[0], float(face_size(largest.boxes)[0]))


def cut(image: Image, face: Face, spec: CropSpec) -> Image:
    """The crop of a face, uint8 (size, size, 3), as a model's card wants it."""
    points = face.points
    if not np.isfinite(points).all():
        points = whole_frame_points(image.shape[1], image.shape[0], spec.template)
    return np.asarray(align(image, points[None], spec)[0])


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A recogniser, and which of its outputs answers for a label set."""

    recogniser: Recogniser
    head: str
    """An output's name, or `blend` for the probabilities that mien reports."""
    labels: tuple[str, ...]
    """What is asked for; the model's other labels are dropped and the rest sum to 1."""

    @property
    def name(self) -> str:
        """The model's."""
        return str(getattr(getattr(self.recogniser, "card", self.recogniser), "name", type(self.recogniser).__name__))

    def probs(self, emotions: Emotions) -> Floats:
        """float32 (n, K) over `labels`; NaN of a model that gives no labels.

        Raises as an analysis does for answers that are no probabilities: ModelError, of a callable UsageError.
        """
        if self.head == BLEND:
            values, names = emotions.probs, emotions.labels
        else:
            values, names = emotions.heads[self.head], self.recogniser.card.outputs[self.head].labels  # type: ignore[attr-defined]
        checked_emotions(replace(emotions, probs=values, labels=names), self.recogniser, len(emotions))
        if not set(names) & set(self.labels):
            return np.full((len(emotions), len(self.labels)), np.nan, np.float32)
        return convert(values, names, self.labels)


def asked(recogniser: Recogniser, set_name: str, labels: tuple[str, ...], *, head: str = "auto") -> Asked:
    """A recogniser ready to be asked for the labels of a set.

    head: an output's name, `blend`, or `auto`: what the model's card says for the set. Raises UnknownName, and UsageError for a
    model of sequences.
    """
    card = getattr(recogniser, "card", None)
    if card is not None and card.frames:
        raise UsageError(f"model {card.name!r} reads sequences of {card.frames} crops; wanted one that reads single ones, as pictures are")
    answers, outputs = (card.answers, card.outputs) if card is not None else ({}, {})
    chosen = answers.get(set_name, BLEND) if head == "auto" else head
    if chosen != BLEND and (chosen not in outputs or not outputs[chosen].labels):
        raise UnknownName("output with labels", chosen, ["auto", BLEND, *(name for name, one in outputs.items() if one.labels)])
    return Asked(recogniser, chosen, labels)


def check_faces(faces: str) -> None:
    """Raise UsageError for a word that is none of FACES."""
    if faces not in FACES:
        raise UsageError(f"faces is {faces!r}; wanted {' or '.join(FACES)}")
