"""The results of a run: each picture is analysed once however they are asked for, and none is lost without a word."""

import gc
import io
import re
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from PIL import Image as Pil

import mien
from mien.errors import ExtraMissing, SourceMissing, SourceUnreadable, UsageError
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from tests.io.clips import clip

PICTURES = [planted_picture([((10 + i, 10, 60 + i, 60), "happy")], (100, 80))[0] for i in range(5)]
SOURCES = [f"array[{i}]" for i in range(5)]


class Counting(FakeDetector):
    """Counts the pictures it was called with."""

    calls = 0

    def __call__(self, image: mien.types.Image, /) -> mien.Faces:
        self.calls += 1
        return super().__call__(image)


@pytest.fixture
def detector() -> Counting:
    return Counting()


@pytest.fixture
def analyse(detector: Counting) -> Callable[..., mien.Analysis]:
    return mien.Analyzer(detector=detector, recogniser=FakeRecogniser(), batch=2).analyze


def sources(results: Iterable[mien.Result]) -> list[str]:
    return [result.source for result in results]


WAYS: dict[str, Callable[[mien.Analysis], Iterable[mien.Result]]] = {
    "list": list,
    "tuple": tuple,
    "sorted": lambda a: sorted(a, key=lambda result: result.source),
    "star": lambda a: [*a],
    "comprehension": lambda a: [result for result in a],  # noqa: C416
    "extend": lambda a: [].__iadd__(a),  # type: ignore[arg-type]
    "results": lambda a: a.results,
    "items": lambda a: [a[i] for i in range(len(a.results))],
    "unpacked": lambda a: (lambda *each: each)(*a),
}


@pytest.mark.parametrize("given", [list, iter], ids=["list", "iterator"])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_all_and_analyses_each_once(way: str, given: Any, detector: Counting, analyse: Any) -> None:
    assert sources(WAYS[way](analyse(given(PICTURES)))) == SOURCES
    assert detector.calls == len(PICTURES)


def test_what_was_kept_is_not_read_again(detector: Counting, analyse: Any) -> None:
    analysis = analyse(iter(PICTURES))
    kept = analysis.results
    assert list(analysis) == kept
    assert (len(analysis), len(analysis.rows()), analysis[-1]) == (5, 5, kept[-1])
    assert "array[0]" in analysis._repr_html_()
    assert detector.calls == len(PICTURES)


def test_a_notebook_shows_what_was_kept_without_analysing_it_again(detector: Counting, analyse: Any, tmp_path: Path) -> None:
    for i, picture in enumerate(PICTURES * 2):
        Pil.fromarray(picture).save(tmp_path / f"{i}.png")
    (tmp_path / "3.png").write_bytes(b"nothing")
    analysis = analyse(tmp_path)
    first = analysis._repr_html_()
    assert detector.calls == 9
    assert analysis._repr_html_() == first
    assert first.count("<img ") == 8
    analysis = analyse(tmp_path)
    analysis.rows()
    (tmp_path / "0.png").unlink()
    shown = analysis._repr_html_()
    assert detector.calls == 18
    assert [i for i in range(10) if f'title="{tmp_path / str(i)}.png"' in shown] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert [str(failure.source) for failure in analysis.failures] == [f"{tmp_path}/3.png"]


def test_a_loop_reads_anew_and_its_length_is_known_after_it(detector: Counting, analyse: Any) -> None:
    analysis = analyse(PICTURES)
    assert [sources(result for result in analysis) for _ in range(2)] == [SOURCES, SOURCES]
    assert detector.calls == 10
    assert len(analysis) == 5
    assert detector.calls == 10


def test_a_progress_bar_around_a_loop_has_nothing_read_first(detector: Counting, analyse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bars = pytest.importorskip("tqdm")
    monkeypatch.setattr(bars.tqdm, "monitor_interval", 0)  # it would leave a thread
    for known in (list, iter):
        detector.calls = 0
        for result in bars.tqdm(analyse(known(PICTURES * 10), ahead=0), disable=True):
            assert result.source == "array[0]"
            assert detector.calls < 10  # a batch of 2, and what is looked at meanwhile
            break


def test_how_many_there_are_is_not_said_before_it_is_known(detector: Counting, analyse: Any) -> None:
    analysis = analyse(PICTURES)
    assert analysis
    with pytest.raises(TypeError, match=r"known when all were read: ask len\(analysis\.results\)"):
        len(analysis)
    assert detector.calls == 0
    assert len(analysis.results) == len(analysis) == 5


def test_the_only_outcome_is_raised_and_not_logged_as_well(analyse: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    none, other = str(tmp_path / "none.jpg"), str(tmp_path / "other.jpg")
    with pytest.raises(SourceMissing, match=r"none\.jpg"):
        analyse(none).rows()
    assert caplog.messages == []
    with pytest.raises(SourceMissing, match=r"none\.jpg"):
        analyse([none, other]).rows()
    assert [message.partition(": ")[0] for message in caplog.messages] == [none, other]
    caplog.clear()
    assert len(analyse([none, PICTURES[0], other]).rows()) == 1
    assert [message.partition(": ")[0] for message in caplog.messages] == [none, other]


def test_what_a_notebook_prints_of_an_analysis_holds_no_picture(analyse: Any) -> None:
    file = io.BytesIO()
    Pil.fromarray(PICTURES[0]).save(file, "PNG")
    data = file.getvalue()
    for given in (data, bytearray(data), [data] * 1000, PICTURES, PICTURES[0], "x" * 100_000):
        assert len(repr(analyse(given))) < 400
    assert repr(analyse(data)) == f"<Analysis of {len(data):,} bytes: iterate it, or use .rows(), .results, .failures>"
    assert "'a.jpg'" in repr(analyse(["a.jpg", "b.jpg"]))
    assert repr(mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())) == "<Analyzer fake, FakeDetector>"
    assert repr(mien.Analyzer(detector="whole", model="tiny")) == "<Analyzer tiny, whole>"
    assert repr(mien.Inference("tiny", "whole")) == "<Inference 'img' of <Analyzer tiny, whole>>"


def test_after_a_loop_that_was_left_all_are_read(analyse: Any) -> None:
    analysis = analyse(PICTURES)
    for _ in analysis:
        break
    assert sources(analysis.results) == SOURCES


def test_a_file_object_is_read_once(analyse: Any, detector: Counting) -> None:
    file = io.BytesIO()
    Pil.fromarray(PICTURES[0]).save(file, "PNG")
    file.seek(0)
    analysis = analyse(file)
    assert sources(analysis.results) == sources(list(analysis)) == ["file[0]"]
    assert detector.calls == 1
    with pytest.raises(UsageError, match="read only once"):
        next(analysis.pairs())
    with pytest.raises(SourceUnreadable, match="or one that was read to its end before"):
        list(analyse([file]))


@pytest.mark.parametrize("again", [list, lambda a: a.results, lambda a: a.rows(), lambda a: list(a.pairs())])
def test_an_iterator_that_was_begun_is_not_taken_for_the_whole(again: Any, analyse: Any) -> None:
    analysis = analyse(iter(PICTURES))
    for _ in analysis:
        break
    with pytest.raises(UsageError, match=r"an iterator or a file object, which can be read only once.*\.results"):
        again(analysis)


def test_the_length_of_an_iterator_that_was_read(analyse: Any) -> None:
    analysis = analyse(iter(PICTURES))
    assert sources(result for result in analysis) == SOURCES
    assert len(analysis) == 5
    assert analysis._repr_html_() is None
    with pytest.raises(UsageError, match="only once"):
        _ = analysis.results


def test_a_fault_in_a_part_of_ones_own_is_not_hidden_by_list() -> None:
    def broken(image: Any, /) -> mien.Faces:
        raise TypeError("no such thing")

    analyzer = mien.Analyzer(detector=broken, recogniser=FakeRecogniser())
    for given in (PICTURES, iter(PICTURES)):
        with pytest.raises(TypeError, match="no such thing"):
            list(analyzer.analyze(given))


def test_a_loop_keeps_nothing(analyse: Any) -> None:
    seen: list[weakref.ref[Any]] = []
    alive: list[int] = []

    def pictures() -> Iterator[Any]:
        for _ in range(40):
            picture = PICTURES[0].copy()
            seen.append(weakref.ref(picture))
            yield picture

    for _ in analyse(pictures()):
        gc.collect()
        alive.append(sum(ref() is not None for ref in seen))
    assert max(alive) < 15


def test_what_cannot_be_read_is_told_by_list_too(tmp_path: Path, analyse: Any) -> None:
    with pytest.raises(SourceMissing, match=r"none\.jpg"):
        list(analyse(str(tmp_path / "none.jpg")))
    analysis = analyse([str(tmp_path / "none.jpg"), np.zeros((8, 8, 3), np.uint8)])
    assert len(list(analysis)) == 1
    assert len(analysis.failures) == 1


def test_a_notebook_shows_frames_from_all_over_a_video(analyse: Any, tmp_path: Path) -> None:
    analysis = analyse(clip(tmp_path / "clip.mp4", 100, fps=25))
    page = analysis._repr_html_()
    assert [f"{n / 25:.2f}" for n in range(0, 100, 16)] == re.findall(r'title="[^"]*clip\.mp4 0:0([^"]*)"', page)


def test_the_table_as_a_dataframe(analyse: Any) -> None:
    analysis = analyse([PICTURES[0], np.zeros((40, 40, 3), np.uint8)])
    frame = analysis.to_pandas()
    kept = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert kept == analysis.rows()
    assert str(frame["face"].dtype) == "Int64"
    assert frame["emotion"].isna().tolist() == [False, True]
    assert mien.Timeline.from_pandas(pandas.concat([frame, frame]))["source"].tolist() == ["array[0]", "array[1]"] * 2


def test_a_dataframe_without_pandas_costs_no_analysis(detector: Counting, analyse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ExtraMissing, match="pip install pandas"):
        analyse(PICTURES).to_pandas()
    assert detector.calls == 0
