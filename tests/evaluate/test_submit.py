"""Answers for a competition: every picture has one, in order, whatever the threads."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.data.manifest import Manifest
from mien.data.stores import InArray
from mien.errors import DataError, SourceMissing, UsageError
from mien.evaluate.road import asked
from mien.evaluate.submit import Answer, answers, as_csv, is_pixels, pictures_in
from mien.evaluate.submit_form import Form
from mien.labels import EMOTIONS, LABEL_SETS, anchors
from mien.testing import DARKEST, STEP, FakeDetector, FakeRecogniser, planted_picture
from mien.types import Emotions, Floats, Image
from mien.vision.align import CropSpec


class Affect:
    """A model that gives valence and arousal alone, coded in the crop's brightness: those of an anchor, a bit off."""

    crop = CropSpec()

    def __init__(self, name: str) -> None:
        self.points = anchors(name).points

    def __call__(self, crops: Image, /) -> Emotions:
        which = [EMOTIONS[round((float(np.median(crop)) - DARKEST) / STEP)] for crop in crops]
        affect = np.array([self.points[name] for name in which], np.float32).reshape(-1, 2) + 0.01
        return Emotions((), np.zeros((len(crops), 0), np.float32), affect, "model:test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "test"
    shown = {"10.png": "happy", "9.png": "sad", "a/2.png": "anger", "a/11.png": "fear"}
    for name, emotion in shown.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(planted_picture([((40, 40, 140, 140), emotion), ((300, 40, 340, 80), "disgust")])[0]).save(where / name)
    return where


def test_rows_are_in_natural_order_and_the_largest_face_answers(folder: Path) -> None:
    pictures = pictures_in(folder)
    assert [picture.name for picture in pictures] == ["9.png", "10.png", "a/2.png", "a/11.png"]
    rows = answers(asked(FakeRecogniser(), "kaggle9", EMOTIONS), FakeDetector(), pictures, threads=3)
    assert [(row.name, row.emotion) for row in rows] == [("9.png", "sad"), ("10.png", "happy"), ("a/2.png", "anger"), ("a/11.png", "fear")]
    assert all(row.face and row.failure is None for row in rows)


def test_a_picture_without_a_face_is_answered_whole_and_a_broken_one_neutral(folder: Path) -> None:
    Pillow.fromarray(np.full((50, 50, 3), DARKEST + STEP * EMOTIONS.index("surprise"), np.uint8)).save(folder / "whole.png")
    (folder / "broken.jpg").write_bytes(b"nothing")
    blind = FakeDetector(lambda image: FakeDetector()(image)[:0])
    *_, broken, whole = pictures_in(folder)
    rows = answers(asked(FakeRecogniser(), "kaggle9", EMOTIONS), blind, [broken, whole])
    assert (rows[0].emotion, rows[0].face) == ("neutral", False)
    assert rows[0].failure is not None
    assert "broken.jpg" in str(rows[0].failure.error)
    assert rows[1] == Answer("whole.png", "surprise", face=False)


@pytest.mark.parametrize("name", ["adfes2011", "crowd", "legacy"])
def test_the_nearest_anchor_answers(folder: Path, name: str) -> None:
    model = asked(Affect(name), "kaggle9", EMOTIONS)
    rows = answers(model, FakeDetector(), pictures_in(folder), anchors=anchors(name))
    assert [row.emotion for row in rows] == ["sad", "happy", "anger", "fear"]


def test_only_labels_of_the_set_are_answered(folder: Path) -> None:
    Pillow.fromarray(planted_picture([((40, 40, 140, 140), "contempt")])[0]).save(folder / "0.png")
    seven = LABEL_SETS["fer7"]
    for set_of in (None, anchors("adfes2011")):
        [row] = answers(asked(FakeRecogniser(), "fer7", seven), FakeDetector(), pictures_in(folder)[:1], anchors=set_of)
        assert row.emotion in seven


def test_what_a_model_does_not_give_is_said(folder: Path) -> None:
    with pytest.raises(UsageError, match="--from-affect"):
        answers(asked(Affect("crowd"), "kaggle9", EMOTIONS), FakeDetector(), pictures_in(folder))

    class Labels(FakeRecogniser):
        def __call__(self, crops: Image, /) -> Emotions:
            probs: Floats = super().__call__(crops).probs
            return Emotions(EMOTIONS, probs)

    with pytest.raises(UsageError, match="no valence and arousal"):
        answers(asked(Labels(), "kaggle9", EMOTIONS), FakeDetector(), pictures_in(folder), anchors=anchors("crowd"))
    with pytest.raises(UsageError, match="has an anchor"):
        answers(asked(FakeRecogniser(), "x", ("uncertain",)), FakeDetector(), pictures_in(folder), anchors=anchors("crowd"))


def test_folders_without_pictures_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "list.csv").write_text("image_path\na.png\n")
    (tmp_path / "empty.csv").write_text("pixels\n")
    for name, why in (
        ("none", "no such file or folder"),
        ("set", "no pictures"),
        ("list.csv", "column pixels"),
        ("empty.csv", "no pictures"),
    ):
        with pytest.raises(SourceMissing, match=why):
            pictures_in(tmp_path / name)


def test_any_name_comes_back_from_the_csv() -> None:
    names = ['a, "b".jpg', "лицо 1.jpg", "two\nlines.jpg"]
    data = as_csv([Answer(name, "happy") for name in names], prefix="test/")
    assert b"\r" not in data
    read = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    assert read == [["image_path", "emotion"], *([f"test/{name}", "happy"] for name in names)]


def test_rows_of_pixels_and_of_a_manifest_are_pictures(tmp_path: Path) -> None:
    """The same bytes as of files."""
    shown = np.random.default_rng(0).integers(0, 256, (3, 16, 16), dtype=np.uint8)
    lines = [",".join(("Public", f'"{" ".join(map(str, picture.ravel().tolist()))}"')) for picture in shown]
    (tmp_path / "test.csv").write_text("\n".join(["Usage,pixels", *lines, ""]))
    pictures = pictures_in(tmp_path / "test.csv")
    assert is_pixels(tmp_path / "test.csv")
    assert [picture.name for picture in pictures] == ["0", "1", "2"]
    for i, picture in enumerate(pictures):
        np.testing.assert_array_equal(picture.read(), np.repeat(shown[i][..., None], 3, axis=2))
    Manifest({"id": ["b", "a", "c"]}, [InArray(shown)]).write(tmp_path / "set.parquet")
    pictures = pictures_in(tmp_path / "set.parquet")
    assert [picture.name for picture in pictures] == ["b", "a", "c"]
    np.testing.assert_array_equal(pictures[1].read()[..., 0], shown[1])
    assert not is_pixels(tmp_path / "set.parquet")


def test_the_form_is_that_of_the_example(tmp_path: Path) -> None:
    rows = [Answer("0", "happy"), Answer("1", "anger"), Answer("2", "neutral")]

    def filled(text: str, labels: str = "fer7") -> tuple[list[int], str]:
        (tmp_path / "example.csv").write_text(text)
        form = Form.read(tmp_path / "example.csv")
        order = form.order(["0", "1", "2"], "example.csv")
        return order, as_csv([rows[i] for i in order], labels=labels, form=form).decode()

    assert filled("emotion\n0\n0\n0\n") == ([0, 1, 2], "emotion\n3\n0\n6\n")  # as ICML 2013's challenge had it
    assert filled("Id,emotion\n0,0.0\n1,0.0\n2,0.0\n")[1] == "Id,emotion\n0,3.0\n1,0.0\n2,6.0\n"  # as pandas writes a column with gaps
    assert filled("emotion\n-1\n-1\n-1\n")[1] == "emotion\n3\n0\n6\n"
    assert filled("emotion\n1\n1\n1\n", "rafdb7")[1] == "emotion\n4\n6\n7\n"  # whose codes begin at 1
    assert filled("Emotion;Id\nsad;2\nsad;0\nsad;1\n") == ([2, 0, 1], "Emotion,Id\nneutral,2\nhappy,0\nanger,1\n")
    assert filled("Id,Label\n") == ([0, 1, 2], "Id,Label\n0,happy\n1,anger\n2,neutral\n")
    for text, why in (
        ("emotion\n0\n", "1 rows for 3 pictures"),
        ("Id,emotion\n0,0\n1,0\n7,0\n", "a row for '7', which is no picture"),
        ("Id,emotion\n0,0\n1,0\n", "2 rows for 3 pictures"),
        ("Id,emotion\n0\n", "example.csv:2: 1 cells, the header has 2"),
        ("Id,Usage,emotion\n", "at most one for the picture's name"),
        ("0\n0\n", "found columns 0"),
    ):
        with pytest.raises(DataError, match=why):
            filled(text)


def test_pictures_whose_accents_are_written_otherwise_are_called_as_in_the_example(tmp_path: Path) -> None:
    """macOS parts é into e and an accent; a competition compares letter by letter."""
    there = ["cafe\u0301.jpg", "x.jpg"]
    (tmp_path / "example.csv").write_text("Id,emotion\nx.jpg,happy\ncaf\u00e9.jpg,happy\n", "utf-8")
    form = Form.read(tmp_path / "example.csv")
    order = form.order(there, "example.csv")
    data = as_csv([Answer(there[i], "happy" if i else "sad") for i in order], form=form)
    assert data.decode() == "Id,emotion\nx.jpg,happy\ncaf\u00e9.jpg,sad\n"
    assert form.order(["caf\u00e9.jpg", "x.jpg"], "") == [1, 0]
    with pytest.raises(DataError, match=r"a row for 'x\.jpg', which is no picture"):
        form.order([*there[:1], "y.jpg"], "example.csv")
    (tmp_path / "example.csv").write_text("Id,emotion\ncafe\u0301.jpg,happy\ncaf\u00e9.jpg,happy\n", "utf-8")
    assert Form.read(tmp_path / "example.csv").order(["caf\u00e9.jpg", "cafe\u0301.jpg"], "") == [1, 0]  # two files, where they can be


def test_labels_are_written_as_in_the_example(tmp_path: Path) -> None:
    """A scorer compares letter by letter."""
    path = tmp_path / "example.csv"

    def form(*told: str) -> Form:
        path.write_text("\n".join(["emotion", *told, ""]))
        return Form.read(path)

    def written(*told: str) -> list[str]:
        rows = [Answer(str(i), emotion) for i, emotion in enumerate(("anger", "happy", "sad"))]
        return as_csv(rows, labels="fer7", form=form(*told)).decode().split()[1:]

    assert written("Angry", "Happiness", "Sad") == ["Angry", "Happiness", "Sad"]
    assert written("3_happiness", "0_Angry") == ["0_Angry", "3_happiness", "sad"]
    assert form("3_happiness", "0_Angry").guessed(["anger", "happy", "sad"]) == ["sad"]
    assert written("Happiness", "Angry") == ["Angry", "Happiness", "Sad"]
    assert written("Happy", "Happy") == ["Anger", "Happy", "Sad"]
    assert written("SAD") == ["ANGER", "HAPPY", "SAD"]
    assert written("sad", "?") == ["anger", "happy", "sad"]
    assert form("sad").guessed(["anger", "sad"]) == form("0").guessed(["anger"]) == Form().guessed(["anger"]) == []
    with pytest.raises(DataError, match=r"example\.csv: anger is written 'Angry' and 'anger'; wanted one spelling"):
        form("Angry", "Happiness", "anger")


def test_codes_that_the_labels_do_not_have_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "example.csv"
    for told, labels, why in (
        ("7 7 7", "fer7", r"answer 7 in 3 of 3 rows; fer7 has 0\.\.6; wanted --labels"),
        ("1.0 2.0 7.0 9.0", "fer7", r"answer 7 in 1 of 4 rows, and 1 others; fer7"),
        ("0 1 6", "rafdb7", r"answer 0 in 1 of 3 rows; rafdb7 has 1\.\.7"),
        ("-1 -1", "fer7", ""),
        ("0 6", "fer7", ""),
        ("1 7", "rafdb7", ""),
        ("happy", "fer7", ""),
    ):
        path.write_text("\n".join(["emotion", *told.split(), ""]))
        if why:
            with pytest.raises(DataError, match=why):
                Form.read(path).check_codes(labels, path)
        else:
            Form.read(path).check_codes(labels, path)
