"""Judging a model: the right answers are counted right, by both roads."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'mien[train]'")

from mien.data.labelled import read_labelled
from mien.errors import UnknownName, UsageError
from mien.evaluate.run import evaluate
from mien.models.recogniser import OnnxRecogniser
from mien.models.registry import recogniser
from mien.testing import DARKEST, STEP, FakeDetector, planted_picture
from mien.types import Faces
from tests.models import brightness


@pytest.fixture
def model(tmp_path: Path) -> OnnxRecogniser:
    brightness.write(tmp_path)
    found = recogniser(str(tmp_path / "brightness.onnx"))
    assert isinstance(found, OnnxRecogniser)
    return found


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image)


def test_detected_faces_are_judged_and_faceless_pictures_are_wrong(model: OnnxRecogniser, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for i in range(3):
        save(folder / "happy" / f"{i}.png", planted_picture([((40, 40, 140, 140), "happy"), ((300, 40, 340, 80), "sad")])[0])
        save(folder / "fear" / f"{i}.png", planted_picture([((40, 40, 140, 140), "fear")])[0])
    save(folder / "anger" / "shows-sad.png", planted_picture([((40, 40, 140, 140), "sad")])[0])
    save(folder / "sad" / "faceless.png", planted_picture([])[0])
    (folder / "sad" / "broken.png").write_bytes(b"broken")
    done: list[int] = []
    found = evaluate(model, FakeDetector(), read_labelled(folder, "fer7"), labels="fer7", progress=done.append).to_json()
    assert (found["n"], found["unanswered"]) == (8, 1)
    assert found["accuracy"] == pytest.approx(6 / 8)
    assert found["per_class"]["happy"]["recall"] == 1
    assert len(found["left_out"]) == 1
    assert done[-1] == 9


def test_ready_made_crops_are_read_without_a_face_found(model: OnnxRecogniser, tmp_path: Path) -> None:
    names = ("anger", "happy", "surprise")
    for name in names:
        value = DARKEST + STEP * model.card.labels.index(name)
        save(tmp_path / "crops" / name / "a.png", np.full((48, 48, 3), value, np.uint8))
    data = read_labelled(tmp_path / "crops", "fer7")
    blind = FakeDetector(Faces.none())
    assert evaluate(model, blind, data, labels="fer7", faces="crop").figures["accuracy"] == 1
    assert evaluate(model, blind, data, labels="fer7", faces="detect").figures["unanswered"] == 3


def test_wrong_words_are_refused(model: OnnxRecogniser, tmp_path: Path) -> None:
    save(tmp_path / "crops" / "sad" / "a.png", np.zeros((48, 48, 3), np.uint8))
    data = read_labelled(tmp_path / "crops", "fer7")
    with pytest.raises(UsageError, match="crop or detect"):
        evaluate(model, FakeDetector(), data, labels="fer7", faces="all")
    with pytest.raises(UnknownName, match="auto, blend, votes"):
        evaluate(model, FakeDetector(), data, labels="fer7", head="none")
