"""Distillation: what trained models answer about the training pictures, as part of the targets."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np

from mien.errors import UsageError
from mien.io.whole import whole
from mien.models.recogniser import OnnxRecogniser, head_probs
from mien.models.registry import recogniser
from mien.train.crops import are_colour, are_sequences, plain_crops
from mien.train.rows import Rows
from mien.train.targets import AFFECT, head_name
from mien.types import Floats
from mien.vision.align import grey

Answers = dict[str, Floats]
"""Output -> probabilities, float32 (n, columns)."""


def answers(model: OnnxRecogniser, rows: Rows, *, batch: int = 256) -> Answers:
    """A model's calibrated probabilities of the rows: the mean over the picture cut by its landmarks and the whole picture.

    The teacher sees the picture at its best, the pupil a degraded crop of it (as in Xie et al. 2020), so that the pupil
    learns to give the same answer whatever the crop.
    """
    reads = rows.pictures.shape[1] if are_sequences(rows.pictures) else 0
    if reads != model.card.frames:
        wanted, there = (f"sequences of {n} crops" if n else "single crops" for n in (model.card.frames, reads))
        raise UsageError(f"teacher {model.card.name!r}: reads {wanted}, the rows are {there}; wanted a teacher that reads the same")
    found: dict[str, list[Floats]] = {}
    for start in range(0, len(rows), batch):
        some = rows.where(slice(start, start + batch))
        both = []
        for points in (some.points, np.full_like(some.points, np.nan)):
            crops = plain_crops(some.pictures, points, some.frames, model.card.crop)
            if are_colour(crops) and model.card.crop.colour == "grey":
                crops = np.stack([grey(crop) for crop in crops.reshape(-1, *crops.shape[-3:])]).reshape(crops.shape[:-1])
            raw = model.outputs(crops if are_colour(crops) else np.repeat(crops[..., None], 3, axis=-1))
            both.append({name: head_probs(head, raw[name]) for name, head in model.card.outputs.items() if head.labels})
        for name in both[0]:
            found.setdefault(name, []).append(np.asarray((both[0][name] + both[1][name]) / 2, np.float32))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def cached_answers(folder: Path, teachers: tuple[str, ...], rows: Rows, *, threads: int) -> Answers:
    """The mean of the teachers' answers, asked once a run folder (kept in teachers.npz with the hashes of models and rows)."""
    models = [_teacher(name, threads) for name in teachers]
    name = head_name(rows.names)
    for model in models:
        if name in model.card.outputs and model.card.outputs[name].labels != rows.names:
            theirs = ", ".join(model.card.outputs[name].labels)
            raise UsageError(f"teacher {model.card.name!r}: its classes are {theirs}; wanted {', '.join(rows.names)}")
    key = hashlib.sha256("".join((*(model.card.sha256 for model in models), *rows.ids)).encode() + rows.points.tobytes()).hexdigest()
    path = folder / "teachers.npz"
    if (kept := _kept(path, key)) is not None:
        return kept
    each = [answers(model, rows) for model in models]
    shared = set.intersection(*map(set, each))
    mean = {name: np.asarray(np.mean([one[name] for one in each], axis=0), np.float32) for name in sorted(shared)}
    with whole(path) as part, part.open("wb") as out:
        np.savez(out, key=np.array(key), **mean)  # type: ignore[arg-type]  # numpy's stub takes `key` for its own keyword
    return mean


def _kept(path: Path, key: str) -> Answers | None:
    """The answers in a file; None where there is none, it is of other models or rows, or it cannot be read, as where it was cut short."""
    try:
        with path.open("rb") as stored, np.load(stored) as file:  # numpy leaves a file open that it cannot read
            if str(file["key"]) == key:
                return {name: file[name] for name in file.files if name != "key"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        pass
    return None


def _teacher(name: str, threads: int) -> OnnxRecogniser:
    model = recogniser(name, threads=threads)
    if not isinstance(model, OnnxRecogniser):
        raise UsageError(f"teacher {name!r}: is no ONNX file with a card; wanted a model that mien train made")
    return model


def taught(targets: dict[str, Floats], answered: Answers, share: float) -> dict[str, Floats]:
    """Targets with this share of the teachers' answers in them; a row without a target stays without.

    Raises UsageError when an output has no teacher of its columns.
    """
    for name, target in targets.items():
        if name != AFFECT and (name not in answered or answered[name].shape != target.shape):
            has = ", ".join(answered) or "none"
            raise UsageError(f"teachers: none answers for the output {name!r} with {target.shape[1]} columns; they have: {has}")
    return {name: target if name == AFFECT else (1 - share) * target + share * answered[name] for name, target in targets.items()}
