"""No picture that is added for training is of those held out."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.data.held_pictures import HeldOut
from mien.data.manifest import Manifest
from mien.data.readers.recognise import drafted, read_any
from mien.data.readers.report import Report


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Eight pictures of noise; the first two are named after one person, as in CK+."""
    rng = np.random.default_rng(0)
    (tmp_path / "photos" / "sad").mkdir(parents=True)
    for name in ("S010_004_00000017", "S010_004_00000018", "c", "d", "e", "f", "g", "h"):
        Pillow.fromarray(rng.integers(0, 256, (16, 16), np.uint8)).save(tmp_path / "photos" / "sad" / f"{name}.png")
    return tmp_path / "photos"


def left(base: Manifest, extras: Manifest) -> tuple[list[str], list[str]]:
    """Names of the pictures that are left, and why the others are not."""
    report = Report("extras")
    kept = HeldOut(base).without(extras, report)
    assert len(kept) + len(report.of("held out")) == len(extras)
    return [Path(name).stem for name in kept["id"]], [problem.why for problem in report.problems]


def moved(photos: Path, to: Path) -> Path:
    """The same pictures under other names, in other files: every second one with other bytes."""
    (to / "sad").mkdir(parents=True)
    for i, file in enumerate(sorted((photos / "sad").iterdir())):
        if i % 2:
            Pillow.open(file).convert("RGB").save(to / "sad" / f"{i}.bmp")
        else:
            (to / "sad" / f"{i}.png").write_bytes(file.read_bytes())
    return to


def test_the_same_picture_is_known_by_bytes_and_by_pixels(photos: Path, tmp_path: Path) -> None:
    base, _ = drafted(photos)  # c, d, e, f, g, h and two of S010; no hash is in the manifest
    base = base.where(slice(6)).with_columns(split=["val", "test", "val", "train", "", "test"])
    names, why = left(base, drafted(moved(photos, tmp_path / "other"))[0])
    files = sorted(path.stem for path in (photos / "sad").iterdir())
    assert sorted(names) == sorted(str(files.index(name)) for name in ("S010_004_00000017", "S010_004_00000018", "f", "g"))
    assert "the same picture as photos/sad/d.png of test" in why


def test_a_hash_in_the_manifest_is_enough(photos: Path, tmp_path: Path) -> None:
    base, _ = read_any(photos)
    base = base.with_columns(split=["test"] * 8, path=[str(tmp_path / "gone.png")] * 8, subject=[""] * 8)
    assert len(left(base, drafted(moved(photos, tmp_path / "other"))[0])[0]) == 4  # those with other bytes


def test_descent_is_told_by_file_parent_and_id(photos: Path) -> None:
    rng = np.random.default_rng(1)
    crops = photos.parent / "crops" / "sad"
    crops.mkdir(parents=True)
    for i in range(4):
        Pillow.fromarray(rng.integers(0, 256, (16, 16), np.uint8)).save(crops / f"{i}.png")
    extras, _ = drafted(photos.parent / "crops")
    photo = str(photos / "sad" / "c.png")
    held = drafted(photos)[0].where(slice(3)).with_columns(split=["test"] * 3, parent=["", str(crops / "1.png"), "a photo"])
    extras = extras.with_columns(parent=[photo, "", "a photo", "another"])
    names, why = left(held, extras)
    assert names == ["3"]
    assert why == [f"the same picture as photos/sad/{name}.png of test" for name in "cde"]


def test_a_person_counts_within_a_source(photos: Path, tmp_path: Path) -> None:
    base, _ = drafted(photos)
    first = int(np.flatnonzero(base["subject"] == "S010")[0])
    base = base.where([first]).with_columns(split=["val"])
    names, why = left(base, drafted(photos)[0])
    assert len(names) == 6
    assert "shows the person of photos/sad/S010_004_00000017.png of val" in why
    assert len(left(base, drafted(photos, source="another")[0])[0]) == 7  # the one file, by its name


def test_nothing_held_out_and_pictures_that_cannot_be_read(photos: Path) -> None:
    extras, _ = drafted(photos)
    assert len(left(Manifest({"id": []}), extras)[0]) == 8
    assert len(left(extras.with_columns(split=["train"] * 8), extras)[0]) == 8
    (photos / "sad" / "c.png").write_bytes(b"x")  # known by its name all the same
    assert "c" not in left(extras.with_columns(split=["test"] * 8, subject=[""] * 8), extras)[0]
    assert left(extras.where([0]).with_columns(split=["test"]), extras)[0] == [Path(name).stem for name in extras["id"][1:]]


def test_pictures_of_two_sets_may_have_the_same_ids(tmp_path: Path) -> None:
    """Rows of arrays are called by their numbers."""
    rng = np.random.default_rng(2)
    sets = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "faces.npz", pixels=rng.integers(0, 256, (4, 16, 16), np.uint8), label=[0] * 4, classes=["sad"])
        sets.append(read_any(tmp_path / name / "faces.npz")[0])
    base, extras = sets
    assert base["id"].tolist() == extras["id"].tolist()
    assert len(left(base.with_columns(split=["val"] * 4), extras)[0]) == 4
    assert left(base.with_columns(split=["val"] * 4), base)[0] == []
