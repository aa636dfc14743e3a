"""Arithmetic on boxes, against counting pixels."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.vision import boxes as bx

SIDE = 24
corners = st.tuples(*[st.integers(0, SIDE)] * 4).map(lambda b: [min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])])
some_boxes = st.lists(corners, max_size=6).map(lambda rows: np.array(rows, np.float32).reshape(-1, 4))


def painted(box) -> np.ndarray:
    canvas = np.zeros((SIDE, SIDE), np.bool_)
    x1, y1, x2, y2 = (int(v) for v in box)
    canvas[y1:y2, x1:x2] = True
    return canvas


@given(some_boxes)
def test_area_is_the_number_of_pixels(boxes):
    assert bx.area(boxes).tolist() == [painted(box).sum() for box in boxes]


def test_a_box_turned_inside_out_has_no_area():
    assert bx.area(np.array([[5, 5, 2, 9]], np.float32)).tolist() == [0]


@given(some_boxes, some_boxes)
def test_overlap_is_a_share_of_pixels(a, b):
    found, of_smaller = bx.overlap(a, b), bx.overlap(a, b, over="smaller")
    assert found.shape == of_smaller.shape == (len(a), len(b))
    for i, one in enumerate(map(painted, a)):
        for j, two in enumerate(map(painted, b)):
            shared = (one & two).sum()
            assert np.isclose(found[i, j], shared / max((one | two).sum(), 1), atol=1e-6)
            assert np.isclose(of_smaller[i, j], shared / max(min(one.sum(), two.sum()), 1), atol=1e-6)


@given(some_boxes, st.sampled_from([0.2, 0.5, 0.8]), st.data())
def test_suppression_keeps_the_best_and_nothing_beside_it(boxes, most, data):
    scores = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(boxes), max_size=len(boxes))), np.float32) / 5
    kept = bx.suppress(boxes, scores, most=most)
    assert kept.dtype == np.int64
    assert (np.diff(scores[kept]) <= 0).all()
    shared = bx.overlap(boxes, boxes)
    for i in kept:
        assert all(shared[i, j] <= most for j in kept if j != i)
    for i in set(range(len(boxes))) - set(kept.tolist()):  # each that went had a better one beside it that stayed
        assert any(shared[i, j] > most and scores[j] >= scores[i] for j in kept)


def test_suppression_of_nothing():
    assert bx.suppress(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), most=0.3).tolist() == []


@given(some_boxes, st.floats(0, 1))
def test_squares_are_square_and_hold_their_boxes(boxes, margin):
    out = bx.square(boxes, margin=margin)
    sides = out[:, 2:] - out[:, :2]
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) if len(boxes) else np.zeros(0)
    assert np.allclose(sides[:, 0], sides[:, 1], atol=1e-4)
    assert np.allclose(sides[:, 0], longer * (1 + 2 * margin), atol=1e-4)
    assert np.allclose(out[:, :2] + out[:, 2:], boxes[:, :2] + boxes[:, 2:], atol=1e-4)
    assert (out[:, :2] <= boxes[:, :2] + 1e-4).all()
    assert (out[:, 2:] >= boxes[:, 2:] - 1e-4).all()


@given(some_boxes, st.integers(1, SIDE), st.integers(1, SIDE))
def test_clipped_boxes_lie_in_the_picture_and_lose_only_what_is_outside(boxes, width, height):
    out = bx.clip(boxes - 3, width=width, height=height)
    assert (out >= 0).all()
    assert (out[:, ::2] <= width).all()
    assert (out[:, 1::2] <= height).all()
    inside = [((box - 3) >= 0).all() and box[2] - 3 <= width and box[3] - 3 <= height for box in boxes]
    assert out[inside].tolist() == (boxes - 3)[inside].tolist()
