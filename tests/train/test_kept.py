"""What a training keeps of a picture: ready-made crops as they are, and of photos what use would see of the face."""

import dataclasses
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[train]'")

from mien.data.manifest import Manifest
from mien.data.stores import InArray
from mien.models.landmarks import find_in_crop
from mien.testing import FakeDetector
from mien.train.config import TrainConfig, changed
from mien.train.crops import plain_crops
from mien.train.kept import Keeping
from mien.train.rows import read_data
from mien.types import Faces
from mien.vision.align import FER_TEMPLATE, CropSpec, align
from tests.train.conftest import TINY

CLASSES = dataclasses.replace(TINY, tasks=("classes",))


def textured(width: int, height: int, seed: int = 0) -> np.ndarray:
    """Something with detail of some 10 px everywhere, uint8 (height, width, 3)."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 7).astype(np.float32)
    return np.clip((soft - soft.mean()) / soft.std() * 40 + 128, 0, 255).astype(np.uint8)


def face(x: float, y: float, side: float, tilt: float = 0) -> Faces:
    """One face whose frame has that middle and side, tilted by degrees."""
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    points = (np.array(FER_TEMPLATE) - 0.5) @ np.array([[cos, sin], [-sin, cos]]) * side + (x, y)
    box = [x - side / 2, y - side / 2, x + side / 2, y + side / 2]
    return Faces(np.array([box], np.float32), np.ones(1), points[None].astype(np.float32))


def keeping(config: TrainConfig, *shapes: tuple[int, int], colour: bool = False) -> Keeping:
    columns = {"id": [str(i) for i in range(len(shapes))], "width": [w for w, _ in shapes], "height": [h for _, h in shapes]}
    return Keeping.of(config, Manifest(columns), colour=colour)


@pytest.mark.parametrize("margin", [-1 / 24, 0.0, 0.3])
@pytest.mark.parametrize(("x", "y", "side", "tilt"), [(400, 300, 180, 0), (700, 200, 120, 35), (60, 540, 150, -10), (300, 300, 40, 45)])
def test_the_crop_of_a_photo_is_the_one_that_use_makes(margin: float, x: float, y: float, side: float, tilt: float) -> None:
    photo, faces = textured(800, 600), face(x, y, side, tilt)
    how = keeping(dataclasses.replace(CLASSES, margin=margin), (800, 600), colour=True)
    kept = how.keep(photo, FakeDetector(faces))
    assert max(kept.picture.shape[:2]) <= how.square
    spec = CropSpec(size=44, margin=margin, colour="rgb")
    ours = plain_crops(kept.picture[None], kept.points[None], kept.frame[None], spec)[0].astype(int)
    theirs = align(photo, faces.points, spec)[0].astype(int)
    assert np.abs(ours - theirs).mean() < 4  # twice interpolated, once
    assert ours.std() > 0.85 * theirs.std()  # no blur
    middle = np.array(FER_TEMPLATE).mean(axis=0) - 0.5
    scale = np.linalg.norm(kept.frame[0] - kept.frame[1]) / np.linalg.norm(np.subtract(*FER_TEMPLATE[:2]))
    np.testing.assert_allclose(kept.frame.mean(axis=0) - scale * middle, np.array(kept.picture.shape[:2]) / 2, atol=0.6)
    assert kept.frame[0, 1] == pytest.approx(kept.frame[1, 1], abs=0.5)  # upright


def test_a_small_picture_is_a_crop_and_kept_as_it_is() -> None:
    crop, detector = textured(48, 48), FakeDetector(face(144, 144, 60))  # on the canvas that the crop is laid on
    how = keeping(CLASSES, (48, 48), colour=True)
    assert (how.side, how.square) == (48, 48)
    kept = how.keep(crop, detector)
    np.testing.assert_array_equal(kept.picture, crop)
    np.testing.assert_array_equal(kept.points, find_in_crop(crop, detector))
    np.testing.assert_allclose(kept.frame, np.array(FER_TEMPLATE) * 48, atol=1e-4)
    smaller = keeping(changed(CLASSES, {"settings.size": 36}), (48, 48), colour=True).keep(crop, detector)
    assert smaller.picture.shape == (45, 45, 3)
    np.testing.assert_array_equal(smaller.points, find_in_crop(smaller.picture, detector))
    assert not how.keep(crop, FakeDetector(Faces.none())).faceless  # nothing to tell of: it is the face


def test_a_large_crop_is_kept_whole() -> None:
    crop, faces = textured(200, 200), face(100, 100, 170)
    kept = keeping(CLASSES, (200, 200)).keep(crop, FakeDetector(faces))
    assert kept.picture.shape == (55, 55)
    np.testing.assert_allclose(kept.points, faces.points[0] * 55 / 200, atol=1e-4)
    np.testing.assert_allclose(kept.frame, np.array(FER_TEMPLATE) * 55, atol=1e-4)


def test_the_largest_face_is_taken_and_a_photo_without_one_is_kept_whole() -> None:
    photo, how = textured(800, 600), keeping(CLASSES, (800, 600))
    near, far = face(300, 300, 200), face(600, 200, 60)
    both = Faces(*(np.concatenate([getattr(one, name) for one in (far, near)]) for name in ("boxes", "scores", "points")))
    np.testing.assert_array_equal(how.keep(photo, FakeDetector(both)).picture, how.keep(photo, FakeDetector(near)).picture)
    kept = how.keep(photo, FakeDetector(Faces.none()))
    assert kept.faceless
    assert kept.picture.shape == (41, 55)
    assert np.isnan(kept.points).all()


def test_photos_without_a_face_are_told(tmp_path: Path) -> None:
    photos = np.stack([textured(200, 200, seed) for seed in range(10)])
    columns = {"id": [str(i) for i in range(10)], "label": ["happy", "sad"] * 5, "split": ["train"] * 6 + ["val"] * 4}
    Manifest(columns, [InArray(photos)]).write(tmp_path / "m.parquet")

    def finds_half(image: np.ndarray) -> Faces:
        found = image.shape == (200, 200, 3) and any((image == photo).all() for photo in photos[::2])
        return face(100, 80, 60) if found else Faces.none()

    said: list[str] = []
    found = read_data(CLASSES, tmp_path / "m.parquet", detector=FakeDetector(finds_half), folder=tmp_path / "c", say=said.append)
    assert "no face found in 5 of 10 pictures; they are taken whole (mien data extra leaves them out)" in said
    assert np.isfinite(found.train.points).all(axis=(1, 2)).tolist() == [True, False] * 3
    assert found.train.pictures.shape == (6, 78, 78)
