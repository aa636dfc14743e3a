"""Size, sharpness and pose, against heads turned by known angles and pictures blurred by known amounts."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.unsure import UnsureRules
from mien.vision.align import CropSpec, whole_frame_points
from mien.vision.quality import HEAD, cut_off, face_size, pose, sharpness, skin_lightness


def seen(yaw: float, pitch: float, roll: float, *, scale: float = 2.0) -> np.ndarray:
    """The landmarks of mien's rigid head from afar, turned by degrees: float32 (5, 2). y points down, z to the camera."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return ((HEAD @ (about_z @ about_x @ about_y).T)[:, :2] * scale + (300, 200)).astype(np.float32)


@given(st.floats(-70, 70), st.floats(-50, 50), st.floats(-80, 80), st.floats(0.2, 8))
def test_pose_finds_one_turn_at_a_time(yaw, pitch, roll, scale):
    turns = np.stack([seen(yaw, 0, 0, scale=scale), seen(0, pitch, 0, scale=scale), seen(0, 0, roll, scale=scale)])
    found = pose(turns)
    assert found.dtype == np.float32
    assert np.allclose(found, np.diag([yaw, pitch, roll]), atol=0.5)


@given(st.floats(-50, 50), st.floats(-30, 30))
def test_roll_is_told_from_yaw_and_pitch(yaw, roll):
    found = pose(seen(yaw, 0, roll)[None])[0]
    assert found[0] == pytest.approx(yaw, abs=1)
    assert found[2] == pytest.approx(roll, abs=1)


def test_directions_are_the_documented_ones():
    right = seen(30, 0, 0)
    assert right[2, 0] - right[[0, 1], 0].mean() > 0  # looks to the picture's right: the nose comes out on that side
    down = seen(0, 30, 0)
    assert down[2, 1] > seen(0, 0, 0)[2, 1]
    clockwise = seen(0, 0, 30)
    assert clockwise[1, 1] > clockwise[0, 1]  # the eye on the right sinks


def test_the_median_face_of_fer2013_is_frontal():
    # the template leans a little to one side, the rigid head is symmetric
    assert np.abs(pose(whole_frame_points(48, 48)[None])).max() < 5


def test_a_mirrored_face_has_the_opposite_yaw_and_roll():
    points = seen(25, 10, 12)
    mirrored = (points * (-1, 1))[[1, 0, 2, 4, 3]]
    yaw, pitch, roll = pose(points[None])[0]
    assert pose(mirrored[None])[0] == pytest.approx([-yaw, pitch, -roll], abs=10)  # the median face is not quite symmetric


def test_no_landmarks_no_pose():
    points = np.stack([seen(20, 0, 0), np.full((5, 2), np.nan, np.float32)])
    found = pose(points)
    assert found[0, 0] == pytest.approx(20, abs=0.5)
    assert np.isnan(found[1]).all()
    assert pose(np.zeros((0, 5, 2), np.float32)).shape == (0, 3)


def test_points_that_are_all_one_do_not_crash():
    assert pose(np.full((1, 5, 2), 4, np.float32)).shape == (1, 3)


def textured() -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (12, 12, 3)).astype(np.uint8)
    return cv2.resize(coarse, (48, 48), interpolation=cv2.INTER_NEAREST)


POINTS = np.array([[40, 40], [80, 40], [60, 65], [45, 85], [75, 85]], np.float32)


@pytest.mark.parametrize(("grey", "lightness"), [(0, 0.0), (119, 50.0), (255, 100.0)])
def test_skin_lightness_is_cie_l(grey, lightness):
    assert skin_lightness(np.full((120, 120, 3), grey, np.uint8), POINTS) == pytest.approx(lightness, abs=0.3)


def test_skin_lightness_looks_at_cheeks_and_nose_alone():
    image = np.full((120, 120, 3), 119, np.uint8)
    for x, y in np.vstack([POINTS[:2], POINTS[3:]]).astype(int):
        image[y - 8 : y + 9, x - 10 : x + 11] = 0  # eyes and mouth
    image[:25] = image[100:] = 255  # hair and clothes
    image[62:68, 55:65] = 0  # nostrils: the median passes over them
    assert skin_lightness(image, POINTS) == pytest.approx(50, abs=0.3)
    turned = cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)
    assert skin_lightness(turned, np.stack([119 - POINTS[:, 1], POINTS[:, 0]], axis=1)) == pytest.approx(50, abs=0.3)


@pytest.mark.parametrize("points", [np.full((5, 2), np.nan, np.float32), POINTS + 500, POINTS - 500, np.tile(POINTS[:1], (5, 1)) - 200])
def test_skin_lightness_of_no_face_in_the_picture_is_nan(points):
    assert np.isnan(skin_lightness(np.zeros((120, 120, 3), np.uint8), points))


def test_blur_lowers_sharpness_step_by_step():
    crops = np.stack([textured(), *(cv2.GaussianBlur(textured(), (0, 0), sigma) for sigma in (0.7, 1.5, 3, 4, 6, 12))])
    found = sharpness(crops)
    assert found.dtype == np.float32
    assert (np.diff(found[:5]) < 0).all()
    assert (found[4:] < UnsureRules().min_sharpness).all()  # rounding to 8 bits does not pass for detail


def test_the_size_a_recogniser_wants_does_not_change_sharpness():
    small = cv2.GaussianBlur(textured(), (0, 0), 1.2)[:44, :44]
    large = cv2.resize(small, (112, 112), interpolation=cv2.INTER_LINEAR)
    fine, same = sharpness(small[None])[0], sharpness(large[None])[0]
    assert same == pytest.approx(fine, rel=0.5)
    soft = cv2.GaussianBlur(large, (0, 0), 12)
    assert sharpness(soft[None])[0] < UnsureRules().min_sharpness < same


def test_contrast_and_brightness_do_not_change_sharpness():
    crop = textured().astype(np.float64)
    dim = np.rint(crop * 0.5 + 40).astype(np.uint8)
    first, second = sharpness(np.stack([textured(), dim]))
    assert second == pytest.approx(first, rel=0.05)


def test_a_blank_crop_has_no_detail():
    assert sharpness(np.full((1, 48, 48, 3), 99, np.uint8)).tolist() == [0]
    assert sharpness(np.zeros((0, 48, 48, 3), np.uint8)).shape == (0,)


def test_size_of_a_face_is_its_shorter_side():
    assert face_size(np.array([[0, 0, 30, 40], [5, 5, 9, 6]], np.float32)).tolist() == [30, 1]
    assert face_size(np.zeros((0, 4), np.float32)).shape == (0,)


@given(st.floats(0, 360), st.floats(10, 150), st.floats(-20, 220), st.floats(-20, 170))
def test_how_much_is_cut_off_is_what_a_count_of_points_says(roll, side, x, y):
    """A crop turned and placed by hand over a picture of 200 x 150: points spread over it, counted where the picture ends."""
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    turn = np.array([[c, -s], [s, c]])
    points = ((whole_frame_points(1, 1) - 0.5) * side @ turn.T + (x, y)).astype(np.float32)
    found = float(cut_off(points[None], CropSpec(size=64), (200, 150))[0])
    if not ((points >= 0) & (points <= (200, 150))).all():
        assert found == 1
        return
    grid = np.stack(np.meshgrid(np.arange(200), np.arange(200)), axis=-1).reshape(-1, 2) / 200 + 0.0025 - 0.5
    spread = grid * side @ turn.T + (x, y)
    assert found == pytest.approx(1 - ((spread >= 0) & (spread <= (200, 150))).all(axis=1).mean(), abs=0.021)


def test_a_margin_is_part_of_the_crop():
    where = whole_frame_points(100, 100)[None]
    for margin, share in [(0.0, 0.0), (-1 / 24, 0.0), (0.5, 0.75)]:
        assert cut_off(where, CropSpec(size=48, margin=margin), (100, 100)) == pytest.approx([share], abs=1e-3)


def test_nothing_is_cut_off_of_nobody_nor_of_landmarks_in_one_place():
    assert cut_off(np.zeros((0, 5, 2), np.float32), CropSpec(), (100, 100)).shape == (0,)
    assert cut_off(np.full((1, 5, 2), 50, np.float32), CropSpec(size=48), (100, 100)).tolist() == [0]
