"""Which label stands: another emotion has to gather evidence before it takes over, so that labels do not flicker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.types import Floats, Ints

FLOOR = 1e-3
"""Probabilities below are taken for it: how improbable the improbable is says nothing about what is shown."""

FAINT_SECONDS = 0.5
"""How long an emotion that is just short of the margin has to lead; a fainter lead lasts longer."""


@dataclass(slots=True)
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
    a person starts anew.
    """

    def __init__(self, *, margin: float, seconds: float, forget: float = np.inf) -> None:
        self.margin, self.seconds, self.forget = margin, seconds, forget
        self._margin = float(np.log(margin))
        self._enough = np.array([[seconds], [max(seconds, FAINT_SECONDS * self._margin)]], np.float32)
        self._past: dict[int, _Past] = {}

    def __call__(self, time: float, ids: Ints, probs: Floats) -> Ints:
        """The label that stands, int64 (n,): a position among the K emotions of `probs`, float32 (n, K), for each of `ids`, int64 (n,).

        A person's first label is the most probable one. A face with a NaN keeps its label.
        """
        out = np.array([self._label(time, int(person), row) for person, row in zip(ids, probs, strict=True)], np.int64)
        if len(self._past) > 2 * len(ids) + 16:
            self._past = {person: was for person, was in self._past.items() if time - was.time <= self.forget}
        return out

    def _label(self, time: float, person: int, probs: Floats) -> int:
        past = self._past.get(person)
        if past is not None and time - past.time > self.forget:
            past = None
        if not np.isfinite(probs).all():
            return 0 if past is None else past.label
        if past is None:
            past = self._past[person] = _Past(time, int(probs.argmax()), np.zeros((2, len(probs)), np.float32))
            return past.label
        likely = np.maximum(probs, FLOOR)
        ratio = np.log(likely / likely[past.label])
        lead = np.stack([ratio - np.float32(self._margin), ratio])
        past.evidence = np.maximum(past.evidence + lead * np.float32(max(time - past.time, 0.0)), 0)
        past.time = time
        ready = ((lead > 0) & (past.evidence >= self._enough)).any(axis=0)
        if ready.any():
            past.label = int(np.where(ready, probs, -1).argmax())
            past.evidence = np.zeros((2, len(probs)), np.float32)
        return past.label
