"""Runs in which people change their expression at known times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien.errors import UsageError
from mien.labels import EMOTIONS, anchors
from mien.timeline import Timeline
from mien.types import Emotions, Faces, Floats, Result


def planted_results(
    people: Sequence[Sequence[tuple[float, str]]],
    *,
    seconds: float = 4.0,
    fps: float = 25.0,
    confidence: float = 0.75,
    noise: float = 0.0,
    flicker: float = 0.0,
    bias: Sequence[Sequence[float]] | None = None,
    source: str = "planted.mp4",
    seed: int = 0,
) -> list[Result]:
    """Results of every frame of a made video, unsmoothed: each person has a number and shows what was planted.

    people: for each a list of times in seconds, ascending, with the emotion shown from then on; an empty emotion is an absence.
    confidence: probability of the emotion shown; the others share the rest. noise: standard deviation of what is added to the
    log probabilities, half of which stays from frame to frame. flicker: share of the frames that show some other emotion.
    bias: for each person what is added to valence and arousal.
    """
    if unknown := sorted({name for steps in people for _, name in steps if name} - set(EMOTIONS)):
        raise UsageError(f"emotion {unknown[0]!r} is unknown; there are: {', '.join(EMOTIONS)}")
    times = np.arange(round(seconds * fps)) / fps
    shown = [_shown(steps, times) for steps in people]
    probs = [_probs(which, confidence, noise, flicker, np.random.default_rng((seed, i))) for i, which in enumerate(shown)]
    added = np.zeros((len(people), 2), np.float32) if bias is None else np.asarray(bias, np.float32).reshape(len(people), 2)
    out = []
    for frame, time in enumerate(times):
        here = np.array([i for i, which in enumerate(shown) if which[frame] >= 0], np.int64)
        rows = np.stack([probs[i][frame] for i in here]) if len(here) else np.zeros((0, len(EMOTIONS)), np.float32)
        affect = anchors("adfes2011").expected(rows) + added[here]
        boxes = np.array([[40 + 120 * i, 60, 120 + 120 * i, 160] for i in here], np.float32).reshape(-1, 4)
        faces = Faces(boxes, np.full(len(here), 0.95), np.full((len(here), 5, 2), np.nan), here)
        size = (max(640, 80 + 120 * len(people)), 360)
        out.append(Result(source, frame, float(time), size, faces, Emotions(EMOTIONS, rows, affect, "adfes2011"), "fake"))
    return out


def planted_timeline(people: Sequence[Sequence[tuple[float, str]]], **how: Any) -> Timeline:
    """The table of `planted_results`, which says what the arguments are."""
    return Timeline.from_results(planted_results(people, **how))


def _shown(steps: Sequence[tuple[float, str]], times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which emotion is shown at each time, as a position in EMOTIONS; -1 for none."""
    which = np.full(len(times), -1)
    for start, name in steps:
        which[times >= start - 1e-9] = EMOTIONS.index(name) if name else -1
    return which


def _probs(which: np.ndarray[Any, Any], confidence: float, noise: float, flicker: float, rng: np.random.Generator) -> Floats:
    k = len(EMOTIONS)
    n = len(which)
    odd = rng.random(n) < flicker
    other = (which + rng.integers(1, k, n)) % k
    which = np.where(odd, other, which)
    probs = np.full((n, k), (1 - confidence) / (k - 1))
    probs[np.arange(n), which] = confidence
    fresh = rng.normal(size=(n, k)) * noise
    drift = np.zeros((n, k))
    for i in range(n):
        drift[i] = fresh[i] + (drift[i - 1] / 2 if i else 0)
    probs *= np.exp(drift)
    return np.asarray(probs / probs.sum(axis=1, keepdims=True), np.float32)
