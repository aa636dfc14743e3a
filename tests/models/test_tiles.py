"""Tiles: every pixel is seen, and what several looks find becomes one answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.models.detectors.tiles import Tiled, starts, together
from mien.types import Faces

SMALL = np.zeros((256, 256, 3), np.uint8)


@given(st.integers(1, 9000), st.integers(64, 1000), st.floats(0, 0.9))
def test_tiles_cover_every_pixel_and_overlap(length, tile, overlap):
    first = starts(length, tile, overlap)
    assert first[0] == 0
    assert first[-1] == max(0, length - tile)
    steps = np.diff(first)
    assert (steps > 0).all()
    assert (steps <= max(1, tile * (1 - overlap)) + 1).all()


def test_tiles_hand_a_small_picture_on():
    seen = []
    tiled = Tiled(lambda image: seen.append(image.shape) or Faces.none(), tile=256)
    assert len(tiled(SMALL)) == 0
    assert seen == [(256, 256, 3)]
    with pytest.raises(UsageError, match="tile is 10"):
        Tiled(lambda image: Faces.none(), tile=10)


def test_a_face_cut_by_a_tile_is_left_to_the_next_tile():
    """The fake finds something at the right edge of whatever it is given; only the picture's own edge counts."""
    tiled = Tiled(lambda image: Faces.without_points([[image.shape[1] - 20, 0, image.shape[1], 20]], [0.5]), tile=640)
    assert tiled(np.zeros((64, 1000, 3), np.uint8)).boxes.tolist() == [[980, 0, 1000, 20]]


def test_joining_prefers_whole_faces():
    whole = Faces.without_points([[0, 0, 40, 40]], [0.7])
    half = Faces.without_points([[0, 0, 22, 40]], [0.9])  # the better score, but cut by its tile
    joined = together([half, whole], cut=[np.array([True]), np.array([False])])
    assert joined.boxes.tolist() == [[0, 0, 40, 40]]
    far = Faces.without_points([[100, 100, 140, 140]], [0.8])
    assert together([whole, far]).scores.tolist() == pytest.approx([0.8, 0.7])
    assert len(together([Faces.none(), Faces.none()])) == 0
