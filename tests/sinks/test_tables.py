"""CSV, JSON Lines and Parquet hold the same rows; what is written stays when the work breaks off."""

import csv
import json
import math
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from mien.errors import SinkError
from mien.labels import EMOTIONS
from mien.sinks.parquet import BATCH, ROW_GROUP, ParquetSink
from mien.sinks.tables import CsvSink, JsonLinesSink, StdoutSink, json_line
from mien.table import COLUMNS
from mien.testing import make_result
from mien.types import Emotions, Faces, Frame, Result

FRAME = Frame(np.zeros((480, 640, 3), np.uint8))


def read_csv(path: Path) -> list[dict[str, Any]]:
    """The rows with their types, by a reader that is not ours."""
    parse = {str: str, int: int, float: float, bool: lambda text: {"true": True, "false": False}[text]}
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: parse[COLUMNS[name]](text) if text else None for name, text in row.items()} for row in csv.DictReader(file)]


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def read_parquet(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def without_empty_text(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """CSV cannot tell an empty text from an empty cell."""
    return [{name: None if value == "" else value for name, value in row.items()} for row in rows]


number = st.floats(-1e6, 1e6, width=32)
share = st.floats(0, 1, width=32)
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@st.composite
def results(draw: st.DrawFn) -> Result:
    n = draw(st.integers(0, 3))
    boxes = np.array(draw(st.lists(st.tuples(number, number, number, number), min_size=n, max_size=n)), np.float32).reshape(n, 4)
    points = np.full((n, 5, 2), draw(st.one_of(number, st.just(math.nan))), np.float32)
    ids = np.array(draw(st.lists(st.integers(0, 2**62), min_size=n, max_size=n)), np.int64) if draw(st.booleans()) else None
    scores = np.array(draw(st.lists(share, min_size=n, max_size=n)), np.float32)
    probs = np.array(draw(st.lists(st.lists(share, min_size=9, max_size=9), min_size=n, max_size=n)), np.float32).reshape(n, 9)
    affect = np.full((n, 2), draw(st.one_of(st.floats(-1, 1, width=32), st.just(math.nan))), np.float32) if draw(st.booleans()) else None
    unsure = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), np.bool_)
    reasons = tuple(("blur", "pose") if flag else () for flag in unsure)
    emotions = Emotions(EMOTIONS, probs, affect, draw(text), unsure, reasons)
    return Result(
        draw(text),
        draw(st.integers(0, 10**9)),
        draw(st.floats(0, 1e5)),
        (640, 480),
        Faces(boxes, scores, points, ids),
        emotions,
        draw(text),
    )


@given(st.lists(results(), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_three_formats_hold_the_same_rows(tmp_path: Path, given_results: list[Result]) -> None:
    rows = [row for result in given_results for row in result.rows()]
    for kind, sink_class in (("csv", CsvSink), ("jsonl", JsonLinesSink), ("parquet", ParquetSink)):
        with sink_class(tmp_path / f"x.{kind}") as sink:
            for result in given_results:
                sink.write(FRAME, result)
    assert read_jsonl(tmp_path / "x.jsonl") == rows
    assert read_parquet(tmp_path / "x.parquet") == rows
    assert without_empty_text(read_csv(tmp_path / "x.csv")) == without_empty_text(rows)


def test_csv_is_what_it_was_yesterday(tmp_path: Path) -> None:
    with CsvSink(tmp_path / "x.csv") as sink:
        sink.write(FRAME, make_result([], source='a "b", c.jpg'))
        sink.write(FRAME, make_result(["happy"], unsure=["happy"]))
    head, empty, face, end = (tmp_path / "x.csv").read_bytes().split(b"\n")
    assert head.decode() == ",".join(COLUMNS)
    assert empty.decode() == '"a ""b"", c.jpg",0,0.0' + "," * 36 + "fake"
    assert b",true,blur,fake" in face
    assert end == b""


def test_parquet_has_the_types_of_the_columns_and_row_groups(tmp_path: Path) -> None:
    with ParquetSink(tmp_path / "x.parquet") as sink:
        sink.add(make_result(["happy", "sad"]).rows() * (ROW_GROUP // 2 + 10))
    file = parquet.ParquetFile(tmp_path / "x.parquet")
    names = {str: "string", int: "int64", float: "double", bool: "bool"}
    assert {field.name: str(field.type) for field in file.schema_arrow} == {name: names[kind] for name, kind in COLUMNS.items()}
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [ROW_GROUP, 20]


@pytest.mark.parametrize("sink_class", [CsvSink, JsonLinesSink])
def test_rows_are_on_the_disk_before_the_next_picture(tmp_path: Path, sink_class: type[CsvSink]) -> None:
    sink = sink_class(tmp_path / "x.txt")
    sink.write(FRAME, make_result(["happy", "sad"]))
    before = (tmp_path / "x.txt").read_text()
    assert before.endswith("\n")
    assert before.count("picture.jpg") == 2
    sink.close()
    assert (tmp_path / "x.txt").read_text() == before


def test_a_run_that_gives_nothing_replaces_nothing(tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_text("precious")
    for sink in (CsvSink(old), CsvSink(tmp_path / "new.csv"), ParquetSink(tmp_path / "new.parquet")):
        sink.close()
    assert old.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.csv"]


def test_an_existing_file_is_replaced_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    with CsvSink(path) as sink:
        sink.write(FRAME, make_result())
    assert sink.what == f"{path} (replaced)"
    assert len(read_csv(path)) == 2


def test_parquet_that_broke_off_keeps_its_rows_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_text("old")
    sink = ParquetSink(path)
    sink.write(FRAME, make_result())
    sink.__exit__(RuntimeError, RuntimeError("power cut"), None)
    assert path.read_text() == "old"
    assert len(read_parquet(tmp_path / "x.parquet.part")) == 2
    assert sink.what == f"{path}.part (rows up to the break)"


def test_folders_are_made_and_what_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    CsvSink(tmp_path / "a" / "b" / "x.csv")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "x.csv", tmp_path / ("x" * 300 + ".csv")):
        with pytest.raises(SinkError, match=r"cannot be written \(.+\)"):
            CsvSink(path)


def test_a_full_disk_is_one_line() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    sink = CsvSink(Path("/dev/full"))
    with pytest.raises(SinkError, match=r"^/dev/full: cannot be written \(No space left on device\)$"):
        sink.write(FRAME, make_result())
    sink.close(finished=False)


@pytest.mark.parametrize("sink_class", [CsvSink, JsonLinesSink])
def test_what_a_full_disk_cuts_off_leaves_whole_rows(tmp_path: Path, sink_class: type[CsvSink]) -> None:
    """A limit of the file's size cuts a write in its middle, as a disk that fills up does."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "x.txt"
    limits, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    sink = sink_class(path)
    sink.write(FRAME, make_result(["happy"]))
    before = path.read_bytes()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 700, limits[1]))
        with pytest.raises(SinkError, match=r"x\.txt: cannot be written \(File too large\)$"):
            sink.write(FRAME, make_result(["sad"] * 5))
        assert path.read_bytes() == before
        sink.close(finished=False)
        assert path.read_bytes() == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)


def test_stdout_is_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with StdoutSink() as sink:
        sink.write(FRAME, make_result(["happy"], source="фото 1.jpg"))
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["source"] == "фото 1.jpg"
    assert list(json.loads(line)) == list(COLUMNS)
    assert "фото" in line


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_has_no_word_for_what_is_no_number(value: float) -> None:
    """NaN and Infinity are none of JSON's: most readers refuse them."""
    with pytest.raises(ValueError, match="JSON compliant"):
        json_line({"valence": value})


def test_a_parquet_writer_that_dies_with_a_full_queue_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = ParquetSink(tmp_path / "x.parquet")

    def dies(*_: object, **__: object) -> None:
        while sink._batches._items.qsize() < 2:
            time.sleep(0.01)
        time.sleep(0.1)  # close waits for room by now
        raise RuntimeError("a panic of\nthe library")

    monkeypatch.setattr("arro3.io.write_parquet", dies)
    for rows in (BATCH, BATCH, 1):
        sink.write(FRAME, make_result(["happy"] * rows))
    met: list[Exception] = []

    def close() -> None:
        try:
            sink.close()
        except SinkError as error:
            met.append(error)

    closing = threading.Thread(target=close, daemon=True)
    closing.start()
    closing.join(5)
    assert [str(error) for error in met] == [f"{tmp_path / 'x.parquet'}: cannot be written (a panic of the library)"]
    assert not (tmp_path / "x.parquet").exists()


def test_a_full_disk_under_parquet_is_one_line_and_no_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    (tmp_path / "x.parquet.part").symlink_to("/dev/full")
    with (
        pytest.raises(SinkError, match=r"x\.parquet: cannot be written \(No space left on device\)$"),
        ParquetSink(tmp_path / "x.parquet") as sink,
    ):
        sink.write(FRAME, make_result())
    assert not (tmp_path / "x.parquet").exists()
    assert capfd.readouterr().err == ""


def test_a_link_is_tried_at_the_file_it_stands_for(tmp_path: Path) -> None:
    link = tmp_path / "x.csv"
    link.symlink_to(tmp_path / "real.csv")
    for _ in range(2):
        CsvSink(link).close()
        assert link.is_symlink()
        assert not (tmp_path / "real.csv").exists()
    with CsvSink(link) as sink:
        sink.write(FRAME, make_result())
    assert len(read_csv(tmp_path / "real.csv")) == 2
