import json
from dataclasses import replace
from pathlib import Path, PurePath

import av
import numpy as np
import pytest

from mien.errors import UsageError
from mien.sinks.pictures import FolderSink
from mien.sinks.registry import Sinks, open_sink
from mien.sinks.resume import NOTHING, SoFar, so_far
from mien.sinks.sink import Sink
from mien.table import COLUMNS
from mien.testing import make_result
from mien.types import Frame, Result
from tests.io.clips import clip, stamped
from tests.store.recording import FRAME

NAMES = ("a.jpg", 'odd "name",\nwith a line end.jpg', "лицо.jpg")


def write(sink, names) -> None:
    """A row, two and none by turns."""
    for name in names:
        shown = [("happy",), ("sad", "fear"), ()][NAMES.index(name)]
        sink.write(Frame(FRAME.image, source=name), make_result(shown, source=name))


def fill(path: Path, names=NAMES, done: SoFar = NOTHING) -> bytes:
    """Write a table, or go on with it."""
    with open_sink(path, done=done) as sink:
        write(sink, names)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_wherever_a_table_was_cut_off_another_run_gives_the_whole_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    whole = fill(path, NAMES)
    ends = {len(fill(tmp_path / f"y{suffix}", NAMES[:n])) for n in (1, 2, 3)}
    seen = set()
    for end in [*range(0, len(whole), 7), len(whole)]:
        path.write_bytes(whole[:end])
        found = so_far(path, COLUMNS)
        assert found.kept <= end
        assert found.kept == 0 or found.kept in ends
        assert found.sources == NAMES[: len(found.sources)]
        assert len(found.sources) < len(NAMES)  # of the last there may be more
        seen.add(len(found.sources))
        assert fill(path, NAMES[len(found.sources) :], found) == whole
    assert seen == {0, 1, 2}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_rows_go_behind_those_that_stay(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    whole = fill(path)
    found = so_far(path, COLUMNS)  # a whole table, too, may be one that lacks rows of its last input
    assert (found.sources, found.streams, found.model, found.last) == (NAMES[:2], frozenset(), "fake", NAMES[2])
    with open_sink(path, done=found) as sink:
        assert sink.what == ""
        assert path.read_bytes() == whole  # until there is a result
        write(sink, NAMES[2:])
        assert sink.what == f"{path} (continued)"
    assert path.read_bytes() == whole


def test_no_table_is_nothing(tmp_path: Path) -> None:
    assert so_far(tmp_path / "x.csv", COLUMNS) == NOTHING
    (tmp_path / "x.csv").touch()
    assert so_far(tmp_path / "x.csv", COLUMNS) == NOTHING
    fill(tmp_path / "y.csv", NAMES[:1])
    assert so_far(tmp_path / "y.csv", COLUMNS) == NOTHING


def test_what_cannot_be_gone_on_with_is_told(tmp_path: Path) -> None:
    def told(name: str, content: bytes, columns=COLUMNS) -> str:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError) as error:
            so_far(tmp_path / name, columns)
        return str(error.value).removeprefix(f"{tmp_path / name}: ")

    whole = fill(tmp_path / "whole.csv")
    assert told("x.parquet", b"PAR1") == "cannot be gone on with; wanted a table that grows row by row, .csv or .jsonl"
    assert told("x.csv", b"image_path,emotion\na,b\n").startswith("has other columns than this run would write")
    assert told("x.csv", whole, COLUMNS | {"delta_valence": float}).startswith("has other columns")
    assert "saved by another program" in told("x.csv", whole.replace(b"\n", b"\r\n"))
    assert "saved by another program" in told("x.csv", b"\xef\xbb\xbf" + whole)
    assert told("x.jsonl", json.dumps({"a": 1}).encode() + b"\n").startswith("has other columns")
    for line in ("[1, 2]", "5", "null", "true"):
        assert f"or damaged (a line is {line}, wanted an object); name another file" in told("x.jsonl", line.encode() + b"\n")
    for line, cells in ((b"a.jpg,0", 2), (b"", 0), (whole.split(b"\n")[1] + b",more", len(COLUMNS) + 1)):
        assert told("x.csv", whole.split(b"\n")[0] + b"\n" + line + b"\n" + whole) == (
            f"not a table of mien's, or damaged (a row has {cells} cells, wanted {len(COLUMNS)}); name another file"
        )
    assert told("x.jsonl", b"nonsense\n").startswith("not a table of mien's, or damaged (")
    assert told("x.csv", b"\xff\xfe\n").startswith("not a table of mien's, or damaged (")
    first = whole.split(b"\n")[1] + b"\n"
    twice = whole.split(b"\n")[0] + b"\n" + first + first.replace(b"a.jpg", b"b.jpg") + first
    assert told("x.csv", twice) == "has rows of a.jpg in two places; this table cannot be gone on with, name another one"


def test_videos_are_told_from_pictures_by_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with open_sink(path) as sink:
        for name, ids in (("clip", [3]), ("a.jpg", None), ("last.jpg", None)):
            result = make_result(("happy",), source=name)
            sink.write(Frame(FRAME.image, source=name), replace(result, faces=replace(result.faces, ids=ids and np.array(ids))))
    assert so_far(path, COLUMNS).streams == {"clip"}


def test_a_folder_gives_the_names_that_the_whole_run_would_have_given(tmp_path: Path) -> None:
    done = SoFar(1, ("a/clip", "a/p.jpg"), frozenset({"a/clip"}))
    sink = FolderSink(tmp_path / "out", drawer=lambda image, result: image, table=None, done=done)
    for name in ("b/clip.mp4", "b/p.jpg"):
        free = sink._free_name(PurePath(name).name, stream=name.endswith(".mp4"))
        assert str(free) == {"clip.mp4": "clip.mp4.mp4", "p.jpg": "p-2.jpg"}[PurePath(name).name]


@pytest.mark.parametrize("name", ["clip.mov", "clip"])
def test_a_video_of_one_row_is_not_overwritten_by_another(tmp_path: Path, name: str) -> None:
    """With --every 100 a short video has a single row, and where nobody is in it that looks like a picture's."""
    sources = [str(clip(tmp_path / name, 5, file_format="mov")), str(clip(tmp_path / "clip.mp4", 5)), str(clip(tmp_path / "last.mp4", 5))]

    def run(folder: str, inputs: list[str], done: SoFar = NOTHING) -> list[str]:
        with open_sink(f"{tmp_path / folder}/", inputs=sources, done=done) as sink:
            for source in inputs:
                sink.write(Frame(stamped(sources.index(source)), source=source, stream=True), make_result((), source=source, size=(64, 48)))
        return sorted(path.name for path in (tmp_path / folder).iterdir())

    whole = run("whole", sources)
    assert run("halves", sources[:2]) == [file for file in whole if file != "last.mp4"]
    done = so_far(tmp_path / "halves" / "results.csv", COLUMNS)
    assert (done.sources, done.last) == (tuple(sources[:1]), sources[1])
    first = (tmp_path / "halves" / "clip.mp4").read_bytes()
    assert run("halves", sources[1:], done) == whole
    assert (tmp_path / "halves" / "clip.mp4").read_bytes() == first


def test_a_video_is_whole_before_the_next_input_has_a_row(tmp_path: Path) -> None:
    """Or a run that is killed between leaves one that is cut, and the next takes it for done."""
    ended: list[str] = []

    class Table(Sink):
        what = ""

        def write(self, frame: Frame, result: Result, /) -> None:
            if frame.source == "next.jpg":
                with av.open(str(tmp_path / "out" / "film.mp4")) as video:
                    ended.append(f"{len(list(video.decode(video=0)))} frames")

    image = np.zeros((48, 64, 3), np.uint8)
    sinks = Sinks([Table(), FolderSink(tmp_path / "out", drawer=lambda image, result: image, table=None)])
    with sinks:
        for i in range(5):
            frame = Frame(image, index=i, time=i / 5, source="film.mp4", stream=True)
            sinks.write(frame, replace(make_result((), source="film.mp4"), index=i, time=i / 5))
        sinks.write(Frame(image, source="next.jpg"), make_result((), source="next.jpg"))
    assert ended == ["5 frames"]
