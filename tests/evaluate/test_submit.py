"""Answers for a competition: every picture has one, in order, whatever the threads."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.errors import SourceMissing, UsageError
from mien.evaluate.road import asked
from mien.evaluate.submit import Answer, answers, as_csv, pictures_in
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
    paths = pictures_in(folder)
    assert paths == ["9.png", "10.png", "a/2.png", "a/11.png"]
    rows = answers(asked(FakeRecogniser(), "kaggle9", EMOTIONS), FakeDetector(), folder, paths, threads=3)
    assert [(row.path, row.emotion) for row in rows] == [("9.png", "sad"), ("10.png", "happy"), ("a/2.png", "anger"), ("a/11.png", "fear")]
    assert all(row.face and row.failure is None for row in rows)


def test_a_picture_without_a_face_is_answered_whole_and_a_broken_one_neutral(folder: Path) -> None:
    Pillow.fromarray(np.full((50, 50, 3), DARKEST + STEP * EMOTIONS.index("surprise"), np.uint8)).save(folder / "whole.png")
    (folder / "broken.jpg").write_bytes(b"nothing")
    blind = FakeDetector(lambda image: FakeDetector()(image)[:0])
    rows = answers(asked(FakeRecogniser(), "kaggle9", EMOTIONS), blind, folder, ["broken.jpg", "whole.png"])
    assert (rows[0].emotion, rows[0].face) == ("neutral", False)
    assert rows[0].failure is not None
    assert "broken.jpg" in str(rows[0].failure.error)
    assert rows[1] == Answer("whole.png", "surprise", face=False)


@pytest.mark.parametrize("name", ["adfes2011", "crowd", "legacy"])
def test_the_nearest_anchor_answers(folder: Path, name: str) -> None:
    model = asked(Affect(name), "kaggle9", EMOTIONS)
    rows = answers(model, FakeDetector(), folder, pictures_in(folder), anchors=anchors(name))
    assert [row.emotion for row in rows] == ["sad", "happy", "anger", "fear"]


def test_only_labels_of_the_set_are_answered(folder: Path) -> None:
    Pillow.fromarray(planted_picture([((40, 40, 140, 140), "contempt")])[0]).save(folder / "0.png")
    seven = LABEL_SETS["fer7"]
    for set_of in (None, anchors("adfes2011")):
        [row] = answers(asked(FakeRecogniser(), "fer7", seven), FakeDetector(), folder, ["0.png"], anchors=set_of)
        assert row.emotion in seven


def test_what_a_model_does_not_give_is_said(folder: Path) -> None:
    with pytest.raises(UsageError, match="--from-affect"):
        answers(asked(Affect("crowd"), "kaggle9", EMOTIONS), FakeDetector(), folder, pictures_in(folder))

    class Labels(FakeRecogniser):
        def __call__(self, crops: Image, /) -> Emotions:
            probs: Floats = super().__call__(crops).probs
            return Emotions(EMOTIONS, probs)

    with pytest.raises(UsageError, match="no valence and arousal"):
        answers(asked(Labels(), "kaggle9", EMOTIONS), FakeDetector(), folder, pictures_in(folder), anchors=anchors("crowd"))
    with pytest.raises(UsageError, match="has an anchor"):
        answers(asked(FakeRecogniser(), "x", ("uncertain",)), FakeDetector(), folder, ["9.png"], anchors=anchors("crowd"))


def test_folders_without_pictures_are_one_clear_line(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "no such folder"), (tmp_path, "no pictures")):
        with pytest.raises(SourceMissing, match=why):
            pictures_in(path)


def test_any_name_comes_back_from_the_csv() -> None:
    names = ['a, "b".jpg', "лицо 1.jpg", "two\nlines.jpg"]
    data = as_csv([Answer(name, "happy") for name in names], prefix="test/")
    assert b"\r" not in data
    read = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    assert read == [["image_path", "emotion"], *([f"test/{name}", "happy"] for name in names)]
