"""Folders and arrays of labelled pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.fer import VOTES_TO_MIEN
from mien.data.labelled import read_labelled
from mien.data.manifest import Manifest
from mien.data.readers.recognise import drafted, read_any
from mien.errors import DataError, SourceMissing, SourceUnreadable, UsageError
from mien.labels import ANCHORS, EMOTIONS


def picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 30, 3), value, np.uint8))


def test_folder_per_emotion(tmp_path: Path) -> None:
    for name, value in (("Happy", 10), ("0_angry", 20), ("sadness", 30), ("Contempt", 40), ("holiday", 50)):
        picture(tmp_path / name / "a b.png", value)
    (tmp_path / "Happy" / "broken.jpg").write_bytes(b"no picture")
    data = read_labelled(tmp_path, "fer7")
    assert [data.labels[k] for k in data.true] == ["anger", "happy", "happy", "sad"]
    assert sum(data.left_out.values()) == 2
    assert any("holiday" in reason for reason in data.left_out)
    assert data.readers[0]().shape == (20, 30, 3)
    with pytest.raises(SourceUnreadable):
        data.readers[data.sources.index("Happy/broken.jpg")]()


def test_arrays_with_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", pixels=np.zeros((3, 8, 8), np.uint8), label=[0, 1, 2], classes=["happiness", "contempt", "Angry"])
    data = read_labelled(tmp_path / "set.npz", "fer7")
    assert [data.labels[k] for k in data.true] == ["happy", "anger"]
    assert data.left_out == {"label 'contempt': not in the label set": 1}
    assert data.readers[0]().shape == (8, 8, 3)


def test_fer_needs_a_split_and_knows_two_label_sets(fer_file: Path) -> None:
    with pytest.raises(UsageError, match="split"):
        read_labelled(fer_file, "fer7")
    assert len(read_labelled(fer_file, "fer7", split="PrivateTest")) == 15
    plus = read_labelled(fer_file, "ferplus8", split="PublicTest")
    assert plus.affect is not None
    assert np.isfinite(plus.affect).all()
    with pytest.raises(UsageError, match="fer7 and ferplus8"):
        read_labelled(fer_file, "mien9", split="PublicTest")


def test_agreement_is_the_share_of_all_raters_who_chose_the_label(fer_file: Path, tmp_path: Path) -> None:
    with np.load(fer_file) as file:
        held = dict(file)
    first, second = np.flatnonzero(held["usage"] == 1)[:2]
    name = VOTES_TO_MIEN.index("sad")
    held["ferplus_votes"][first] = 0
    held["ferplus_votes"][first, [name, VOTES_TO_MIEN.index("fear"), 8, 9]] = (6, 1, 1, 2)
    held["ferplus_votes"][second] = 0
    np.savez(tmp_path / "fer.npz", **held)
    plus = read_labelled(tmp_path / "fer.npz", "ferplus8", split="PublicTest")
    assert plus.columns["agreement"][0] == np.float32(0.6)  # single votes too, and those for "unknown" and "not a face"
    labelled = read_labelled(tmp_path / "fer.npz", "fer7", split="PublicTest").columns["agreement"]
    assert np.isnan(labelled[1])
    assert labelled[2:].tolist() == pytest.approx([0.7] * 13)
    drafted(tmp_path / "fer.npz")[0].write(tmp_path / "fer.parquet", inside=True)  # whose shares lack the single votes
    by_manifest = read_labelled(tmp_path / "fer.parquet", "fer7", split="PublicTest")
    assert np.isfinite(by_manifest.affect).any()
    assert "agreement" not in by_manifest.columns
    held["ferplus_votes"][:] = 0
    np.savez(tmp_path / "none.npz", **held)
    assert "agreement" not in read_labelled(tmp_path / "none.npz", "fer7", split="PublicTest").columns


def test_what_is_not_data_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="wanted a folder"):
        read_labelled(tmp_path / "none", "fer7")
    with pytest.raises(DataError, match="named after emotions"):
        read_labelled(tmp_path, "fer7")
    (tmp_path / "x.txt").write_text("x")
    with pytest.raises(DataError, match="wanted a folder"):
        read_labelled(tmp_path / "x.txt", "fer7")


def test_a_bad_row_of_fer_is_left_out_and_the_others_judged(fer_file: Path) -> None:
    """A picture that is none, an emotion and a usage that there are not: as the manifest of the same file has it."""
    with np.load(fer_file) as file:
        held = dict(file)
    rows = np.flatnonzero(held["usage"] == 1)
    held["webp"][held["offsets"][rows[0]] : held["offsets"][rows[0]] + 16] = 0
    held["emotion"][rows[1]], held["usage"][rows[2]] = 9, -1  # of the last, Python's indices would make PrivateTest
    held["emotion"][0] = 7  # of another split
    np.savez(fer_file, **held)
    wanted = {"unknown label: emotion 9; wanted 0..6": 1}
    wanted["row that cannot be used: usage -1; wanted 0 (Training), 1 (PublicTest), 2 (PrivateTest)"] = 1
    for labels in ("fer7", "ferplus8"):
        data = read_labelled(fer_file, labels, split="PublicTest")
        assert data.left_out == wanted
        assert data.sources == tuple(f"fer.npz[{row}]" for row in (rows[0], *rows[3:]))
        with pytest.raises(SourceUnreadable, match=rf"fer.npz\[{rows[0]}\]"):
            data.readers[0]()
        assert data.readers[1]().shape == (48, 48, 3)
        assert len(read_labelled(fer_file, labels, split="PrivateTest")) == 15
    held["emotion"][rows] = 9
    np.savez(fer_file.with_name("none.npz"), **held)
    with pytest.raises(DataError, match="no picture of PublicTest has a label of the set fer7; 15 are left out"):
        read_labelled(fer_file.with_name("none.npz"), "fer7", split="PublicTest")
    manifest, report = drafted(fer_file)
    assert len(manifest) == 57
    assert report.counts() == {"unknown label": 2, "row that cannot be used": 1}


def rated(folder: Path, **columns: object) -> Path:
    """A manifest of four pictures that are not there."""
    n = 4
    Manifest({"id": [f"{i}" for i in range(n)], "path": [f"{i}.png" for i in range(n)], **columns}).write(folder / "set.parquet")
    return folder / "set.parquet"


def test_votes_stand_in_only_where_nobody_rated(tmp_path: Path) -> None:
    none, shares = np.nan, np.full((4, 9), np.nan, np.float32)
    shares[:3] = np.eye(9)[EMOTIONS.index("sad")]
    ratings = {"valence": [0.9, none, none, 0.2], "arousal": [none, 0.8, none, none], "affect_from": ["people", "people", "", ""]}
    data = read_labelled(rated(tmp_path, label=["sad"] * 4, shares=shares, **ratings), "fer7")
    sad = ANCHORS["crowd"].points["sad"]
    np.testing.assert_allclose(data.affect, [(0.9, none), (none, 0.8), sad, (0.2, none)], rtol=1e-6)
    assert data.columns["affect_from"].tolist() == ["people", "people", "votes:crowd", ""]


def test_what_is_left_out_is_told_by_what_it_lacks(tmp_path: Path) -> None:
    none = np.nan
    mixed = rated(tmp_path, label=["sad", "", "", "contempt"], valence=[0.1, 0.2, none, none])
    assert read_labelled(mixed, "fer7").left_out == {
        "no label, so that its valence or arousal is not judged either": 1,
        "no label": 1,
        "label 'contempt': not in the label set": 1,
    }
    bare = read_labelled(rated(tmp_path, valence=[0.1, none, none, none], arousal=[none, 0.2, none, none]), "fer7")
    assert bare.true.tolist() == [-1, -1]
    assert bare.left_out == {"neither a label nor valence or arousal": 2}
    with pytest.raises(DataError, match=r"set\.parquet: no picture has a label of the set fer7; 4 have none; wanted labels, or valence or"):
        read_labelled(rated(tmp_path), "fer7")
    with pytest.raises(DataError, match=r"no picture has a label of the set fer7; 3 have others, 1 have none$"):
        read_labelled(rated(tmp_path, label=["contempt"] * 3 + [""]), "fer7")


@pytest.mark.parametrize("column", ["none", "empty"])
def test_a_table_of_ratings_without_emotions(tmp_path: Path, column: str) -> None:
    rows = [("0.5", "0.25"), ("-0.5", ""), ("", "0.75"), ("-2", "-2"), ("", "")]
    head, cell = ("image_path,emotion,valence,arousal", ",") if column == "empty" else ("image_path,valence,arousal", "")
    text = "".join(f"{i}.png,{cell}{v},{a}\n" for i, (v, a) in enumerate(rows))
    (tmp_path / "set.csv").write_text(f"{head}\n{text}")
    for i in range(len(rows)):
        picture(tmp_path / f"{i}.png", i)
    data = read_labelled(tmp_path / "set.csv", "mien9")
    np.testing.assert_array_equal(data.affect, np.array([(0.5, 0.25), (-0.5, np.nan), (np.nan, 0.75)], np.float32))
    assert data.columns["affect_from"].tolist() == ["set"] * 3
    assert data.left_out == {"unknown label: neither an emotion nor valence or arousal": 2}
    manifest, _ = read_any(tmp_path / "set.csv")
    manifest.write(tmp_path / "set.parquet")
    assert manifest.counts() == {"": 3}
    np.testing.assert_array_equal(read_labelled(tmp_path / "set.parquet", "mien9").affect, data.affect)


def test_a_rating_without_an_emotion_among_emotions_and_codes(tmp_path: Path) -> None:
    for i in range(4):
        picture(tmp_path / f"{i}.png", i)
    (tmp_path / "set.csv").write_text("image_path,emotion,valence\n0.png,3,0.5\n1.png,,0.25\n2.png, ,\n3.png,glad?,0.5\n")
    manifest, report = read_any(tmp_path / "set.csv", labels="fer7")
    assert manifest["label"].tolist() == ["happy", ""]
    assert [problem.why for problem in report.problems] == [
        "neither an emotion nor valence or arousal",
        "emotion 'glad?'; wanted 0..6, or a name",
    ]
    (tmp_path / "none.csv").write_text("image_path,subject\n0.png,a\n")
    with pytest.raises(DataError, match="found columns image_path, subject; wanted image_path and emotion, or valence or arousal in its"):
        read_any(tmp_path / "none.csv")
    (tmp_path / "codes.csv").write_text("image_path,emotion\n0.png,3\n")
    with pytest.raises(DataError, match=r"no picture has a label of the set fer7; 1 cannot be used \(.*labelled '3'.*--labels"):
        read_labelled(tmp_path / "codes.csv", "fer7")
