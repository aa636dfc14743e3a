"""A made FER-2013 of a few pictures in the real file's form."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.fer import VOTES_TO_MIEN


@pytest.fixture
def fer_file(tmp_path: Path) -> Path:
    return write_fer(tmp_path / "fer.npz", n=60)


def write_fer(path: Path, *, n: int, seed: int = 0) -> Path:
    """n rows: pictures whose brightness pattern tells the emotion, votes that mostly agree; rows 0..n/2 are Training."""
    rng = np.random.default_rng(seed)
    emotion = np.arange(n) % 7
    usage = np.repeat([0, 1, 2], [n - 2 * (n // 4), n // 4, n // 4])
    grid = np.linspace(0, np.pi, 48)
    pictures = [
        np.clip(128 + 80 * np.sin((1 + e % 4) * grid[:, None] + e) * np.cos((1 + e // 4) * grid[None]) + rng.normal(0, 8, (48, 48)), 0, 255)
        for e in emotion
    ]
    encoded = [cv2.imencode(".webp", p.astype(np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])[1] for p in pictures]
    votes = np.zeros((n, 10), np.int8)
    column = {"anger": 4, "disgust": 5, "fear": 6, "happy": 1, "sad": 3, "surprise": 2, "neutral": 0}
    for i, name in enumerate(np.array(["anger", "disgust", "fear", "happy", "sad", "surprise", "neutral"])[emotion]):
        assert VOTES_TO_MIEN[column[name]] == name
        votes[i, column[name]] = 7
        votes[i, 8] = 3
    np.savez(
        path, webp=np.concatenate(encoded), offsets=np.cumsum([0, *map(len, encoded)]), image_index=np.arange(n, dtype=np.int32),
        emotion=emotion.astype(np.int8), usage=usage.astype(np.int8), ferplus_votes=votes,
    )  # fmt: skip
    return path
