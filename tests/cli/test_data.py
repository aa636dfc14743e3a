"""`mien data import`, `split` and `extra`."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image as Pillow

from mien.data.manifest import Manifest
from mien.testing import planted_picture
from tests.cli.conftest import Said

Mien = Callable[..., Said]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """20 pictures of faces in two classes, all unlike."""
    rng = np.random.default_rng(0)
    root = tmp_path / "faces"
    for i in range(20):
        emotion = ("happy", "sad")[i % 2]
        (root / emotion).mkdir(parents=True, exist_ok=True)
        x, y = (int(v) for v in rng.integers(0, 60, 2))
        image = planted_picture([((x, y, x + 60, y + 60), emotion)], size=(120, 120))[0]
        Pillow.fromarray(image).save(root / emotion / f"{i}.png")
    return root


def test_import_makes_a_manifest_and_says_what_is_in_it(mien: Mien, folder: Path, tmp_path: Path) -> None:
    said = mien("data", "import", folder, "-o", tmp_path / "set.parquet")
    assert said.code == 0
    assert [line.split() for line in said.out.splitlines()[1:]] == [["happy", "10"], ["sad", "10"], ["all", "20"]]
    assert said.err == f"20 pictures -> {tmp_path / 'set.parquet'}\n"
    table = pq.read_table(tmp_path / "set.parquet")
    assert table.column("image").to_pylist()[0] == {"bytes": (folder / "happy" / "0.png").read_bytes(), "path": None}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faces", "set.parquet"]


def test_import_lists_what_it_leaves_out(mien: Mien, folder: Path, tmp_path: Path) -> None:
    (folder / "bored").mkdir()
    for i in range(5):
        (folder / "bored" / f"{i}.png").write_bytes(b"x")
    said = mien("data", "import", folder, "-o", tmp_path / "set.parquet", "--json")
    assert said.code == 0
    listed = tmp_path / "set.problems.csv"
    told = json.loads(said.out)
    assert told == {
        "manifest": str(tmp_path / "set.parquet"), "rows": 20, "counts": {"": {"happy": 10, "sad": 10}}, "problems": {"unknown label": 5},
    }  # fmt: skip
    assert said.err.count("mien: unknown label: ") == 4
    assert "and 2 more of faces" in said.err
    assert f"all 5 are in {listed}" in said.err
    with listed.open(newline="") as file:
        assert [row["kind"] for row in csv.DictReader(file)] == ["unknown label"] * 5
    (folder / "happy" / "broken.png").write_bytes(b"x")
    assert mien("data", "import", folder, "-o", tmp_path / "set.parquet").code == 3


def test_import_of_several_goes_on_past_a_missing_one(mien: Mien, folder: Path, tmp_path: Path) -> None:
    said = mien("data", "import", folder, tmp_path / "none", folder, "-o", tmp_path / "set.parquet", "--link")
    assert said.code == 3
    assert f"mien: {tmp_path / 'none'}: no such file or folder" in said.err
    both = Manifest.read(tmp_path / "set.parquet")
    assert len(both) == len(set(both["id"])) == 40
    assert set(both["source"]) == {"faces", "faces#2"}
    assert both["path"][0] == str(folder / "happy" / "0.png")
    assert mien("data", "import", tmp_path / "none", "-o", tmp_path / "x.parquet").code == 1
    assert not (tmp_path / "x.parquet").exists()
    assert mien("data", "import", folder, "-o", tmp_path / "x.csv").code == 2


def test_import_notes_copies_in_another_split(mien: Mien, folder: Path, tmp_path: Path) -> None:
    face = " ".join(["9"] * 16)
    fer = tmp_path / "fer2013.csv"
    fer.write_text(f'emotion,pixels,Usage\n3,"{face}",Training\n4,"{face}",PrivateTest\n3,"{face}",PrivateTest\n')
    copies = tmp_path / "copies.npz"
    np.savez(copies, duplicate=[True, False, True], nearest_row=[2, 0, 0])
    said = mien("data", "import", fer, folder, "-o", tmp_path / "set.parquet", "--duplicates", copies)
    assert said.code == 0
    notes = Manifest.read(tmp_path / "set.parquet")["note"].tolist()
    assert notes == ["copy in another split: fer2013/2", "", "copy in another split: fer2013/0"] + [""] * 20
    for words, wanted in (
        ((fer, "--duplicates", tmp_path / "none.npz"), "none.npz: no such file; wanted an npz that marks FER-2013's rows"),
        ((folder, "--duplicates", copies), "faces: no rows that"),
    ):
        said = mien("data", "import", *words, "-o", tmp_path / "x.parquet")
        assert said.code == 2
        assert wanted in said.err
        assert not (tmp_path / "x.parquet").exists()


def test_split(mien: Mien, folder: Path, tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{name}.parquet" for name in "abc")
    mien("data", "import", folder, "-o", one)
    said = mien("data", "split", one, "-o", two, "--json", "--no-near-duplicates")
    told = json.loads(said.out)
    assert told["counts"] == {"train": {"happy": 8, "sad": 8}, "test": {"happy": 2, "sad": 2}}
    assert (told["changed"], told["torn"]) == (20, 0)
    said = mien("data", "split", two, "-o", three, "--parts", "train=1,val=1", "--of", "train", "--no-near-duplicates")
    assert [line.split() for line in said.out.splitlines()[-1:]] == [["all", "8", "8", "4"]]
    said = mien("data", "split", three, "-o", three, "--no-near-duplicates")
    assert "all rows have a split already, and keep it; --again" in said.err
    assert Manifest.read(three).bytes_of(3) == Manifest.read(one).bytes_of(3)
    for parts in ("80", "train:80", "a/b", "train=80,x=20", "1/2/3/4", "inf/20", "80/nan"):
        said = mien("data", "split", one, "-o", two, "--parts", parts, "--no-near-duplicates")
        assert said.code == 2
        assert "parts: found" in said.err


def test_split_keeps_near_duplicates_together(mien: Mien, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "set" / "happy").mkdir(parents=True)
    for i in range(12):
        image = Pillow.fromarray(rng.integers(0, 256, (48, 48), np.uint8)).resize((96, 96), Pillow.Resampling.BICUBIC)
        image.save(tmp_path / "set" / "happy" / f"{i}.png")
        image.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT).resize((80, 80)).save(tmp_path / "set" / "happy" / f"{i}m.jpg")
    mien("data", "import", tmp_path / "set", "-o", tmp_path / "a.parquet")
    said = mien("data", "split", tmp_path / "a.parquet", "-o", tmp_path / "b.parquet", "--parts", "50/50")
    assert said.code == 0
    made = Manifest.read(tmp_path / "b.parquet")
    side = dict(zip(made["id"], made["split"], strict=True))
    assert all(side[f"set/happy/{i}.png"] == side[f"set/happy/{i}m.jpg"] for i in range(12))
    assert sorted(side.values()).count("test") == 12


def test_extra_adds_faces_for_training(mien: Mien, folder: Path, tmp_path: Path) -> None:
    mien("data", "import", folder, "-o", tmp_path / "a.parquet")
    more = tmp_path / "more" / "fear"
    more.mkdir(parents=True)
    Pillow.fromarray(planted_picture([((10, 10, 90, 90), "fear")], size=(300, 200))[0]).save(more / "x.png")
    two = [((10, 10, 90, 90), "fear"), ((150, 10, 230, 90), "fear")]
    Pillow.fromarray(planted_picture(two, size=(300, 200))[0]).save(more / "two.png")
    words = ("--extra", tmp_path / "more", "--model", "fake", "--detector", "fake")
    said = mien("data", "extra", tmp_path / "a.parquet", *words, "-o", tmp_path / "b.parquet", "--json")
    assert said.code == 0
    told = json.loads(said.out)
    assert (told["rows"], told["added"], told["problems"]) == (21, 1, {"several faces": 1})
    made = Manifest.read(tmp_path / "b.parquet")
    assert made["split"].tolist() == [""] * 20 + ["train"]
    assert made["parent"][20] == str(more / "x.png")
    assert made.picture(20).shape == (48, 48, 3)
    assert not (tmp_path / "b.parquet.part").exists()
    held = Manifest.read(tmp_path / "a.parquet").with_columns(split=["test"] * 20)
    held.write(tmp_path / "held.parquet")
    said = mien("data", "extra", tmp_path / "held.parquet", *words, "--extra", folder, "-o", tmp_path / "e.parquet", "--json")
    assert said.code == 0
    assert json.loads(said.out)["problems"] == {"held out": 20, "several faces": 1}
    assert "mien: held out: " in said.err
    assert "the same picture as faces/happy/0.png of test" in said.err
    assert Manifest.read(tmp_path / "e.parquet")["split"].tolist() == ["test"] * 20 + ["train"]
    said = mien("data", "extra", *words, "-o", tmp_path / "c.parquet", "--size", "96")
    assert said.code == 0
    assert Manifest.read(tmp_path / "c.parquet").picture(0).shape == (96, 96, 3)
    (more / "x.png").unlink()
    assert mien("data", "extra", *words, "-o", tmp_path / "d.parquet").code == 1
    assert mien("data", "extra", "--extra", tmp_path / "none", "-o", tmp_path / "d.parquet").code == 1


@pytest.fixture
def unusable(tmp_path: Path) -> Path:
    path = tmp_path / "names.csv"
    path.write_text("image_path,emotion\na.png,bored\n")
    return path


def test_a_set_of_no_pictures_is_not_written_over_another(mien: Mien, folder: Path, unusable: Path, tmp_path: Path) -> None:
    keep = tmp_path / "keep.parquet"
    keep.write_bytes(b"what was there")
    Manifest({"id": []}).write(tmp_path / "empty.parquet")
    none = tmp_path / "empty.parquet"
    for words in (
        ("import", unusable), ("import", none), ("split", none), ("clean", unusable, "--rules", "tiny"), ("clean", none, "--rules", "tiny"),
        ("inspect", unusable, "--no-suspicious"), ("inspect", none, "--no-suspicious"), ("balance", none, "--method", "weights"),
        ("affect", "jitter", unusable),
    ):  # fmt: skip
        said = mien("data", *words, *(() if words[-1] == "weights" else ("-o", keep)))
        assert said.code == 1, words
        assert said.out == ""
        assert said.err.splitlines()[-1] == f"mien: {none if none in words else unusable}: no picture that can be used; nothing written"
        assert ("unknown label: a.png: labelled 'bored'" in said.err) == (unusable in words)
    said = mien("data", "clean", folder, "--rules", "tiny", "--tiny", 500, "-o", keep)
    assert said.code == 1
    assert said.err.splitlines()[-1] == f"mien: {keep}: no picture stays; no manifest written"
    assert keep.read_bytes() == b"what was there"
    assert not keep.with_suffix(".problems.csv").exists()


def test_two_files_in_the_form_of_fer_2013_are_imported_together(mien: Mien, tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text('emotion,pixels\n3,"1 2 3 4"\n0,"5 6 7 9"\n')
    said = mien("data", "import", tmp_path / "train.csv", tmp_path / "test.csv", "-o", tmp_path / "set.parquet")
    assert said.code == 0
    assert Manifest.read(tmp_path / "set.parquet")["id"].tolist() == ["train/0", "train/1", "test/0", "test/1"]
