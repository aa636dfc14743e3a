"""Distillation: what trained models answer about the training pictures, as part of the targets."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from mien.data.fer import Fer
from mien.errors import UsageError
from mien.models.recogniser import OnnxRecogniser, head_probs
from mien.models.registry import recogniser
from mien.train.crops import plain_crops
from mien.types import Floats

Targets = tuple[Floats, Floats, Floats]
"""Vote shares (n, 9), label shares (n, 7), valence and arousal (n, 2), float32; NaN where a row has none."""


def answers(model: OnnxRecogniser, fer: Fer, points: Floats, *, batch: int = 256) -> tuple[Floats, Floats]:
    """A model's calibrated probabilities of the rows, votes (n, 9) and labels (n, 7): the mean over the aligned and the whole picture.

    The teacher sees the picture at its best, the pupil a degraded crop of it (as in Xie et al. 2020), so that the pupil
    learns to give the same answer whatever the crop.
    """
    votes, labels = np.zeros((len(fer), 9), np.float32), np.zeros((len(fer), 7), np.float32)
    for start in range(0, len(fer), batch):
        rows = slice(start, start + batch)
        for aligned in (True, False):
            crops = plain_crops(fer.pictures[rows], points[rows], model.card.crop, aligned=aligned)
            raw = model.outputs(np.repeat(crops[..., None], 3, axis=3))
            votes[rows] += head_probs(model.card.outputs["votes"], raw["votes"]) / 2
            labels[rows] += head_probs(model.card.outputs["fer7"], raw["fer7"]) / 2
    return votes, labels


def cached_answers(folder: Path, teachers: tuple[str, ...], fer: Fer, points: Floats, *, threads: int) -> tuple[Floats, Floats]:
    """The mean of the teachers' answers, asked once a run folder (kept in teachers.npz with the hashes of the models)."""
    models = [_teacher(name, threads) for name in teachers]
    key = hashlib.sha256("".join(model.card.sha256 for model in models).encode() + fer.row.tobytes()).hexdigest()
    path = folder / "teachers.npz"
    if path.exists():
        with np.load(path) as file:
            if str(file["key"]) == key:
                return np.asarray(file["votes"]), np.asarray(file["labels"])
    each = [answers(model, fer, points) for model in models]
    votes, labels = (np.asarray(np.mean([pair[i] for pair in each], axis=0), np.float32) for i in range(2))
    np.savez(path, key=np.array(key), votes=votes, labels=labels)
    return votes, labels


def _teacher(name: str, threads: int) -> OnnxRecogniser:
    model = recogniser(name, threads=threads)
    if not isinstance(model, OnnxRecogniser) or not {"votes", "fer7"} <= set(model.card.outputs):
        raise UsageError(f"teacher {name!r}: has no outputs 'votes' and 'fer7'; wanted a model that mien train made")
    return model


def taught(targets: Targets, answered: tuple[Floats, Floats], share: float) -> Targets:
    """Targets with this share of the teachers' answers in them; a row without votes stays without."""
    votes, labels, affect = targets
    return (1 - share) * votes + share * answered[0], (1 - share) * labels + share * answered[1], affect
