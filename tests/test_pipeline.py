"""What the road from frames to results keeps to: its limits, and the options to the letter."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

import mien
from mien import pipeline
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from mien.types import Emotions, Faces, Frame, Image

IMAGE, _ = planted_picture([((10, 10, 60, 60), "happy")], (100, 80))


class Counting(FakeRecogniser):
    """Remembers how many crops came together."""

    def __init__(self) -> None:
        super().__init__()
        self.together: list[int] = []

    def __call__(self, crops: Image, /) -> Emotions:
        self.together.append(len(crops))
        return super().__call__(crops)


def frames(count: int, read: list[int]) -> Iterator[Frame]:
    for i in range(count):
        read.append(i)
        yield Frame(IMAGE, source=f"{i}.jpg")


def settled(read: list[int]) -> int:
    """How many were read once the thread waits."""
    before = -1
    while before != len(read):
        before = len(read)
        threading.Event().wait(0.05)
    return before


def test_large_pictures_do_not_wait_for_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of 24 kB where 60 kB may be held: three at a time to recognise, three that wait, and one in hand."""
    monkeypatch.setattr(pipeline, "MANY_BYTES", 60_000)
    recogniser, read = Counting(), list[int]()
    run = mien.Analyzer(detector=FakeDetector(), recogniser=recogniser, batch=16).run(frames(20, read))
    next(run)
    assert settled(read) <= 3 + 3 + 1
    assert len(list(run)) == 19
    assert recogniser.together == [3] * 6 + [2]


def test_a_face_as_sure_as_the_least_is_kept() -> None:
    found = Faces.without_points([[0, 0, 40, 40], [40, 0, 80, 40], [0, 40, 40, 80]], [0.59, 0.6, 0.9])
    analyzer = mien.Analyzer(detector=FakeDetector(found), recogniser=FakeRecogniser(), min_score=0.6)
    np.testing.assert_array_equal(analyzer.image(IMAGE).faces.scores, np.array([0.6, 0.9], np.float32))


def test_failures_are_those_of_the_last_loop(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    analysis = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser()).analyze([path, IMAGE])
    for _ in range(2):
        assert [result.source for result in iter(analysis)] == ["array[1]"]
        assert [failure.source for failure in analysis.failures] == [str(path)]
    Pil.fromarray(IMAGE).save(path)
    assert [result.source for result in iter(analysis)] == [str(path), "array[1]"]
    assert analysis.failures == []


def test_a_notebook_shows_some_of_many_pictures() -> None:
    analysis = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser()).analyze([IMAGE] * (pipeline.SHOWN + 3))
    page = analysis._repr_html_()
    assert page is not None
    assert page.count("<img ") == pipeline.SHOWN
    assert page.count("<tr>") == 1 + len(analysis) == 1 + pipeline.SHOWN + 3
