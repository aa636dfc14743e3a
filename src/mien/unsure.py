"""When mien is not sure about a face, and why. Not to be mixed up with `uncertain`, an answer raters gave."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from mien.errors import UnknownName, UsageError
from mien.types import Emotions, Faces, Floats, Image, check_numbers
from mien.vision.quality import face_size, pose, sharpness

REASONS = ("detection", "size", "cut", "blur", "pose", "confidence")
"""Codes in the column `reasons`, in this order."""


@dataclass(frozen=True, slots=True)
class UnsureRules:
    """A face is unsure when one of these says so."""

    min_score: float = 0.78
    """Lowest detection score, 0..1, on YuNet's scale; `detection`. On 15 photos with 345 drawn boxes, all 5 boxes of `yunet:full`
    that were no face scored below it, and 1 of its 60 faces of 20 px and more."""
    min_size: float = 20.0
    """Shortest side of the box in pixels; `size`."""
    min_sharpness: float = 0.02
    """Lowest share of fine detail in the crop, see mien.vision.quality.sharpness; `blur`."""
    max_yaw: float = 50.0
    """Furthest turn to a side in degrees; `pose`."""
    max_pitch: float = 40.0
    """Furthest nod up or down in degrees; `pose`."""
    min_confidence: float = 0.45
    """Lowest calibrated probability of the top emotion, 0..1; `confidence`."""
    max_cut: float = 0.25
    """Largest share of the face that the picture's edge may cut off, see mien.vision.quality.cut_off, where a landmark outside the
    picture counts as all; `cut`. Where 17 photos were cut through their 44 faces, so that one landmark and more was lost, 446 of the 465
    faces that were found have more, and none in the whole photos; of 421 that had lost cheek, chin or forehead alone, 61 have. Of 490 faces
    of FER-2013, which is framed closely, 38 have."""

    def __post_init__(self) -> None:
        highest = {"min_score": 1, "min_size": np.inf, "min_sharpness": np.inf, "max_yaw": 180, "max_pitch": 180}
        highest |= {"min_confidence": 1, "max_cut": 1}
        for name, high in highest.items():
            check_numbers(self, [name])
            value = getattr(self, name)
            if not 0 <= value <= high:
                raise UsageError(f"{name} is {value}; wanted a number from 0 to {high}")


RULES: dict[str, UnsureRules] = {
    "default": UnsureRules(),
    # R3 marked a face red when its detector's score was not above .99, and for nothing else.
    "r3": UnsureRules(min_score=0.99, min_size=0, min_sharpness=0, max_yaw=180, max_pitch=180, min_confidence=0, max_cut=1),
    "never": UnsureRules(min_score=0, min_size=0, min_sharpness=0, max_yaw=180, max_pitch=180, min_confidence=0, max_cut=1),
}


def rules(name: str) -> UnsureRules:
    """A set of rules by name; UnknownName lists the names there are."""
    if name not in RULES:
        raise UnknownName("set of unsure rules", name, RULES)
    return RULES[name]


def judged(emotions: Emotions, faces: Faces, crops: Image, by: UnsureRules, *, cut: Floats) -> Emotions:
    """The emotions with `unsure` and `reasons` filled in. A face without landmarks is not judged by pose.

    cut: float32 (n,), how much of each face lies outside the picture, see mien.vision.quality.cut_off.
    """
    if not len(faces):
        return emotions
    angles = np.nan_to_num(np.abs(pose(faces.points)))
    # R3's rule is "not above .99", so equality counts as too low there; elsewhere nobody can tell.
    flags = np.stack(
        [
            (faces.scores <= by.min_score) & (by.min_score > 0),
            face_size(faces.boxes) < by.min_size,
            cut > by.max_cut,
            sharpness(crops) < by.min_sharpness,
            (angles[:, 0] > by.max_yaw) | (angles[:, 1] > by.max_pitch),
            emotions.probs.max(axis=1) < by.min_confidence,
        ],
        axis=1,
    )
    reasons = tuple(tuple(code for code, on in zip(REASONS, row, strict=True) if on) for row in flags)
    return dataclasses.replace(emotions, unsure=np.asarray(flags.any(axis=1)), reasons=reasons)
