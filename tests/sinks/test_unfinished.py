"""What stays beside a table whose run broke off."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from mien.errors import SourceUnreadable, UsageError
from mien.sinks import unfinished
from mien.sinks.files import replace
from mien.sinks.tables import CsvSink
from mien.sinks.unfinished import UnfinishedSink, beside_table, failures_of
from mien.testing import planted_results
from mien.types import Frame

SETTINGS = {"every": None, "detector": "yunet", "track.baseline": (0, 1)}
BEFORE = {"turn": 0}
"""An option that came later."""


def work(table: Path, *, finished: bool, failures: dict[str, str] | None = None) -> None:
    """A run that reads one picture and half a film."""
    sink = UnfinishedSink(table, SETTINGS, failures)
    [result] = planted_results([[(0, "happy")]], seconds=0.04)
    sink.write(Frame(np.zeros((8, 8, 3), np.uint8)), result)
    sink.failed("b.mkv", SourceUnreadable("b.mkv: broken after 3.73 s"))
    sink.close(finished=finished)


def test_it_goes_with_the_end_of_the_work(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=True)
    assert list(tmp_path.iterdir()) == []
    assert failures_of(table, SETTINGS, before=BEFORE) == {}


def test_of_a_run_that_broke_off_it_is_known_what_could_not_be_read(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=False, failures={"a.mkv": "a.mkv: damaged"})
    assert failures_of(table, SETTINGS, before=BEFORE) == {"a.mkv": "a.mkv: damaged", "b.mkv": "b.mkv: broken after 3.73 s"}
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv.unfinished"]


def test_other_settings_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=False)
    with pytest.raises(UsageError, match=r"begun with every none, and this run has 0\.5; take the options of the run that began it"):
        failures_of(table, {**SETTINGS, "every": 0.5}, before=BEFORE)
    with pytest.raises(UsageError, match="begun with detector yunet, and this run has haar"):
        failures_of(table, {**SETTINGS, "detector": "haar"}, before=BEFORE)


def test_what_is_no_number_is_none_in_the_note_of_any_mien(tmp_path: Path) -> None:
    """`--to inf` was noted as Infinity once."""
    table = tmp_path / "x.csv"
    settings = {"stop": math.inf, "detector": "yunet"}
    beside_table(table).write_text(json.dumps({"settings": settings, "failures": {"b.mkv": "broken"}}))
    assert "Infinity" in beside_table(table).read_text()
    assert failures_of(table, settings, before=BEFORE) == {"b.mkv": "broken"}
    assert failures_of(table, settings | {"stop": None}, before=BEFORE) == {"b.mkv": "broken"}
    with pytest.raises(UsageError, match=r"begun with stop none, and this run has 3"):
        failures_of(table, settings | {"stop": 3}, before=BEFORE)


def test_an_option_that_came_later_counts_as_what_it_then_amounted_to(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=False)
    assert list(failures_of(table, {**SETTINGS, "turn": 0}, before=BEFORE)) == ["b.mkv"]
    with pytest.raises(UsageError, match="begun with turn 0, and this run has 90"):
        failures_of(table, {**SETTINGS, "turn": 90}, before=BEFORE)


@pytest.mark.parametrize("text", ["", "[]", '{"settings": 3, "failures": {}}', '{"settings": {}}'])
def test_what_somebody_else_wrote_there_says_nothing(tmp_path: Path, text: str) -> None:
    table = tmp_path / "x.csv"
    beside_table(table).write_text(text)
    assert failures_of(table, SETTINGS, before=BEFORE) == {}


def test_a_run_that_reads_nothing_leaves_nothing(tmp_path: Path) -> None:
    sink = UnfinishedSink(tmp_path / "x.csv", SETTINGS)
    sink.failed("b.mkv", SourceUnreadable("b.mkv: no frame"))
    sink.close(finished=False)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_goes_on_and_comes_to_its_end_takes_it_away(tmp_path: Path) -> None:
    """Though it read nothing more."""
    table = tmp_path / "x.csv"
    work(table, finished=False)
    UnfinishedSink(table, SETTINGS, failures_of(table, SETTINGS, before=BEFORE)).close(finished=True)
    assert list(tmp_path.iterdir()) == []


def test_inputs_that_are_left_keep_it(tmp_path: Path) -> None:
    sink = UnfinishedSink(tmp_path / "x.csv", SETTINGS)
    [result] = planted_results([[(0, "happy")]], seconds=0.04)
    sink.write(Frame(np.zeros((8, 8, 3), np.uint8)), result)
    sink.stays = True
    sink.close(finished=True)
    assert failures_of(tmp_path / "x.csv", SETTINGS, before=BEFORE) == {}
    assert beside_table(tmp_path / "x.csv").exists()


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    table, name = tmp_path / "x.csv", "a\udcff.png"  # as os.fsdecode gives a byte that is no UTF-8
    sink = UnfinishedSink(table, SETTINGS)
    [result] = planted_results([[(0, "happy")]], seconds=0.04)
    sink.write(Frame(np.zeros((8, 8, 3), np.uint8)), result)
    sink.failed(name, SourceUnreadable(f"{name}: broken"))
    sink.close(finished=False)
    assert failures_of(table, SETTINGS, before=BEFORE) == {name: f"{name}: broken"}


def test_nobody_is_stopped_where_it_cannot_be_written(tmp_path: Path) -> None:
    work(tmp_path / ("x" * 246 + ".csv"), finished=False)  # a name that is too long with the suffix
    work(tmp_path / ("x" * 246 + ".csv"), finished=True)
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_begins_anew_has_no_note_of_the_one_before(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=False)
    [result] = planted_results([[(0, "happy")]], seconds=0.04)
    with CsvSink(table) as sink:
        sink.admit(Frame(np.zeros((8, 8, 3), np.uint8)))
        sink.write(Frame(np.zeros((8, 8, 3), np.uint8)), result)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_thousands_of_broken_files_are_told_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written whole for each of 8,000 they were 4 GB."""
    written = []
    monkeypatch.setattr(unfinished, "replace", lambda path, data: (written.append(len(data)), replace(path, data)))
    table = tmp_path / "x.csv"
    sink = UnfinishedSink(table, SETTINGS)
    [result] = planted_results([[(0, "happy")]], seconds=0.04)
    sink.write(Frame(np.zeros((8, 8, 3), np.uint8)), result)
    failures = {f"{number}.jpg": f"{number}.jpg: broken" for number in range(500)}
    for number, (source, why) in enumerate(failures.items()):
        sink.failed(source, SourceUnreadable(why))
        if number == 200:  # killed here, all of it would be known
            assert len(failures_of(table, SETTINGS, before=BEFORE)) == 201
    sink.close(finished=False)
    assert failures_of(table, SETTINGS, before=BEFORE) == failures
    assert len(written) == 1
    note = beside_table(table)
    assert len(note.read_text("ascii").splitlines()) == 501
    note.write_bytes(note.read_bytes()[:-9])  # and killed within a line, all but that one
    assert failures_of(table, SETTINGS, before=BEFORE) == {source: why for source, why in failures.items() if source != "499.jpg"}


def test_the_note_of_an_earlier_mien_is_read(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    for indent in (None, 1):
        beside_table(table).write_text(json.dumps({"settings": {"every": None}, "failures": {"b.mkv": "broken"}}, indent=indent), "ascii")
        assert failures_of(table, SETTINGS, before=BEFORE) == {"b.mkv": "broken"}
        with pytest.raises(UsageError, match=r"begun with every none, and this run has 0\.5"):
            failures_of(table, {**SETTINGS, "every": 0.5}, before=BEFORE)


def test_an_input_that_can_be_read_in_the_next_run_has_not_failed_any_more(tmp_path: Path) -> None:
    """The last one of a table is read anew; its failure is none of those that are handed on."""
    table = tmp_path / "x.csv"
    work(table, finished=False)
    sink = UnfinishedSink(table, SETTINGS, {})
    [result] = planted_results([[(0, "happy")]], seconds=0.04)
    sink.write(Frame(np.zeros((8, 8, 3), np.uint8)), result)
    sink.close(finished=False)
    assert failures_of(table, SETTINGS, before=BEFORE) == {}
