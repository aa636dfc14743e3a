import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.types import Faces
from mien.vision.draw import anonymize, crop_name, face_crops


def noise(width=400, height=300, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def faces(*boxes):
    return Faces.without_points(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.9))


def detail(image):
    """Energy of differences between neighbours."""
    return float(np.abs(np.diff(image.astype(float), axis=1)).mean())


@pytest.mark.parametrize(
    "box", [(150, 100, 230, 200), (-40, -30, 50, 60), (360, 250, 480, 420), (-100, -100, 600, 500), (200, 150, 206, 158)]
)
def test_anonymize_leaves_no_detail_in_the_face_and_the_rest_alone(box):
    image = noise()
    before = image.copy()
    out = anonymize(image, faces(box))
    assert (image == before).all()
    x1, y1, x2, y2 = (int(v) for v in np.clip(box, 0, (400, 300, 400, 300)))
    assert detail(out[y1:y2, x1:x2]) < 0.35 * detail(image[y1:y2, x1:x2])
    w, h = box[2] - box[0], box[3] - box[1]
    y, x = np.mgrid[:300, :400]
    far = (x < box[0] - 0.7 * w - 4) | (x > box[2] + 0.7 * w + 4) | (y < box[1] - 0.8 * h - 4) | (y > box[3] + 0.7 * h + 4)
    assert (out[far] == image[far]).all()


def test_anonymize_writes_nothing_but_a_few_means():
    # Two pictures that agree in the mean of every 4 x 4 px but in nothing else: the face comes out (nearly) the same.
    rng = np.random.default_rng(3)
    coarse = np.kron(rng.integers(60, 190, (75, 100)), np.ones((4, 4)))
    wobble = np.tile(np.kron([[1, -1], [-1, 1]], np.ones((2, 2))), (75, 100)) * 50
    one, two = (np.repeat((coarse + sign * wobble)[..., None], 3, 2).astype(np.uint8) for sign in (1, -1))
    assert np.abs(one.astype(int) - two).min() == 100
    boxes = faces((120, 60, 240, 200))
    a, b = (anonymize(image, boxes)[60:200, 120:240].astype(int) for image in (one, two))
    assert np.abs(a - b).max() <= 6


def test_anonymize_stronger_is_coarser():
    image = noise(seed=5)
    box = (100, 60, 260, 240)
    spread = [anonymize(image, faces(box), strength=s)[60:240, 100:260].std() for s in (1, 2, 4)]
    assert spread[0] > spread[1] > spread[2]
    for wrong in (0.5, 0, -1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="at least 1"):
            anonymize(image, faces(box), strength=wrong)


def test_anonymize_nothing_and_nonsense():
    image = noise()
    assert (anonymize(image, Faces.none()) == image).all()
    assert anonymize(image, Faces.none()) is not image
    assert (anonymize(image, faces((900, 900, 950, 950), (50, 50, 20, 20), (np.nan, 0, 5, 5))) == image).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.tuples(*[st.floats(-60, 90)] * 2), st.tuples(*[st.floats(0.1, 120)] * 2))
def test_any_box_on_any_small_picture(width, height, corner, side):
    image = noise(width, height)
    found = faces((*corner, corner[0] + side[0], corner[1] + side[1]))
    assert anonymize(image, found).shape == image.shape
    assert face_crops(image, found).shape == (1, 160, 160, 3)


def test_crops_are_squared_with_ten_per_cent_on_every_side():
    # A picture whose red is x and green is y tells from where each pixel of the crop came.
    y, x = np.mgrid[:200, :250]
    image = np.stack([x, y, np.zeros_like(x)], 2).astype(np.uint8)
    crop = face_crops(image, faces((80, 50, 160, 150)))[0].astype(float)
    # Longer side 100, so a square of 120 around 120, 100: x 60..180, y 40..160; 1 px of the crop is 0.75 px.
    assert crop.shape == (160, 160, 3)
    assert crop[80, [0, 159], 0] == pytest.approx([60, 179.5], abs=1)
    assert crop[[0, 159], 80, 1] == pytest.approx([40, 159.5], abs=1)


def test_crops_repeat_the_border():
    image = np.zeros((100, 100, 3), np.uint8)
    image[:, :2] = (200, 100, 50)
    crop = face_crops(image, faces((-60, 20, 0, 80)))[0]
    assert (np.abs(crop[:, :140].astype(int) - (200, 100, 50)) <= 2).all()
    assert face_crops(image, Faces.none()).shape == (0, 160, 160, 3)
    assert face_crops(image, faces((10, 10, 40, 40)), size=48).shape == (1, 48, 48, 3)
    with pytest.raises(UsageError, match="no area"):
        face_crops(image, faces((10, 10, 10, 10)))


def test_crop_names():
    assert crop_name(0.97316, 12) == "0.9731.000012.jpg"
    assert crop_name(0.99996, 0) == "0.9999.000000.jpg"
    assert crop_name(1.0, 3) == "1.0000.000003.jpg"
    assert crop_name(float(np.float32(0.9)), 3) == "0.9000.000003.jpg"
    for wrong in ((1.1, 0), (-0.1, 0), (float("nan"), 0), (0.5, -1)):
        with pytest.raises(UsageError):
            crop_name(*wrong)


@given(st.lists(st.floats(0, 1), max_size=50))
def test_crop_names_are_unique_and_sort_by_confidence(scores):
    names = [crop_name(score, n) for n, score in enumerate(scores)]
    assert len(set(names)) == len(names)
    shown = [float(name[:6]) for name in sorted(names)]
    assert shown == sorted(shown)
