"""Training crops: the user's own road (landmarks, template, warp) with everything that varies in real pictures.

Each picture is cut by `mien.vision.align.warp`, once from the landmarks that the detector found in it and once as a whole
frame, in turn at random, so that a model reads both aligned faces and ready-made crops. Sequences, uint8 (n, T, S, S[, 3]), are
cut like pictures, with one geometry and one set of degradations for all T, so that nothing flickers that did not move.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np

from mien.types import Floats, Image
from mien.vision.align import CropSpec, similarity, warp
from mien.vision.light import relit

SMALLEST = 14
"""Side in px of the coarsest face that is made: below it expressions are a guess."""


def plain_crops(pictures: Image, points: Floats, frames: Floats, spec: CropSpec) -> Image:
    """Crops without augmentation, uint8 (n, [T,] size, size[, 3]); a picture without landmarks is taken by its frame (see Rows)."""
    source = np.where(np.isfinite(points), points, frames)
    matrices = similarity(source, spec.target)
    if not are_sequences(pictures):
        return np.stack([warp(p, m, spec.size) for p, m in zip(pictures, matrices, strict=True)])
    return np.stack([[warp(p, m, spec.size) for p in sequence] for sequence, m in zip(pictures, matrices, strict=True)])


def are_sequences(pictures: Image) -> bool:
    """Whether pictures, (n, S, S[, 3]), are sequences of them, (n, T, S, S[, 3])."""
    return pictures.ndim - are_colour(pictures) == 4


def are_colour(pictures: Image) -> bool:
    """Whether pictures or crops without an axis for grey are RGB."""
    return pictures.shape[-1] == 3


def with_channel(crops: Image) -> Image:
    """Crops (..., S, S) or (..., S, S, 3) as (..., S, S, 1 or 3)."""
    return crops if are_colour(crops) else crops[..., None]


def augmented_crops(
    pictures: Image, points: Floats, frames: Floats, spec: CropSpec, rng: np.random.Generator, *, strength: float = 1.0
) -> Image:
    """Crops with random pose, light, resolution, compression and occlusion, uint8 (n, [T,] size, size[, 3]).

    strength scales the geometric part and the chance of each degradation; 0 gives plain crops, mirrored or not.
    """
    n = len(pictures)
    aligned = np.isfinite(points[:, 0, 0]) & (rng.random(n) < 0.5)
    base = similarity(np.where(aligned[:, None, None], points, frames), spec.target)
    angle = np.clip(rng.normal(0, 8, n), -25, 25) * strength
    zoom = np.exp(np.clip(rng.normal(0, 0.08, n), -0.25, 0.25) * strength)
    squeeze = np.exp(np.clip(rng.normal(0, 0.05, n), -0.15, 0.15) * strength)  # a turned head looks narrower
    shift = np.clip(rng.normal(0, 0.04, (n, 2)), -0.1, 0.1) * spec.size * strength
    mirror = rng.random(n) < 0.5
    sequences = are_sequences(pictures)
    change = partial(degraded, strength=strength)
    before = 2 if sequences else 1
    out = np.empty((*pictures.shape[:before], spec.size, spec.size, *pictures.shape[before + 2 :]), np.uint8)
    half = spec.size / 2
    for i in range(n):
        cos, sin = np.cos(np.radians(angle[i])) * zoom[i], np.sin(np.radians(angle[i])) * zoom[i]
        turn = np.array([[cos, -sin], [sin, cos]]) * ((squeeze[i], 1.0) if not mirror[i] else (-squeeze[i], 1.0))
        matrix = np.empty((2, 3), np.float32)
        matrix[:, :2] = turn @ base[i, :, :2]
        matrix[:, 2] = turn @ (base[i, :, 2] - half) + half + shift[i]
        if sequences:
            out[i] = same_for_all(change, [warp(p, matrix, spec.size) for p in pictures[i]], rng)
        else:
            out[i] = change(warp(pictures[i], matrix, spec.size), rng)
    return out


def same_for_all(change: Callable[[Image, np.random.Generator], Image], crops: Sequence[Image], rng: np.random.Generator) -> Image:
    """The crops of one sequence, each changed by the same chance: uint8 (T, size, size[, 3])."""
    seed = int(rng.integers(1 << 62))
    return np.stack([change(crop, np.random.default_rng(seed)) for crop in crops])


def degraded(crop: Image, rng: np.random.Generator, *, strength: float) -> Image:
    """One crop, grey or RGB, after random light, blur, resolution, noise, compression and occlusion.

    What a camera does, it does in the face's own resolution: blur is a share of the face, and a face of 20 px has noise and
    blocks of 8 px of its own before it is enlarged to the crop. So the same faces come out whatever size the network reads.
    """
    size = crop.shape[0]
    chance = rng.random(7)
    if chance[6] < 0.15 * strength:  # a lamp or a window: what is clipped at white, no gain brings back
        crop = relit(crop, float(rng.uniform(0, 2.5)))
    if chance[3] < 0.5 * strength:  # gamma and a slope of light; plain gain and offset are taken out by the network's input
        values = 255 * (crop / np.float32(255)) ** float(np.exp(rng.normal(0, 0.25)))
        ramp = np.linspace(-1, 1, size, dtype=np.float32) * float(rng.normal(0, 15))
        slope = ramp[None] if rng.random() < 0.5 else ramp[:, None]
        crop = _levels(values + (slope if crop.ndim == 2 else slope[..., None]))
    if chance[1] < 0.15 * strength:
        crop = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.01, 0.04)) * size)
    # as many between 14 and 28 px as between 28 and 56, for each halving loses as much
    side = round(float(np.exp(rng.uniform(np.log(min(SMALLEST, size)), np.log(size))))) if chance[0] < 0.35 * strength else size
    coarse = crop if side == size else cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    if chance[4] < 0.1 * strength:
        coarse = _levels(np.asarray(coarse + rng.normal(0, rng.uniform(2, 10), coarse.shape), np.float32))
    if chance[2] < 0.15 * strength:
        quality = int(rng.integers(20, 90))
        coarse = cv2.imdecode(cv2.imencode(".jpg", coarse, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)
    out = coarse if side == size else cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
    if chance[5] < 0.25 * strength:  # a hand, a cup, a microphone
        h, w = rng.integers(size // 6, size // 3, 2)
        y, x = rng.integers(0, size - h), rng.integers(0, size - w)
        out = out.copy()
        out[y : y + h, x : x + w] = int(rng.integers(256))
    return np.asarray(out, np.uint8)


def _levels(values: Floats) -> Image:
    return np.clip(values, 0, 255).astype(np.uint8)
