"""How near anchors are, by hand."""

import math

import pytest

from mien.labels import anchors


@pytest.mark.parametrize("temperature", [0.05, 1.0, 4.0])
def test_nearness_falls_off_with_the_squared_distance_by_the_temperature(temperature):
    own, place = anchors("legacy"), (0.3, -0.2)
    (got,) = own.nearness([place], temperature)
    apart = [math.exp(-(math.dist(place, anchor) ** 2) / temperature) for anchor in own.points.values()]
    assert got == pytest.approx([share / sum(apart) for share in apart], abs=1e-6)


def test_a_low_temperature_leaves_the_nearest_alone_and_a_high_one_tells_nothing():
    own = anchors("legacy")
    (sharp,), (even,) = (own.nearness([own.points["sad"]], temperature) for temperature in (1e-3, 1e6))
    assert sharp[list(own.points).index("sad")] == pytest.approx(1)
    assert even == pytest.approx(1 / len(own.points), abs=1e-5)
