"""What detectors, recognisers and drawers of one's own give is checked before it is reported."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien
from mien.errors import CardInvalid, MienError, ModelError, UsageError
from mien.models import registry
from mien.models.detectors import registry as detectors
from mien.models.recogniser import OnnxRecogniser
from mien.part_checks import checked_emotions
from mien.sinks.pictures import PictureSink
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from mien.types import Emotions, Faces

IMAGE, _ = planted_picture([((40, 30, 90, 80), "happy")], (160, 120))
TWO = ("happy", "sad")


class Gives(FakeRecogniser):
    """A recogniser that gives something else."""

    name = "mine"

    def __init__(self, what: Callable[[int], Any]) -> None:
        super().__init__()
        self.what = what

    def __call__(self, crops: Any) -> Any:
        return self.what(len(crops))


def box(*xyxy: float, score: float = 0.9) -> Faces:
    return Faces.without_points([xyxy], np.array([score], np.float32))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (lambda n: None, "recogniser 'mine' gave None; wanted mien.Emotions"),
        (lambda n: np.zeros((n, 2)), r"recogniser 'mine' gave float64 \(1, 2\); wanted mien.Emotions"),
        (lambda n: Emotions(TWO, np.full((n + 1, 2), 0.5)), "gave 2 answers for 1 crops; wanted one each"),
        (lambda n: Emotions(TWO, np.full((n, 2), 4.0)), r"gave the probabilities \[4.0, 4.0\]; wanted numbers of 0 and more that sum to 1"),
        (lambda n: Emotions(TWO, np.array([[1.5, -0.5]])), r"gave the probabilities \[1.5, -0.5\]"),
        (lambda n: Emotions(TWO, np.full((n, 2), np.nan)), r"gave the probabilities \[nan, nan\]"),
        (lambda n: Emotions(TWO, np.full((n, 2), 0.5), np.array([[9.0, 0.0]])), r"gave the valence and arousal \[9.0, 0.0\]; wanted -1..1"),
    ],
)
def test_what_a_recogniser_gives_is_checked(what, says: str) -> None:
    analyzer = mien.Analyzer(detector=FakeDetector(), recogniser=Gives(what))
    with pytest.raises(UsageError, match=says):
        analyzer.image(IMAGE)


def test_missing_valence_and_arousal_are_no_fault() -> None:
    gives = Gives(lambda n: Emotions(TWO, np.full((n, 2), 0.5), np.full((n, 2), np.nan)))
    assert len(mien.Analyzer(detector=FakeDetector(), recogniser=gives).image(IMAGE)) == 1


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (None, "detector 'function' gave None; wanted mien.Faces"),
        ([1], r"detector 'function' gave list \[1\]; wanted mien.Faces"),
        (box(1, 2, np.nan, 4), "gave a box of .*nan.*; wanted pixels"),
        (box(1, 2, 30, np.inf), "gave a box of .*inf.*; wanted pixels"),
        (box(1, 2, 30, 40, score=5), "gave the score 5; wanted 0..1"),
        (box(1, 2, 30, 40, score=np.nan), "gave the score nan; wanted 0..1"),
    ],
)
def test_what_a_detector_gives_is_checked(what: Any, says: str) -> None:
    def function(image: Any) -> Any:
        return what

    with pytest.raises(UsageError, match=says):
        mien.Analyzer(detector=function, recogniser=FakeRecogniser()).image(IMAGE)


@pytest.mark.parametrize("gives", [lambda image: None, lambda image: image.astype(float), lambda image: image[..., 0]])
def test_what_a_drawer_gives_is_checked(gives: Callable[[Any], Any], tmp_path: Path) -> None:
    analyzer = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    frame = mien.Frame(IMAGE, source="a.png")
    with pytest.raises(MienError, match=r"drawer '<lambda>' gave .*; wanted a picture, uint8 \(height, width, 3\)"):
        PictureSink(tmp_path / "x.png", drawer=lambda image, result: gives(image)).write(frame, analyzer.frames([frame])[0])


def test_what_is_registered_is_checked() -> None:
    with pytest.raises(UsageError, match="factory of detector 'q': found int 3, wanted a callable"):
        mien.register_detector("q", 3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="factory of recogniser 'q': found int 3, wanted a callable"):
        mien.register_recogniser("q", 3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="recogniser name ''"):
        mien.register_recogniser("", lambda threads: FakeRecogniser())
    with pytest.raises(UsageError, match="recogniser name 'q:openvino': wanted one without a colon, which separates the runtime"):
        mien.register_recogniser("q:openvino", lambda threads: FakeRecogniser())
    with pytest.raises(UsageError, match="drawer name ''"):
        mien.register_drawer("", lambda image, result: image)
    with pytest.raises(UsageError, match="drawer 'q': found NoneType None, wanted a callable that gives a picture"):
        mien.register_drawer("q", None)  # type: ignore[arg-type]
    assert "q" not in mien.drawer_names()
    mien.register_detector("gives nothing", lambda variant, *, threads: None)  # type: ignore[arg-type,return-value]
    mien.register_recogniser("gives nothing", lambda threads: None)  # type: ignore[arg-type,return-value]
    try:
        with pytest.raises(UsageError, match="what the factory of detector 'gives nothing' gives: found NoneType None, wanted a detector"):
            detectors.detector("gives nothing")
        with pytest.raises(UsageError, match="what the factory of recogniser 'gives nothing' gives: found NoneType None"):
            registry.recogniser("gives nothing")
    finally:
        del detectors.DETECTORS["gives nothing"], registry._factories["gives nothing"]


def test_a_card_that_says_other_crops_than_its_file_is_told() -> None:
    card, beside = registry.cards()["tiny"]
    other = dataclasses.replace(card, crop=dataclasses.replace(card.crop, size=64))
    with pytest.raises(CardInvalid, match=r"takes crops of shape \(n, 36, 36, 1\); the card of 'tiny' says \(n, 64, 64, 1\)"):
        OnnxRecogniser(other, beside.parent / card.file)
    colour = dataclasses.replace(card, crop=dataclasses.replace(card.crop, colour="rgb"))
    with pytest.raises(CardInvalid, match=r"says \(n, 36, 36, 3\)"):
        OnnxRecogniser(colour, beside.parent / card.file)


def test_a_model_that_gives_no_numbers_is_a_wrong_file() -> None:
    model = registry.recogniser("tiny")
    wrong = Emotions(TWO, np.full((1, 2), np.nan))
    with pytest.raises(ModelError, match=r"'tiny' gave the probabilities .*; its file or its card is wrong \(mien models check tiny\)"):
        checked_emotions(wrong, model, 1)
