"""Where the tables of a study's recordings go: no table of another recording is lost, and a recording finds its own again."""

import os
import warnings
from pathlib import Path, PureWindowsPath

import pytest

from mien.options import AnalyzeOptions
from mien.provenance import Provenance
from mien.sinks.registry import table_sink
from mien.study.plan import Recording
from mien.study.read import fingerprint
from mien.study.row_files import others, replaced, row_files
from mien.table import COLUMNS
from mien.testing import planted_results


def recorded(path: Path, data: bytes = b"one") -> Path:
    """What stands for a recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def tabled(path: Path, of: Path | str) -> Path:
    """A Parquet table of a recording, whatever its own name ends in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name("made.parquet")
    how = Provenance.of(AnalyzeOptions())
    sink = table_sink(whole, COLUMNS, Provenance({**how.options, "fingerprint": fingerprint(str(of))}, how.version))
    for result in planted_results([[(0, "neutral")]], seconds=1, fps=5, source=str(of)):
        sink.add(result.rows())
    sink.close()
    return whole.rename(path)


def names(folder: Path, *recordings: Recording) -> list[str]:
    return [path.name for path in row_files(folder, recordings).values()]


def test_a_table_that_is_an_input_keeps_its_name(tmp_path: Path) -> None:
    """The second wave of a panel, studied together with the first, which is there as tables."""
    rows = tmp_path / "wave" / "rows"
    first, second = (recorded(tmp_path / wave / "01.mp4") for wave in ("w1", "w2"))
    old = tabled(rows / "01.parquet", first)
    again = Recording(str(tmp_path / "wave" / ".." / "wave" / "rows" / "01.parquet"), "w1-01")
    assert names(rows, Recording(str(second), "01"), again) == ["01-2.parquet"]
    assert names(rows, again, Recording(str(first), "01")) == ["01-2.parquet"]  # of its own recording, too
    cut = Recording(str(tabled(rows / "B.parquet.part", recorded(tmp_path / "b.mp4"))), "of b")
    assert names(rows, cut, Recording(str(tmp_path / "b.mp4"), "b")) == ["b-2.parquet"]
    assert others(rows, [old]) == []


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="there are no links here")
def test_a_table_that_is_an_input_by_a_link_keeps_its_name(tmp_path: Path) -> None:
    rows, first = tmp_path / "rows", recorded(tmp_path / "01.mp4")
    (tmp_path / "wave1.parquet").symlink_to(tabled(rows / "01.parquet", first))
    (rows / "02.parquet").symlink_to(tabled(tmp_path / "elsewhere.parquet", recorded(tmp_path / "02.mp4")))
    for link, name in ((tmp_path / "wave1.parquet", "01"), (rows / "02.parquet", "02")):
        assert names(rows, Recording(str(tmp_path / f"{name}.mp4"), name), Recording(str(link), "old")) == [f"{name}-2.parquet"]


def test_what_was_read_of_another_recording_stays_and_its_own_is_found_again(tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    first, second, third = (Recording(str(recorded(tmp_path / wave / "01.mp4")), "01") for wave in ("w1", "w2", "w3"))
    tabled(rows / "01.parquet", first.file)
    assert (names(rows, first), names(rows, second)) == (["01.parquet"], ["01-2.parquet"])
    tabled(rows / "01-2.parquet", second.file)
    assert (names(rows, second), names(rows, third)) == (["01-2.parquet"], ["01-3.parquet"])
    assert replaced(list(row_files(rows, [second]).values())) == ["01-2.parquet"]
    assert replaced(list(row_files(rows, [third]).values())) == []


def test_a_name_is_that_of_a_file_in_the_current_folder_and_not_of_one_called_so_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wave in ("w1", "w2"):
        recorded(tmp_path / wave / "01.mp4")
    monkeypatch.chdir(tmp_path / "w1")
    tabled(tmp_path / "rows" / "01.parquet", "01.mp4")
    monkeypatch.chdir(tmp_path / "w2")
    assert names(tmp_path / "rows", Recording("01.mp4", "01")) == ["01-2.parquet"]
    monkeypatch.chdir(tmp_path)
    for name in (str(Path("w1", "01.mp4")), str(Path("w1", "0*.mp4")), "w1", str(tmp_path / "w1" / ".." / "w1" / "01.mp4")):
        assert names(tmp_path / "rows", Recording(name, "01")) == ["01.parquet"]


def test_another_recording_that_came_in_the_place_of_one_has_a_table_of_its_own(tmp_path: Path) -> None:
    card = recorded(tmp_path / "card" / "01.mp4")
    tabled(tmp_path / "rows" / "01.parquet", card)
    recorded(card, b"another")
    assert names(tmp_path / "rows", Recording(str(card), "01")) == ["01-2.parquet"]


@pytest.mark.parametrize("source", ["-", "rtsp://example.org/a", "/dev/null"])
def test_what_cannot_be_read_twice_never_has_a_table_already(tmp_path: Path, source: str) -> None:
    tabled(tmp_path / "a.parquet", source)
    assert names(tmp_path, Recording(source, "a")) == ["a-2.parquet"]


def test_an_address_is_one_whatever_its_password_and_another_with_another_query(tmp_path: Path) -> None:
    tabled(tmp_path / "a.parquet", "https://anna:secret@example.org/a.mp4?id=1")
    assert names(tmp_path, Recording("https://example.org/a.mp4?id=1", "a")) == ["a.parquet"]
    assert names(tmp_path, Recording("https://example.org/a.mp4?id=2", "a")) == ["a-2.parquet"]


def test_a_table_of_an_earlier_mien_stays(tmp_path: Path) -> None:
    sink = table_sink(tmp_path / "a.parquet", COLUMNS)
    for result in planted_results([[(0, "neutral")]], seconds=1, fps=5, source=str(recorded(tmp_path / "a.mp4"))):
        sink.add(result.rows())
    sink.close()
    assert names(tmp_path, Recording(str(tmp_path / "a.mp4"), "a")) == ["a-2.parquet"]


def test_what_an_interrupted_run_left_of_another_recording_stays(tmp_path: Path) -> None:
    first, second = (Recording(str(recorded(tmp_path / wave / "a.mp4")), "a") for wave in ("w1", "w2"))
    part = tabled(tmp_path / "a.parquet.part", first.file)
    assert (names(tmp_path, first), names(tmp_path, second)) == (["a.parquet"], ["a-2.parquet"])
    part.write_bytes(b"PAR1 and no end, as of a run that was killed")
    assert names(tmp_path, second) == ["a.parquet"]


@pytest.mark.parametrize("data", [b"", b"somebody's own", b"PAR1 \xff\xff\xff\x7fPAR1"])
def test_a_file_that_is_no_table_of_miens_is_not_replaced(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(data)
    assert names(tmp_path, Recording(str(recorded(tmp_path / "a.mp4")), "a")) == ["a-2.parquet"]
    (tmp_path / "b.parquet").mkdir()
    assert names(tmp_path, Recording(str(recorded(tmp_path / "b.mp4")), "b")) == ["b-2.parquet"]


@pytest.mark.parametrize("folder", ["rows", "none"])
def test_tables_need_no_name(tmp_path: Path, folder: str) -> None:
    assert row_files(tmp_path / folder, [Recording("a.csv", "a"), Recording("b.mp4", "b")]) == {"b": tmp_path / folder / "b.parquet"}


def test_no_table_is_called_like_a_device_of_windows(tmp_path: Path) -> None:
    viewers = ["aux", "CON", "nul.a", "com1", "LPT9", "prn ", "auxiliary", "com"]
    found = names(tmp_path, *(Recording(str(recorded(tmp_path / f"{i}.mp4")), viewer) for i, viewer in enumerate(viewers)))
    assert found == [f"{name}.parquet" for name in ("_aux", "_CON", "_nul.a", "_com1", "_LPT9", "_prn", "auxiliary", "com")]
    with warnings.catch_warnings(action="ignore"):  # Python 3.13 wants another way to ask, which is on Windows only
        assert not any(PureWindowsPath(name).is_reserved() for name in found)


def test_viewers_whose_accents_are_written_in_two_ways_have_two_tables(tmp_path: Path) -> None:
    one, other = (Recording(str(recorded(tmp_path / f"{i}.mp4")), viewer) for i, viewer in enumerate(("Jos\u00e9", "jose\u0301")))
    assert names(tmp_path, one, other) == ["Jos\u00e9.parquet", "jos\u00e9-2.parquet"]
