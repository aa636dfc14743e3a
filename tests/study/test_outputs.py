"""The tables of a study, as a spreadsheet reads them."""

import csv
import json
from pathlib import Path

import pytest

from mien.study.outputs import TABLES, write_reaction
from mien.study.reaction import Part, ReactionSettings, react
from mien.study.viewer import Viewer
from mien.testing import planted_timeline

NAMES = ("=1+1", "+1", "-1", "@SUM(A1)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = planted_timeline([[(0, "sad")]], seconds=3, fps=5, noise=0.1)
    viewers = [Viewer(name, table, group=name) for name in NAMES]
    out = tmp_path_factory.mktemp("study")
    write_reaction(react(viewers, [Part("=cmd", 0, 1)], ReactionSettings(rounds=100, step=1.0)), out, about={})
    return out


def test_every_column_of_a_row_is_in_the_head_of_its_table() -> None:
    tables = [planted_timeline([[(0, "sad"), (i % 2 + 1, "happy"), (6, "sad")]], seconds=9, fps=5, noise=0.1, seed=i) for i in range(6)]
    nobody = planted_timeline([[(0, "")]], seconds=9, fps=5)
    viewers = [Viewer(f"v{i}", table, group="ab"[i % 2]) for i, table in enumerate([*tables, nobody])]
    found = react(viewers, [Part("joke", 1, 6)], ReactionSettings(rounds=100, step=1.0))
    for name, (head, rows) in TABLES.items():
        every = list(rows(found))
        assert tuple(every[0]) == head, name
        assert set().union(*every) == {*head}, name


@pytest.mark.parametrize(("table", "column"), [("viewers.csv", "viewer"), ("viewers.csv", "group"), ("values.csv", "viewer")])
def test_no_name_is_a_formula(folder: Path, table: str, column: str) -> None:
    with (folder / table).open(newline="", encoding="utf-8") as file:
        found = {row[column] for row in csv.DictReader(file)}
    assert found == {f"'{name}" for name in NAMES}


def test_parts_are_no_formulas_and_numbers_below_0_stay_numbers(folder: Path) -> None:
    with (folder / "parts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["part"] for row in rows} == {"whole film", "'=cmd"}
    assert min(float(row["mean"]) for row in rows) < -0.1


def test_the_record_has_parts_and_turns_and_no_whole_film(folder: Path) -> None:
    record = json.loads((folder / "study.json").read_text("utf-8"))
    assert record["parts"] == [{"name": "=cmd", "start": 0, "end": 1}]  # though each of the groups has a whole film too
    assert (record["turns"], record["settings"]["rounds"]) == (100, 100)


def test_the_curve_has_lines_of_all_and_of_each_group(folder: Path) -> None:
    with (folder / "curve.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["group"] for row in rows} == {"", *(f"'{name}" for name in NAMES)}
    of_all, one = (next(row for row in rows if row["group"] == group) for group in ("", f"'{NAMES[0]}"))
    assert (of_all["n"], one["n"]) == ("4", "1")
    assert of_all["mean"] == one["mean"]  # all have the same table


def test_reach_has_its_own_n_of_each_expression(tmp_path: Path) -> None:
    viewers = [Viewer(f"v{i}", planted_timeline([[(0, "anger" if i < 2 else "neutral")]], seconds=4, fps=5, noise=0.1)) for i in range(5)]
    write_reaction(react(viewers, settings=ReactionSettings(rounds=100, baseline=(0, 2))), tmp_path, about={})
    with (tmp_path / "reach.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {row["expression"]: row for row in csv.DictReader(file)}
    told = {name: [rows[name][column] for column in ("n", "at_rest", "viewers", "reach")] for name in ("anger", "happy", "neutral")}
    assert told == {"anger": ["3", "2", "0", "0.0"], "happy": ["5", "0", "0", "0.0"], "neutral": ["5", "0", "3", "0.6"]}
