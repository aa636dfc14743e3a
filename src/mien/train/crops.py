"""Training crops: the user's own road (landmarks, template, warp) with everything that varies in real pictures.

Each picture is cut by `mien.vision.align.warp`, once from the landmarks that the detector found in it and once as a whole
frame, in turn at random, so that a model reads both aligned faces and ready-made crops.
"""

from __future__ import annotations

import cv2
import numpy as np

from mien.models.landmarks import find_in_crop
from mien.types import Detector, Floats, Image
from mien.vision.align import CropSpec, similarity, warp, whole_frame_points


def find_points(pictures: Image, detect: Detector) -> Floats:
    """Landmarks of grey pictures of one face each (n, S, S): float32 (n, 5, 2) in their pixels, NaN where no face is found."""
    return np.stack([find_in_crop(np.repeat(picture[..., None], 3, axis=2), detect) for picture in pictures])


def plain_crops(pictures: Image, points: Floats, spec: CropSpec, *, aligned: bool) -> Image:
    """Crops without augmentation, uint8 (n, size, size); a picture without landmarks is taken whole."""
    whole = whole_frame_points(pictures.shape[2], pictures.shape[1], spec.template)
    source = np.where(np.isfinite(points) & aligned, points, whole)
    return np.stack([warp(p, m, spec.size) for p, m in zip(pictures, similarity(source, spec.target), strict=True)])


def augmented_crops(pictures: Image, points: Floats, spec: CropSpec, rng: np.random.Generator, *, strength: float = 1.0) -> Image:
    """Crops with random pose, light, resolution, compression and occlusion, uint8 (n, size, size).

    strength scales the geometric part and the chance of each degradation; 0 gives plain crops.
    """
    n = len(pictures)
    whole = whole_frame_points(pictures.shape[2], pictures.shape[1], spec.template)
    aligned = np.isfinite(points[:, 0, 0]) & (rng.random(n) < 0.5)
    base = similarity(np.where(aligned[:, None, None], points, whole), spec.target)
    angle = np.clip(rng.normal(0, 8, n), -25, 25) * strength
    zoom = np.exp(np.clip(rng.normal(0, 0.08, n), -0.25, 0.25) * strength)
    squeeze = np.exp(np.clip(rng.normal(0, 0.05, n), -0.15, 0.15) * strength)  # a turned head looks narrower
    shift = np.clip(rng.normal(0, 0.04, (n, 2)), -0.1, 0.1) * spec.size * strength
    mirror = rng.random(n) < 0.5
    out = np.empty((n, spec.size, spec.size), np.uint8)
    half = spec.size / 2
    for i in range(n):
        cos, sin = np.cos(np.radians(angle[i])) * zoom[i], np.sin(np.radians(angle[i])) * zoom[i]
        turn = np.array([[cos, -sin], [sin, cos]]) * ((squeeze[i], 1.0) if not mirror[i] else (-squeeze[i], 1.0))
        matrix = np.empty((2, 3), np.float32)
        matrix[:, :2] = turn @ base[i, :, :2]
        matrix[:, 2] = turn @ (base[i, :, 2] - half) + half + shift[i]
        out[i] = degraded(warp(pictures[i], matrix, spec.size), rng, strength=strength)
    return out


def degraded(crop: Image, rng: np.random.Generator, *, strength: float) -> Image:
    """One grey crop after random resolution, blur, compression, noise, light and occlusion."""
    size = crop.shape[0]
    chance = rng.random(6)
    if chance[0] < 0.2 * strength:
        small = int(rng.integers(16, size))
        crop = cv2.resize(cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA), (size, size), interpolation=cv2.INTER_LINEAR)
    if chance[1] < 0.1 * strength:
        crop = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(0.4, 1.3)))
    if chance[2] < 0.1 * strength:
        quality = int(rng.integers(20, 90))
        crop = cv2.imdecode(cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
    values: Floats = crop.astype(np.float32)
    if chance[3] < 0.5 * strength:  # gamma and a slope of light; plain gain and offset are taken out by the network's input
        values = np.asarray(255 * (values / 255) ** float(np.exp(rng.normal(0, 0.25))), np.float32)
        ramp = np.linspace(-1, 1, size, dtype=np.float32) * float(rng.normal(0, 15))
        values += ramp[None] if rng.random() < 0.5 else ramp[:, None]
    if chance[4] < 0.1 * strength:
        values += rng.normal(0, rng.uniform(2, 10), values.shape).astype(np.float32)
    if chance[5] < 0.25 * strength:  # a hand, a cup, a microphone
        h, w = rng.integers(size // 6, size // 3, 2)
        y, x = rng.integers(0, size - h), rng.integers(0, size - w)
        values[y : y + h, x : x + w] = rng.uniform(0, 255)
    return np.clip(values, 0, 255).astype(np.uint8)
