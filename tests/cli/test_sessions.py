"""`mien sessions`: lists, shows, exports, keeps and purges what was recorded."""

import json
import math
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mien.cli.sessions import outline
from mien.io.span import VideoSpan
from mien.options import AnalyzeOptions
from mien.provenance import Provenance
from mien.report.summary import summarise
from mien.sinks.registry import TABLES
from mien.store import erasure, open_store
from mien.testing import make_result, planted_results
from mien.timeline import Timeline
from mien.track.options import TrackOptions
from mien.unsure import UnsureRules
from tests.cli.conftest import Said
from tests.report.tables import row, timeline
from tests.store.recording import record, results

Mien = Callable[..., Said]
ODD = "Анна и друзья"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where $MIEN_STORE points: nothing is there yet."""
    monkeypatch.setenv("MIEN_STORE", str(tmp_path / "sessions.db"))
    return tmp_path / "sessions.db"


@pytest.fixture
def recorded(place: Path) -> Path:
    """A store with three sessions: 1 and 3 are called `talk`."""
    with open_store() as store:
        record(store, "talk", results(6), model="base")
        record(store, ODD, results(3, source="a\x1b[31m.mp4"), retention_days=math.inf)
        record(store, "talk", results(30, raw=True), options={"batch": 8})
    return place


def names(mien: Mien) -> list[tuple[int, str]]:
    return [(row["id"], row["name"]) for row in json.loads(mien("sessions", "list", "--json").out)]


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a program cannot be set there")
def test_list_session_and_question_name_one_time_with_its_offset(mien: Mien, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the night in which Berlin puts its clocks back, half past two is there twice; and on that day in London it is still the 24th."""
    with closing(sqlite3.connect(recorded)) as store, store:
        for number, started in ((1, "2026-10-25T00:30:00.000000Z"), (2, "2026-10-25T01:30:00.000000Z"), (3, "2026-10-24T22:15:00.000000Z")):
            store.execute("UPDATE mien_sessions SET started = ? WHERE id = ?", (started, number))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        listed, asked = mien("sessions", "list").out, mien("sessions", "purge", "--all").err
        shown = {number: mien("sessions", "show", number).out for number in (1, 2, 3)}
    finally:
        monkeypatch.undo()
        time.tzset()
    for number, started in ((1, "2026-10-25 02:30+02:00"), (2, "2026-10-25 02:30+01:00"), (3, "2026-10-25 00:15+02:00")):
        assert started in listed
        assert started in asked
        assert f"\nstarted: {started}\n" in shown[number]


def test_nothing_there(mien: Mien, place: Path) -> None:
    said = mien("sessions", "list")
    assert (said.code, said.out) == (0, "")
    assert said.err.startswith(f"mien: no sessions yet: {place}: there is no store yet")
    assert mien("sessions", "list", "--json") == (0, "[]\n", "")
    said = mien("sessions", "show", "x")
    assert said.code == 1
    assert "there is no store yet" in said.err
    assert not place.exists()
    open_store().close()
    assert mien("sessions", "list").err == f"mien: no sessions in {place}\n"
    assert mien("sessions", "show", "x").err == "mien: unknown session 'x'; there are: none\n"


def test_list(mien: Mien, recorded: Path) -> None:
    rows = json.loads(mien("sessions", "list", "--json").out)
    assert [(row["id"], row["name"], row["frame_count"], row["face_count"]) for row in rows] == [
        (3, "talk", 30, 30),
        (2, ODD, 3, 3),
        (1, "talk", 6, 6),
    ]
    assert rows[0]["state"] == "finished"
    assert rows[1]["retention_days"] == "forever"
    lines = mien("sessions", "list").out.splitlines()
    assert lines[0].split() == ["#", "name", "started", "took", "faces", "state", "source"]
    assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1"]
    assert ODD in lines[2]
    assert "\x1b" not in lines[2]


def test_another_store_by_option(mien: Mien, recorded: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with open_store(other) as store:
        record(store, "elsewhere")
    assert [row["name"] for row in json.loads(mien("sessions", "list", "--json", "--store", other).out)] == ["elsewhere"]
    assert mien("sessions", "list", "--store", "mysql://a:hush@b/c").code == 2


def test_show(mien: Mien, recorded: Path) -> None:
    shown = json.loads(mien("sessions", "show", ODD, "--json").out)
    assert (shown["id"], shown["row_count"], shown["people"], shown["seconds"], shown["sources"]) == (2, 4, 2, 0.12, ["a\x1b[31m.mp4"])
    assert shown["emotions"] == {"fear": 0.5, "happy": 0.5}  # of the sure faces, as on the page
    assert shown["unsure"] == 0.3333
    said = mien("sessions", "show", "2")
    assert "name: Анна и друзья\n" in said.out
    assert "sources: a?[31m.mp4\n" in said.out
    assert "kept: forever\n" in said.out
    assert "video: 0.12 s\n" in said.out
    assert "unsure: 33.3% of the faces\n" in said.out
    assert "how it was read: not told\n" in said.out
    assert [line.split() for line in said.out.splitlines()[-3:]] == [["expression", "sure", "faces"], ["fear", "50.0%"], ["happy", "50.0%"]]


def test_show_says_which_options_are_not_the_default_as_a_page_does(mien: Mien, place: Path) -> None:
    options = AnalyzeOptions(detector="mtcnn", unsure=UnsureRules(min_confidence=0.9), track=TrackOptions(smooth="ema"))
    with open_store() as store:
        record(store, "usual", results(6), options=Provenance.of(AnalyzeOptions()).options)
        record(store, "changed", results(6), options=Provenance.of(options, VideoSpan(every=0.5)).options)
        record(store, "pictures", [make_result(["sad"], source="a.jpg")], options=Provenance.of(options, VideoSpan(every=0.5)).options)
    assert "how it was read: all by default\n" in mien("sessions", "show", "usual").out
    said = mien("sessions", "show", "changed").out
    told = said[said.index("how it was read") : said.index("\n\n")].splitlines()
    assert told == [
        "how it was read, all else by default:",
        "  Faces:",
        "    face detector: mtcnn (default: yunet)",
        "  Frames of videos:",
        "    frames that are read: one each 0.5 s (default: all)",
        "  Over time:",
        "    smoothing of values: exponential (default: 1-euro filter)",
        "  A face is unsure with:",
        "    a top probability below: 0.9 (default: 0.45)",
    ]
    assert all(word not in said for word in ("{", "true", "false", "null", "_"))
    pictures = mien("sessions", "show", "pictures").out
    assert "Frames of videos" not in pictures
    assert "video:" not in pictures
    assert json.loads(mien("sessions", "show", "changed", "--json").out)["options"]["track"]["smooth"] == "ema"


def test_lengths_have_units(mien: Mien, recorded: Path) -> None:
    with closing(sqlite3.connect(recorded)) as store, store:
        for number, ended in ((1, "10:00:04.100000"), (2, "10:12:05.500000"), (3, "11:00:07.000000")):
            times = ("2026-10-25T10:00:00.000000Z", f"2026-10-25T{ended}Z", number)
            store.execute("UPDATE mien_sessions SET started = ?, ended = ? WHERE id = ?", times)
    lines = mien("sessions", "list").out.splitlines()
    for line, number, took in zip(lines[1:], (3, 2, 1), ("1:00:07", "12:05.5", "4.10 s"), strict=True):
        assert f"  {took}  " in line
        assert f"\ntook: {took}\n" in mien("sessions", "show", number).out


def test_the_list_keeps_a_time_on_one_line_of_a_terminal(mien: Mien, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store() as store:
        record(store, "shop window", results(6))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    lines = re.sub(r"\x1b\[\d*m", "", mien("sessions", "list").out).splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r"1  shop window  \d{4}-\d\d-\d\d \d\d:\d\d[+-]\d\d:\d\d  .* s +6  finished  clip\.mp4 *", lines[1])


def test_expressions_are_shares_of_the_time() -> None:
    fast = [row("a.mp4", k, k / 10, "sad", person=0) for k in range(10)]
    slow = [row("a.mp4", 10 + k, 1 + k * 1.5, "happy", person=0, unsure=k == 0) for k in range(3)]
    assert outline(timeline([*fast, *slow]))["emotions"] == {"happy": 0.6154, "sad": 0.3846}  # 1.6 and 1 second


def test_of_several_of_a_name_the_newest(mien: Mien, recorded: Path) -> None:
    said = mien("sessions", "show", "talk", "--json")
    assert json.loads(said.out)["id"] == 3
    assert said.err == "mien: 2 sessions are called 'talk'; this is the newest, number 3; the others: 1\n"
    assert json.loads(mien("sessions", "show", "1", "--json").out)["options"] == {}


def test_unknown_sessions(mien: Mien, recorded: Path) -> None:
    for verb in ("show", "export", "purge"):
        said = mien("sessions", verb, "nobody")
        assert (said.code, said.err) == (2, "mien: unknown session 'nobody'; there are: 'talk', 'Анна и друзья'\n")


def test_an_empty_session(mien: Mien, place: Path) -> None:
    with open_store() as store:
        record(store, "empty", [])
    shown = json.loads(mien("sessions", "show", "empty", "--json").out)
    assert (shown["emotions"], shown["seconds"], shown["people"], shown["unsure"]) == ({}, 0.0, 0, None)
    assert mien("sessions", "show", "empty").code == 0
    assert mien("sessions", "export", "empty").out == ""
    said = mien("sessions", "export", "empty", "-o", place.parent / "x.csv")
    assert (said.code, said.err) == (1, "mien: session 'empty' (number 1) has no rows; there is nothing to export\n")


def test_people_are_counted_in_each_input() -> None:
    """The numbers of people begin anew with each input."""
    assert outline(Timeline.from_results([*results(1, source="a.mp4"), *results(1, source="b.mp4")]))["people"] == 4


def test_seconds_are_those_of_the_page() -> None:
    """Recordings of 5, 4 and 3 seconds are 12, though all begin at 0; pictures have none."""
    lengths = {"a.mp4": 5, "b.mp4": 4, "c.mp4": 3}
    three = [one for source, n in lengths.items() for one in planted_results([[(0, "happy")]], seconds=n, source=source)]
    timeline = Timeline.from_results([*three, make_result(["sad"])])
    assert outline(timeline)["seconds"] == 12.0 == pytest.approx(summarise(timeline).duration)
    assert outline(Timeline.from_results([make_result(["sad"])]))["seconds"] == 0.0


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_export(mien: Mien, recorded: Path, tmp_path: Path, suffix: str) -> None:
    said = mien("sessions", "export", "3", "-o", tmp_path / f"x{suffix}")
    assert said == (0, "", f"40 rows -> {tmp_path / f'x{suffix}'}\n")
    assert Timeline.read(tmp_path / f"x{suffix}")["frame"].tolist() == [row["frame"] for r in results(30) for row in r.rows()]


def test_export_to_stdout(mien: Mien, recorded: Path, tmp_path: Path) -> None:
    with TABLES[".jsonl"](tmp_path / "run.jsonl") as sink:
        sink.add(row for result in results(6) for row in result.rows())
    assert mien("sessions", "export", "1").out == (tmp_path / "run.jsonl").read_text("utf-8")
    said = mien("sessions", "export", "1", "-o", tmp_path / "x.mp4")
    assert said.code == 2
    assert "there are .csv .jsonl .parquet" in said.err


def test_retention(mien: Mien, recorded: Path) -> None:
    assert mien("sessions", "retention").out == "forever\n"
    assert mien("sessions", "retention", "30").out == "30 days\n"
    assert mien("sessions", "retention", "--json").out == '{"retention_days": 30.0}\n'
    assert mien("sessions", "retention", "--session", ODD).out == "forever\n"
    assert mien("sessions", "retention", "1", "--session", "1").out == "1 day\n"
    assert mien("sessions", "retention", "--session", "1", "--json").out == '{"retention_days": 1.0}\n'
    assert "kept: 30 days\n" in mien("sessions", "show", "3").out
    assert mien("sessions", "retention", "forever").out == "forever\n"
    for wrong in ("soon", "nan"):
        said = mien("sessions", "retention", wrong)
        assert said.code == 2
        assert "wanted a number of days from 0 up, or forever" in said.err


def test_retention_before_the_first_session(mien: Mien, place: Path) -> None:
    assert mien("sessions", "retention", "7").code == 0
    assert place.exists()
    assert mien("sessions", "retention").out == "7 days\n"


def test_purge_wants_to_be_sure(mien: Mien, recorded: Path) -> None:
    said = mien("sessions", "purge", "talk")
    assert said.code == 2
    assert "purge deletes for good 'talk' (3, " in said.err
    assert ": 2 sessions with 48 rows; add --yes" in said.err
    assert len(names(mien)) == 3


def test_purge_asks_on_a_terminal(mien: Mien, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    asked = []

    def confirm(text: str, *, err: bool) -> bool:
        asked.append(text)
        if len(asked) == 1:
            raise __import__("typer").Abort  # Ctrl-C
        return len(asked) > 2

    monkeypatch.setattr("typer.confirm", confirm)
    assert mien("sessions", "purge", "2").code == 130
    assert mien("sessions", "purge", "2") == (1, "", "nothing purged\n")
    assert len(names(mien)) == 3
    assert mien("sessions", "purge", "2").code == 0
    assert asked[0].startswith(f"Delete for good '{ODD}' (2, ")
    assert names(mien) == [(3, "talk"), (1, "talk")]


def test_purge(mien: Mien, recorded: Path) -> None:
    said = mien("sessions", "purge", "1", "--yes")
    assert said.code == 0
    assert "1 session with 8 rows" in said.err
    assert names(mien) == [(3, "talk"), (2, ODD)]
    assert "nothing to purge" in mien("sessions", "purge", "--older-than", "1", "--yes").err
    assert "nothing to purge" in mien("sessions", "purge", "--expired", "--yes").err
    assert mien("sessions", "retention", "0").code == 0
    assert mien("sessions", "purge", "--expired", "--yes").code == 0
    assert names(mien) == [(2, ODD)]
    assert mien("sessions", "purge", "--older-than", "0", "--yes").code == 0
    assert names(mien) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_purge_that_is_interrupted_is_told_and_listed(
    mien: Mien, recorded: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int, code: int
) -> None:
    """The sessions are in no list any more while their rows still stand in the file."""
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_rewrite", lambda *_: signal.raise_signal(number))
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            assert mien("sessions", "purge", "talk", "--yes") == (code, "", "")
        finally:
            signal.signal(signal.SIGINT, before)
    assert "the sessions are deleted, but their bytes are still in the store's files, since this was interrupted" in caplog.text
    for words in ((), ("--json",)):
        assert mien("sessions", "list", *words).err == (
            f"mien: {recorded}: the bytes of 2 purged sessions may still be in the store's files; "
            "`mien sessions purge --expired --yes` deletes them\n"
        )
    assert mien("sessions", "purge", "--expired", "--yes").code == 0
    assert mien("sessions", "list").err == ""


def test_purge_all_names_some_and_those_that_run(mien: Mien, recorded: Path) -> None:
    with open_store() as store:
        for i in range(10):
            record(store, f"s{i}", [])
        writer = store.writer("live")
        assert "live" not in mien("sessions", "purge", "--older-than", "0").err
        said = mien("sessions", "purge", "--all", "--yes")
        assert "'live' (14, " in said.err
        assert ", still running)" in said.err
        assert " and 4 more: 14 sessions" in said.err
        with pytest.raises(Exception, match="was purged while it ran"):
            writer.close()
    assert names(mien) == []
    assert mien("sessions", "purge", "--all", "--yes").code == 0


def shouted(*words: object, encoding: str) -> bytes:
    """What a process of its own writes to stdout where the locale has that encoding."""
    command = [sys.executable, "-m", "mien", "sessions", *map(str, words)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=os.environ | {"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "utf-8"])
def test_stdout_is_utf_8_in_any_locale(recorded: Path, encoding: str) -> None:
    with open_store() as store:
        record(store, "odd", results(1, source="лицо é.mp4"))
    line, *_ = shouted("export", "odd", "-o", "-", encoding=encoding).decode().splitlines()
    assert json.loads(line)["source"] == "лицо é.mp4"
    assert ODD in [one["name"] for one in json.loads(shouted("list", "--json", encoding=encoding))]
    assert ODD in shouted("list", encoding=encoding).decode()
    assert f"name: {ODD}" in shouted("show", ODD, encoding=encoding).decode()


def test_a_terminal_that_lacks_letters_gets_escapes(recorded: Path) -> None:
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    ours, theirs = pty.openpty()
    env = os.environ | {"PYTHONIOENCODING": "cp1252", "COLUMNS": "200"}
    done = subprocess.run([sys.executable, "-m", "mien", "sessions", "show", ODD], stdout=theirs, timeout=60, check=False, env=env)
    os.close(theirs)
    text = os.read(ours, 100_000).decode("cp1252")
    os.close(ours)
    assert done.returncode == 0
    assert f"name: {ODD.encode('ascii', 'backslashreplace').decode()}" in text


@pytest.mark.parametrize("words", [(), ("talk", "--all"), ("--expired", "--older-than", "3")])
def test_purge_wants_one_thing(mien: Mien, recorded: Path, words: tuple[str, ...]) -> None:
    said = mien("sessions", "purge", *words, "--yes")
    assert (said.code, said.err) == (2, "mien: purge: wanted one of SESSION, --older-than DAYS, --expired, --all\n")
    assert len(names(mien)) == 3


def test_what_a_recording_took_is_left_out_where_the_clock_was_put_back(mien: Mien, recorded: Path) -> None:
    with closing(sqlite3.connect(recorded)) as connection, connection:
        times = ("2030-01-01T00:00:00.000000Z", "2029-01-01T00:00:00.000000Z")
        connection.execute("UPDATE mien_sessions SET started = ?, ended = ? WHERE id = 3", times)
    _, first, second, *_ = mien("sessions", "list").out.splitlines()
    assert re.fullmatch(r"3 +talk +20\S+ \S+ +30 +finished .*", first)
    assert re.fullmatch(r"2 .* \d\.\d\d s +3 +finished .*", second)
    assert "took:" not in mien("sessions", "show", 3).out
    assert "took:" in mien("sessions", "show", 2).out
