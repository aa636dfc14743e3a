"""Shapes against the same shapes painted without any shortcut: distances to the outline, layer upon layer, over the whole picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.vision.paint import EDGE, frame, lay, plate, stamped


def picture(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def distance(width, height, rect, radius):
    """Signed distance of each pixel's centre to a rectangle with round corners."""
    x, y = np.arange(width)[None] + 0.5, np.arange(height)[:, None] + 0.5
    x1, y1, x2, y2 = rect
    qx, qy = np.abs(x - (x1 + x2) / 2) - (x2 - x1) / 2 + radius, np.abs(y - (y1 + y2) / 2) - (y2 - y1) / 2 + radius
    return np.hypot(qx.clip(0), qy.clip(0)) + np.minimum(np.maximum(qx, qy), 0) - radius


def over(image, alpha, colour):
    return image + (np.array(colour) - image) * alpha[..., None]


@settings(deadline=None, max_examples=80)
@given(
    st.integers(-4, 60), st.integers(-4, 60), st.integers(6, 90), st.integers(6, 90), st.integers(1, 7),
    st.floats(0, 0.4), st.floats(0.8, 2), st.sampled_from([0.0, 0.5]),
)  # fmt: skip
def test_a_frame_is_its_distances_wherever_it_lies(x, y, wide, high, thickness, round_share, edge_width, part):
    image = picture(120, 100)
    rect, radius = (x + part, y + part, x + part + wide, y + part + high), round_share * min(wide, high)
    inside = np.abs(distance(120, 100, rect, radius) + thickness / 2) - thickness / 2
    wanted = over(image.astype(float), np.clip(0.5 - (inside - edge_width), 0, 1) * EDGE, (255, 255, 255))
    wanted = over(wanted, np.clip(0.5 - inside, 0, 1), (200, 30, 90))
    frame(image, rect, thickness=float(thickness), radius=radius, colour=(200, 30, 90), edge=(255, 255, 255), edge_width=edge_width)
    assert np.abs(image - wanted).max() <= 1


@pytest.mark.parametrize("rim", [0.0, 2.0])
def test_a_plate_is_its_distances(rim):
    alpha = plate(40, 20, radius=5.0 - rim, rim=rim)
    wanted = np.clip(0.5 - distance(40, 20, (rim, rim, 40 - rim, 20 - rim), 5.0 - rim), 0, 1)
    assert np.abs(alpha - wanted).max() < 1e-5


def test_a_stamp_is_its_layers_one_over_the_other():
    rng = np.random.default_rng(1)
    alphas, colours = rng.random((3, 6, 8)).astype(np.float32), [(255, 0, 0), (0, 255, 255), (7, 8, 9)]
    image = picture(8, 6)
    wanted = image.astype(float)
    for alpha, colour in zip(alphas, colours, strict=True):
        wanted = over(wanted, alpha, colour)
    lay(image, 0, 0, stamped(*zip(alphas, colours, strict=True)))
    assert np.abs(image - wanted).max() <= 0.51


def test_nothing_is_nothing_and_all_is_all():
    image = picture(30, 20)
    before = image.copy()
    alpha = np.zeros((20, 30), np.float32)
    alpha[5:9, 3:11] = 1
    lay(image, 0, 0, stamped((alpha, (12, 200, 255))))
    assert (image[5:9, 3:11] == (12, 200, 255)).all()
    image[5:9, 3:11] = before[5:9, 3:11]
    assert (image == before).all()


@pytest.mark.parametrize("at", [(-5, -3), (25, 16), (-40, 0), (0, 50), (30, 20)])
def test_what_lies_outside_is_left_out(at):
    image, wide = picture(30, 20), picture(130, 120)
    wide[50:70, 50:80] = image
    stamp = stamped((np.random.default_rng(2).random((9, 14)).astype(np.float32), (255, 0, 255)))
    lay(image, *at, stamp)
    lay(wide, at[0] + 50, at[1] + 50, stamp)
    assert (wide[50:70, 50:80] == image).all()
