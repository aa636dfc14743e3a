"""Which label stands: another emotion has to lead for a while before it takes over, so that labels do not flicker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.types import Floats, Ints


@dataclass(slots=True)
class _Past:
    """What is known of one person."""

    time: float
    label: int
    led: Floats
    """float32 (k,): seconds for which each emotion has led the label that stands."""


class Hold:
    """Hysteresis of people's labels over the frames of one source. Causal.

    margin: lead in probability that another emotion needs. seconds: how long it has to lead without a pause; a frame counts for
    the time since the one before, so a source that is sampled more rarely than that changes at once. forget: seconds without a
    face after which a person starts anew.
    """

    def __init__(self, *, margin: float, seconds: float, forget: float = np.inf) -> None:
        self.margin, self.seconds, self.forget = margin, seconds, forget
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
            past = self._past[person] = _Past(time, int(probs.argmax()), np.zeros(len(probs), np.float32))
            return past.label
        lead = probs - probs[past.label]
        leads = lead >= self.margin if self.margin > 0 else lead > 0
        past.led = np.where(leads, past.led + np.float32(max(time - past.time, 0.0)), np.float32(0))
        past.time = time
        # A thousandth of a second of grace: frame times are rounded, and three of 33.3 ms are meant to be 100.
        ready = leads & (past.led >= self.seconds - 1e-3)
        if ready.any():
            past.label = int(np.where(ready, probs, -1).argmax())
            past.led = np.zeros(len(probs), np.float32)
        return past.label
