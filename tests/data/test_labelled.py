"""Folders and arrays of labelled pictures."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.fer import VOTES_TO_MIEN
from mien.data.labelled import read_labelled
from mien.data.readers.recognise import drafted
from mien.errors import DataError, SourceMissing, SourceUnreadable, UsageError


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
