import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.vision.captions import _above, _near, gap, hidden, place
from mien.vision.fonts import text_mask, text_width

FAST = settings(deadline=None, max_examples=60)


def inside(rects, width, height):
    there = rects[np.isfinite(rects[:, 0])]
    return (there[:, :2] >= 0).all() and (there[:, 2] <= width).all() and (there[:, 3] <= height).all()


def disjoint(rects):
    there = rects[np.isfinite(rects[:, 0])]
    low = np.maximum(there[:, None, :2], there[None, :, :2])
    high = np.minimum(there[:, None, 2:], there[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(shared, 0)
    return not shared.any()


@st.composite
def scenes(draw, most=12, roomy=True):
    """A picture, boxes anywhere about it, captions. Roomy: each at most half as wide and 1/24 as high as the picture."""
    width, height = draw(st.integers(240, 4000)), draw(st.integers(240, 3000))
    n = draw(st.integers(0, most))
    share = st.floats(-0.2, 1.1)
    corners = np.array(draw(st.lists(st.tuples(share, share), min_size=n, max_size=n))).reshape(n, 2)
    sides = np.array(draw(st.lists(st.tuples(st.floats(0.01, 0.8), st.floats(0.01, 0.8)), min_size=n, max_size=n))).reshape(n, 2)
    limit = (0.5, 1 / 24) if roomy else (1.2, 0.4)
    size = st.tuples(st.integers(1, int(width * limit[0])), st.integers(1, int(height * limit[1])))
    sizes = np.array(draw(st.lists(size, min_size=n, max_size=n)), np.float32).reshape(n, 2)
    boxes = np.concatenate([corners, corners + sides], axis=1) * np.tile((width, height), 2)
    return boxes.astype(np.float32), sizes, width, height


@FAST
@given(scenes(roomy=False, most=20))
def test_captions_are_inside_disjoint_and_keep_their_size(scene):
    boxes, sizes, width, height = scene
    rects = place(boxes, sizes, width, height)
    assert rects.shape == (len(boxes), 4)
    assert inside(rects, width, height)
    assert disjoint(rects)
    there = np.isfinite(rects[:, 0])
    assert (rects[there, 2:] - rects[there, :2] == sizes[there]).all()


@FAST
@given(scenes())
def test_nobody_goes_without_where_there_is_room_for_all(scene):
    # Twelve captions of half the width and 1/24 of the height forbid less area than there are places: one is always free.
    boxes, sizes, width, height = scene
    rects = place(boxes, sizes, width, height)
    visible = np.clip(boxes, 0, (width, height, width, height))
    seen = (visible[:, 2:] > visible[:, :2]).all(axis=1)
    assert (np.isfinite(rects[:, 0]) == seen).all()


@FAST
@given(scenes(roomy=False))
def test_the_same_again(scene):
    first, second = place(*scene), place(*scene)
    assert np.array_equal(first, second, equal_nan=True)


def test_nothing_to_place():
    assert place(np.zeros((0, 4)), np.zeros((0, 2)), 100, 100).shape == (0, 4)


def test_a_lone_caption_sits_on_its_box():
    rect = place(np.array([[100.0, 100, 200, 220]]), np.array([[80.0, 20]]), 400, 300)[0]
    assert rect.tolist() == [100, 80, 180, 100]


@pytest.mark.parametrize("box", [[0, 0, 60, 60], [340, 0, 400, 60], [0, 240, 60, 300], [340, 240, 400, 300], [-100, -100, 500, 400]])
def test_a_caption_at_the_border_touches_its_box(box):
    box = np.array([box], np.float32)
    rect = place(box, np.array([[90.0, 20]]), 400, 300)
    assert inside(rect, 400, 300)
    assert gap(rect[0], box[0]) == 0


def test_other_faces_stay_visible_where_there_is_room():
    boxes = np.array([[x, y, x + 60, y + 70] for x in (40, 200, 360) for y in (60, 160, 260)], np.float32)
    rects = place(boxes, np.full((9, 2), (110, 20)), 500, 360)
    assert disjoint(rects)
    assert hidden(boxes, rects).max() == 0


def test_rows_that_cannot_be_placed_are_nan():
    boxes = np.array([[10, 10, 50, 50], [10, 10, 50, 50], [10, 10, 50, 50], [-60, -60, -5, -5], [np.nan, 0, 5, 5]], np.float32)
    sizes = np.array([[20, 10], [0, 0], [101, 10], [20, 10], [20, 10]], np.float32)
    assert np.isfinite(place(boxes, sizes, 100, 100)[:, 0]).tolist() == [True, False, False, False, False]


def test_in_a_crowd_the_smallest_go_without():
    rng = np.random.default_rng(0)
    xy, side = rng.uniform(0, 560, (400, 2)), np.repeat([[40.0], [6.0]], 200, axis=0)
    boxes = np.concatenate([xy, xy + side], axis=1).astype(np.float32)
    rects = place(boxes, np.full((400, 2), (60, 14)), 600, 600)
    assert inside(rects, 600, 600)
    assert disjoint(rects)
    placed = np.isfinite(rects[:, 0])
    assert 0 < placed.sum() < 400
    assert placed[:200].sum() > placed[200:].sum()


def test_hidden_is_a_share():
    boxes = np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32)
    rects = np.array([[5, 0, 15, 10], [np.nan] * 4], np.float32)
    assert hidden(boxes, rects).tolist() == [0.5, 0]


def test_masks_hold_their_text():
    mask = text_mask((("Щёголь jÄy 93 %", 24),))
    assert mask.max() == 255
    assert mask[0].max() == mask[-1].max() == mask[:, 0].max() == mask[:, -1].max() == 0
    assert mask.shape[1] > text_width("Щёголь jÄy 93 %", 24)
    assert text_mask(()).shape == (0, 0)
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 1


@FAST
@given(scenes(roomy=False), st.booleans())
def test_the_shortcut_chooses_what_the_search_would(scene, crowd):
    boxes, sizes, width, height = scene
    frames = np.clip(boxes.astype(np.float64), 0, (width, height, width, height))
    frames = frames[(frames[:, 2:] > frames[:, :2]).all(axis=1)]
    taken = np.empty((0, 4))
    for box, size in zip(frames, sizes.astype(np.float64), strict=False):
        if (size > (width, height)).any():
            continue
        searched = _near(box, size, frames, taken, width, height, crowd=crowd)
        quick = _above(box.tolist(), size.tolist(), frames.tolist(), taken.tolist(), width)
        assert quick is None or quick == searched.tolist()
        if np.isfinite(searched[0]):
            taken = np.concatenate([taken, searched[None]])


@FAST
@given(scenes())
def test_captions_near_their_boxes_would_choose_the_same_again(scene):
    boxes, sizes, width, height = scene
    rects = place(boxes, sizes, width, height).astype(np.float64)
    frames = np.clip(boxes.astype(np.float64), 0, (width, height, width, height))
    there = np.isfinite(rects[:, 0])
    others = [np.where((np.arange(len(rects)) == i)[:, None], np.nan, rects) for i in range(len(rects))]
    again = [_near(frames[i], sizes[i], frames[there], others[i], width, height, crowd=False) for i in np.flatnonzero(there)]
    if not np.isnan(again).any():  # nobody had to go far away
        assert (rects[there] == np.array(again).reshape(-1, 4)).all()
