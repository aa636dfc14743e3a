"""Tables of any columns, written at once."""

import csv
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from mien.errors import SinkError, UsageError
from mien.sinks.whole_table import write_table

COLUMNS: dict[str, type] = {"source": str, "person": int, "start_s": float, "sure": bool}
ROWS = [
    {"source": 'a, "b"\n.mp4', "person": 0, "start_s": -0.1, "sure": True},
    {"source": "лицо.mp4", "person": None, "start_s": None, "sure": False},
]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_three_formats_hold_the_same(tmp_path):
    for name in ("t.csv", "t.jsonl", "new/t.PARQUET"):
        write_table(str(tmp_path / name), COLUMNS, ROWS)
    assert [json.loads(line) for line in (tmp_path / "t.jsonl").read_text("utf-8").splitlines()] == ROWS
    table = parquet.read_table(tmp_path / "new" / "t.PARQUET")
    assert table.to_pylist() == ROWS
    assert [str(kind) for kind in table.schema.types] == ["string", "int64", "double", "bool"]
    assert read_csv(tmp_path / "t.csv") == [
        {"source": ROWS[0]["source"], "person": "0", "start_s": "-0.1", "sure": "true"},
        {"source": "лицо.mp4", "person": "", "start_s": "", "sure": "false"},
    ]
    assert {path.name for path in tmp_path.rglob("*")} == {"t.csv", "t.jsonl", "new", "t.PARQUET"}


def test_without_rows_there_is_the_head(tmp_path):
    for name in ("t.csv", "t.jsonl", "t.parquet"):
        write_table(str(tmp_path / name), COLUMNS, [])
    assert (tmp_path / "t.csv").read_text() == "source,person,start_s,sure\n"
    assert (tmp_path / "t.jsonl").read_text() == ""
    table = parquet.read_table(tmp_path / "t.parquet")
    assert (table.num_rows, table.schema.names) == (0, list(COLUMNS))


@pytest.mark.parametrize("name", ["=1+1.mp4", "+x.mp4", "-x.mp4", "@x.mp4", "\tx.mp4", "\rx.mp4"])
def test_no_name_is_a_formula_in_a_spreadsheet(tmp_path, name):
    rows = [ROWS[0] | {"source": name}]
    write_table(str(tmp_path / "t.csv"), COLUMNS, rows)
    assert read_csv(tmp_path / "t.csv")[0] | {"person": "0"} == {"source": f"'{name}", "person": "0", "start_s": "-0.1", "sure": "true"}
    write_table(str(tmp_path / "t.parquet"), COLUMNS, rows)
    assert parquet.read_table(tmp_path / "t.parquet").to_pylist()[0]["source"] == name


def test_standard_input_keeps_its_name(tmp_path):
    write_table(str(tmp_path / "t.csv"), COLUMNS, [ROWS[0] | {"source": "-"}])
    assert read_csv(tmp_path / "t.csv")[0]["source"] == "-"


def test_a_dash_is_json_lines_on_standard_output(capsys):
    write_table("-", COLUMNS, ROWS)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS


def test_what_is_there_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("kept")
    with pytest.raises(KeyError):
        write_table(str(path), COLUMNS, [{"source": "a"}])
    assert path.read_text() == "kept"
    write_table(str(path), COLUMNS, ROWS[1:])
    assert [one["source"] for one in read_csv(path)] == ["лицо.mp4"]
    assert [one.name for one in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("target", ["t.txt", "t", "", "t.csv.part"])
def test_other_endings_are_refused(target):
    with pytest.raises(UsageError, match=r"wanted a name that ends in one of \.csv \.jsonl \.parquet, or - for JSON Lines on stdout"):
        write_table(target, COLUMNS, ROWS)


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(SinkError, match=r"t\.csv: cannot be written"):
        write_table(str(tmp_path / "t.csv"), COLUMNS, ROWS)
