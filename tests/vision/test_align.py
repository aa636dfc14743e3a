"""Crops: least squares against numpy's own, pixels against pictures of which the answer is known."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.vision.align import FER_TEMPLATE, CropSpec, align, grey, similarity, warp, whole_frame_points

TARGET = whole_frame_points(48, 48)
coordinate = st.floats(-500, 500, width=32)
five_points = st.lists(st.tuples(coordinate, coordinate), min_size=5, max_size=5).map(lambda rows: np.array(rows, np.float32))


def least_squares(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The (2, 3) similarity by numpy's solver: x' = a x - b y + c, y' = b x + a y + d."""
    x, y = source.astype(np.float64).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, c, d = np.linalg.lstsq(rows, target.T.astype(np.float64).ravel(), rcond=None)[0]
    return np.array([[a, -b, c], [b, a, d]])


def photo(size: int = 200) -> np.ndarray:
    """A smooth picture with much going on, at any size the same scene: uint8 (size, size, 3)."""
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size * 4
    parts = (np.sin(3 * x) + np.cos(2 * y), np.sin(x * y), np.cos(2 * x - 3 * y))
    return np.stack([127 + 60 * part / (1 if i else 2) for i, part in enumerate(parts)], axis=2).astype(np.uint8)


@given(five_points)
def test_similarity_is_the_least_squares_answer(source):
    assume(np.ptp(source, axis=0).max() > 1)
    found = similarity(source[None], TARGET)[0]
    wanted = least_squares(source, TARGET)
    assert found.dtype == np.float32
    assert np.allclose(found[:, :2], wanted[:, :2], atol=1e-4)
    error = [np.square(source @ m[:, :2].T + m[:, 2] - TARGET).sum() for m in (found, wanted)]
    assert error[0] <= error[1] * 1.001 + 1e-2


@given(st.floats(0.1, 10), st.floats(-3.1, 3.1), coordinate, coordinate)
def test_similarity_finds_the_transform_that_was_applied(scale, angle, dx, dy):
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    matrix = np.array([[c, -s, dx], [s, c, dy]])
    source = np.linalg.solve(matrix[:, :2], (TARGET - matrix[:, 2]).T).T
    assert np.allclose(similarity(source[None].astype(np.float32), TARGET)[0], matrix, rtol=1e-3, atol=0.05)


def test_similarity_of_a_batch_is_that_of_each():
    rng = np.random.default_rng(1)
    source = rng.normal(100, 20, (4, 5, 2)).astype(np.float32)
    together = similarity(source, TARGET)
    assert np.allclose(together, np.concatenate([similarity(one[None], TARGET) for one in source]))


def test_similarity_never_mirrors():
    mirrored = TARGET * (-1, 1)
    matrix = similarity(mirrored[None], TARGET)[0]
    assert np.linalg.det(matrix[:, :2]) >= 0


def test_points_that_are_all_one_give_a_shift():
    matrix = similarity(np.full((1, 5, 2), 7, np.float32), TARGET)[0]
    assert matrix[:, :2].tolist() == [[1, 0], [0, 1]]
    assert (matrix @ (7, 7, 1)).tolist() == pytest.approx(TARGET.mean(axis=0).tolist(), abs=1e-4)


@pytest.mark.parametrize("colour", ["rgb", "grey"])
def test_a_ready_made_crop_comes_out_as_it_is(colour):
    image = photo(48)
    (crop,) = align(image, whole_frame_points(48, 48)[None], CropSpec(size=48, colour=colour))
    wanted = image if colour == "rgb" else np.repeat(grey(image)[..., None], 3, axis=2)
    assert (crop == wanted).all()


def test_a_cut_of_whole_pixels_is_exact():
    image = photo(200)
    points = whole_frame_points(48, 48) + (70, 31)
    (crop,) = align(image, points[None], CropSpec(size=48, colour="rgb"))
    assert (crop == image[31:79, 70:118]).all()


def test_a_negative_margin_keeps_the_middle():
    image = photo(48)
    (crop,) = align(image, whole_frame_points(48, 48)[None], CropSpec(size=44, margin=-2 / 48, colour="rgb"))
    assert np.abs(crop.astype(int) - image[2:46, 2:46]).max() <= 1


def test_a_positive_margin_shows_more_around():
    image = photo(200)
    points = whole_frame_points(48, 48) + (70, 31)
    (crop,) = align(image, points[None], CropSpec(size=72, margin=0.25, colour="rgb"))
    assert np.abs(crop.astype(int) - image[19:91, 58:130]).max() <= 1


@pytest.mark.parametrize("side", [30, 37, 60, 67, 150, 300, 335, 900])
def test_the_size_of_a_face_does_not_change_its_crop(side):
    """The same face of 30 and of 300 px: shrinking averages, so no pixel is skipped."""
    spec = CropSpec(size=24, colour="rgb")
    (small,) = align(photo(24), whole_frame_points(24, 24)[None], spec)
    (crop,) = align(photo(side), whole_frame_points(side, side)[None], spec)
    inner = np.abs(crop.astype(int) - small)[2:-2, 2:-2]
    assert inner.mean() < 3
    assert inner.max() < 24


def test_shrinking_does_not_alias():
    """Stripes one pixel wide are grey from afar; taking every tenth pixel would give black or white."""
    image = np.zeros((480, 480, 3), np.uint8)
    image[:, ::2] = 255
    (crop,) = align(image, whole_frame_points(480, 480)[None], CropSpec(size=48))
    assert np.abs(crop.astype(int) - 127).max() <= 3


def test_shrinking_does_not_shift():
    image = np.zeros((400, 400, 3), np.uint8)
    image[:, 200:] = 255
    image[200:, :, 1] = 255 - image[200:, :, 1]
    (crop,) = align(image, whole_frame_points(400, 400)[None], CropSpec(size=40, colour="rgb"))
    assert (crop[:, :20, 0] < 3).all()
    assert (crop[:, 20:, 0] > 252).all()
    assert (crop[:20, :20, 1] < 3).all()
    assert (crop[20:, :20, 1] > 252).all()


@pytest.mark.parametrize("side", [40, 160, 400])
def test_a_mirrored_picture_gives_the_mirrored_crop(side):
    template = tuple((0.5 + (x - 0.5), y) for x, y in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)))
    spec = CropSpec(size=40, template=template, colour="rgb")
    image = photo(side)
    rng = np.random.default_rng(side)
    points = whole_frame_points(side, side, template) + rng.normal(0, side / 40, (5, 2)).astype(np.float32)
    swapped = (points * (-1, 1) + (side, 0))[[1, 0, 2, 4, 3]].astype(np.float32)
    (crop,) = align(image, points[None], spec)
    (mirrored,) = align(np.ascontiguousarray(image[:, ::-1]), swapped[None], spec)
    assert np.abs(crop.astype(int) - mirrored[:, ::-1]).mean() < 1.5


@pytest.mark.parametrize("angle", [-90, -30, 15, 90, 180])
def test_a_turned_face_is_turned_upright(angle):
    image = cv2.GaussianBlur(photo(240), (0, 0), 2)
    turn = cv2.getRotationMatrix2D((119.5, 119.5), angle, 1.0)
    turned = cv2.warpAffine(image, turn, (240, 240))
    turn[:, 2] += 0.5 - turn[:, :2] @ (0.5, 0.5)  # OpenCV counts pixel centres at whole numbers, mien at halves
    points = whole_frame_points(96, 96) + 72
    spec = CropSpec(size=48, colour="rgb")
    (upright,) = align(image, points[None], spec)
    (again,) = align(turned, (points @ turn[:, :2].T + turn[:, 2])[None].astype(np.float32), spec)
    assert np.abs(upright.astype(int) - again).mean() < 2


def test_outside_the_picture_the_border_goes_on():
    image = np.full((50, 50, 3), 90, np.uint8)
    image[:, 0] = (200, 10, 10)
    points = whole_frame_points(48, 48) - (24, 0)
    (crop,) = align(image, points[None], CropSpec(size=48, colour="rgb"))
    assert (crop[:, :24] == (200, 10, 10)).all()
    assert (crop[:, 26:] == 90).all()


@pytest.mark.parametrize("where", [(-5000, -5000), (9000, 20), (20, 9000)])
@pytest.mark.parametrize("side", [12, 48, 600])
def test_a_face_wholly_outside_does_not_crash(where, side):
    (crop,) = align(photo(60), (whole_frame_points(side, side) + where)[None].astype(np.float32), CropSpec(size=48))
    assert crop.shape == (48, 48, 3)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_pictures_of_one_pixel(size):
    image = np.full((size[1], size[0], 3), 77, np.uint8)
    assert (align(image, whole_frame_points(200, 200)[None], CropSpec(size=16)) == 77).all()


def test_no_face_gives_no_crop():
    crops = align(photo(60), np.zeros((0, 5, 2), np.float32), CropSpec(size=48))
    assert crops.shape == (0, 48, 48, 3)
    assert crops.dtype == np.uint8


def test_the_caller_keeps_his_matrix_and_picture():
    image, matrix = photo(100), np.array([[0.2, 0, 0], [0, 0.2, 0]])
    before = image.copy(), matrix.copy()
    warp(image, matrix, 20)
    assert (image == before[0]).all()
    assert (matrix == before[1]).all()


def test_a_grey_picture_can_be_warped():
    crop = warp(photo(100)[..., 0], np.array([[0.2, 0, 0], [0, 0.2, 0]], np.float32), 20)
    assert crop.shape == (20, 20)


def test_grey_is_bt601_luma():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert np.abs(grey(colours)[0].astype(float) - [76.245, 149.685, 29.07, 255]).max() <= 1


def test_the_template_is_a_face():
    right_eye, left_eye, nose, right_mouth, left_mouth = FER_TEMPLATE
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_the_target_lies_in_the_frame_with_its_margin():
    spec = CropSpec(size=100, margin=0.5)
    assert spec.target.tolist() == [pytest.approx([(x + 0.5) * 50, (y + 0.5) * 50]) for x, y in FER_TEMPLATE]


@pytest.mark.parametrize("fields", [{"size": 4}, {"colour": "bgr"}, {"margin": -0.5}, {"template": ((0.5, 0.5),) * 4}])
def test_crops_that_make_no_sense_are_refused(fields):
    with pytest.raises(UsageError, match=next(iter(fields))):
        CropSpec(**fields)


def test_a_template_as_a_cards_json_has_it_is_the_same():
    lists, array = [list(point) for point in FER_TEMPLATE], np.array(FER_TEMPLATE)
    for template in (lists, array):
        spec = CropSpec(template=template)
        assert spec == CropSpec()
        assert hash(spec) == hash(CropSpec())
        assert (spec.target == CropSpec().target).all()


@pytest.mark.parametrize("template", [3, "five", [[0.1, 0.2], [0.3]], [["a", "b"]] * 5, [[float("nan"), 0.5]] * 5])
def test_what_is_no_template_is_told(template):
    with pytest.raises(UsageError, match="template: found"):
        CropSpec(template=template)


def test_of_a_template_that_has_the_shape_the_number_is_told() -> None:
    with pytest.raises(UsageError, match=r"^template: found nan in it, wanted numbers: x and y of five landmarks"):
        CropSpec(template=[[0.1, float("nan")]] * 5)


@pytest.mark.parametrize("scale", [0.5, 2.0, 9.0])
def test_a_grey_crop_is_the_grey_of_the_coloured_one(scale: float) -> None:
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (400, 500, 3), np.uint8), (0, 0), 6)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
    points = (np.array(FER_TEMPLATE, np.float32) * 40 * scale + (60, 10))[None]
    one, other = (align(image, points, CropSpec(size=40, colour=colour)) for colour in ("grey", "rgb"))
    np.testing.assert_array_equal(one[..., 0], one[..., 2])
    gap = np.abs(one[0, ..., 0].astype(int) - grey(other[0]))
    assert gap.max() <= 2  # each shrinking rounds
    assert gap.mean() < 0.5


def test_landmarks_that_no_face_has_give_a_crop_all_the_same() -> None:
    image = np.full((50, 60, 3), 7, np.uint8)
    mirrored = np.array(FER_TEMPLATE, np.float32)[None] * (-1, 1) * 1e6
    for points in (mirrored, np.full((1, 5, 2), 20, np.float32), np.zeros((1, 5, 2), np.float32)):
        assert align(image, points.astype(np.float32), CropSpec(size=40)).shape == (1, 40, 40, 3)
