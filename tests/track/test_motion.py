"""The filter's uncertainty against the stochastic differential equation that it stands for."""

import numpy as np
import pytest

from mien.track.motion import MEASURED, SPEED, TIRING, Motion


def solved(spread: np.ndarray, seconds: float, steps: int = 100_000) -> np.ndarray:
    """Place, covariance, speed after a time, in small steps: dx = v dt, dv = -v / T dt + s sqrt(2 / T) dW (Uhlenbeck & Ornstein 1930)."""
    place, both, speed = spread.tolist()
    dt = seconds / steps
    for _ in range(steps):
        place, both, speed = (
            place + 2 * both * dt,
            both + (speed - both / TIRING) * dt,
            speed + 2 * (SPEED**2 - speed) / TIRING * dt,
        )
    return np.array([place, both, speed])


@pytest.mark.parametrize("seconds", [0.04, 0.5, 3.0])
def test_uncertainty_grows_as_a_speed_that_is_forgotten_has_it(seconds):
    motion = Motion.start(np.array([[10.0, 20.0]]))
    motion.see(np.array([0]), np.array([[10.0, 20.0]]))
    before = motion.spread[0]
    assert before[0] == pytest.approx(MEASURED**2 / 2)
    motion.move(seconds)
    assert motion.spread[0] == pytest.approx(solved(before, seconds), rel=1e-3)


def test_time_in_pieces_is_as_the_whole():
    one, many = Motion.start(np.zeros((2, 2))), Motion.start(np.zeros((2, 2)))
    one.speed += 100.0
    many.speed += 100.0
    one.move(0.6)
    for part in (0.1, 0.2, 0.3):
        many.move(part)
    for name in ("at", "speed", "spread"):
        assert getattr(one, name) == pytest.approx(getattr(many, name))
