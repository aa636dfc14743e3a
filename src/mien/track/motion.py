"""Where people are by now: a Kalman filter in seconds for each person, run together. Speeds last for a while and are forgotten
(an Ornstein-Uhlenbeck process; constant velocity at short range).

Positions are in pixels; uncertainties in squares of the person's own face, so that near and far people are held alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEASURED = 0.04
"""Standard deviation of a detector's box centre, in faces."""
SPEED = 2.5
"""Standard deviation of people's speed, in faces a second. A walk across the picture at 1.4 m/s is 9."""
TIRING = 1.0
"""Seconds after which a speed is forgotten to 1/e: nobody keeps on for ever."""


@dataclass(slots=True, eq=False)
class Motion:
    """Position and speed of n people."""

    at: Array
    """(n, 2): pixels."""
    speed: Array
    """(n, 2): pixels a second."""
    spread: Array
    """(n, 3): variance of the position, covariance with the speed, variance of the speed; in squares of a face, and seconds."""

    @classmethod
    def start(cls, at: Array) -> Motion:
        """People who have just appeared."""
        spread = np.tile([MEASURED**2, 0.0, SPEED**2], (len(at), 1))
        return cls(np.array(at, np.float64), np.zeros((len(at), 2)), spread)

    def move(self, seconds: float) -> None:
        """Let time pass."""
        if seconds <= 0:
            return
        keep = float(np.exp(-seconds / TIRING))
        reach = TIRING * (1 - keep)
        self.at += reach * self.speed
        self.speed *= keep
        place, both, speed = self.spread.T
        push = 2 * SPEED**2 / TIRING
        wander = push * TIRING**3 * (seconds / TIRING - 2 * (1 - keep) + (1 - keep**2) / 2)
        self.spread = np.stack(
            [
                place + 2 * reach * both + reach**2 * speed + wander,
                keep * (both + reach * speed) + push * reach**2 / 2,
                keep**2 * speed + SPEED**2 * (1 - keep**2),
            ],
            axis=1,
        )

    def see(self, which: NDArray[np.int64], at: Array) -> None:
        """Take in where some of them were found: positions `which`, (m,), and pixels `at`, (m, 2)."""
        place, both, speed = self.spread[which].T
        total = place + MEASURED**2
        gain_place, gain_speed = place / total, both / total
        miss = at - self.at[which]
        self.at[which] += gain_place[:, None] * miss
        self.speed[which] += gain_speed[:, None] * miss
        self.spread[which] = np.stack([(1 - gain_place) * place, (1 - gain_place) * both, speed - gain_speed * both], axis=1)

    def pick(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Motion:
        """Some of them."""
        return Motion(*(getattr(self, field.name)[which] for field in fields(self)))

    def join(self, other: Motion) -> Motion:
        """These and others."""
        return Motion(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))
