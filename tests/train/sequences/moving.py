"""Made clips in which only the motion tells the label, and settings that learn them in seconds."""

from pathlib import Path

import numpy as np

from mien.testing.fakes import BACKGROUND
from mien.train.config import TrainConfig
from mien.train.fit import build, crop_spec
from mien.train.judge import Judge
from mien.train.rows import TrainData
from mien.train.settings import NetSettings
from mien.train.targets import targets_of
from tests.io.clips import clip

MOVING = TrainConfig(
    name="moving", net="conv_lstm", settings=NetSettings(size=16, widths=(8, 12, 16), window=4), tasks=("classes",), epochs=5, batch=16,
    rate=3e-3, optimiser="adamw", weight_decay=1e-4, schedule="cosine", average=0.9, augment=0.3, threads=1, clip_every=0.1, clip_stride=2,
)  # fmt: skip
SIDE = 48


def face(phase: float) -> np.ndarray:
    """A square with a bar across it, `phase` of its height from the top; the bar goes round."""
    rows = (np.arange(SIDE) / SIDE - phase) % 1
    grey = np.where(rows < 0.35, 220, 110).astype(np.uint8)
    return np.repeat(np.repeat(grey[:, None], SIDE, axis=1)[..., None], 3, axis=2)


def moving(path: Path, *, down: bool, seed: int = 0, frames: int = 16, people: int = 1) -> Path:
    """A clip at 10 frames a second of faces that walk about, in which the bar goes up or down by an eighth a frame."""
    rng = np.random.default_rng(seed)
    starts, lefts = rng.integers(0, 8, people) / 8, rng.integers(4, 24, people)
    images = []
    for t in range(frames):
        image = np.full((72, 88 * people, 3), BACKGROUND, np.uint8)
        for i in range(people):
            x, y = 88 * i + lefts[i] + t % 5, 6 + t % 7
            image[y : y + SIDE, x : x + SIDE] = face(starts[i] + (t if down else -t) / 8)
        images.append(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    return clip(path, frames, fps=10, size=(88 * people, 72), images=images)


def ten_of_each(root: Path) -> Path:
    """Clips of happy (down) and sad (up) faces, each pair with the same beginnings."""
    for seed in range(10):
        for name, down in (("happy", True), ("Sadness", False)):
            moving(root / name / f"{seed}.mp4", down=down, seed=seed)
    return root


def face_picture() -> np.ndarray:
    """One face on dark ground, uint8 (72, 96, 3)."""
    image = np.full((72, 96, 3), BACKGROUND, np.uint8)
    image[10 : 10 + SIDE, 10 : 10 + SIDE] = face(0)
    return image


def crops_of(data: TrainData, config: TrainConfig = MOVING) -> np.ndarray:
    """The crops to judge by."""
    spec = crop_spec(config, build(config, data.names), colour=data.colour)
    return Judge.of(data.judge, targets_of(data.judge, config), spec).crops
