"""What a worker makes of a block: the rows of mien.analyze, and what is to be told."""

import pickle
from pathlib import Path

import pytest

from mien.cluster.work import Order, read_block
from mien.io.span import VideoSpan
from mien.models import registry
from mien.models.detectors import registry as detectors
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzer
from mien.testing import FakeDetector, FakeRecogniser
from tests.cluster.conftest import picture
from tests.io.clips import clip

FAKE = AnalyzeOptions(model="fake", detector="fake")


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._factories, "fake", lambda threads: FakeRecogniser())
    monkeypatch.setitem(detectors.DETECTORS, "fake", lambda variant, *, threads: FakeDetector())
    monkeypatch.setitem(detectors.VARIANTS, "fake", ())


def test_a_block_gives_the_rows_of_an_analysis(tmp_path: Path) -> None:
    names = [
        str(picture(tmp_path / "a.png")),
        str(tmp_path / "none.jpg"),
        str(clip(tmp_path / "b.mp4", 10)),
        str(picture(tmp_path / "c.png")),
    ]
    found = pickle.loads(pickle.dumps(read_block(Order(FAKE, VideoSpan(stride=2)), names)))
    analysis = Analyzer(FAKE).analyze(names, span=VideoSpan(stride=2))
    empty = dict.fromkeys(found.rows.columns)  # rows of pictures have no columns raw_*
    assert list(found.rows.rows()) == [empty | row for row in analysis.rows()]
    assert (found.frames, found.faces) == (len(analysis.results), sum(map(len, analysis.results)))
    assert found.faces > 0
    assert found.failures == ((names[1], f"{names[1]}: no such file"),)


def test_of_nothing_there_are_no_rows(tmp_path: Path) -> None:
    found = read_block(Order(FAKE), [str(tmp_path / "none.jpg")])
    assert (found.rows, found.frames, len(found.failures)) == (None, 0, 1)


def test_notes_on_pictures_come_along(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:-200])
    (notice,) = read_block(Order(FAKE), [str(path)]).notices
    assert notice.source == str(path)
    assert "truncated" in notice.message


def test_a_worker_without_the_model_says_so() -> None:
    found = read_block(Order(AnalyzeOptions(model="none-such")), ["a.jpg"])
    assert found.rows is None
    assert found.refused.startswith("unknown model 'none-such'")
