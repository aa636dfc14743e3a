"""Extra pictures: cut out, traced back, and made again only where they have to be."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.data.extra import crop_frame, extra, find_faces, sweep
from mien.data.manifest import Manifest
from mien.data.readers.recognise import drafted
from mien.models.detectors.registry import detector
from mien.models.landmarks import GREY, find_in_crop
from mien.testing import FakeDetector, planted_picture
from mien.types import Faces, Image
from mien.vision.align import FER_TEMPLATE, CropSpec

SPEC = CropSpec(size=44, margin=-1 / 24, colour="rgb")
BOXES = [(40, 30, 140, 130), (200, 200, 300, 300)]


class Counting(FakeDetector):
    """A fake that counts how often it is asked, and may be interrupted. It takes the grey canvas of the second try for no face."""

    def __init__(self, stop_at: int = -1) -> None:
        super().__init__()
        self.asked, self._stop_at = 0, stop_at

    def __call__(self, image: Image, /) -> Faces:
        self.asked += 1
        if self.asked == self._stop_at:
            raise KeyboardInterrupt
        return Faces.none() if (image[0, 0] == GREY).all() else super().__call__(image)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A set of 6 photos: 4 with one face, one with two, one with none; and a file that is none."""
    root = tmp_path / "photos"
    for name, faces in {
        "happy/a.png": 1, "happy/b.png": 2, "sad/S010_004_00000017.png": 1, "sad/d.png": 0, "sad/e.png": 1, "sad/f.png": 1,
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        emotion = name.split("/")[0]
        image = planted_picture([(box, emotion) for box in BOXES[:faces]], size=(400, 320))[0].copy()
        image[..., 2] //= 2  # colour, which is to be kept
        Pillow.fromarray(image).save(root / name)
    (root / "sad" / "broken.png").write_bytes(b"x")
    return root


def test_one_face_is_cut_out_and_traced_back(photos: Path, tmp_path: Path) -> None:
    made, report = extra([drafted(photos)], Counting(), SPEC, parts=tmp_path / "parts")
    assert made["id"].tolist() == [f"photos/{name}#face" for name in ("happy/a.png", "sad/e.png", "sad/f.png", "sad/S010_004_00000017.png")]
    assert made["parent"].tolist() == [
        str(photos / name) for name in ("happy/a.png", "sad/e.png", "sad/f.png", "sad/S010_004_00000017.png")
    ]
    assert made.counts() == {"happy": 1, "sad": 3}
    assert set(made["split"]) == {"train"}
    assert made["subject"].tolist() == ["", "", "", "S010"]
    assert set(made["source"]) == {"photos"}
    assert set(made["path"]) == {""}
    assert report.counts() == {"several faces": 1, "no face": 1, "corrupt picture": 1}
    assert [Path(problem.item).name for problem in report.problems] == ["b.png", "broken.png", "d.png"]
    crop = made.picture(0)
    assert crop.shape == (44, 44, 3)
    red, _, blue = np.median(crop.reshape(-1, 3), axis=0)
    assert red == 2 * blue


def test_crops_are_where_the_template_says() -> None:
    """A picture whose landmarks lie where the template has them is its own crop, whatever the margin of the model."""
    frame = crop_frame(CropSpec(size=44, margin=-1 / 24, colour="grey"))
    assert (frame.size, frame.margin, frame.colour, frame.template) == (48, 0, "rgb", FER_TEMPLATE)
    assert crop_frame(CropSpec(size=64)).size == 64


def test_a_tight_crop_is_looked_at_again_on_a_canvas() -> None:
    seen: list[tuple[int, ...]] = []

    def faces(image: Image) -> Faces:
        seen.append(image.shape)
        if len(seen) == 1:
            return Faces.none()
        return Faces.without_points([[48, 48, 240, 240]], [0.9])  # the whole of the enlarged picture

    found = find_faces(np.zeros((48, 24, 3), np.uint8), FakeDetector(faces))
    assert seen == [(48, 24, 3), (288, 288, 3)]
    np.testing.assert_allclose(found.boxes, [[-12, 0, 36, 48]])  # 24 of 48 wide, in the middle of the square


def test_an_interrupted_run_goes_on_and_gives_the_same(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.data.extra.CHUNK", 2)
    whole, told = extra([drafted(photos)], Counting(), SPEC, parts=tmp_path / "whole")
    parts = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        extra([drafted(photos)], Counting(stop_at=5), SPEC, parts=parts)
    finished = sorted(path.name for path in parts.glob("*.parquet"))
    assert len(finished) == 2
    assert not list(parts.glob(".*"))
    (parts / ".mien-1-1.part").write_bytes(b"half")  # as a killed run leaves it: never taken for finished
    rest = Counting()
    made, report = extra([drafted(photos)], rest, SPEC, parts=parts)
    assert rest.asked == 3  # the last two chunks: e, f and S010
    assert report.problems == told.problems
    assert made["id"].tolist() == whole["id"].tolist()
    assert [made.bytes_of(i) for i in range(len(made))] == [whole.bytes_of(i) for i in range(len(whole))]
    again = Counting()
    extra([drafted(photos)], again, SPEC, parts=parts)
    assert again.asked == 0


def test_other_pictures_or_another_crop_are_not_taken_from_an_earlier_run(photos: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    extra([drafted(photos)], Counting(), SPEC, parts=parts)
    image = planted_picture([(BOXES[1], "happy")], size=(400, 320))[0]
    Pillow.fromarray(image).save(photos / "sad" / "d.png")
    changed = Counting()
    made, _ = extra([drafted(photos)], changed, SPEC, parts=parts)
    assert changed.asked == 6
    assert len(made) == 5
    larger = Counting()
    made, _ = extra([drafted(photos)], larger, CropSpec(size=64), parts=parts, name="fake")
    assert larger.asked == 6
    assert made.picture(0).shape == (64, 64, 3)


def test_crops_of_an_earlier_run_get_what_is_known_now(photos: Path, tmp_path: Path) -> None:
    """What was rated, voted or named anew in between is not that of the run that was interrupted."""
    pictures, report = drafted(photos)
    shares = np.eye(9, dtype=np.float32)[np.arange(len(pictures)) % 9]
    first, _ = extra([(pictures, report)], Counting(), SPEC, parts=tmp_path / "parts")
    told = {"valence": 0.25, "arousal": -0.5, "affect_from": "people", "subject": "p", "source": "new", "label": "fear"}
    anew = pictures.with_columns(shares=shares, **{name: [value] * len(pictures) for name, value in told.items()})
    again = Counting()
    made, _ = extra([(anew, report)], again, SPEC, parts=tmp_path / "parts")
    assert again.asked == 0
    for name, value in told.items():
        assert set(made[name].tolist()) == {value}
    parents = {str(path): i for i, path in enumerate(pictures["path"])}
    np.testing.assert_array_equal(made["shares"], shares[[parents[path] for path in made["parent"]]])
    assert made["sha256"].tolist() == first["sha256"].tolist()
    assert [made.bytes_of(i) for i in range(4)] == [first.bytes_of(i) for i in range(4)]
    assert [hashlib.sha256(made.bytes_of(i)).hexdigest() for i in range(4)] == made["sha256"].tolist()


def test_the_finished_work_is_swept_and_nothing_else(photos: Path, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    made, _ = extra([drafted(photos)], Counting(), SPEC, parts=parts)
    made.write(tmp_path / "set.parquet")
    (parts / "mine.txt").write_text("x")
    (parts / f".mien-{os.getpid()}-1.part").write_bytes(b"half")
    sweep(parts)
    assert [path.name for path in parts.iterdir()] == ["mine.txt"]
    (parts / "mine.txt").unlink()
    sweep(parts)
    assert not parts.exists()
    sweep(parts)
    assert len([p for _, p in Manifest.read(tmp_path / "set.parquet").pictures() if isinstance(p, np.ndarray)]) == 4


def test_nothing_in_gives_nothing(tmp_path: Path) -> None:
    made, report = extra([], FakeDetector(), SPEC, parts=tmp_path / "parts")
    assert len(made) == 0
    assert report.problems == []


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["ckplus48", "jaffe"])
def test_faces_of_real_sets_are_found(shared_data: Path, tmp_path: Path, name: str) -> None:
    manifest, report = drafted(shared_data / f"{name}.npz")
    some = manifest.where(np.linspace(0, len(manifest) - 1, 30).astype(int))
    yunet = detector("yunet", threads=1)
    made, _ = extra([(some, report)], yunet, CropSpec(size=48, colour="rgb"), parts=tmp_path / "parts", name="yunet")
    assert len(made) == 30
    # Framed as the template says: landmarks found in the crops lie where it has them, up to what a face's shape and the detector vary.
    points = np.stack([find_in_crop(made.picture(i), yunet) for i in range(0, 30, 3)])
    assert np.nanmedian(np.abs(points / 48 - np.array(FER_TEMPLATE)), axis=0).max() < 0.05
    if name == "ckplus48":
        assert len(set(made["subject"])) > 15
