"""Scoring detectors against planted boxes, and on real ones."""

import csv
import io
import zipfile

import numpy as np
import pytest

from mien.errors import DataError, SourceMissing, UsageError
from mien.evaluate.detection import picture_reader, read_boxes, score_detector
from mien.types import Faces

HEADER = "set,image,left,top,width,height\n"
PICTURE = np.zeros((100, 100, 3), np.uint8)


def scored(found, true, **options):
    """found: (box, score) pairs of one picture; true: its boxes."""
    faces = Faces.without_points([box for box, _ in found], [score for _, score in found])
    truth = {"a": np.array(true, np.float32).reshape(-1, 4)}
    return score_detector(lambda image: faces, truth, lambda key: PICTURE, **options)


def test_found_and_false():
    score = scored([([0, 0, 10, 10], 0.9), ([50, 50, 60, 60], 0.8)], [[0, 0, 10, 11], [80, 80, 90, 90]])
    assert (score.pictures, score.faces, score.found, score.false) == (1, 2, 1, 1)
    assert score.recall == score.precision == 0.5


def test_a_face_is_found_once():
    score = scored([([0, 0, 10, 10], 0.9), ([0, 0, 10, 11], 0.8)], [[0, 0, 10, 10]])
    assert (score.found, score.false) == (1, 1)


def test_the_best_score_chooses_first():
    """The weaker box fits better, but the stronger one takes the face; the weaker gets the neighbour."""
    score = scored([([0, 0, 10, 10], 0.5), ([0, 2, 10, 12], 0.9)], [[0, 0, 10, 10], [0, -4, 10, 6]])
    assert (score.found, score.false) == (2, 0)


def test_overlap_at_the_limit_counts():
    boxes = [([0, 0, 10, 10], 0.9)], [[0, 0, 10, 20]]  # IoU 0.5
    assert scored(*boxes, match=0.5).found == 1
    assert scored(*boxes, match=0.51).found == 0


def test_small_faces_do_not_count_either_way():
    found = [([0, 0, 10, 10], 0.9), ([30, 30, 38, 38], 0.8), ([60, 60, 90, 90], 0.7)]
    score = scored(found, [[0, 0, 10, 10], [60, 60, 90, 90]], min_face=20)
    assert (score.faces, score.found, score.false) == (1, 1, 0)
    assert scored(found, [[0, 0, 10, 10]], min_face=20).false == 1


def test_nothing_there():
    score = scored([], [])
    assert (score.faces, score.found, score.false) == (0, 0, 0)
    assert np.isnan(score.recall)
    assert np.isnan(score.precision)
    assert score.ms_p95 >= score.ms_median >= 0
    assert scored([([0, 0, 9, 9], 1.0)], []).false == 1
    assert scored([], [[0, 0, 9, 9]]).found == 0
    with pytest.raises(UsageError, match="no pictures"):
        score_detector(lambda image: Faces.none(), {}, lambda key: PICTURE)


def test_boxes_from_csv_folder_and_zip(tmp_path):
    text = HEADER + "one,b.jpg,1,2,3,4\n,a.jpg,0.5,0,10,10\none,b.jpg,9,9,1,1\nempty,c.jpg,,,,\n"
    (tmp_path / "boxes.csv").write_text(text)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("boxes.csv", text)
    for where in (tmp_path / "boxes.csv", tmp_path, tmp_path / "all.zip"):
        boxes = read_boxes(where)
        assert list(boxes) == ["one/b.jpg", "a.jpg", "empty/c.jpg"]
        assert boxes["one/b.jpg"].tolist() == [[1, 2, 4, 6], [9, 9, 10, 10]]
        assert boxes["a.jpg"].dtype == np.float32
        assert boxes["empty/c.jpg"].shape == (0, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [("image,left\nx,1\n", "no column height, top, width"), (HEADER + "s,a.jpg,1,2,x,4\n", "line 2: wanted four numbers")],
)
def test_bad_tables_say_what_is_wrong(tmp_path, text, message):
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_boxes(tmp_path / "boxes.csv")


def test_missing_things(tmp_path):
    with pytest.raises(SourceMissing, match="no table"):
        read_boxes(tmp_path / "gone.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError, match="UTF-8"):
        read_boxes(tmp_path / "binary.csv")
    with pytest.raises(SourceMissing, match="neither a folder nor a zip"):
        picture_reader(tmp_path / "gone.zip")
    with pytest.raises(SourceMissing, match=r"a\.png"):
        picture_reader(tmp_path)("a.png")


def test_pictures_from_folder_and_zip(tmp_path):
    from PIL import Image

    encoded = io.BytesIO()
    Image.new("RGB", (3, 2), (200, 10, 0)).save(encoded, "PNG")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").write_bytes(encoded.getvalue())
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("set/a.png", encoded.getvalue())
    for where in (tmp_path, tmp_path / "all.zip"):
        image = picture_reader(where)("set/a.png")
        assert image.shape == (2, 3, 3)
        assert image[0, 0].tolist() == [200, 10, 0]
    with pytest.raises(SourceMissing, match="no picture"):
        picture_reader(tmp_path / "all.zip")("set/b.png")


def test_a_zip_that_cannot_be_unpacked_is_told(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("boxes.csv", "image,left,top,width,height\n" + "a.png,1,2,3,4\n" * 50)
        archive.writestr("a.png", b"x" * 100)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"a.png,1,2,3,4", b"a.png,1,2,3,5", 1))
    with pytest.raises(DataError, match=r"a\.zip: boxes\.csv cannot be unpacked \(Bad CRC-32"):
        read_boxes(path)
    encrypted = bytearray(whole)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[whole.index(mark) + flags] |= 1
    path.write_bytes(encrypted)
    with pytest.raises(DataError, match=r"boxes\.csv cannot be unpacked .*encrypted.*wanted a zip without a password"):
        read_boxes(path)
    bomb = bytearray(whole)
    at = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 4)
    bomb[at + 24 : at + 28] = (2_000_000_000).to_bytes(4, "little")  # of a.png, unpacked
    path.write_bytes(bomb)
    with pytest.raises(DataError, match=r"a\.png has 2,000,000,000 bytes; wanted 1,200,000,000 at most"):
        picture_reader(path)("a.png")


@pytest.mark.shared_data
def test_real_pictures(shared_data):
    from mien.models.detectors.registry import detector

    where = shared_data / "detection_small.zip"
    boxes = read_boxes(where)
    with zipfile.ZipFile(where) as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("boxes.csv"), "utf-8")))
    assert sum(map(len, boxes.values())) == len(rows) == 345
    score = score_detector(detector("yunet:1280", threads=1), boxes, picture_reader(where), min_face=20)
    assert score.pictures == 15
    assert score.found >= 58
    assert score.false <= 1
