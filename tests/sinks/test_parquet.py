"""A Parquet table says how its rows were made. What is in the file is read by pyarrow."""

import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from mien.io.span import VideoSpan
from mien.options import AnalyzeOptions
from mien.provenance import Provenance
from mien.sinks.parquet import ROW_GROUP, ParquetSink, provenance_of
from mien.sinks.registry import open_sink
from mien.table import COLUMNS
from mien.testing import make_result
from mien.timeline import Timeline
from mien.types import Frame

FRAME = Frame(np.zeros((1, 1, 3), np.uint8))
HOW = Provenance.of(AnalyzeOptions(model="m\udcff.onnx"), VideoSpan(every=0.5), turn=90)


def written(path: Path, **settings: object) -> Path:
    with open_sink(path, **settings) as sink:  # type: ignore[arg-type]
        sink.write(FRAME, make_result(["happy", "sad"]))
    return path


def test_the_file_says_how_its_rows_were_made(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet", how=HOW)
    metadata = parquet.read_schema(path).metadata
    assert metadata.keys() == {b"mien"}
    told = json.loads(metadata[b"mien"])
    assert (told["version"], told["options"]["every"], told["options"]["turn"]) == (HOW.version, 0.5, 90)
    assert json.loads(parquet.read_metadata(path).metadata[b"mien"]) == told  # for programs that do not know Arrow
    assert provenance_of(path) == HOW
    plain = written(tmp_path / "y.parquet")
    assert parquet.read_table(path).to_pylist() == parquet.read_table(plain).to_pylist() == list(Timeline.read(path).rows())


def test_where_models_lie_on_this_machine_is_not_in_the_file(tmp_path: Path) -> None:
    how = Provenance.of(AnalyzeOptions(model="/home/somebody/m.onnx:openvino", detector="haar:/home/somebody/f.xml"))
    path = written(tmp_path / "x.parquet", how=how)
    told = json.loads(parquet.read_schema(path).metadata[b"mien"])["options"]
    assert (told["model"], told["detector"]) == ("m.onnx:openvino", "haar:f.xml")
    for metadata in (parquet.read_schema(path).metadata, parquet.read_metadata(path).metadata):
        assert not any(b"somebody" in value for value in metadata.values())
    assert b"somebody" not in path.read_bytes()


def test_one_that_does_not_know_says_nothing(tmp_path: Path) -> None:
    path = written(tmp_path / "x.parquet")
    assert parquet.read_schema(path).metadata is None
    assert provenance_of(path) is None


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_other_tables_stay_what_they_are(tmp_path: Path, suffix: str) -> None:
    one, other = written(tmp_path / f"x{suffix}", how=HOW), written(tmp_path / f"y{suffix}")
    assert one.read_bytes() == other.read_bytes()
    assert provenance_of(one) is None


@pytest.mark.parametrize("told", ["nonsense", "[1]", "{}", '{"options": 1, "version": "x"}', "[" * 100_000, "9" * 10_000])
def test_a_key_of_another_program_is_none_of_ours(tmp_path: Path, told: str) -> None:
    path = written(tmp_path / "x.parquet")
    parquet.write_table(parquet.read_table(path).replace_schema_metadata({"mien": told}), path)
    assert provenance_of(path) is None
    assert len(Timeline.read(path)) == 2


def test_what_the_writer_keeps_of_a_long_run_is_small(tmp_path: Path) -> None:
    """The footer, of which it keeps each row group's part until the end, unpacked ten times as large: under a byte a row."""
    with ParquetSink(tmp_path / "x.parquet") as sink:
        sink.add(make_result(["happy"]).rows() * 20_000)
    metadata = parquet.read_metadata(tmp_path / "x.parquet")
    assert metadata.num_rows == 20_000
    assert metadata.serialized_size / metadata.num_rows < 1


def test_what_an_interrupted_run_left_says_it_too(tmp_path: Path) -> None:
    def run() -> None:
        with ParquetSink(tmp_path / "x.parquet", COLUMNS, how=HOW) as sink:
            sink.add(make_result(["happy"]).rows() * (ROW_GROUP + 3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert provenance_of(tmp_path / "x.parquet.part") == HOW
    assert pyarrow.parquet.read_table(tmp_path / "x.parquet.part").num_rows == ROW_GROUP + 3
