"""Features of the faces of a picture: beside the result that `image` gives, by the network's own file alone."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image as Pillow

import mien
from mien.errors import SourceMissing, UsageError
from mien.models.features import Features
from mien.models.landmarks import crop_points
from mien.testing import FakeDetector, FakeRecogniser
from mien.vision.align import align

GROUP = Path(__file__).parents[1] / "examples" / "group.jpg"


@pytest.fixture(scope="module")
def analyzer() -> mien.Analyzer:
    return mien.Analyzer(model="tiny", threads=1)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    with Pillow.open(GROUP) as opened:
        return np.asarray(opened.convert("RGB"))


def test_they_are_a_row_a_face_in_the_order_of_the_result(analyzer, picture):
    """Against the crops cut by hand, each alone through the network."""
    result, features = analyzer.features(picture)
    assert features.shape == (4, 256)
    assert features.dtype == np.float32
    crops = align(picture, crop_points(result.faces, analyzer.detector), analyzer.recogniser.crop)
    see = Features(analyzer.recogniser, threads=1)
    assert_array_equal(features, np.concatenate([see(crop[None]) for crop in crops]))
    assert len(np.unique(features, axis=0)) == 4


def test_the_result_beside_them_is_that_of_image(analyzer):
    one, two = analyzer.image(GROUP), analyzer.features(GROUP)[0]
    assert two.rows() == one.rows()
    assert two.source == str(GROUP)


def test_a_picture_is_searched_once_and_read_once(analyzer, monkeypatch):
    searched = []
    monkeypatch.setattr(analyzer, "detector", lambda image: searched.append(image.shape) or mien.Faces.none())
    monkeypatch.setattr(type(analyzer.recogniser), "outputs", lambda *given: pytest.fail("the network was run for the emotions alone"))
    result, features = analyzer.features(np.zeros((50, 60, 3), np.uint8))
    assert searched == [(50, 60, 3)]
    assert (len(result), features.shape) == (0, (0, 256))


def test_who_never_asks_loads_nothing_for_them(monkeypatch):
    quiet = mien.Analyzer(model="tiny", threads=1)
    monkeypatch.setattr("mien.models.features.open_session", lambda *given, **options: pytest.fail("a second network was loaded"))
    assert len(quiet.image(GROUP)) == 4


def test_they_need_neither_onnx_nor_torch():
    program = (
        "import sys; sys.modules |= dict.fromkeys(('onnx', 'torch', 'sklearn'));"
        f"import mien; print(mien.Analyzer(model='base', threads=1).features({str(GROUP)!r})[1].shape)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "(4, 768)\n"), done.stderr


def test_what_has_none_says_so_in_one_line(analyzer):
    own = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    with pytest.raises(UsageError, match=r"^features: recogniser '\w+' is code and has no network to look into; wanted a model"):
        own.features(np.zeros((50, 60, 3), np.uint8))
    own.recogniser.card = dataclasses.replace(analyzer.recogniser.card, frames=3, frame_seconds=0.1)
    sequences = mien.Analyzer(detector=FakeDetector(), recogniser=own.recogniser)
    with pytest.raises(UsageError, match=r"^features: model 'tiny' reads sequences of 3 crops, .*; wanted a model of single faces$"):
        sequences.features(np.zeros((50, 60, 3), np.uint8))
    with pytest.raises(SourceMissing, match=r"none\.jpg: no such file"):
        analyzer.features("none.jpg")
