"""A target chooses its sink; what cannot be meant is refused before the work starts."""

import signal
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError, SinkError, UsageError
from mien.sinks import originals
from mien.sinks.baseline import after_baseline
from mien.sinks.parquet import ParquetSink
from mien.sinks.pictures import FolderSink, PictureSink
from mien.sinks.registry import OwnOutputs, Sinks, open_sink, open_sinks
from mien.sinks.sink import PictureNotWritten, Sink
from mien.sinks.tables import CsvSink, JsonLinesSink, StdoutSink
from mien.testing import make_result
from mien.types import Frame, Result

FRAME = Frame(np.zeros((480, 640, 3), np.uint8), source="a.jpg")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.csv", CsvSink),
        ("x.CSV", CsvSink),
        ("x.jsonl", JsonLinesSink),
        ("x.parquet", ParquetSink),
        ("x.jpg", PictureSink),
        ("x.JPEG", PictureSink),
        ("x.png", PictureSink),
        ("out", FolderSink),
        ("out.csv/", FolderSink),
        ("there.v2", FolderSink),
        ("-", StdoutSink),
    ],
)
def test_the_target_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: type[Sink]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.v2").mkdir()
    assert isinstance(open_sink(name), kind)


@pytest.mark.parametrize("name", ["x.xlsx", "x.avi", "", "a\0b.csv"])
def test_what_cannot_be_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SinkError) as caught:
        open_sink(name)
    assert isinstance(caught.value, UsageError)
    assert "\n" not in str(caught.value)
    if name.startswith("x"):
        assert all(known in str(caught.value) for known in (".csv", ".jsonl", ".parquet", ".jpg", ".png"))


def test_the_same_target_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named twice"):
        open_sinks([str(tmp_path / "x.csv"), f"{tmp_path}/./x.csv"])


def test_a_table_never_replaces_an_input(tmp_path: Path) -> None:
    odd = tmp_path / "really a picture.csv"
    odd.touch()
    with pytest.raises(UsageError, match="never overwritten"):
        open_sink(str(odd), inputs=[str(odd)])


def test_a_folder_has_a_table_of_its_own_only_without_another(tmp_path: Path) -> None:
    for targets, table in (([f"{tmp_path}/a/"], True), ([f"{tmp_path}/b/", f"{tmp_path}/t.csv"], False), ([f"{tmp_path}/c/", "-"], False)):
        with open_sinks(targets) as sinks:
            sinks.write(FRAME, make_result([], source="a.jpg"))
        assert (Path(targets[0]) / "results.csv").exists() == table
        assert (Path(targets[0]) / "a.jpg").exists()


def test_all_are_closed_whatever_happens() -> None:
    closed = []

    class Bad(Sink):
        what = "bad"

        def write(self, frame: Frame, result: Result, /) -> None: ...

        def close(self, *, finished: bool = True) -> None:
            closed.append(finished)
            raise SinkError("disk full")

    with pytest.raises(SinkError, match="disk full"), Sinks([Bad(), Bad()]):
        pass
    assert closed == [True, True]


def test_all_are_told_of_what_failed() -> None:
    told = []

    class Told(Sink):
        what = "told"

        def write(self, frame: Frame, result: Result, /) -> None: ...

        def failed(self, source: str, error: MienError, /) -> None:
            told.append((source, str(error)))

    class Deaf(Sink):
        what = "deaf"

        def write(self, frame: Frame, result: Result, /) -> None: ...

    with Sinks([Deaf(), Told(), after_baseline(Told(), (0, 1))]) as sinks:
        sinks.failed("a.mp4", SinkError("a.mp4: empty"))
    assert told == [("a.mp4", "a.mp4: empty")] * 2


def test_a_ctrl_c_does_not_keep_them_from_being_closed() -> None:
    """The first ended the work; one that comes while files are closed waits, and one more ends even that."""
    closed: list[str] = []

    class Slow(Sink):
        def __init__(self, name: str, *signals: int) -> None:
            self._name, self._signals = name, signals

        def write(self, frame: Frame, result: Result, /) -> None: ...

        def close(self, *, finished: bool = True) -> None:
            for number in self._signals:
                signal.raise_signal(number)
            closed.append(self._name)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        Sinks([Slow("a", signal.SIGINT), Slow("b")]).close()
        Sinks([Slow("c", signal.SIGTERM), Slow("d")]).close(finished=False)
        with pytest.raises(KeyboardInterrupt):
            Sinks([Slow("e", signal.SIGINT, signal.SIGINT), Slow("f")]).close()
    finally:
        signal.signal(signal.SIGINT, before)
    assert closed == ["a", "b", "c", "d"]


def test_only_what_was_written_is_named(tmp_path: Path) -> None:
    names = ["x.csv", "x.jsonl", "x.parquet", "x.html", "x.jpg"]
    sinks = open_sinks([str(tmp_path / name) for name in names])
    assert sinks.what == ""
    sinks.write(FRAME, make_result())
    assert sinks.what == ", ".join(str(tmp_path / name) for name in ("x.csv", "x.jsonl", "x.jpg"))  # as a kill finds it
    sinks.close()
    assert sinks.what == ", ".join(str(tmp_path / name) for name in names)
    film = open_sink(tmp_path / "x.mp4")
    film.close()
    assert film.what == ""


def test_own_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "deep").mkdir(parents=True)
    own = OwnOutputs([Path("out")], ["."])
    assert "./out/deep/a.jpg" in own
    assert str(tmp_path / "out" / "a.jpg") in own
    assert "./a.jpg" not in own
    assert "http://host/out/a.jpg" not in own
    assert "./out/deep/a.jpg" not in OwnOutputs([Path("out")], ["elsewhere/*.jpg"])


def test_the_others_get_their_rows_though_a_picture_fails(tmp_path: Path) -> None:
    frame = Frame(np.zeros((480, 640, 3), np.uint8), source="ф" * 127 + ".x.jpg")
    with open_sinks([f"{tmp_path}/out/", f"{tmp_path}/t.csv"]) as sinks, pytest.raises(PictureNotWritten):
        sinks.write(frame, make_result())
    assert (tmp_path / "t.csv").read_text("utf-8").count("\n") == 3


def test_what_lies_in_no_folder_is_nobodys_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    own = OwnOutputs([Path()], [".."])
    assert "a.jpg" in own
    assert "http://host/a.jpg" not in own
    assert "-" not in own


def test_outputs_that_the_volume_takes_for_one_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On volumes that do not tell capitals apart, nor é from e and an accent; on others they are two."""
    twins = [("Out.csv", "OUT.csv"), ("caf\u00e9.jsonl", "cafe\u0301.jsonl"), ("seen/", "Seen/")]
    for one, other in twins:
        open_sinks([f"{tmp_path}/other/{one}", f"{tmp_path}/other/{other}"]).close()
    found = originals._identity

    def whatever_the_spelling(path: str) -> tuple[int, int] | None:
        name, folder = unicodedata.normalize("NFC", Path(path).name).casefold(), Path(path).parent
        there = folder.iterdir() if folder.is_dir() else ()
        return next((found(entry) for entry in there if unicodedata.normalize("NFC", entry.name).casefold() == name), None)

    monkeypatch.setattr(originals, "_identity", whatever_the_spelling)
    for one, other in twins:
        with pytest.raises(UsageError, match="named twice as an output"):
            open_sinks([f"{tmp_path}/{one}", f"{tmp_path}/{other}"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "seen"]
