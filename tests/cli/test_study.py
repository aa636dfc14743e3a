"""`mien study`: recordings and tables in; a page, CSV files and a record out."""

import csv
import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mien.pipeline import Analyzer
from mien.sinks.parquet import provenance_of
from mien.sinks.registry import TABLES
from mien.store import open_store
from mien.study import synchrony
from mien.table import COLUMNS
from mien.testing import planted_results
from mien.timeline import Timeline
from mien.types import Result
from tests.cli.conftest import FAKES, Said
from tests.io.clips import clip
from tests.store.recording import FRAME, record

Mien = Callable[..., Said]
QUICK = ("--rounds", "300")
SQUARE = (64, 64)
"""Of a clip all of which the fake detector takes for a face, none of it cut off."""


def tabled(path: Path, results: list[Result]) -> Path:
    sink = TABLES[path.suffix](path, COLUMNS)
    for result in results:
        sink.add(result.rows())
    sink.close()
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def viewers(tmp_path: Path) -> list[str]:
    """Tables of eight viewers who laugh from second 5 to 8, and of one without a face."""
    out = []
    for i in range(8):
        results = planted_results(
            [[(0, "neutral"), (5, "happy"), (8, "neutral")]], seconds=12, fps=5, noise=0.3, source=f"v{i}.mp4", seed=i
        )
        out.append(str(tabled(tmp_path / f"v{i}.parquet", results)))
    empty = planted_results([[(0, "")]], seconds=12, fps=5, source="e.mp4")
    return [*out, str(tabled(tmp_path / "nobody.csv", empty))]


def test_reaction_of_tables(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    parts = tmp_path / "parts.csv"
    parts.write_text("part,start,end\njoke,5,8\n")
    said = mien("study", "reaction", *viewers, "-o", str(tmp_path / "ad"), "--parts", str(parts), "--baseline", "0:4", *QUICK)
    assert said.code == 0
    assert "nobody: left out (no face was found during the film)" in said.err
    assert "8 viewers, 1 shared moment -> " in said.err  # in which happy and valence go up, and others down
    moments = rows_of(tmp_path / "ad" / "moments.csv")
    assert len([row for row in moments if float(row["p"]) <= 0.05]) > 3
    happy = next(row for row in moments if row["measure"] == "p_happy")
    assert (float(happy["start_s"]), float(happy["end_s"])) == (5, 8)
    assert float(happy["p"]) <= 0.05
    part = next(row for row in rows_of(tmp_path / "ad" / "parts.csv") if row["part"] == "joke" and row["measure"] == "p_happy")
    assert float(part["low"]) <= float(part["mean"]) <= float(part["high"])
    assert part["n"] == "8"
    curve = rows_of(tmp_path / "ad" / "curve.csv")
    assert len(curve) == 11 * 24
    left_out = rows_of(tmp_path / "ad" / "viewers.csv")[-1]
    assert (left_out["viewer"], left_out["counts"], left_out["why_not"], left_out["seen"]) == (
        "nobody",
        "false",
        "no face was found during the film",
        "0.0",
    )
    record = json.loads((tmp_path / "ad" / "study.json").read_text())
    assert record["settings"]["baseline"] == [0, 4]
    assert record["models"] == ["fake"]
    assert record["parts"] == [{"name": "joke", "start": 5, "end": 8}]
    assert "every" not in record  # of tables it says nothing
    page = (tmp_path / "ad" / "page.html").read_text("utf-8")
    assert "<svg" in page
    assert "<script" not in page
    assert "joke" in page
    assert "nobody (no face was found during the film)" in page
    assert "not what a person feels" in page


def test_reaction_of_recordings_keeps_their_tables_and_goes_on_past_bad_ones(mien: Mien, tmp_path: Path) -> None:
    low = ("--least-coverage", "0")
    for name, frames in (("anna", 50), ("ben", 55)):
        clip(tmp_path / f"{name}.mp4", frames, size=SQUARE)
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    files = [str(tmp_path / f"{name}.mp4") for name in ("anna", "bad", "ben")]
    said = mien("study", "reaction", *files, "-o", str(tmp_path / "ad"), *low, *FAKES, *QUICK)
    assert said.code == 3
    assert "bad.mp4" in said.err
    assert "2 viewers, shared moments not tested (fewer than 3 viewers), 1 could not be read, or not to the end" in said.err
    page = (tmp_path / "ad" / "page.html").read_text("utf-8")
    assert "Could not be read, or not to the end: bad.mp4." in page
    kept = sorted(path.name for path in (tmp_path / "ad" / "rows").iterdir())
    assert kept == ["anna.parquet", "ben.parquet"]
    again = mien("study", "reaction", *(str(tmp_path / "ad" / "rows" / name) for name in kept), "-o", str(tmp_path / "again"), *low, *QUICK)
    assert again.code == 0
    assert (tmp_path / "again" / "curve.csv").read_bytes() == (tmp_path / "ad" / "curve.csv").read_bytes()


def test_recordings_that_lie_on_their_side_are_turned(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    """The plan's column before --turn; a table is what it is."""
    for number, name in enumerate(("anna", "ben")):
        clip(tmp_path / f"{name}.mp4", 50 + 5 * number, size=(96, 64))
    plan = tmp_path / "plan.csv"
    plan.write_text(f"file,viewer,turn\nanna.mp4,Anna,\nben.mp4,Ben,180.0\n{viewers[0]},Table,\n", encoding="utf-8")
    command = ("study", "reaction", "--plan", plan, "--turn", "90", "-o", tmp_path / "ad", "--least-coverage", "0", *FAKES, *QUICK)
    assert mien(*command).code == 0
    for name, degrees, width in (("Anna", 90, 64), ("Ben", 180, 96)):
        kept = tmp_path / "ad" / "rows" / f"{name}.parquet"
        how = provenance_of(kept)
        assert how is not None
        assert how.options["turn"] == degrees
        assert max(Timeline.read(kept)["x2"].tolist()) == pytest.approx(
            width, abs=1
        )  # the fake detector takes the whole picture for a face
    told = json.loads((tmp_path / "ad" / "study.json").read_text("utf-8"))["recordings"]
    assert [one.get("turn") for one in told] == [90, 180, None]
    both = ("--entering", tmp_path / "anna.mp4", "--leaving", tmp_path / "ben.mp4")
    said = mien("study", "visitors", *both, "--turn", "45", *FAKES, *QUICK)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "turn: found 45, wanted 90, 180 or 270" in said.err


def test_the_page_alone_speaks_the_language_that_was_asked_for(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    came, left = passers(tmp_path / "in.csv", 0.1, 0), passers(tmp_path / "out.csv", 0.9, 1)
    asked = {"en": (), "ru": ("--language", "ru", "--affect-scale", "seven")}
    for name, how in asked.items():
        assert mien("study", "reaction", *viewers, "-o", str(tmp_path / name / "film"), *QUICK, *how).code == 0
        both = ("--entering", came, "--leaving", left)
        assert mien("study", "visitors", *both, "-o", str(tmp_path / name / "cafe"), *QUICK, *how).code == 0
    english, russian = (sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in asked)
    differ = [a.relative_to(tmp_path / "en") for a, b in zip(english, russian, strict=True) if a.read_bytes() != b.read_bytes()]
    assert differ == [Path("cafe/page.html"), Path("film/page.html")]
    film, cafe = ((tmp_path / "ru" / name / "page.html").read_text("utf-8") for name in ("film", "cafe"))
    assert "nobody (во время фильма лицо не найдено)" in film
    assert "валентность, 1..7" in film
    assert "Выход по сравнению со входом" in cafe


def test_a_plan_with_groups(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    plan.write_text("file,viewer,group\n" + "".join(f"v{i}.parquet,viewer {i},{'ab'[i % 2]}\n" for i in range(8)))
    assert mien("study", "reaction", "--plan", str(plan), "-o", str(tmp_path / "ad"), *QUICK).code == 0
    pairs = {(row["first"], row["second"]) for row in rows_of(tmp_path / "ad" / "groups.csv")}
    assert pairs == {("a", "b")}
    assert "Groups compared" in (tmp_path / "ad" / "page.html").read_text("utf-8")


def test_viewers_whose_names_make_one_file_name_have_a_table_each(mien: Mien, tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    names = ["x/1", "x_1", "X_1", "=1+0"]
    for k in range(4):
        clip(tmp_path / f"{k}.mp4", 50 + 5 * k, size=SQUARE)  # of different lengths, or they would be copies
    plan.write_text("file,viewer\n" + "".join(f"{k}.mp4,{name}\n" for k, name in enumerate(names)))
    said = mien("study", "reaction", "--plan", str(plan), "-o", str(tmp_path / "ad"), "--least-coverage", "0", *FAKES, *QUICK)
    assert said.code == 0
    assert sorted(path.name for path in (tmp_path / "ad" / "rows").iterdir()) == [
        "X_1-3.parquet",
        "_1_0.parquet",
        "x_1-2.parquet",
        "x_1.parquet",
    ]
    assert [row["viewer"] for row in rows_of(tmp_path / "ad" / "viewers.csv")] == [*names[:3], "'=1+0"]  # no formula in a spreadsheet


def test_no_password_of_an_address_is_written(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    said = mien("study", "reaction", *viewers[:3], "http://anna:secret@127.0.0.1:9", "-o", str(tmp_path / "ad"), *FAKES, *QUICK)
    assert said.code == 3  # addresses with passwords are not fetched
    assert json.loads((tmp_path / "ad" / "study.json").read_text())["could_not_be_read"] == ["http://127.0.0.1:9"]
    assert all(b"secret" not in path.read_bytes() for path in (tmp_path / "ad").iterdir() if path.is_file())
    assert "secret" not in said.err


def test_what_breaks_off_counts_and_is_told(mien: Mien, tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mkv", 100, size=SQUARE)
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: int(0.7 * len(data))])
    said = mien("study", "reaction", str(tmp_path / "cut.mkv"), "-o", str(tmp_path / "ad"), "--least-coverage", "0", *FAKES, *QUICK)
    assert said.code == 3, whole
    assert "what came before it counts" in said.err
    assert json.loads((tmp_path / "ad" / "study.json").read_text())["could_not_be_read"] == [str(tmp_path / "cut.mkv")]


def test_a_study_leaves_nothing_of_an_earlier_one(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    (tmp_path / "ad").mkdir()
    (tmp_path / "ad" / "groups.csv").write_text("old")
    assert mien("study", "reaction", *viewers[:3], "-o", str(tmp_path / "ad"), *QUICK).code == 0
    assert not (tmp_path / "ad" / "groups.csv").exists()


def test_tables_of_an_earlier_study_are_told(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    rows = tmp_path / "ad" / "rows"
    rows.mkdir(parents=True)
    for name in ("v0", "gone"):
        (rows / f"{name}.parquet").write_bytes(Path(viewers[0]).read_bytes())
    said = mien("study", "reaction", *viewers[:3], "-o", str(tmp_path / "ad"), *QUICK)
    assert "rows/ also has 2 tables of an earlier study (gone.parquet …), which are not in this one" in said.err


def test_a_recording_of_two_viewers_is_refused(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    plan.write_text("file,viewer\nv0.parquet,a\nv1.parquet,b\n./v0.parquet,c\n")
    said = mien("study", "reaction", "--plan", str(plan), "-o", str(tmp_path / "ad"), *QUICK)
    assert said.code == 2
    assert f"{plan}, lines 2 and 4: {tmp_path / 'v0.parquet'}: named twice; its viewer would count twice" in said.err


def test_a_second_wave_into_the_same_folder_loses_nothing_of_the_first(mien: Mien, tmp_path: Path) -> None:
    """Recordings that are called alike, studied with the tables of those before them."""
    for wave, frames in (("w1", 50), ("w2", 75)):
        (tmp_path / wave).mkdir()
        clip(tmp_path / wave / "01.mp4", frames, size=SQUARE)
    again = ("-o", str(tmp_path / "wave"), "--least-coverage", "0", *FAKES, *QUICK)
    assert mien("study", "reaction", tmp_path / "w1" / "01.mp4", *again).code == 0
    first = tmp_path / "wave" / "rows" / "01.parquet"
    before = first.read_bytes()
    plan = tmp_path / "plan.csv"
    plan.write_text("file,viewer\nw2/01.mp4,01\nwave/rows/01.parquet,w1-01\n")
    assert mien("study", "reaction", "--plan", plan, *again).code == 0
    assert first.read_bytes() == before
    covered = {row["viewer"]: float(row["film_s"]) for row in rows_of(tmp_path / "wave" / "viewers.csv")}
    assert covered == pytest.approx({"01": 2.5, "w1-01": 2.0}, abs=0.1)
    said = mien("study", "reaction", tmp_path / "w2" / "01.mp4", *again)
    assert first.read_bytes() == before
    assert "rows/ also has 1 table of an earlier study (01.parquet …), which are not in this one" in said.err
    assert "rows/: 1 table of recordings that are read again will be replaced (01-2.parquet …)" in said.err
    assert sorted(path.name for path in first.parent.iterdir()) == ["01-2.parquet", "01.parquet"]


def test_a_study_finds_its_own_tables_again_and_those_of_a_wave_whose_files_are_called_alike_stay(
    mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wave, frames in (("w1", 50), ("w2", 75)):
        (tmp_path / wave).mkdir()
        clip(tmp_path / wave / "01.mp4", frames, size=SQUARE)
    again = ("-o", str(tmp_path / "out"), "--least-coverage", "0", *FAKES, *QUICK)
    rows = tmp_path / "out" / "rows"
    plan = tmp_path / "plan.csv"
    plan.write_text("file\nw1/01.mp4\n")
    monkeypatch.chdir(tmp_path / "w1")
    assert "replaced" not in mien("study", "reaction", "01.mp4", *again).err
    for folder, words in (
        (tmp_path / "w1", ("01.mp4",)),
        (tmp_path, ("w1/01.mp4",)),
        (tmp_path, ("--plan", str(plan))),
        (tmp_path / "w2", ("--plan", "../plan.csv")),
    ):
        monkeypatch.chdir(folder)
        said = mien("study", "reaction", *words, *again)
        assert said.code == 0
        assert "1 table of recordings that are read again will be replaced (01.parquet …)" in said.err
    before = (rows / "01.parquet").read_bytes()
    said = mien("study", "reaction", "01.mp4", *again)  # in w2
    assert "replaced" not in said.err
    assert "rows/ also has 1 table of an earlier study (01.parquet …), which are not in this one" in said.err
    assert sorted(path.name for path in rows.iterdir()) == ["01-2.parquet", "01.parquet"]
    assert Timeline.read(rows / "01.parquet")["time_s"].max() < 2 < Timeline.read(rows / "01-2.parquet")["time_s"].max()
    assert (rows / "01.parquet").read_bytes() == before
    assert str(tmp_path).encode() not in (rows / "01-2.parquet").read_bytes()  # a table that is handed on does not tell where it was read
    assert provenance_of(rows / "01-2.parquet") is not None


def test_what_is_known_beforehand_is_told_before_anything_is_read(mien: Mien, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 25, size=SQUARE)
    plan, parts = tmp_path / "plan.csv", tmp_path / "parts.csv"
    plan.write_text("file\na.mp4\nb.mp4\n")
    parts.write_text("part,start,end\nend,5,30\n")
    out, alone = ("-o", str(tmp_path / "ad"), *FAKES, *QUICK), str(tmp_path / "a.mp4")
    for words, wanted in (
        (("reaction", "--plan", str(plan)), f"{plan}, line 3: {tmp_path / 'b.mp4'}: no such file"),
        (("reaction", alone, "--parts", str(parts), "--duration", "20"), "part end: 5 to 30 s; wanted it within 0 to 20 s of the film"),
        (("reaction", alone, "--start", "nan"), "a.mp4: start is nan; wanted seconds, as 12.5"),
        (("reaction", alone, "--duration", "inf"), "step is 0.5 s and duration inf s; wanted a step above 0 and a duration"),
        (("reaction", "http://example.org/x.csv"), "http://example.org/x.csv: no such file; wanted a table by the name of its file"),
        (("visitors", "--entering", alone, "--leaving", "*.csv"), "*.csv: no such file; wanted a table by the name of its file"),
        (("reaction", alone, "--baseline=-5:0"), "a: start is 0 s, so that the recording can have 0 % of the baseline, -5 to 0 s"),
        (("visitors", "--entering", alone, "--leaving", str(tmp_path / "b.mp4")), f"{tmp_path / 'b.mp4'}: no such file"),
    ):
        said = mien("study", *words, *out)
        assert said.code in (1, 2)
        assert wanted in said.err
        assert said.err.count("\n") == 1
        assert not (tmp_path / "ad").exists()


def test_a_mistake_that_shows_late_leaves_tables_that_can_be_named_next(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 50, size=SQUARE)
    parts = tmp_path / "parts.csv"
    parts.write_text("part,start,end\nend,5,30\n")
    how = ("--parts", str(parts), "-o", str(tmp_path / "ad"), *FAKES, *QUICK)
    said = mien("study", "reaction", tmp_path / "a.mp4", *how)
    assert said.code == 2
    assert f"the tables so far are in {tmp_path / 'ad' / 'rows'}/ and can be named in place of the recordings\nmien: part end" in said.err
    said = mien("study", "reaction", *viewers, *how)
    assert (said.code, "in place of the recordings" in said.err) == (2, False)  # they are the tables


def test_a_copy_of_a_table_counts_once(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    copy = tabled(tmp_path / "w0.csv", [])
    sink = TABLES[".csv"](copy, COLUMNS)
    sink.add(Timeline.read(viewers[0]).rows())
    sink.close()
    said = mien("study", "reaction", *viewers[:3], copy, "-o", str(tmp_path / "ad"), *QUICK)
    assert said.code == 0
    assert "w0: left out (the same faces at the same times as v0; a recording counts once)" in said.err
    counts = {row["viewer"]: row["counts"] for row in rows_of(tmp_path / "ad" / "viewers.csv")}
    assert counts == {"v0": "true", "v1": "true", "v2": "true", "w0": "false"}
    assert "w0 (the same faces at the same times as v0; a recording counts once)" in (tmp_path / "ad" / "page.html").read_text("utf-8")


def test_a_copy_counts_where_the_first_does_not_and_the_order_of_the_plan_does_not_matter(
    mien: Mien, viewers: list[str], tmp_path: Path
) -> None:
    shutil.copy(viewers[0], tmp_path / "late.parquet")
    lines = ["late.parquet,a,100", "v0.parquet,b,0", "v0.parquet,c,0"]
    shutil.copy(viewers[0], tmp_path / "again.parquet")
    lines[2] = "again.parquet,c,0"
    plan = tmp_path / "plan.csv"
    for order in (lines, lines[::-1]):
        plan.write_text("\n".join(["file,viewer,start", *order, "v1.parquet,d,0"]))
        said = mien("study", "reaction", "--plan", plan, "-o", str(tmp_path / "ad"), "--duration", "12", *QUICK)
        assert said.code == 0
        assert "c: left out (the same faces at the same times as b; a recording counts once)" in said.err
        counts = {row["viewer"]: row["counts"] for row in rows_of(tmp_path / "ad" / "viewers.csv")}
        assert counts == {"a": "false", "b": "true", "c": "false", "d": "true"}


def test_a_copy_does_not_move_the_length_of_the_film(mien: Mien, tmp_path: Path) -> None:
    short, long = (
        tabled(tmp_path / f"{name}.csv", planted_results([[(0, "neutral")]], seconds=seconds, fps=5, noise=0.3, source=name, seed=seconds))
        for name, seconds in (("a", 10), ("b", 14))
    )
    copies = [shutil.copy(long, tmp_path / f"{name}.csv") for name in ("c", "d")]
    for inputs in ((short, long), (short, long, *copies)):
        assert mien("study", "reaction", *inputs, "-o", str(tmp_path / "ad"), *QUICK).code == 0
        assert json.loads((tmp_path / "ad" / "study.json").read_text())["settings"]["duration"] == pytest.approx(12)


def test_a_recording_beside_the_table_that_was_made_of_it_counts_once(mien: Mien, tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", 50, size=SQUARE)
    how = ("-o", str(tmp_path / "ad"), "--least-coverage", "0", *FAKES, *QUICK)
    assert mien("study", "reaction", tmp_path / "a.mp4", *how).code == 0
    plan = tmp_path / "plan.csv"
    plan.write_text("file,viewer\na.mp4,a\nad/rows/a.parquet,old\n")
    said = mien("study", "reaction", "--plan", plan, *how)
    assert "old: left out (the same faces at the same times as a; a recording counts once)" in said.err


def test_viewers_read_by_other_models_are_told(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    table = tabled(tmp_path / "x.csv", planted_results([[(0, "neutral")]], seconds=12, fps=5, source="x.mp4"))
    table.write_text(table.read_text().replace("fake", "other"))
    said = mien("study", "reaction", *viewers[:3], str(table), "-o", str(tmp_path / "ad"), *QUICK)
    assert said.code == 0
    assert "2 models read these faces (fake, other): what differs between them looks like people who differ" in said.err
    assert "More than one model read these faces (fake, other)" in (tmp_path / "ad" / "page.html").read_text("utf-8")


def test_what_each_viewer_showed_is_there_for_statistics_of_ones_own(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    assert mien("study", "reaction", *viewers, "-o", str(tmp_path / "ad"), *QUICK).code == 0
    rows = rows_of(tmp_path / "ad" / "values.csv")
    assert len(rows) == 8 * 24
    curve = next(row for row in rows_of(tmp_path / "ad" / "curve.csv") if (row["start_s"], row["measure"]) == ("6.0", "p_happy"))
    own = [float(row["p_happy"]) for row in rows if row["start_s"] == "6.0"]
    assert float(curve["mean"]) == pytest.approx(sum(own) / 8, abs=1e-5)
    whole = {row["viewer"]: float(row["p_happy"]) for row in rows_of(tmp_path / "ad" / "viewers.csv") if row["counts"] == "true"}
    assert whole["v3"] == pytest.approx(sum(float(row["p_happy"]) for row in rows if row["viewer"] == "v3") / 24, abs=1e-5)


def test_groups_that_saw_unlike_much_are_told(mien: Mien, viewers: list[str], tmp_path: Path) -> None:
    for i in range(4):  # which end after 7 of 12 s
        cut = [result for result in planted_results([[(0, "neutral")]], seconds=12, fps=5, source=f"v{i}.mp4", seed=i) if result.time < 7]
        tabled(Path(viewers[i]), cut)
    plan = tmp_path / "plan.csv"
    plan.write_text("file,group\n" + "".join(f"v{i}.parquet,{'late' if i > 3 else 'early'}\n" for i in range(8)))
    said = mien("study", "reaction", "--plan", str(plan), "-o", str(tmp_path / "ad"), "--duration", "12", *QUICK)
    assert said.code == 0
    told = "The groups were seen for different shares of the film (on average from early 58 % to late 100 %). Means over the whole"
    assert told in said.err
    assert "were seen for different shares" in (tmp_path / "ad" / "page.html").read_text("utf-8")
    assert "different shares" not in mien("study", "reaction", *viewers[4:], "-o", str(tmp_path / "ad"), *QUICK).err


def test_fewer_turns_than_asked_for_are_told(mien: Mien, viewers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synchrony, "MOST_WORK", 1)
    said = mien("study", "reaction", *viewers, "-o", str(tmp_path / "ad"), "--rounds", "600")
    assert said.code == 0
    assert f"moments and parts: {synchrony.LEAST_ROUNDS} turns made of 600 asked for" in said.err
    assert f"{synchrony.LEAST_ROUNDS} times (600 were asked for" in (tmp_path / "ad" / "page.html").read_text("utf-8")
    assert "turns made" not in mien("study", "reaction", *viewers, "-o", str(tmp_path / "ad"), *QUICK).err
    assert "turns made" not in mien("study", "reaction", *viewers[:2], "-o", str(tmp_path / "ad"), "--rounds", "600").err  # not tested


def passers(path: Path, share: float, seed: int, n: int = 10) -> str:
    people = [[(0, ""), (i, "happy" if i < share * n else "neutral"), (i + 0.8, "")] for i in range(n)]
    return str(tabled(path, planted_results(people, seconds=n, fps=5, noise=0.3, source=path.name, seed=seed)))


def test_patterns_of_visitors_are_what_they_match(mien: Mien, tmp_path: Path) -> None:
    """No shell of Windows expands them."""
    for seed, name in enumerate(("in1", "in2", "out1", "out2", "out3")):
        passers(tmp_path / f"{name}.csv", 0.5, seed)
    both = ("--entering", tmp_path / "in*.csv", "--leaving", tmp_path / "out[12].csv", "--leaving", tmp_path / "out3.csv")
    said = mien("study", "visitors", *both, "-o", tmp_path / "cafe", *QUICK)
    assert said.code == 0, said.err
    assert "20 people entering, 30 leaving" in said.err


def test_visitors(mien: Mien, tmp_path: Path) -> None:
    came, left = passers(tmp_path / "in.csv", 0.1, 0), passers(tmp_path / "out.csv", 0.9, 1)
    said = mien("study", "visitors", "--entering", came, "--leaving", left, "-o", str(tmp_path / "cafe"), *QUICK)
    assert said.code == 0
    assert "10 people entering, 10 leaving" in said.err
    assert sorted(path.name for path in (tmp_path / "cafe").iterdir()) == ["page.html", "study.json", "visitors.csv"]  # aggregates only
    row = next(row for row in rows_of(tmp_path / "cafe" / "visitors.csv") if row["measure"] == "valence")
    # each rounded for itself, to an eighth of its interval or finer
    assert float(row["difference"]) == pytest.approx(float(row["leaving"]) - float(row["entering"]), abs=0.2)
    assert float(row["difference_low"]) > 0
    assert float(row["p"]) <= 0.05
    page = (tmp_path / "cafe" / "page.html").read_text("utf-8")
    assert "in.csv" not in page + (tmp_path / "cafe" / "study.json").read_text()
    assert "who leaves is not matched with who came" in page


def test_people_of_a_copy_count_once(mien: Mien, tmp_path: Path) -> None:
    came, left = passers(tmp_path / "in.csv", 0.1, 0), passers(tmp_path / "out.csv", 0.9, 1)
    copy = tmp_path / "copy.csv"
    copy.write_bytes(Path(came).read_bytes())
    said = mien("study", "visitors", "--entering", came, "--entering", copy, "--leaving", left, "-o", str(tmp_path / "cafe"), *QUICK)
    assert said.code == 0
    assert f"{copy}: left out (the same faces at the same times as {came}; a recording counts once)" in said.err
    assert "could not be read" not in said.err
    record = json.loads((tmp_path / "cafe" / "study.json").read_text())
    assert (record["recordings"], record["copies"], record["could_not_be_read"]) == (3, 1, 0)
    assert {row["entering_n"] for row in rows_of(tmp_path / "cafe" / "visitors.csv")} == {"10"}


def test_of_two_tables_of_a_recording_the_one_that_counts_is_kept(mien: Mien, tmp_path: Path) -> None:
    came, left = passers(tmp_path / "in.csv", 0.1, 0), passers(tmp_path / "out.csv", 0.9, 1)
    lost = tmp_path / "lost.csv"
    rows = [dict(row, person="") for row in rows_of(Path(came))]
    with lost.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    both = ("--entering", str(lost), "--entering", came, "--leaving", left)
    said = mien("study", "visitors", *both, "-o", str(tmp_path / "cafe"), *QUICK)
    assert "its people have no numbers" in said.err
    assert "left out (the same faces" not in said.err
    assert "10 people entering, 10 leaving, 1 could not be read" in said.err
    assert said.code == 3


def test_pictures_of_one_person_are_no_study_of_many(mien: Mien, tmp_path: Path) -> None:
    left = passers(tmp_path / "out.csv", 0.9, 1)
    (one,) = planted_results([[(0, "happy")]], seconds=0.04)
    shots = [replace(one, source=f"snap{k}.jpg", faces=replace(one.faces, ids=None)) for k in range(9)]
    came = str(tabled(tmp_path / "snaps.csv", shots))
    words = ("study", "visitors", "--entering", came, "--leaving", left, "-o", str(tmp_path / "cafe"), *QUICK)
    said = mien(*words)
    assert said.code != 0
    assert "snap0.jpg: a picture" in said.err
    assert not (tmp_path / "cafe" / "page.html").exists()
    said = mien(*words, "--pictures-are-people")
    assert said.code == 0
    assert "faces of pictures count as people (9 entering, 0 leaving), as --pictures-are-people says" in said.err
    assert "9 people or faces of pictures entering, 10 leaving" in said.err
    record = json.loads((tmp_path / "cafe" / "study.json").read_text())
    assert record["faces_of_pictures"] == {"entering": 9, "leaving": 0}
    assert record["settings"]["pictures_are_people"]
    page = (tmp_path / "cafe" / "page.html").read_text("utf-8")
    assert "Faces of pictures that count as a person each: 9 entering, 0 leaving" in page
    assert "people or faces of pictures entering" in page


def kept(place: Path, name: str, share: float, seed: int) -> int:
    """A recorded session of people who pass; its number."""
    people = [[(0, ""), (i, "happy" if i < share * 10 else "neutral"), (i + 0.8, "")] for i in range(10)]
    with open_store(place) as store:
        return record(store, name, planted_results(people, seconds=10, fps=5, noise=0.3, source="0", seed=seed))


def test_visitors_of_recorded_sessions(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two cameras and no second table of single people, which no retention would end."""
    place = tmp_path / "store" / "s.db"
    for name, share, seed in (("Eingang", 0.5, 3), ("Eingang", 0.1, 0), ("Ausgang", 0.9, 1)):
        kept(place, name, share, seed)
    tables = [passers(tmp_path / f"{name}.csv", share, seed) for name, share, seed in (("in", 0.1, 0), ("out", 0.9, 1))]
    assert mien("study", "visitors", "--entering", tables[0], "--leaving", tables[1], "-o", str(tmp_path / "a"), *QUICK).code == 0
    named = ("--entering", "Eingang", "--leaving", "Ausgang", "--store", str(place))
    said = mien("study", "visitors", *named, "-o", str(tmp_path / "b"), *QUICK)
    assert said.code == 0
    assert "Eingang: 2 sessions are called 'Eingang'; this is the newest, number 2; the others: 1" in said.err
    assert rows_of(tmp_path / "b" / "visitors.csv") == rows_of(tmp_path / "a" / "visitors.csv")
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["page.html", "study.json", "visitors.csv"]
    plan = tmp_path / "plan.csv"
    plan.write_text("file,side,period\n1,entering,monday\nEingang,entering,monday\nAusgang,leaving,monday\n")
    monkeypatch.setenv("MIEN_STORE", str(place))
    said = mien("study", "visitors", "--plan", str(plan), "-o", str(tmp_path / "c"), *QUICK)
    assert "20 people entering, 10 leaving" in said.err
    said = mien("study", "visitors", "--entering", "1", "--leaving", "3", "-o", str(tmp_path / "d"), *QUICK)
    assert "10 people entering, 10 leaving" in said.err
    said = mien("study", "visitors", "--entering", "Eingan", "--leaving", "Ausgang", "-o", str(tmp_path / "e"))
    wanted = "no such file; wanted recordings, tables that mien wrote, or sessions"
    assert (said.code, said.err) == (1, f"mien: Eingan: {wanted} (no session of that name in {place}; nearest: 'Eingang')\n")
    said = mien("study", "visitors", "--entering", "77", "--leaving", "Ausgang", "-o", str(tmp_path / "e"))
    assert (said.code, said.err) == (1, f"mien: 77: {wanted} (no session 77 in {place})\n")
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "none.db"))
    said = mien("study", "visitors", "--entering", "77", "--leaving", "Ausgang", "-o", str(tmp_path / "e"))
    assert said.code == 1
    assert f"mien: 77: {wanted} (one of 2" not in said.err
    assert "77: no such file (one of 2 that are missing)" in said.err
    assert "none.db: there is no store yet" in said.err
    said = mien("study", "visitors", *named[:4], "--store", str(tmp_path / "none.db"))
    assert "none.db: there is no store yet" in said.err


def test_a_picture_in_a_table_of_a_recording_takes_nobody_from_it(mien: Mien, tmp_path: Path) -> None:
    both = [Timeline.read(passers(tmp_path / f"{name}.csv", 0.5, seed)) for name, seed in (("in", 0), ("a", 1))]
    faces = [row for row in both[1].rows() if row["face"] is not None][:2]
    picture = [row | {"source": "a.jpg", "frame": 0, "time_s": 0.0, "face": i, "person": None} for i, row in enumerate(faces)]
    table = tmp_path / "mixed.csv"
    sink = TABLES[".csv"](table, COLUMNS)
    sink.add([*both[0].rows(), *picture])
    sink.close()
    said = mien("study", "visitors", "--entering", str(table), "--leaving", str(tmp_path / "a.csv"), "-o", str(tmp_path / "v"), *QUICK)
    assert said.code == 0
    assert "mixed.csv: 2 faces of pictures left out, since nobody is followed" in said.err
    assert "10 people entering, 10 leaving" in said.err


def test_sessions_that_broke_off_or_are_empty_are_told(mien: Mien, tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    for name, seed in (("in", 0), ("out", 1)):
        kept(place, name, 0.5, seed)
    people = [[(0, ""), (i, "happy"), (i + 0.8, "")] for i in range(6)]
    with open_store(place) as store:
        writer = store.writer("torn")
        for result in planted_results(people, seconds=6, fps=5, noise=0.3, source="0"):
            writer.write(FRAME, result)
        writer.close(finished=False)
        store.writer("empty").close()
    sides = ("--entering", "in", "--entering", "torn", "--entering", "empty", "--leaving", "out")
    said = mien("study", "visitors", *sides, "--store", str(place), "-o", str(tmp_path / "a"), *QUICK)
    assert said.code == 3
    assert "torn: session 3 broke off; what came before it counts\n" in said.err
    assert "empty: session 4 has no rows\n" in said.err
    assert "16 people entering, 10 leaving" in said.err


def test_sessions_whose_names_look_like_patterns(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pattern matches wins, as a file does over a session of its name."""
    place = tmp_path / "s.db"
    for seed, name in enumerate(("Eingang [Nord]", "Wer?", "Aus*")):
        kept(place, name, 0.5, seed)
    sides = ("--entering", "Eingang [Nord]", "--entering", "Wer?", "--leaving", "Aus*", "--store", str(place))
    monkeypatch.chdir(tmp_path)
    assert "20 people entering, 10 leaving" in mien("study", "visitors", *sides, "-o", "a", *QUICK).err
    (tmp_path / "plan.csv").write_text("file,side\nEingang [Nord],entering\nAus*,leaving\n")
    said = mien("study", "visitors", "--plan", "plan.csv", "--store", str(place), "-o", "b", *QUICK)
    assert "10 people entering, 10 leaving" in said.err
    (tmp_path / "Wer1").touch()
    assert "Wer1: " in mien("study", "visitors", *sides, "-o", "c", *QUICK).err


def test_viewers_are_called_like_their_sessions(mien: Mien, tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    with open_store(place) as store:
        for i, name in enumerate(("Anna 2.1", "Anna 2.2", "Mr. Smith", "Ben", "Ben", "Cleo")):
            record(store, name, planted_results([[(0, "neutral"), (5, "happy"), (8, "neutral")]], seconds=12, fps=5, noise=0.3, seed=i))
    plan = tmp_path / "plan.csv"
    plan.write_text("file,viewer\nAnna 2.1,\n2,2\nMr. Smith,\nBen,\n6,\n")
    for given, wanted in (
        (
            ["Anna 2.1", "Anna 2.2", "Mr. Smith", "4", "5", "6"],
            {"Anna 2.1": 1, "Anna 2.2": 2, "Mr. Smith": 3, "Ben (4)": 4, "Ben (5)": 5, "Cleo": 6},
        ),
        (["--plan", str(plan)], {"Anna 2.1": 1, "2": 2, "Mr. Smith": 3, "Ben": 5, "Cleo": 6}),
    ):
        said = mien("study", "reaction", *given, "--store", str(place), "-o", str(tmp_path / "ad"), *QUICK)
        assert said.code == 0, said.err
        assert {row["viewer"] for row in rows_of(tmp_path / "ad" / "viewers.csv")} == set(wanted)
        text = (tmp_path / "ad" / "study.json").read_text()
        assert {one["viewer"]: one["session"] for one in json.loads(text)["recordings"]} == wanted
        assert str(place) not in text


def test_reaction_of_recorded_sessions(mien: Mien, tmp_path: Path) -> None:
    place = tmp_path / "s.db"
    names = [f"Anna {i}" for i in range(5)]
    with open_store(place) as store:
        for i, name in enumerate(names):
            record(store, name, planted_results([[(0, "neutral"), (5, "happy"), (8, "neutral")]], seconds=12, fps=5, noise=0.3, seed=i))
    said = mien("study", "reaction", *names, "--store", str(place), "-o", str(tmp_path / "ad"), *QUICK)
    assert said.code == 0
    assert {row["viewer"] for row in rows_of(tmp_path / "ad" / "viewers.csv")} == set(names)
    assert not list((tmp_path / "ad").glob("rows/*"))


def test_periods_of_a_plan(mien: Mien, tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    lines = ["file,side,period"]
    for k, (period, n) in enumerate((("monday", 8), ("tuesday", 8), ("sunday", 2))):
        for side in ("entering", "leaving"):
            passers(tmp_path / f"{period}-{side}.csv", 0.5, 2 * k + len(lines) % 2, n)
            lines.append(f"{period}-{side}.csv,{side},{period}")
    plan.write_text("\n".join(lines))
    said = mien("study", "visitors", "--plan", str(plan), "-o", str(tmp_path / "cafe"), *QUICK)
    assert said.code == 0
    assert "period sunday: not told" in said.err
    assert {row["period"] for row in rows_of(tmp_path / "cafe" / "visitors.csv")} == {"", "monday", "tuesday"}
    page = (tmp_path / "cafe" / "page.html").read_text("utf-8")
    assert "Valence by period" in page


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("reaction",), "name the viewers' recordings, or a plan"),
        (("reaction", "a.csv", "--plan", "p.csv"), "but not both"),
        (("reaction", "a.csv", "--baseline", "5"), "--baseline 5: wanted two numbers of seconds"),
        (("reaction", "a.csv", "--language", "xx"), "unknown language 'xx'; there are: en, ru"),
        (("visitors", "--entering", "a.csv", "--affect-scale", "five"), "unknown affect scale 'five'; there are: seven, unit"),
        (("visitors",), "name recordings with --entering and --leaving"),
        (("reaction", "--plan", "none.csv"), "none.csv: no such file"),
        (("visitors", "--entering", "a.csv", "--leaving", "./a.csv"), "a.csv: named twice; its people would count twice"),
        (("visitors", "--entering", "a.csv"), "name recordings of both sides; found none with --leaving"),
        (("reaction", "a.csv", "b.csv", "--seed", "-1"), "seed -1; wanted rounds of at least 100 and a seed of 0 or more"),
    ],
)
def test_wrong_usage_is_one_line(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], wanted: str) -> None:
    monkeypatch.chdir(tmp_path)
    said = mien("study", *words)
    assert said.code in (1, 2)
    assert wanted in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_too_few_people_are_nothing_done_and_no_wrong_usage(mien: Mien, tmp_path: Path) -> None:
    came, left = passers(tmp_path / "in.csv", 0.5, 0, 3), passers(tmp_path / "out.csv", 0.5, 1)
    said = mien("study", "visitors", "--entering", came, "--leaving", left, "-o", str(tmp_path / "cafe"), *QUICK)
    assert said.code == 1
    assert said.err.startswith("mien: found 3 entering and 10 leaving; wanted at least 5 people on each side")
    said = mien("study", "visitors", "--entering", came, "--leaving", left, "--least-people", "1")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "least_people is 1" in said.err
    assert "rounds" not in said.err


def test_nothing_that_can_be_read(mien: Mien, tmp_path: Path) -> None:
    (tmp_path / "none.mp4").write_bytes(b"no video")
    said = mien("study", "reaction", str(tmp_path / "none.mp4"), "-o", str(tmp_path / "ad"))
    assert said.code == 1
    assert "nothing could be read" in said.err


def test_an_interrupted_study_leaves_what_can_be_named_next(mien: Mien, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        clip(tmp_path / f"{name}.mp4", 50, size=SQUARE)
    stream = Analyzer.stream

    def broken(self: Analyzer, inputs: str, **reading: object):
        for i, item in enumerate(stream(self, inputs, **reading)):
            if inputs.endswith("b.mp4") and i == 5:
                signal.raise_signal(signal.SIGTERM)
            yield item

    monkeypatch.setattr(Analyzer, "stream", broken)
    said = mien("study", "reaction", str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4"), "-o", str(tmp_path / "ad"), *FAKES, *QUICK)
    assert said.code == 143
    assert "can be named in place of the recordings" in said.err
    kept = sorted((tmp_path / "ad" / "rows").iterdir())
    assert [path.name for path in kept] == ["a.parquet", "b.parquet.part"]
    again = mien("study", "reaction", *map(str, kept), "-o", str(tmp_path / "again"), "--least-coverage", "0", *QUICK)
    assert again.code == 0
    monkeypatch.setattr(Analyzer, "stream", stream)
    files = [str(tmp_path / f"{name}.mp4") for name in "ab"]
    whole = mien("study", "reaction", *files, "-o", str(tmp_path / "ad"), "--least-coverage", "0", *FAKES, *QUICK)
    assert "rows/: 2 tables of recordings that are read again will be replaced (a.parquet …)" in whole.err
    assert sorted(path.name for path in (tmp_path / "ad" / "rows").iterdir()) == ["a.parquet", "b.parquet"]


def test_a_study_that_is_interrupted_while_it_reads_a_table_tells_where_those_of_recordings_are(
    mien: Mien, viewers: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip(tmp_path / "a.mp4", 50, size=SQUARE)
    monkeypatch.setattr(Timeline, "read", lambda path: signal.raise_signal(signal.SIGINT))
    out = ("-o", str(tmp_path / "ad"), *FAKES, *QUICK)
    said = mien("study", "reaction", tmp_path / "a.mp4", viewers[0], *out)
    assert said.code == 130
    told = f"the tables so far are in {tmp_path / 'ad' / 'rows'}/ and can be named in place of the recordings"
    assert f"interrupted at {viewers[0]}; {told}" in said.err
    said = mien("study", "reaction", *viewers, *out)
    assert (said.code, "the tables so far" in said.err) == (130, False)
