"""Sessions are kept as they were, found again, and told apart."""

import json
import math
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PureWindowsPath

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mien
from mien.errors import DataError, UnknownName, UsageError
from mien.labels import EMOTIONS
from mien.options import AnalyzeOptions
from mien.sinks.registry import TABLES
from mien.sinks.sink import BadTarget
from mien.store import Store, open_store
from mien.store import store as store_module
from mien.store.database import sqlite_uri
from mien.table import columns
from mien.timeline import KINDS, Timeline
from mien.types import Emotions, Faces, Floats, Result
from tests.store.recording import record, results

ODD_NAMES = ["with spaces", "Анна и друзья", "日本 🙂", "a'b\"c;--", "50%", "it's :x"]


def same(left: Timeline, right: Timeline) -> None:
    assert list(left.columns) == list(right.columns)
    for name, values in left.columns.items():
        assert values.dtype == right[name].dtype
        np.testing.assert_array_equal(values, right[name], err_msg=name)


def test_what_is_kept_of_a_session(store: Store) -> None:
    before = datetime.now(UTC)
    number = record(store, "first", results(6), model="base", options=AnalyzeOptions(threads=3), retention_days=7)
    session = store.session("first")
    assert (session.id, session.name, session.model, session.version) == (number, "first", "base", mien.__version__)
    assert (session.frame_count, session.face_count, session.row_count) == (6, 6, 8)
    assert (session.sources, session.source_count, session.retention_days) == (("clip.mp4",), 1, 7)
    assert session.options["threads"] == 3
    assert session.options["track"]["smooth"] == "euro"
    assert session.state() == "finished"
    assert session.ended is not None
    started, ended = map(datetime.fromisoformat, (session.started, session.ended))
    assert before <= started <= ended <= datetime.now(UTC)
    assert store.sessions() == [session]


def test_a_name_again_is_another_session(store: Store) -> None:
    first, other, second = record(store, "talk", results(3)), record(store, "other"), record(store, "talk", results(9))
    assert [session.id for session in store.sessions()] == [second, other, first]
    assert [session.id for session in store.find("talk")] == [second, first]
    assert store.session("talk").id == second
    assert len(store.timeline("talk")) == 12
    assert len(store.timeline(first)) == len(store.timeline(str(first))) == len(store.timeline(store.session(first))) == 4


def test_names_of_any_kind(store: Store) -> None:
    numbers = {name: record(store, f"  {name} ", []) for name in ODD_NAMES}
    for name, number in numbers.items():
        assert [(session.id, session.name) for session in store.find(name)] == [(number, name)]


def test_names_that_are_none(tmp_path: Path) -> None:
    with open_store(tmp_path / "s.db") as store:
        for name in ("", "  ", "12", "a\nb", "a\0b", "x" * 201):
            with pytest.raises(UsageError, match="session name"):
                store.writer(name)
        assert store.sessions() == []


def test_unknown_sessions(store: Store) -> None:
    with pytest.raises(UnknownName, match="unknown session 'x'; there are: none"):
        store.session("x")
    record(store, "one")
    with pytest.raises(UnknownName, match="unknown session 'x'; there are: 'one'"):
        store.timeline("x")
    with pytest.raises(UnknownName, match="unknown session '99'"):
        store.rows(99).__next__()
    with pytest.raises(UnknownName, match="unknown session '99'"):
        store.purge([99])


def test_what_is_no_name_of_any_session_is_unknown(store: Store) -> None:
    number = record(store, "one")
    for name in (f"0{number}", "\u0661", "9" * 5000, "a\0b", "a\udcffb", "one\n\nx", ""):
        with pytest.raises(UnknownName, match="unknown session"):
            store.find(name)
    assert store.find(f" {number} ") == store.find("one ") == [store.session(number)]


def test_a_new_session_loads_no_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of them, of which each names its inputs and options, made each further one slower."""
    for days in (None, math.inf, 3, 1e300):
        record(store, "old", retention_days=days)
    store.retain(30)
    loaded, made = [], store_module._session
    monkeypatch.setattr(store_module, "_session", lambda row: (loaded.append(row), made(row))[1])
    number = record(store, "new")
    assert loaded == []
    assert [session.id for session in store.find("new")] == [session.id for session in store.find(number)] == [number]
    assert len(loaded) == 2


def test_how_long_it_took_is_unknown_where_the_clock_was_put_back(store: Store) -> None:
    session = store.session(record(store))
    began = datetime.fromisoformat(session.started)
    for seconds, took in ((90.5, 90.5), (0, 0), (-3600, None)):
        ended = (began + timedelta(seconds=seconds)).isoformat()
        assert replace(session, ended=ended).took_seconds == took
        assert replace(session, ended=None, updated=ended).took_seconds == took


def test_broken_off_and_running(store: Store) -> None:
    writer = store.writer("a")
    session = store.session("a")
    assert (session.state(), session.ended) == ("running", None)
    assert session.state(datetime.now(UTC) + timedelta(minutes=2)) == "broken off"  # no sign of life since
    assert session.state(datetime.now(UTC) - timedelta(days=400)) == "broken off"  # its clock was wrong
    for ahead in (timedelta(seconds=5), timedelta(minutes=10), timedelta(hours=12)):
        assert session.state(datetime.now(UTC) - ahead) == "running"  # the clock of another machine
    writer.close(finished=False)
    writer.close()
    assert store.session("a").state() == "broken off"
    assert store.session("a").finished is False


def test_inputs_are_named_and_counted(store: Store) -> None:
    record(store, "many", [replace(results(1)[0], source=f"{i}.jpg") for i in range(30)])
    session = store.session("many")
    assert session.sources == tuple(f"{i}.jpg" for i in range(20))
    assert session.source_count == 30
    assert store.timeline("many")["source"][-1] == "29.jpg"


@st.composite
def any_results(draw: st.DrawFn) -> list[Result]:
    """Results as a run may give them: none, faceless, with and without ids, raw values and differences."""
    raw, delta, ids, affect = (draw(st.booleans()) for _ in range(4))
    source = draw(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=20))
    values = draw(st.lists(st.floats(-1, 1, width=32) | st.just(float("nan")), min_size=1, max_size=5))
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))

    def numbers(*shape: int, low: float = -1.0, high: float = 1.0) -> Floats:
        return chance.choice(np.array(values, np.float32), shape) * np.float32((high - low) / 2) + np.float32((high + low) / 2)

    def emotions(n: int) -> Emotions:
        reasons = tuple(tuple(chance.choice(["blur", "yaw"], chance.integers(0, 3))) for _ in range(n))
        unsure = np.array([bool(reason) for reason in reasons], np.bool_)
        held = chance.integers(0, 9, n) if ids else None
        return Emotions(
            EMOTIONS, numbers(n, 9, low=0), numbers(n, 2) if affect else None, "x" if affect else "", unsure, reasons, held=held
        )  # fmt: skip

    made = []
    for index in draw(st.lists(st.integers(0, 2**40), max_size=4)):
        n = int(chance.integers(0, 3))
        faces = Faces(numbers(n, 4, high=1e4), numbers(n), numbers(n, 5, 2, high=1e4), np.arange(n) if ids else None)
        time = draw(st.floats(0, 1e6) | st.just(float("nan")))
        made.append(
            Result(source, index, time, (64, 48), faces, emotions(n), "m", emotions(n) if raw else None, numbers(n, 11) if delta else None)
        )
    return made


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(made=any_results(), told=st.booleans())
def test_the_timeline_is_that_of_the_run_and_of_its_csv(store: Store, tmp_path: Path, made: list[Result], told: bool) -> None:
    run = Timeline.from_results(made)
    names = columns(raw="raw_valence" in run, delta="delta_valence" in run)
    number = record(store, "any", made, columns=names if told else None)
    same(store.timeline(number), run)
    with TABLES[".csv"](tmp_path / "run.csv", names) as sink:
        sink.add(row for result in made for row in result.rows())
    same(store.timeline(number), Timeline.read(tmp_path / "run.csv"))


def test_columns_of_the_run_are_there_though_no_face_had_them(store: Store) -> None:
    record(store, "empty", results(3)[1:2], columns=columns(raw=True, delta=True))
    assert list(store.timeline("empty").columns) == list(KINDS)
    assert store.columns("empty") == columns(raw=True, delta=True)


def test_a_frame_number_of_numpy_is_a_number(store: Store) -> None:
    record(store, "numpy", [replace(results(1)[0], index=np.int64(7))])  # type: ignore[arg-type]
    assert [row["frame"] for row in store.rows("numpy")] == [7, 7]


@pytest.mark.parametrize(("suffix", "raw"), [(".csv", False), (".csv", True), (".jsonl", True), (".parquet", True)])
def test_an_export_is_what_the_run_would_have_written(store: Store, tmp_path: Path, suffix: str, raw: bool) -> None:
    made = results(7, raw=raw)
    record(store, "run", made)
    with TABLES[suffix](tmp_path / f"run{suffix}", columns(raw=raw)) as sink:
        sink.add(row for result in made for row in result.rows())
    path = store.export("run", tmp_path / f"export{suffix}")
    if suffix == ".parquet":
        assert pyarrow.parquet.read_table(path).equals(pyarrow.parquet.read_table(tmp_path / f"run{suffix}"))
    else:
        assert path.read_bytes() == (tmp_path / f"run{suffix}").read_bytes()
    same(Timeline.read(path), store.timeline("run"))


def test_an_export_as_parquet_says_how_its_rows_were_made(store: Store, tmp_path: Path) -> None:
    record(store, "run", results(3), options=AnalyzeOptions(detector="mtcnn"))
    told = json.loads(pyarrow.parquet.read_schema(store.export("run", tmp_path / "x.parquet")).metadata[b"mien"])
    session = store.session("run")
    assert told == {"version": session.version, "options": session.options} == session.provenance.as_dict()
    assert told["options"]["detector"] == "mtcnn"


def test_where_a_model_lies_stays_in_the_store(store: Store, tmp_path: Path) -> None:
    record(store, "run", results(3), options=AnalyzeOptions(model="/home/somebody/m.onnx"))
    path = store.export("run", tmp_path / "x.parquet")
    assert json.loads(pyarrow.parquet.read_schema(path).metadata[b"mien"])["options"]["model"] == "m.onnx"
    assert b"somebody" not in path.read_bytes()
    assert store.session("run").options["model"] == "/home/somebody/m.onnx"


def test_exports_that_cannot_be(store: Store, tmp_path: Path) -> None:
    record(store, "none", [])
    with pytest.raises(DataError, match="has no rows"):
        store.export("none", tmp_path / "x.csv")
    with pytest.raises(BadTarget, match=r"no table is written to \.mp4; there are \.csv \.jsonl \.parquet"):
        store.export("none", tmp_path / "x.mp4")
    assert list(tmp_path.glob("x*")) == []


def test_many_rows_come_in_order(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.store.store.AT_ONCE", 7)
    monkeypatch.setattr("mien.store.writer.BATCH_ROWS", 4)
    monkeypatch.setattr("mien.store.writer.MOST_ROWS", 8)
    record(store, "long", results(60))
    timeline = store.timeline("long")
    same(timeline, Timeline.from_results(results(60)))
    assert [row["frame"] for row in store.rows("long")] == timeline["frame"].tolist()


def test_what_json_can_hold_of_options(store: Store) -> None:
    record(store, "o", [], options={"path": Path("/x"), "inf": float("inf"), "set": (1, 2), "é": None, "type": int})
    assert store.session("o").options == {"path": "/x", "inf": None, "set": [1, 2], "é": None, "type": "<class 'int'>"}
    assert json.loads(json.dumps(store.session("o").as_dict(), allow_nan=False))["sources"] == []


def test_a_store_on_a_share_of_windows_is_found() -> None:
    """SQLite refuses a URI with an authority; what it is given leads to the same file by the system's own rules."""
    assert sqlite_uri(PureWindowsPath(r"C:\Mein Ordner\s#1.db")) == "file:///C:/Mein%20Ordner/s%231.db"
    share = sqlite_uri(PureWindowsPath(r"\\server\share\s.db"))
    assert share == "file:////server/share/s.db"
    with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):  # and not: invalid uri authority
        sqlite3.connect(f"{share}?mode=rw", uri=True)
