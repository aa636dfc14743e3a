"""What detectors, recognisers and drawers give is what the protocols in mien.types say: else one clear error, not a wrong table."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from mien.errors import MienError, ModelError, UsageError
from mien.types import Emotions, Faces, Image

SLACK = 0.01
"""By which probabilities may miss 0..1 and their sum 1, and valence and arousal -1..1: numbers of 16 bits are that exact."""


def checked_faces(found: Any, detector: Any) -> Faces:
    """Faces that a detector gave. Raises UsageError for anything else, and for boxes and scores that are no numbers."""
    if not isinstance(found, Faces):
        raise UsageError(f"detector {_called(detector)} gave {_told(found)}; wanted mien.Faces (Faces.none() where there is none)")
    if not np.isfinite(found.boxes).all():
        raise UsageError(
            f"detector {_called(detector)} gave a box of {found.boxes[~np.isfinite(found.boxes).all(axis=1)][0]}; wanted pixels"
        )
    if len(found) and not (found.scores.min() >= -SLACK and found.scores.max() <= 1 + SLACK):
        wrong = found.scores[~((found.scores >= -SLACK) & (found.scores <= 1 + SLACK))][0]
        raise UsageError(f"detector {_called(detector)} gave the score {wrong:g}; wanted 0..1")
    return found


def checked_emotions(found: Any, recogniser: Any, crops: int) -> Emotions:
    """Emotions that a recogniser gave for so many crops. Raises ModelError for a model with a card, UsageError for a callable."""
    if not isinstance(found, Emotions):
        raise _wrong(recogniser, f"gave {_told(found)}; wanted mien.Emotions")
    if len(found) != crops:
        raise _wrong(recogniser, f"gave {len(found)} answers for {crops} crops; wanted one each")
    probs = found.probs
    if probs.size and not (probs.min() >= -SLACK and np.abs(probs.sum(axis=1) - 1).max() <= SLACK):  # NaN is neither
        row = next(row for row in probs if not (row.min() >= -SLACK and abs(row.sum() - 1) <= SLACK))
        raise _wrong(recogniser, f"gave the probabilities {row.round(3).tolist()}; wanted numbers of 0 and more that sum to 1")
    affect = found.affect
    if affect is not None and affect.size and np.nanmax(np.abs(affect), initial=0.0) > 1 + SLACK:
        row = affect[np.nan_to_num(np.abs(affect)).max(axis=1) > 1 + SLACK][0]
        raise _wrong(recogniser, f"gave the valence and arousal {np.round(row, 3).tolist()}; wanted -1..1")
    return found


def checked_drawing(found: Any, drawer: Any) -> Image:
    """A picture that a drawer made. Raises UsageError for anything else; of another size it may be, and a video brings it to its own."""
    if not isinstance(found, np.ndarray) or found.dtype != np.uint8 or found.ndim != 3 or found.shape[2] != 3 or not found.size:
        raise UsageError(f"drawer {_called(drawer)} gave {_told(found)}; wanted a picture, uint8 (height, width, 3)")
    return found


def _wrong(recogniser: Any, what: str) -> MienError:
    card = getattr(recogniser, "card", None)
    if card is None:
        return UsageError(f"recogniser {_called(recogniser)} {what}")
    return ModelError(f"model {card.name!r} {what}; its file or its card is wrong (mien models check {card.name})")


def _called(part: Any) -> str:
    return repr(str(getattr(part, "name", "") or getattr(part, "__name__", "") or type(part).__name__))


def _told(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return "None" if value is None else f"{type(value).__name__} {' '.join(reprlib.repr(value).split())}"
