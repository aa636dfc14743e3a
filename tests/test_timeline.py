"""A run's table as columns: the same from results and from every kind of file, and what is no such table is told so."""

import json
import re
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import timeline
from mien.errors import ExtraMissing, SourceMissing, SourceUnreadable, UsageError
from mien.sinks.registry import TABLES
from mien.sinks.unfinished import beside_table
from mien.table import COLUMNS, RAW_COLUMNS, columns
from mien.testing import make_result
from mien.timeline import Timeline
from mien.types import Faces, Result


def test_a_table_that_a_spreadsheet_saved_in_another_encoding(tmp_path: Path) -> None:
    row = make_result(("happy",)).rows()[0] | {"source": "Анна.mp4"}
    sink = TABLES[".csv"](tmp_path / "t.csv", COLUMNS)
    sink.add([row])
    sink.close()
    text = (tmp_path / "t.csv").read_text("utf-8")
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "t.csv").write_text(text, encoding)
        assert list(Timeline.read(tmp_path / "t.csv").rows()) == [row]
    (tmp_path / "t.csv").write_text(text, "cp1251")
    with pytest.raises(SourceUnreadable, match=r"t\.csv: is no table of mien's \(no text in UTF-8; save it again as that"):
        Timeline.read(tmp_path / "t.csv")


def test_json_lines_that_a_shell_wrote_in_utf_16(tmp_path: Path) -> None:
    """As PowerShell 5 does by `>`, with its own line ends, and cut where the run was killed."""
    rows = [row | {"source": f"Анна\u2028{i}.mp4"} for i, row in enumerate(make_result(("happy", "sad")).rows())]
    path = tmp_path / "t.jsonl"
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows)
    path.write_bytes(text.encode("utf-16"))
    assert list(Timeline.read(path).rows()) == rows
    path.write_bytes((text + text[:41]).encode("utf-16")[:-1])
    assert list(Timeline.read(path).rows()) == rows


@pytest.mark.parametrize("suffix", sorted(TABLES))
def test_round_trip(suffix: str, tmp_path: Path) -> None:
    rows = [row for n in (2, 0, 1) for row in make_result(("happy",) * n).rows()]
    rows[0] |= {"source": 'a "b", c\n.mp4', "person": 7, "reasons": "blur;pose", "unsure": True}
    line = Timeline.from_rows(rows)
    sink = TABLES[suffix](tmp_path / f"t{suffix}", COLUMNS)
    sink.add(line.rows())
    sink.close()
    again = Timeline.read(tmp_path / f"t{suffix}")
    assert list(again.rows()) == rows
    assert again.has_face.tolist() == [True, True, False, True]
    assert len(again.where(again.has_face)) == 3
    assert np.isnan(again["valence"][2])


@pytest.mark.parametrize("suffix", sorted(TABLES))
@pytest.mark.parametrize("count", [0, 1, 3, 4, 11])
def test_a_table_of_several_blocks_is_one(suffix: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "BLOCK", 3)
    some = [row for n in (1, 0, 2, 1, 3, 2, 3) for row in make_result(("happy",) * n).rows()][:count]
    rows = [row | {"source": f"{i // 4}.mp4", "frame": i, "unsure": row["unsure"] and i % 2 > 0} for i, row in enumerate(some)]
    sink = TABLES[suffix](tmp_path / f"t{suffix}", COLUMNS)
    sink.add(rows)
    sink.close()
    if count:
        again = Timeline.read(tmp_path / f"t{suffix}")
        assert list(again.rows()) == rows
        assert {name: column.dtype for name, column in again.columns.items()} == {n: c.dtype for n, c in run().columns.items()}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_without_rows_has_its_columns(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{suffix}"
    frame = run().where(slice(0)).to_pandas()
    frame.to_csv(path, index=False) if suffix == ".csv" else frame.to_parquet(path)
    assert len(Timeline.read(path)) == 0


def test_a_column_that_only_later_lines_have_is_empty_in_those_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As programs write JSON Lines that leave empty cells out."""
    monkeypatch.setattr(timeline, "BLOCK", 2)
    rows = [row for n in (0, 0, 0, 1, 0) for row in make_result(("happy",) * n).rows()]
    rows[3] |= {"person": 7, "unsure": True}
    path = tmp_path / "t.jsonl"
    lines = [{name: cell for name, cell in row.items() if cell is not None} for row in rows]
    lines.insert(0, {"mood": "good"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    again = list(Timeline.read(path).rows())
    assert [{name: cell for name, cell in row.items() if cell not in (None, "")} for row in again] == [
        {name: cell for name, cell in row.items() if cell not in (None, "")} for row in [{}, *rows]
    ]


@pytest.mark.parametrize("suffix", sorted(TABLES))
def test_of_a_long_table_only_the_arrays_are_held(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not each cell as an object, of which a row takes some 2 kB."""
    monkeypatch.setattr(timeline, "BLOCK", 200)
    rows = make_result(("happy", "sad")).rows() * 3000
    sink = TABLES[suffix](tmp_path / f"t{suffix}", COLUMNS)
    sink.add(row | {"source": f"{i // 4}.mp4", "x1": i / 7} for i, row in enumerate(rows))
    sink.close()
    tracemalloc.start()
    table = Timeline.read(tmp_path / f"t{suffix}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * sum(column.nbytes for column in table.columns.values())


def test_what_is_wrong_is_named_by_its_place_in_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "BLOCK", 3)
    path = saved(Timeline.from_rows(make_result(("happy",)).rows() * 11), tmp_path / "t.csv")
    lines = path.read_text("utf-8").splitlines()
    lines[8] = lines[8].replace(",0,", ",zero,", 1)  # a cell of the 8th row
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(SourceUnreadable, match=r"\(column frame, row 8: found 'zero', wanted a whole number\)$"):
        Timeline.read(path)
    lines[10] += ",1"  # that the rows are torn says more
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(SourceUnreadable, match=r"\(line 11: 40 cells under 39 columns\)$"):
        Timeline.read(path)
    path = tmp_path / "t.jsonl"
    row = make_result(("happy",)).rows()[0]
    rows = [*[row] * 7, row | {"valence": "good"}, row]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    with pytest.raises(SourceUnreadable, match=r"\(column valence, row 8: found 'good', wanted a number\)$"):
        Timeline.read(path)
    path.write_text("".join(json.dumps({"frame": "first"} | {"mood": i}) + "\n" for i in range(9)), "utf-8")
    with pytest.raises(SourceUnreadable, match="has no column source, time_s, face and 35 more; wanted"):
        Timeline.read(path)


def test_raw_columns_only_where_the_run_had_them(tmp_path: Path) -> None:
    row = make_result(("happy",) * 1).rows()[0]
    assert not set(Timeline.from_rows([row]).columns) & set(RAW_COLUMNS)
    assert Timeline.from_rows([row | {"raw_p_happy": 0.25}])["raw_p_happy"][0] == 0.25
    assert list(columns(raw=True))[: len(COLUMNS)] == list(COLUMNS)


@pytest.mark.parametrize("kept", [1, 30, 200])
def test_the_cut_last_line_of_a_killed_run_is_left_out(kept: int, tmp_path: Path) -> None:
    sink = TABLES[".csv"](tmp_path / "t.csv", COLUMNS)
    sink.add(make_result(("happy",) * 3).rows())
    sink.close()
    text = (tmp_path / "t.csv").read_text()
    last = text.rstrip("\n").rindex("\n") + 1
    (tmp_path / "t.csv").write_text(text[: last + kept])
    assert len(Timeline.read(tmp_path / "t.csv")) == 2


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=50, deadline=None)
def test_any_name_and_number_comes_back(name: str, value: float) -> None:
    line = Timeline.from_rows([make_result(("happy",) * 1).rows()[0] | {"source": name, "valence": value}])
    row = json.loads(json.dumps(next(line.rows())))
    assert (row["source"] or "") == name
    assert row["valence"] == value


def test_what_is_no_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="no such file"):
        Timeline.read(tmp_path / "none.csv")
    (tmp_path / "x.txt").write_text("a")
    with pytest.raises(SourceUnreadable, match=r"\.csv, \.jsonl, \.parquet"):
        Timeline.read(tmp_path / "x.txt")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceUnreadable, match=r"no column source, frame, time_s and \d+ more"):
        Timeline.read(tmp_path / "x.csv")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(SourceUnreadable, match=r"x\.parquet: is no table"):
        Timeline.read(tmp_path / "x.parquet")
    (tmp_path / "x.jsonl").write_text("{\nnothing\n")
    with pytest.raises(SourceUnreadable, match=r"x\.jsonl: is no table"):
        Timeline.read(tmp_path / "x.jsonl")
    with pytest.raises(UsageError, match="no column 'mood'"):
        Timeline.from_rows([])["mood"]


def written(path: Path, faces: int = 3, source: str = "picture.jpg") -> Path:
    """A table of the kind that the name says, whatever it ends in after that."""
    sink = TABLES[path.with_suffix("").suffix if path.suffix == ".part" else path.suffix](path, COLUMNS)
    sink.add(make_result(("happy",) * faces, source=source).rows())
    sink.close()
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_line_ends_of_other_alphabets_are_letters_of_a_name(suffix: str, tmp_path: Path) -> None:
    name = "a\u2028b\u0085c\x1cd\x0b.jpg"
    assert set(Timeline.read(written(tmp_path / f"t{suffix}", source=name))["source"]) == {name}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_what_an_interrupted_run_left_is_read(suffix: str, tmp_path: Path) -> None:
    assert len(Timeline.read(written(tmp_path / f"t{suffix}.part"))) == 3
    with pytest.raises(SourceUnreadable, match=r"wanted a file that ends in"):
        Timeline.read(written(tmp_path / "t.csv.part").rename(tmp_path / "t.part"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("huge.csv", b"source,frame\n" + b"x" * 200_000 + b",1\n"),
        ("torn.csv", b"source,frame\na.jpg,1\nb.jpg,2,3\nc.jpg,3\n"),
        ("latin.csv", b"source,frame\ncaf\xe9.jpg,1\n"),
        ("list.jsonl", b'{"source": "a"}\n[1, 2]\n{"source": "b"}\n'),
        ("text.jsonl", b'"source"\n"frame"\n'),
        ("number.jsonl", b"3\n4\n"),
        ("cut.jsonl", b'{"source": "a\n{"source": "b"}\n'),
        ("deep.jsonl", b"[" * 100_000 + b"\n{}\n"),
        ("x.parquet", b"PAR1" + bytes(40) + b"\x10\0\0\0PAR1"),
        ("x.parquet.part", b"PAR1 and nothing"),
    ],
)
def test_a_damaged_table_is_one_clear_line(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnreadable, match=rf"{name}: (is no table of mien's|has no column)") as caught:
        Timeline.read(tmp_path / name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("at", [4, 20, 300])
def test_a_parquet_table_whose_pages_are_damaged_is_told(at: int, tmp_path: Path) -> None:
    """With its footer whole: the damage shows in the middle of reading."""
    path = written(tmp_path / "t.parquet")
    data = path.read_bytes()
    path.write_bytes(data[:at] + b"\xff" * 40 + data[at + 40 :])
    with pytest.raises(SourceUnreadable, match=r"t\.parquet: is no table of mien's \(a damaged Parquet file\)$"):
        Timeline.read(path)


def test_a_number_too_large_for_its_column_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl")
    path.write_text(path.read_text().replace('"frame": 0', f'"frame": {10**30}'))
    with pytest.raises(SourceUnreadable, match=r"t\.jsonl: is no table of mien's"):
        Timeline.read(path)


def test_a_run_that_was_killed_may_end_within_a_letter(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", source="é.jpg")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex("é".encode()) + 1])
    assert len(Timeline.read(path)) == 2


def resaved(
    path: Path, *, spell: dict[str, str], empty: str = "", cells: str = ",", point: str = ".", whole: str = "", above: str = ""
) -> Path:
    """A table of two faces and a frame without one, as another program saves it again."""
    rows = [row for n in (2, 0) for row in make_result(("happy",) * n).rows()]
    rows[0] |= {"person": 7, "unsure": True, "valence": -0.25}
    rows[1] |= {"unsure": False}

    def said(value: object) -> str:
        if value is None:
            return empty
        if isinstance(value, bool):
            return spell[str(value)]
        if isinstance(value, float):
            return str(value).replace(".", point)
        return f"{value}{whole}" if isinstance(value, int) else str(value)

    lines = [above] * bool(above) + [cells.join(COLUMNS), *(cells.join(said(row[name]) for name in COLUMNS) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8-sig")
    return path


PYTHON, EXCEL, R_LIKE, RUSSIAN = (
    {"True": yes, "False": no} for yes, no in (("True", "False"), ("TRUE", "FALSE"), ("T", "F"), ("ИСТИНА", "ЛОЖЬ"))
)


@pytest.mark.parametrize(
    "how",
    [
        {"spell": PYTHON, "whole": ".0"},  # pandas: whole numbers beside empty cells become floats
        {"spell": EXCEL},
        {"spell": {"True": "1.0", "False": "0.0"}, "whole": ".0"},
        {"spell": EXCEL, "empty": "NA"},
        {"spell": R_LIKE, "empty": "NA"},
        {"spell": EXCEL, "cells": ";", "point": ","},
        {"spell": RUSSIAN, "cells": ";", "point": ","},
        {"spell": {"True": "1", "False": "0"}, "empty": "NaN"},
        {"spell": {"True": "WAHR", "False": "FALSCH"}, "cells": ";", "point": ",", "above": "sep=;"},
        {"spell": {"True": "VRAI", "False": "FAUX"}, "cells": "\t", "point": ","},
    ],
    ids=["pandas", "excel", "numbers", "R", "R, short", "excel with decimal commas", "excel in Russian", "numpy", "sep=", "tabs"],
)
def test_a_table_that_other_programs_saved_again_says_the_same(how: dict[str, object], tmp_path: Path) -> None:
    line = Timeline.read(resaved(tmp_path / "t.csv", **how))  # type: ignore[arg-type]
    assert line["unsure"].tolist() == [True, False, False]
    assert line["person"].tolist() == [7, -1, -1]
    assert line.has_face.tolist() == [True, True, False]
    assert line["valence"][0] == -0.25
    assert np.isnan(line["valence"][2])
    assert line["emotion"].tolist() == ["happy", "happy", ""]


@pytest.mark.parametrize(
    ("spell", "whole", "said"),
    [
        ({"True": "oui", "False": "non"}, "", "column unsure, row 1: found 'oui', wanted true or false"),
        (EXCEL, ".5", r"column frame, row 1: found '\d\.5', wanted a whole number"),
        (EXCEL, "e", r"column frame, row 1: found '\de', wanted a whole number"),
    ],
)
def test_a_cell_that_says_something_else_is_named(spell: dict[str, str], whole: str, said: str, tmp_path: Path) -> None:
    path = resaved(tmp_path / "t.csv", spell=spell, whole=whole)
    with pytest.raises(SourceUnreadable, match=said):
        Timeline.read(path)


def test_a_file_may_be_called_na(tmp_path: Path) -> None:
    path = resaved(tmp_path / "t.csv", spell=EXCEL)
    path.write_text(
        "\n".join(re.sub("^[^,]*,", "NA,", line) for line in path.read_text("utf-8-sig").splitlines()).replace("NA,", "source,", 1)
    )
    assert Timeline.read(path)["source"].tolist() == ["NA"] * 3


def test_a_notebook_shows_what_a_timeline_has() -> None:
    film = Timeline.from_results(
        replace(make_result(["happy"], source="clip.mp4"), index=n, time=n / 30, faces=followed(make_result(["happy"]))) for n in range(300)
    )
    assert repr(film) == "<Timeline of 300 rows, 1 source, 0-9.967 s>"
    page = film._repr_html_()
    assert page.count("<tr>") == 1 + 200
    assert page.endswith("<p>… 100 more rows</p>")
    assert "<th>time</th><th>person</th>" in page
    assert "<td>clip.mp4</td><td>0:06.63</td><td>7</td>" in page  # the last one that is shown: frame 199
    photos = Timeline.from_results([make_result(["happy"], source="a.jpg"), make_result([], source="b.jpg")])
    assert repr(photos) == "<Timeline of 2 rows, 2 sources>"
    assert "time" not in photos._repr_html_()
    assert repr(photos.where(slice(0))) == "<Timeline of 0 rows, 0 sources>"
    assert photos.where(slice(0))._repr_html_().count("<tr>") == 1
    unknown = Timeline({**photos.columns, "time_s": np.full(2, np.nan)})
    assert repr(unknown) == "<Timeline of 2 rows, 2 sources>"


def followed(result: Result) -> Faces:
    return replace(result.faces, ids=np.full(len(result), 7))


def test_a_row_without_a_source_has_none() -> None:
    assert Timeline.from_rows([dict.fromkeys(COLUMNS) | {"frame": 0}])["source"].tolist() == [""]


def test_what_are_no_rows_or_results_is_told() -> None:
    result = make_result(["happy"])
    row = result.rows()[0]
    for call, says in (
        (lambda: Timeline.from_rows([row, {"emotoin": "happy"}]), "from_rows, row 2: has no source, frame, time_s and 36 more; wanted"),
        (lambda: Timeline.from_rows([{k: v for k, v in row.items() if k != "valence"}]), "from_rows, row 1: has no valence; wanted all of"),
        (lambda: Timeline.from_rows(row), "from_rows, row 1: found str 'source', wanted a dict"),
        (lambda: Timeline.from_rows(5), "from_rows: found int 5, wanted dicts"),
        (lambda: Timeline.from_results(result), r"from_results: found one Result, wanted several, or a list of it: \[result\]"),
        (lambda: Timeline.from_results(5), "from_results: found int 5, wanted Results, as mien.analyze gives them"),
        (lambda: Timeline.from_results([row]), "from_results: found dict {.*}, wanted Results, as mien.analyze gives them"),
    ):
        with pytest.raises(UsageError, match=f"^{says}"):
            call()
    assert list(Timeline.from_rows([row | {"mood": "good"}]).rows()) == [row]
    assert len(Timeline.from_rows([])) == 0


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.jsonl", b"no table at all\n", r"is no table of mien's \(Expecting value"),
        ("x.jsonl", b'{"source": "a.j', r"is no table of mien's \("),
        ("x.jsonl", b"[1, 2]\n", r"is no table of mien's \(found a line of list, wanted a JSON object\)"),
        ("x.jsonl", b"", r"is no table of mien's \(no rows\)"),
        ("x.jsonl.part", b"", r"is no table of mien's \(no rows\)"),
        ("x.csv", b"", "has no column source, frame, time_s"),
        ("x.parquet", b"", r"is no table of mien's \(no Parquet file, or one that is cut\)"),
    ],
)
def test_a_file_without_a_row_is_no_table_of_no_rows(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnreadable, match=rf"{name}: {says}"):
        Timeline.read(tmp_path / name)


@pytest.mark.parametrize("mark", ["part", "unfinished", ""])
@pytest.mark.parametrize("cut", [1, 4, 6])
def test_a_last_cell_that_was_cut_is_no_cell(cut: int, mark: str, tmp_path: Path) -> None:
    """The last cells of a run with raw values are 0.25 and 0.125: without the end of the line they read as other numbers."""
    path = tmp_path / ("t.csv.part" if mark == "part" else "t.csv")
    sink = TABLES[".csv"](path, columns(raw=True))
    row = make_result(["happy"]).rows()[0] | dict.fromkeys(RAW_COLUMNS, 0.25) | {"raw_arousal": 0.123456}
    sink.add([row] * 3)
    sink.close()
    if mark == "unfinished":
        beside_table(path).touch()
    assert Timeline.read(path)["raw_arousal"].tolist() == [0.123456] * 3
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    line = Timeline.read(path)
    if mark:
        assert line["raw_arousal"].tolist() == [0.123456] * 2
    else:  # a whole table that another program saved without the end of its last line
        assert line["raw_arousal"].tolist() == [0.123456] * 2 + [float(whole[:-cut].decode().rpartition(",")[2])]


def run() -> Timeline:
    """Three rows, of which the second has no face, with what each kind of column may have."""
    rows = [row for n in (1, 0, 1) for row in make_result(["happy"] * n, source="NA").rows()]
    rows[0] |= {"person": 7, "unsure": True, "reasons": "blur;pose", "valence": -0.25}
    rows[2] |= {"unsure": False, "second": None}
    return Timeline.from_rows(rows)


def test_a_dataframe_has_na_where_a_row_has_no_value() -> None:
    line = run()
    frame = line.to_pandas()
    assert list(frame.columns) == list(COLUMNS)
    assert {name: str(frame[name].dtype) for name in ("source", "face", "p_sad", "unsure")} == {
        "source": "string", "face": "Int64", "p_sad": "float64", "unsure": "boolean",
    }  # fmt: skip
    for name in COLUMNS:
        said = [None if missing else cell for cell, missing in zip(frame[name].tolist(), frame[name].isna(), strict=True)]
        assert said == [row[name] for row in line.rows()], name
    assert frame["person"].isna().tolist() == [False, True, True]
    assert frame["person"].mean() == 7  # -1 would make 2.33
    assert frame["unsure"].isna().tolist() == [False, True, False]
    assert frame["unsure"].mean() == 0.5
    assert frame["emotion"].nunique() == 1
    assert frame["reasons"].tolist()[::2] == ["blur;pose", ""]
    assert line["person"].tolist() == [7, -1, -1]  # as it was


def test_numbers_of_a_dataframe_are_what_other_packages_take_for_numbers() -> None:
    """By hand: a person who turns from neutral to happy in eleven steps, and a frame without a face among them."""
    share = np.linspace(0, 1, 11)
    row = make_result(["happy"]).rows()[0]
    rows = [row | {"p_happy": p, "p_neutral": 1 - p, "valence": 2 * p - 1} for p in share]
    frame = Timeline.from_rows([*rows[:4], *make_result([]).rows(), *rows[4:]]).to_pandas()
    values = frame[["p_happy", "p_neutral", "valence"]].values
    assert values.dtype == np.float64
    assert np.isnan(values[4]).all()
    seen = frame.dropna(subset=["face"])
    assert np.corrcoef(seen["p_happy"], seen["valence"])[0, 1] == pytest.approx(1)
    assert np.linalg.norm(seen[["p_happy", "p_neutral"]].values) == pytest.approx(np.sqrt((share**2 + (1 - share) ** 2).sum()))
    assert np.mean(frame["p_happy"]) == pytest.approx(0.5)  # pandas passes over the empty cell
    assert frame["face"].dtype == "Int64"  # 0, not 0.0, beside an empty cell


@pytest.mark.parametrize(
    "road",
    [
        lambda line, path: line.to_pandas(),
        lambda line, path: line.to_pandas().convert_dtypes().iloc[::1].assign(mood="good"),
        lambda line, path: pandas.DataFrame(line.rows()),
        lambda line, path: pandas.DataFrame(line.columns),
        lambda line, path: line.to_pandas().astype(object),
        lambda line, path: line.to_pandas().astype({"emotion": "category", "person": "float64"}),
        lambda line, path: pandas.read_csv(saved(line, path), keep_default_na=False, na_values=[""]),
    ],
    ids=["to_pandas", "chosen and added", "rows", "columns", "objects", "others", "read_csv"],
)
def test_from_pandas_and_arrays_of_it_say_the_same(road: Callable[[Timeline, Path], Any], tmp_path: Path) -> None:
    line = run()
    frame = road(line, tmp_path / "t.csv")
    for again in (Timeline.from_pandas(frame), Timeline({name: frame[name].to_numpy() for name in frame}), Timeline(dict(frame.items()))):
        assert list(again.rows()) == list(line.rows())
        assert {name: column.dtype for name, column in again.columns.items()} == {name: line[name].dtype for name in COLUMNS}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_pandas_saves_is_read_as_it_was(suffix: str, tmp_path: Path) -> None:
    line, path = run(), tmp_path / f"t{suffix}"
    frame = line.to_pandas()
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path)
    assert list(Timeline.read(path).rows()) == list(line.rows())


def saved(line: Timeline, path: Path) -> Path:
    sink = TABLES[".csv"](path, COLUMNS)
    sink.add(line.rows())
    sink.close()
    return path


def test_chosen_rows_of_a_dataframe_are_a_timeline() -> None:
    frame = run().to_pandas()
    assert Timeline.from_pandas(frame[frame["unsure"].fillna(True)])["face"].tolist() == [0, -1]
    assert len(Timeline.from_pandas(frame[frame["face"] > 5])) == 0


def test_what_is_no_table_in_a_dataframe_is_told() -> None:
    frame = run().to_pandas()
    with pytest.raises(UsageError, match=r"^from_pandas: found list \[\], wanted a pandas\.DataFrame$"):
        Timeline.from_pandas([])
    with pytest.raises(UsageError, match="has no column face, person; wanted"):
        Timeline.from_pandas(frame.drop(columns=["face", "person"]))
    with pytest.raises(UsageError, match="column face is there 2 times; wanted it once"):
        Timeline.from_pandas(pandas.concat([frame, frame[["face"]]], axis=1))
    for name, values, says in (
        ("frame", [0.5, 1, 2], r"column frame, row 1: found 0\.5, wanted a whole number"),
        ("time_s", pandas.to_timedelta([0, 1, 2], unit="s"), r"column time_s: found timedelta64\[.*\] \(3,\), wanted one float a row"),
        ("time_s", [0.0, "soon", 1.0], "column time_s, row 2: found 'soon', wanted a number"),
        ("unsure", ["perhaps"] * 3, "column unsure, row 1: found 'perhaps', wanted true or false"),
        ("valence", [[0.1], [0.2], [0.3]], r"column valence, row 1: found \[0\.1\], wanted a number"),
    ):
        with pytest.raises(UsageError, match=f"^timeline: {says}"):
            Timeline.from_pandas(frame.assign(**{name: values}))


def test_arrays_that_are_no_columns_are_refused() -> None:
    cells = run().columns
    with pytest.raises(UsageError, match=r"column face: found int64 \(3, 1\), wanted one int a row"):
        Timeline({**cells, "face": cells["face"][:, None]})
    with pytest.raises(UsageError, match=r"column frame: found 1000000000000000000000, wanted whole numbers below 2\*\*63"):
        Timeline({**cells, "frame": [10**21, 1, 2]})
    with pytest.raises(UsageError, match=r"columns of \[2, 3\] rows"):
        Timeline({**cells, "face": [0, 1]})
    with pytest.raises(UsageError, match="column face, row 1: found 'x', wanted a whole number"):
        Timeline.from_rows([dict.fromkeys(COLUMNS) | {"face": "x"}])
    assert Timeline({**cells, "frame": np.array([0, 1, 2], np.uint8)})["frame"].dtype == np.int64


def test_without_pandas_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for call in (run().to_pandas, lambda: Timeline.from_pandas(None)):
        with pytest.raises(ExtraMissing, match=r"^a DataFrame needs pandas: pip install pandas$"):
            call()
