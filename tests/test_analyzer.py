"""What an Analyzer takes: options and parts are checked at the call, and it goes into other processes."""

import base64
import dataclasses
import inspect
import io
import multiprocessing
import os
import pickle
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from PIL import Image as Pil

import mien
from mien import loaded as loaded_models
from mien.errors import SourceMissing, UsageError
from mien.io.reading import Reading
from mien.io.sources import open_source
from mien.models.locate import BUNDLED
from mien.options import AnalyzeOptions, Changes, Keywords
from mien.testing import FakeDetector, FakeRecogniser, planted_picture

IMAGE, _ = planted_picture([((40, 30, 90, 80), "happy")], (160, 120))


def fake(**options: Any) -> mien.Analyzer:
    return mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser(), **options)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "reading": ({"spn": 3}, r"unknown option spn; there are: .*recursive, skip, span"),
    "limits": ({"limits": 3}, r"limits: found int 3, wanted an ImageLimits"),
    "span": ({"span": 3}, r"span: found int 3, wanted a VideoSpan"),
    "ahead": ({"ahead": "2"}, r"ahead: found str '2', wanted a whole number"),
    "allow_private": ({"allow_private": "false"}, r"allow_private: found str 'false', wanted True or False"),
}
WRONG_OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "name": ({"thread": 3}, r"unknown option thread; there are: affect, .*batch, .*threads"),
    "model": ({"model": 3}, r"model: found int 3, wanted a name"),
    "threads": ({"threads": "2"}, r"threads: found str '2', wanted a whole number"),
    "min_score": ({"min_score": "x"}, r"min_score: found str 'x', wanted a number"),
    "track": ({"track": True}, r"track: found bool True, wanted a TrackOptions"),
    "unsure": ({"unsure": "never"}, r"unsure: found str 'never', wanted an UnsureRules"),
    "detector": ({"detector": 3}, r"detector: found int 3, wanted a name or a callable"),
    "no crop": ({"recogniser": lambda crops: crops}, r"recogniser: has no `crop`; wanted a mien.CropSpec there"),
    "recogniser": ({"recogniser": "large"}, r"recogniser: found str 'large', wanted a callable; .*model="),
}


@pytest.mark.parametrize("case", WRONG)
def test_how_to_read_is_checked_at_the_call(case: str) -> None:
    options, says = WRONG[case]
    for call in (fake().analyze, fake().stream, mien.analyze):
        with pytest.raises(UsageError, match=says):
            call(IMAGE, **options)


@pytest.mark.parametrize("case", WRONG_OPTIONS)
def test_options_are_checked_at_the_call(case: str) -> None:
    options, says = WRONG_OPTIONS[case]
    with pytest.raises(UsageError, match=says):
        mien.Analyzer(**options)
    with pytest.raises(UsageError, match=says):
        mien.analyze(IMAGE, **options)


def test_no_detector_is_refused_where_a_name_is_wanted() -> None:
    with pytest.raises(UsageError, match="detector: found NoneType None, wanted a name"):
        mien.analyze(IMAGE, detector=None)  # type: ignore[typeddict-item]
    with pytest.raises(UsageError, match="options: found str 'large', wanted an AnalyzeOptions"):
        mien.Analyzer("large")  # type: ignore[arg-type]


def test_an_unknown_option_of_analyze_is_told_with_all_there_are() -> None:
    with pytest.raises(UsageError, match=r"unknown option thread; there are: .*detector, .*recogniser, .*span"):
        mien.analyze(IMAGE, thread=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"every": 0.5}, "every is a field of span: span=mien.VideoSpan(every=...); there are:"),
        ({"stride": 5}, "stride is a field of span: span=mien.VideoSpan(stride=...);"),
        ({"baseline": (0, 1)}, "baseline is a field of track: track=mien.TrackOptions(baseline=...);"),
        ({"min_size": 40}, "min_size is a field of unsure: unsure=mien.UnsureRules(min_size=...);"),
        ({"max_side": 40}, "max_side is a field of limits: limits=mien.ImageLimits(max_side=...);"),
        ({"detector_backend": "mtcnn"}, "for detector_backend give detector=...;"),
        (
            {"batch_size": 4, "skip_frames": 3},
            "for batch_size give batch=...; skip_frames is a field of span: span=mien.VideoSpan(stride=...);",
        ),
    ],
)
def test_options_that_stand_elsewhere_are_told_where(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        mien.analyze(IMAGE, **given)


def test_the_place_of_every_field_of_an_option_is_told() -> None:
    for option, kind in get_type_hints(Keywords).items():
        for field in dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ():
            if field.name not in get_type_hints(Keywords):
                with pytest.raises(UsageError, match=re.escape(rf"{option}=mien.{kind.__name__}({field.name}=...);")):  # type: ignore[union-attr]
                    mien.analyze(IMAGE, **{field.name: 1})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "given", "says"),
    [
        (fake, {"span": mien.VideoSpan()}, "unknown option span; span is an option of analyze and stream;"),
        (fake, {"every": 1}, "span=mien.VideoSpan(every=...), span is an option of analyze and stream;"),
        (lambda **given: fake().analyze(IMAGE, **given), {"threads": 3}, "unknown option threads; threads is an option of mien.Analyzer;"),
        (
            lambda **given: fake().stream(IMAGE, **given),
            {"batch_size": 3},
            "for batch_size give batch=..., batch is an option of mien.Analyzer;",
        ),
    ],
    ids=["span", "every", "threads", "batch_size"],
)
def test_options_of_another_call_are_told_whose_they_are(call: Any, given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        call(**given)


def test_one_picture_is_given_as_a_path_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.png"
    Pil.fromarray(IMAGE).save(path)
    analyzer = fake()
    for given, source in ((path, str(path)), (str(path), str(path)), (path.read_bytes(), ""), (IMAGE, "")):
        result = analyzer.image(given)
        assert (result.source, result.emotions.top) == (source, ["happy"])
    assert caplog.messages == []
    assert len(analyzer.image(IMAGE // 255 | 1)) == 0
    assert caplog.messages[0].startswith("picture: no value is above 1 of 255")
    with pytest.raises(SourceMissing, match="no such file"):
        analyzer.image(tmp_path / "none.png")


FRAME = mien.Frame(IMAGE, stream=True)


@pytest.mark.parametrize("wrong", [IMAGE, "clip.mp4", None, FRAME.image.tolist()], ids=["array", "path", "nothing", "list"])
@pytest.mark.parametrize("batch", [1, 4])
def test_what_is_no_frame_is_refused(wrong: Any, batch: int) -> None:
    says = "wanted mien.Frame.*; paths and arrays are for analyzer.analyze and stream, and a frame of a video of your own is mien.Frame"
    with pytest.raises(UsageError, match=f"frames: found .*{says}"):
        fake().frames([FRAME, wrong])
    run = fake().run([FRAME, wrong, FRAME], batch=batch)
    with pytest.raises(UsageError, match=f"frames: found .*{says}"):
        list(run)


@pytest.mark.parametrize("batch", [0, -3, "a", 1.5, None])
def test_frames_that_are_taken_together_are_a_number(batch: Any) -> None:
    if batch is None:
        assert [type(item) for item in fake().run([FRAME], batch=batch)] == [mien.Analyzed]
        return
    with pytest.raises(UsageError, match=r"batch"):
        fake().run([FRAME], batch=batch)


def test_a_data_uri_is_a_picture_of_its_own() -> None:
    file = io.BytesIO()
    Pil.fromarray(IMAGE).save(file, "PNG")
    uri = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    assert fake().image(uri).emotions.top == ["happy"]
    assert [result.source for result in fake().analyze([IMAGE, uri])] == ["array[0]", "data[1]"]


def test_the_keywords_are_those_of_what_they_reach() -> None:
    asked = inspect.signature(open_source).parameters
    assert list(get_type_hints(Reading)) == [name for name in asked if name != "inputs"]
    fields = {name for name in get_type_hints(AnalyzeOptions) if name != "detector"}
    assert set(get_type_hints(Changes)) == fields
    kept = {name: get_type_hints(AnalyzeOptions)[name] for name in fields}
    assert get_type_hints(Changes) == kept | {"model": str | os.PathLike[str]}  # a path is kept as text


def test_a_model_is_named_by_a_path_too() -> None:
    file = BUNDLED / "tiny.onnx"
    text = mien.Analyzer(model=str(file), detector="whole")
    path = mien.Analyzer(model=file, detector="whole")
    assert path.options == text.options == mien.AnalyzeOptions(model=file, detector="whole")  # type: ignore[arg-type]
    assert mien.Inference(file, "whole").analyzer.model == path.model == "tiny"
    assert hash(path.options) == hash(text.options)


def test_a_list_is_as_good_as_a_tuple() -> None:
    options = mien.TrackOptions(baseline=[0, 1])  # type: ignore[arg-type]
    assert options == mien.TrackOptions(baseline=(0, 1))
    assert mien.analyze(IMAGE, track=options).rows() == mien.analyze(IMAGE, track=mien.TrackOptions(baseline=(0, 1))).rows()


def test_an_analyzer_of_names_is_made_anew_elsewhere() -> None:
    analyzer = mien.Analyzer(detector="haar", threads=1, batch=3)
    again = pickle.loads(pickle.dumps(analyzer))
    assert again.options == analyzer.options
    assert again.model == analyzer.model
    assert len(pickle.dumps(analyzer)) < 2000


def test_parts_of_ones_own_go_along() -> None:
    again = pickle.loads(pickle.dumps(fake(batch=3)))
    assert again.image(IMAGE).emotions.top == ["happy"]
    assert again.options.batch == 3


def test_a_part_that_cannot_go_is_named() -> None:
    analyzer = mien.Analyzer(detector=lambda image: mien.Faces.none(), recogniser=FakeRecogniser())
    with pytest.raises(UsageError, match=r"detector .*<lambda> cannot be pickled \(.*\); give it by a registered name, or make"):
        pickle.dumps(analyzer)


def test_models_are_loaded_once_however_many_threads_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[AnalyzeOptions] = []

    class Loading:
        def __init__(self, options: AnalyzeOptions) -> None:
            made.append(options)
            time.sleep(0.001)  # others come in between

    monkeypatch.setattr(loaded_models, "Analyzer", Loading)
    loaded = loaded_models.LoadedAnalyzers()
    wanted = [AnalyzeOptions(batch=n) for n in range(1, loaded_models.KEPT_ANALYZERS + 1)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(loaded.get, wanted * 8))
    assert len(made) == len(set(found)) == len(wanted)
    again = [loaded.get(options) for options in wanted]
    assert again == found[: len(wanted)]
    loaded.get(AnalyzeOptions(batch=99))  # now the longest unused is gone, and it alone
    assert loaded.get(wanted[1]) is again[1]
    assert loaded.get(wanted[0]) is not again[0]


def test_analyze_may_be_called_from_any_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded_models, "Analyzer", lambda options: object())
    monkeypatch.setattr(loaded_models, "_loaded", loaded_models.LoadedAnalyzers())
    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: loaded_models._shared(batch=1 + n % 9), range(20_000)))
    finally:
        sys.setswitchinterval(often)


def test_a_pool_of_processes() -> None:
    analyzer = fake()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(analyzer.image, [IMAGE] * 3)
    assert [result.emotions.top for result in results] == [["happy"]] * 3


def test_loaded_models_wait_for_no_others_and_a_fork_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def load(options: AnalyzeOptions) -> object:
        if options.batch == 2 and not loading.is_set():
            loading.set()
            assert go_on.wait(30)
        return object()

    monkeypatch.setattr(loaded_models, "Analyzer", load)
    loaded = loaded_models.LoadedAnalyzers()
    first = loaded.get(AnalyzeOptions(batch=1))
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(loaded.get, AnalyzeOptions(batch=2))
        assert loading.wait(30)
        assert pool.submit(loaded.get, AnalyzeOptions(batch=1)).result(30) is first
        loaded.renew_locks()  # as the child of a fork does, in which nobody goes on loading
        assert pool.submit(loaded.get, AnalyzeOptions(batch=2)).result(30) is not None
        go_on.set()
        slow.result(30)
