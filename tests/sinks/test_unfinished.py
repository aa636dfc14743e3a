"""What stays beside a table whose run broke off."""

from pathlib import Path

import numpy as np
import pytest

from mien.errors import SourceUnreadable, UsageError
from mien.sinks.unfinished import UnfinishedSink, beside_table, failures_of
from mien.testing import planted_results
from mien.types import Frame

SETTINGS = {"every": None, "detector": "yunet", "track.baseline": (0, 1)}


def work(table: Path, *, finished: bool, failures: dict[str, str] | None = None) -> None:
    """A run that reads one picture and half a film."""
    sink = UnfinishedSink(table, SETTINGS, failures or {})
    [result] = planted_results([[(0, "happy")]], seconds=0.04)
    sink.write(Frame(np.zeros((8, 8, 3), np.uint8)), result)
    sink.failed("b.mkv", SourceUnreadable("b.mkv: broken after 3.73 s"))
    sink.close(finished=finished)


def test_it_goes_with_the_end_of_the_work(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=True)
    assert list(tmp_path.iterdir()) == []
    assert failures_of(table, SETTINGS) == {}


def test_of_a_run_that_broke_off_it_is_known_what_could_not_be_read(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=False, failures={"a.mkv": "a.mkv: damaged"})
    assert failures_of(table, SETTINGS) == {"a.mkv": "a.mkv: damaged", "b.mkv": "b.mkv: broken after 3.73 s"}
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv.unfinished"]


def test_other_settings_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    work(table, finished=False)
    with pytest.raises(UsageError, match=r"begun with every none, and this run has 0\.5; take the options of the run that began it"):
        failures_of(table, {**SETTINGS, "every": 0.5})
    with pytest.raises(UsageError, match="begun with detector yunet, and this run has haar"):
        failures_of(table, {**SETTINGS, "detector": "haar"})


@pytest.mark.parametrize("text", ["", "[]", '{"settings": 3, "failures": {}}', '{"settings": {}}'])
def test_what_somebody_else_wrote_there_says_nothing(tmp_path: Path, text: str) -> None:
    table = tmp_path / "x.csv"
    beside_table(table).write_text(text)
    assert failures_of(table, SETTINGS) == {}


def test_a_run_that_reads_nothing_leaves_nothing(tmp_path: Path) -> None:
    sink = UnfinishedSink(tmp_path / "x.csv", SETTINGS, {})
    sink.failed("b.mkv", SourceUnreadable("b.mkv: no frame"))
    sink.close(finished=False)
    assert list(tmp_path.iterdir()) == []
