"""Which label stands: another emotion has to gather evidence before it takes over, so that labels do not flicker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.track.memory import Memory
from mien.types import Bools, Floats, Ints

FLOOR = 1e-3
"""Probabilities below are taken for it: how improbable the improbable is says nothing about what is shown."""

FAINT_SECONDS = 0.5
"""How long an emotion that is just short of the margin has to lead; a fainter lead lasts longer."""


@dataclass(frozen=True, slots=True)
class _Past:
    """What is known of one person."""

    time: float
    label: int
    evidence: Floats
    """float32 (2, K): of each emotion against the label that stands, with and without the margin, in seconds times the logarithm of a
    ratio; never below 0."""


class Hold:
    """Hysteresis of people's labels over the frames of one source. Causal.

    A sequential test (the cumulative sum of Page, Biometrika 1954, over log ratios): evidence for another emotion grows by
    log(its probability / (margin x that of the label that stands)) a second, falls likewise down to 0, and when it reaches
    `seconds` that emotion takes over. So a clear change is shown at once. A lead below the margin gathers too, without it, and takes over
    at FAINT_SECONDS x log(margin): no label stands for ever against the numbers.

    margin: how many times as probable another emotion has to be, at least 1. seconds: how long one that is e (2.7) times as
    probable as that has to lead; a frame counts for the time since the one before. forget: seconds without a face after which
    a person starts anew (see Memory).
    """

    def __init__(self, *, margin: float, seconds: float, forget: float = np.inf) -> None:
        self.margin, self.seconds = margin, seconds
        self._margin = float(np.log(margin))
        self._enough = np.array([[seconds], [max(seconds, FAINT_SECONDS * self._margin)]], np.float32)
        self._past: Memory[_Past] = Memory(forget)

    def __call__(self, time: float, ids: Ints, probs: Floats, unsure: Bools) -> Ints:
        """The label that stands, int64 (n,): a position among the K emotions of `probs`, float32 (n, K), for each of `ids`, int64 (n,).

        unsure: bool (n,), the faces that leave no mark on sure ones. A person's first label is the most probable one. A face with a NaN
        keeps its label.
        """
        faces = zip(ids.tolist(), probs, unsure.tolist(), strict=True)
        out = np.array([self._label(time, person, row, unsure=doubted) for person, row, doubted in faces], np.int64)
        self._past.tidy(time, len(ids))
        return out

    def _label(self, time: float, person: int, probs: Floats, *, unsure: bool) -> int:
        past = self._past.of(person, time, unsure=unsure)
        if not np.isfinite(probs).all():
            return 0 if past is None else past.label
        if past is None:
            now = _Past(time, int(probs.argmax()), np.zeros((2, len(probs)), np.float32))
        else:
            now = self._next(past, time, probs, self._past.lasted(person, time))
        self._past.keep(person, now, unsure=unsure)
        return now.label

    def _next(self, past: _Past, time: float, probs: Floats, seconds: float) -> _Past:
        """What is known with one more face, which counts for so many seconds."""
        likely = np.maximum(probs, FLOOR)
        ratio = np.log(likely / likely[past.label])
        lead = np.stack([ratio - np.float32(self._margin), ratio])
        evidence = np.maximum(past.evidence + lead * np.float32(seconds), 0)
        ready = ((lead > 0) & (evidence >= self._enough)).any(axis=0)
        if ready.any():
            return _Past(time, int(np.where(ready, probs, -1).argmax()), np.zeros_like(evidence))
        return _Past(time, past.label, evidence)
