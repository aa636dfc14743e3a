"""Made data to train on: pictures of stripes, and features in which an answer is planted."""

import numpy as np

from mien.train.rows import Rows, TrainData
from mien.train.tune.features import Features
from mien.vision.align import whole_frame_points

NAMES = ("happy", "sad")


def rows(n, seed=0, side=48):
    """Stripes that stand for happy and lie for sad, with noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    stripes = 60 + 120 * (np.arange(side) // 4 % 2)
    pictures = np.stack([np.tile(stripes, (side, 1)) if label == 0 else np.tile(stripes, (side, 1)).T for label in labels])
    pictures = np.clip(pictures + rng.normal(0, 20, pictures.shape), 0, 255).astype(np.uint8)
    frames = np.repeat(whole_frame_points(side, side)[None], n, axis=0)
    nothing = np.full((n, 5, 2), np.nan, np.float32)
    return Rows(
        pictures, nothing, frames, labels.astype(np.int64), np.full((n, 9), np.nan, np.float32), np.full((n, 2), np.nan, np.float32), NAMES
    )


def data(n=32, judge=16):
    return TrainData(rows(n), rows(judge, seed=1), hash="made", sources=("made",))


def planted(n, seed=0, width=8):
    """Features in which the product of the first two numbers tells the class: no linear head can see it."""
    rng = np.random.default_rng(seed)
    plain = rng.normal(0, 1, (n, width)).astype(np.float32)
    own = rows(n)
    labels = (plain[:, 0] * plain[:, 1] > 0).astype(np.int64)
    bare = Rows(np.empty((n, 0, 0), np.uint8), own.points, own.frames, labels, own.shares, own.affect, NAMES)
    return Features(plain, plain, bare)
