"""FER-2013's file, votes and the rows that may be trained on."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.fer import majority8, read_fer, vote_shares
from mien.data.readers.recognise import drafted, duplicates_for
from mien.errors import DataError, SourceMissing
from mien.labels import EMOTIONS, LABEL_SETS


def test_reading_keeps_order_and_labels(fer_file: Path) -> None:
    fer = read_fer(fer_file)
    assert cv2.imdecode(np.frombuffer(fer.pictures(fer.place[59]), np.uint8), cv2.IMREAD_GRAYSCALE).shape == (48, 48)
    assert list(fer.emotion[:8]) == [0, 1, 2, 3, 4, 5, 6, 0]
    assert [len(fer.split(name)) for name in ("Training", "PublicTest", "PrivateTest")] == [30, 15, 15]


def test_a_missing_or_strange_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no such file"):
        read_fer(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(DataError, match="lacks"):
        read_fer(tmp_path / "other.npz")


def held(path: Path, **arrays: object) -> Path:
    """The made file of `conftest` with other arrays in place of some."""
    with np.load(path) as file:
        kept = dict(file)
    np.savez(path, **kept | arrays)
    return path


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("emotion", lambda values: values[:-1], r"image_index is int32 \(60,\); wanted whole numbers \(59,\)"),
        ("usage", lambda values: values.astype(float), "usage is float64"),
        ("ferplus_votes", lambda values: values[:, :8], r"wanted whole numbers \(60, 10\)"),
        ("image_index", lambda values: values + 1, "image_index runs from 1 to 60; wanted 0..59"),
        ("image_index", lambda values: values - 1, "image_index runs from -1"),
        ("offsets", lambda values: values[::-1], "offsets that rise"),
        ("offsets", lambda values: values + 1, "offsets that rise"),
        ("webp", lambda values: values.astype(int), "wanted uint8"),
    ],
)
def test_arrays_that_do_not_fit_are_one_clear_line_by_every_road(fer_file: Path, name: str, change, why: str) -> None:
    with np.load(fer_file) as file:
        values = file[name]
    held(fer_file, **{name: change(values)})
    for read in (read_fer, drafted):
        with pytest.raises(DataError, match=why):
            read(fer_file)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file_is_one_clear_line_wherever_the_damage_is(fer_file: Path, tmp_path: Path, save) -> None:
    with np.load(fer_file) as file:
        save(tmp_path / "whole.npz", **dict(file))
    whole, path, said = (tmp_path / "whole.npz").read_bytes(), tmp_path / "bad.npz", []
    for at in range(0, len(whole), max(1, len(whole) // 600)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        for read in (read_fer, drafted):
            try:
                read(path)
            except DataError as error:
                said.append(str(error))
    assert len(said) > 300
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in said)
    path.write_bytes(whole[: len(whole) // 2])
    for read in (read_fer, drafted):
        with pytest.raises(DataError, match="cannot be read"):
            read(path)
    np.savez(tmp_path / "marks.npz", duplicate=np.zeros(60, bool))
    with pytest.raises(DataError, match="cannot be read"):
        duplicates_for([path, path], tmp_path / "marks.npz")


def test_shares_drop_single_votes_and_sum_to_one() -> None:
    votes = np.array([[8, 1, 0, 0, 0, 0, 0, 0, 0, 1], [0] * 10, [1] * 10, [0, 0, 0, 0, 0, 0, 0, 0, 4, 6]])
    shares = vote_shares(votes)
    assert shares[0, EMOTIONS.index("neutral")] == 1
    assert np.isnan(shares[1]).all()
    assert shares[2, EMOTIONS.index("uncertain")] == pytest.approx(0.2)  # nothing but singles: all are kept
    assert shares[3, EMOTIONS.index("uncertain")] == 1
    assert vote_shares(votes, drop_single=False)[0, EMOTIONS.index("happy")] == pytest.approx(0.1)


def test_majority_is_minus_one_where_the_crowd_chose_none_of_eight() -> None:
    votes = np.zeros((4, 10), int)
    votes[0, 7], votes[1, [0, 1]], votes[2, 8] = 6, 5, 9
    assert list(majority8(votes)) == [LABEL_SETS["ferplus8"].index("contempt"), -1, -1, -1]


@pytest.mark.shared_data
def test_the_real_file_has_the_published_counts(shared_data: Path) -> None:
    fer = read_fer(shared_data / "fer2013.npz", shared_data / "fer2013_duplicates.npz")
    assert list(np.bincount(fer.split("Training").emotion)) == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert list(np.bincount(fer.split("PrivateTest").emotion)) == [491, 55, 528, 879, 594, 416, 626]
    assert [int(fer.split(s).duplicate.sum()) for s in ("Training", "PublicTest", "PrivateTest")] == [1608, 535, 565]
