"""Pictures made worse: by how much is known from elsewhere."""

import io
import math

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.errors import UnknownName, UsageError
from mien.evaluate.changes import ALL, KINDS, Frame, blurred, compressed, frame_of, kinds_of, lit, rolled, shrunk, turned
from mien.evaluate.road import face_of
from mien.testing import FakeDetector, planted_picture
from mien.types import Faces, Image

CROP = Frame(24, 24, 48, whole=True)


def noise(height: int = 48, width: int = 48, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def smooth(height: int = 120, width: int = 160) -> Image:
    """Waves of other lengths in each channel: nothing is repeated, nothing is sharp."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 17 + k) * np.cos(y / (11 + 4 * k)) for k in range(3)]
    return (128 + 100 * np.stack(waves, -1)).astype(np.uint8)


def dot(x: int, y: int, *, size: tuple[int, int] = (160, 120)) -> Image:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    return image


def middle_of(image: Image) -> tuple[float, float]:
    """Centre of mass, in pixels from the corner."""
    mass = image[..., 0].astype(float)
    y, x = np.mgrid[: mass.shape[0], : mass.shape[1]] + 0.5
    return float((x * mass).sum() / mass.sum()), float((y * mass).sum() / mass.sum())


def test_the_frame_of_a_photo_is_the_one_its_landmarks_lie_in() -> None:
    image, _ = planted_picture([((40, 60, 140, 160), "happy")])
    face = face_of(image, FakeDetector(), faces="detect")  # its landmarks lie in the box as FER-2013's in their pictures
    frame = frame_of(image, face, faces="detect")
    assert (frame.x, frame.y, frame.side) == (pytest.approx(90, abs=0.1), pytest.approx(110, abs=0.1), pytest.approx(100, rel=1e-3))
    assert not frame.whole
    eyes = face.points[1] - face.points[0]
    assert frame.side == pytest.approx(2.65 * np.hypot(*eyes), rel=0.01)


def test_the_frame_of_a_crop_and_of_a_photo_without_a_face_is_the_picture() -> None:
    image = noise(40, 60)
    for faces in ("crop", "detect"):
        face = face_of(image, FakeDetector(Faces.none()), faces=faces)
        assert frame_of(image, face, faces=faces) == Frame(30, 20, 60, whole=True)


def test_sizes_are_exact_and_never_larger() -> None:
    image = noise(60, 120)
    frame = Frame(60, 30, 120, whole=True)
    assert shrunk(image, 121, frame) is None
    assert np.array_equal(shrunk(image, 120, frame), image)
    half = shrunk(image, 60, frame)
    assert half.shape == (30, 60, 3)
    means = image.reshape(30, 2, 60, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - means).max() <= 0.5
    assert shrunk(image, 16, frame).shape == (8, 16, 3)
    assert shrunk(image, 0.1, frame).shape == (1, 1, 3)


def test_a_photo_is_shrunk_by_the_size_of_its_face() -> None:
    image, _ = planted_picture([((40, 60, 140, 160), "happy")], size=(640, 480))
    frame = frame_of(image, face_of(image, FakeDetector(), faces="detect"), faces="detect")
    assert shrunk(image, 224, frame) is None
    small = shrunk(image, 50, frame)
    assert small.shape == (240, 320, 3)
    x1, y1, x2, y2 = FakeDetector()(small).boxes[0]
    assert (x2 - x1, y2 - y1) == (pytest.approx(50, abs=1), pytest.approx(50, abs=1))


@pytest.mark.parametrize(("percent", "side"), [(2, 100), (4, 100), (8, 48), (3, 200)])
def test_the_spread_of_a_blurred_dot_is_in_percent_of_the_face(percent: float, side: float) -> None:
    image = np.zeros((121, 121, 3), np.uint8)
    image[60, 40:81] = 255  # a line, so that there is enough left to measure
    found = blurred(image, percent, Frame(60, 60, side, whole=True))[:, 60, 0].astype(float)
    rows = np.arange(121) - 60
    assert math.sqrt((rows**2 * found).sum() / found.sum()) == pytest.approx(percent / 100 * side, rel=0.08)
    assert np.array_equal(blurred(image, 0, CROP), image)


@pytest.mark.parametrize("quality", [90, 50, 10])
def test_jpeg_is_that_of_another_program(quality: int) -> None:
    image = smooth()
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    theirs = np.asarray(Pillow.open(file)).astype(int)
    assert np.abs(compressed(image, quality, CROP) - theirs).mean() < 0.5
    assert np.abs(theirs - image).mean() > 0.5  # it does something to this picture


def test_lower_quality_is_further_away() -> None:
    image = noise()
    errors = [float(np.square(compressed(image, q, CROP).astype(float) - image).mean()) for q in KINDS["jpeg"].levels]
    assert errors == sorted(errors)


def test_light_goes_by_srgb() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.array_equal(lit(ramp, 0, CROP), ramp)
    # Half, a quarter and an eighth of the light of white are 188, 137 and 99 in sRGB; twice that of 188 is white again.
    assert [lit(ramp, stops, CROP)[0, 255, 0] for stops in (-1, -2, -3)] == [188, 137, 99]
    assert lit(ramp, 1, CROP)[0, 188, 0] == 255
    assert (lit(ramp, 1, CROP)[0, 189:] == 255).all()
    back = lit(lit(ramp, -1, CROP), 1, CROP).astype(int)
    assert np.abs(back - ramp).max() <= 1


def test_a_quarter_turn_is_that_of_numpy() -> None:
    image = noise(30, 50)
    photo = Frame(10, 20, 12, whole=False)
    assert np.array_equal(rolled(image, 90, photo), np.rot90(image, -1))
    assert np.array_equal(rolled(image, -90, photo), np.rot90(image))
    assert np.array_equal(rolled(image, 180, photo), np.rot90(image, 2))
    assert np.array_equal(rolled(noise(), 90, CROP), np.rot90(noise(), -1))
    assert np.array_equal(rolled(image, 0, photo), image)


def test_a_rolled_photo_is_all_there_and_a_rolled_crop_keeps_its_frame() -> None:
    image = smooth(100, 200)
    assert rolled(image, 30, Frame(0, 0, 9, whole=False)).shape[:2] == (
        round(200 * math.sin(math.pi / 6) + 100 * math.cos(math.pi / 6)),
        round(200 * math.cos(math.pi / 6) + 100 * math.sin(math.pi / 6)),
    )
    assert rolled(image, 30, Frame(100, 50, 200, whole=True)).shape == image.shape
    x, y = middle_of(rolled(dot(80, 20), 30, Frame(80, 60, 160, whole=True)))  # 40 px above the middle goes right and down
    assert (x, y) == (
        pytest.approx(80 + 40 * math.sin(math.pi / 6), abs=0.7),
        pytest.approx(60 - 40 * math.cos(math.pi / 6) + 0.4, abs=0.7),
    )


@pytest.mark.parametrize("degrees", [-60, -30, 15, 45])
@pytest.mark.parametrize("at", [(80, 60), (110, 30), (50, 80)])
def test_a_turned_picture_is_what_a_camera_would_see(degrees: float, at: tuple[int, int]) -> None:
    frame = Frame(80, 60, 40, whole=False)
    out = turned(dot(*at), degrees, frame)
    assert out.shape == (120, 160, 3)
    # A print in space, turned about the upright axis through the face; a pinhole camera 320 px before it (twice the picture's width).
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), 0, -math.sin(angle)], [0, 1, 0], [math.sin(angle), 0, math.cos(angle)]])
    x, y, z = turn @ (at[0] + 0.5 - 80, at[1] + 0.5 - 60, 0)
    seen = 80 + 320 * x / (320 + z), 60 + 320 * y / (320 + z)
    assert middle_of(out) == (pytest.approx(seen[0], abs=0.4), pytest.approx(seen[1], abs=0.4))


def test_turning_to_both_sides_is_alike() -> None:
    image = smooth()
    frame = Frame(80, 60, 60, whole=False)
    there, back = turned(image[:, ::-1], -30, frame)[:, ::-1], turned(image, 30, frame)
    assert np.abs(there.astype(int) - back).max() <= 4
    assert np.array_equal(turned(image, 0, frame), image)
    with pytest.raises(UsageError, match="-60 to 60"):
        turned(image, 61, frame)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("frame", [Frame(100, 100, 230, whole=True), Frame(3, 200, 50, whole=False)])
def test_every_level_is_a_picture_and_leaves_the_given_one_alone(name: str, frame: Frame) -> None:
    image = smooth(230, 230)
    before = image.copy()
    kind = KINDS[name]
    found = [kind.change(image, level, frame) for level in kind.levels]
    assert np.array_equal(image, before)
    assert all(one is None or (one.dtype == np.uint8 and one.ndim == 3 and one.shape[2] == 3) for one in found)
    assert any(one is not None for one in found)
    if 0 in kind.levels:
        assert np.array_equal(found[kind.levels.index(0)], image)
    assert kind.simulated == (name == "yaw") == kind.what.startswith("Simulated")


def test_kinds_by_name() -> None:
    assert kinds_of(["jpeg", "size", "jpeg"]) == ("size", "jpeg")
    assert kinds_of([ALL]) == tuple(KINDS) == ("size", "blur", "jpeg", "brightness", "roll", "yaw")
    assert kinds_of([]) == ()
    with pytest.raises(UnknownName, match=r"all, .*brightness.*yaw"):
        kinds_of(["size", "noise"])
    assert (max(KINDS["size"].levels), min(KINDS["size"].levels)) == (224, 16)
