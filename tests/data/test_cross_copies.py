"""FER-2013's rows with a copy in another split: the file that marks them, by whatever road the data come."""

from pathlib import Path

import numpy as np
import pytest

from mien.data.cross_copies import NOTE, Marks, noted
from mien.data.fer import SPLITS, read_fer
from mien.data.labelled import COPIED, read_labelled
from mien.data.readers.recognise import drafted, duplicates_for, read_any, takes_duplicates
from mien.errors import UsageError
from mien.io.images import decode
from tests.data.conftest import write_fer

ROWS = 20  # of which 5 are PublicTest and 5 PrivateTest


def as_csv(fer: Path, path: Path) -> Path:
    """The rows of the npz as FER-2013's CSV."""
    rows = read_fer(fer)
    lines = [
        f'{emotion},"{" ".join(map(str, decode(rows.pictures(place), name="").image[..., 0].ravel().tolist()))}",{SPLITS[usage]}'
        for emotion, place, usage in zip(rows.emotion, rows.place, rows.usage, strict=True)
    ]
    path.write_text("emotion,pixels,Usage\n" + "\n".join(lines) + "\n")
    return path


def marks(path: Path, *marked: int, n: int = ROWS) -> Path:
    np.savez(path, duplicate=np.isin(np.arange(n), marked), nearest_row=np.arange(n)[::-1])
    return path


@pytest.fixture
def fer(tmp_path: Path) -> Path:
    return write_fer(tmp_path / "fer.npz", n=ROWS)


def test_every_road_leaves_out_the_same_rows(fer: Path, tmp_path: Path) -> None:
    copied = marks(tmp_path / "copies.npz", 2, 16, 18)
    by_csv = as_csv(fer, tmp_path / "fer2013.csv")
    for name, source in (("a", fer), ("b", by_csv)):
        read_any(source, duplicates=copied)[0].write(tmp_path / f"{name}.parquet", inside=True)
    for path in (fer, by_csv, tmp_path / "a.parquet", tmp_path / "b.parquet"):
        found = read_labelled(path, "fer7", split="PrivateTest", duplicates=copied)
        assert [found.labels[k] for k in found.true] == ["disgust", "happy", "surprise"]  # rows 15, 17, 19
        assert found.left_out == {COPIED: 2}
        assert len(read_labelled(path, "fer7", split="PrivateTest")) == 5
    train = read_labelled(tmp_path / "b.parquet", "fer7", split="train", duplicates=copied)
    assert (len(train), train.left_out) == (9, {COPIED: 1})


def test_the_csv_gets_the_notes_of_the_arrays(fer: Path, tmp_path: Path) -> None:
    by_csv = as_csv(fer, tmp_path / "fer2013.csv")
    assert not noted(drafted(by_csv)[0]["note"]).any()
    marks(tmp_path / "fer2013_duplicates.npz", 2)  # beside it, under its name
    notes = drafted(by_csv)[0]["note"].tolist()
    assert notes == ["", "", f"{NOTE}: fer2013/17"] + [""] * 17
    np.savez(tmp_path / "bare.npz", duplicate=np.arange(ROWS) == 3)  # which copy is not told
    assert drafted(by_csv, duplicates=tmp_path / "bare.npz")[0]["note"].tolist() == ["", "", "", NOTE] + [""] * 16
    assert np.flatnonzero(read_fer(fer, tmp_path / "bare.npz").duplicate).tolist() == [3]


def test_what_is_no_such_file_is_refused_by_every_road(fer: Path, tmp_path: Path) -> None:
    by_csv = as_csv(fer, tmp_path / "fer2013.csv")
    good = marks(tmp_path / "copies.npz", 2)
    read_any(fer, duplicates=good)[0].write(tmp_path / "set.parquet", inside=True)
    (tmp_path / "text.npz").write_text("x")
    (tmp_path / "empty.npz").touch()
    np.save(tmp_path / "bare.npy", np.zeros(ROWS, np.bool_))
    np.savez(tmp_path / "other.npz", x=[1])
    np.savez(tmp_path / "numbers.npz", duplicate=np.arange(ROWS))
    for path in (fer, by_csv, tmp_path / "set.parquet"):
        for name in ("none.npz", "text.npz", "empty.npz", "bare.npy", "other.npz", "numbers.npz"):
            with pytest.raises(UsageError, match=f"duplicates: .*{name}: .*wanted an npz that marks FER-2013's rows"):
                read_labelled(path, "fer7", split="val", duplicates=tmp_path / name)
            with pytest.raises(UsageError, match=f"duplicates: .*{name}"):
                read_any(path, duplicates=tmp_path / name)
    short = marks(tmp_path / "short.npz", 2, n=19)
    for path in (fer, by_csv):
        wanted = f"short.npz marks 19 rows, .*{path.name} has 20; wanted the same rows"
        with pytest.raises(UsageError, match=wanted):
            read_any(path, duplicates=short)
        with pytest.raises(UsageError, match=wanted):
            read_labelled(path, "fer7", split="val", duplicates=short)


def test_data_without_such_rows_are_refused(fer: Path, tmp_path: Path) -> None:
    good = marks(tmp_path / "copies.npz", 2)
    read_any(fer)[0].write(tmp_path / "plain.parquet", inside=True)
    np.savez(tmp_path / "set.npz", pixels=np.zeros((1, 8, 8), np.uint8), label=[0], classes=["happy"])
    (tmp_path / "list.csv").write_text("image_path,emotion\na.png,happy\n")
    (tmp_path / "photos" / "happy").mkdir(parents=True)
    for name in ("plain.parquet", "set.npz", "list.csv", "photos"):
        with pytest.raises(UsageError, match=f"{name}: no rows that .*copies.npz could mark; wanted FER-2013"):
            read_labelled(tmp_path / name, "fer7", duplicates=good)
        with pytest.raises(UsageError, match=f"{name}: no rows"):
            read_any(tmp_path / name, duplicates=good)
        assert not takes_duplicates(tmp_path / name)
    assert duplicates_for([tmp_path / "set.npz", fer], good) == [None, good]  # of several it goes to the one it marks
    assert duplicates_for([tmp_path / "photos", tmp_path / "none.npz"], good) == [None, good]  # reading it says that it is not there
    assert duplicates_for([fer], None) == [None]


def test_of_several_in_the_form_of_fer_2013_those_get_the_marks_that_have_as_many_rows(fer: Path, tmp_path: Path) -> None:
    """CK+ and others come in that form too."""
    good, other = marks(tmp_path / "copies.npz", 2), tmp_path / "ck.csv"
    other.write_text("emotion,pixels,Usage\n" + '3,"1 2 3 4",Training\n' * 7)
    by_csv = as_csv(fer, tmp_path / "fer2013.csv")
    assert duplicates_for([fer, other], good) == [good, None]
    assert duplicates_for([other, by_csv], good) == [None, good]
    with pytest.raises(UsageError, match=r"marks 20 rows, .*ck\.csv has 7"):
        read_any(other, duplicates=good)


def test_marks_tell_of_rows() -> None:
    with pytest.raises(UsageError, match=r"none\.npz: no such file"):
        Marks(Path("none.npz"))
    assert noted(np.array([f"the crowd: not a face; {NOTE}: fer/1", "", NOTE], object)).tolist() == [True, False, True]


def test_damage_anywhere_in_such_a_file_is_one_line(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "torn.npz", duplicate=np.arange(ROWS) % 3 == 0)
    whole, refused = (tmp_path / "torn.npz").read_bytes(), 0
    for i in range(len(whole)):
        (tmp_path / "torn.npz").write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
        try:
            Marks(tmp_path / "torn.npz")
        except UsageError:
            refused += 1
    assert refused > len(whole) / 2
