"""Valence and arousal on another scale are refused by every reader, and slips are listed."""

import math
from pathlib import Path

import numpy as np
import pytest

from mien.data.affect_scale import on_scale
from mien.data.labelled import read_labelled
from mien.data.manifest import Manifest
from mien.data.readers.recognise import drafted, read_any
from mien.errors import DataError, UsageError
from mien.train.clip_list import list_clips

SEVEN = r"valence 5\.88 .*; wanted -1\.\.1; values on 1\.\.7 are \(x - 4\) / 3"
HEADS = {
    "table": "image_path,emotion,valence,arousal",
    "affectnet": "subDirectory_filePath,expression,valence,arousal",
    "clips": "clip,emotion,valence,arousal",
}


def table(path: Path, kind: str, rows: list[tuple[object, object]]) -> Path:
    """A CSV with a row for each valence and arousal; its pictures, or videos, are files that none of these readers decodes."""
    (path.parent / "x.mp4").write_bytes(b"x")
    emotion = "1" if kind == "affectnet" else "happy"
    path.write_text("\n".join([HEADS[kind], *(f"x.mp4,{emotion},{valence},{arousal}" for valence, arousal in rows)]))
    return path


def affect(path: Path, kind: str) -> tuple[list[list[float]], list[str]]:
    """What a reader makes of it: (n, 2), and what it says of other rows."""
    said: list[str] = []
    if kind == "clips":
        manifest = list_clips(path, reported=lambda report: said.extend(problem.why for problem in report.problems)).manifest
    else:
        manifest, report = drafted(path)
        assert set(report.counts()) <= {"row that cannot be used"}
        said = [problem.why for problem in report.problems]
        known = np.isfinite(manifest["valence"]) | np.isfinite(manifest["arousal"])
        assert ((manifest["affect_from"] != "") == known).all()
    return np.stack([manifest["valence"], manifest["arousal"]], axis=1).tolist(), said


@pytest.mark.parametrize("kind", HEADS)
def test_another_scale_is_refused_with_how_to_convert(tmp_path: Path, kind: str) -> None:
    path = table(tmp_path / "set.csv", kind, [(5.88, 5.27), (1, 3.14), (-2, -2), ("", "")])
    with pytest.raises(DataError, match=SEVEN) as found:
        affect(path, kind)
    assert "\n" not in str(found.value)
    if kind == "table":
        with pytest.raises(DataError, match=SEVEN):
            read_labelled(path, "fer7")
    path = table(tmp_path / "set.csv", kind, [(0.1 * i, 100.0 * i) for i in range(10)])
    with pytest.raises(DataError, match=r"arousal 100 \(9 of 10 values outside\)"):
        affect(path, kind)


@pytest.mark.parametrize("kind", HEADS)
def test_minus_two_is_none_and_a_slip_among_many_rows_is_listed(tmp_path: Path, kind: str) -> None:
    good = [(round(math.sin(i), 3), round(math.cos(i), 3)) for i in range(40)]
    found, said = affect(table(tmp_path / "set.csv", kind, [*good, (-2, -2), ("", 0.5), (1, -1), (0.3, 7)]), kind)
    wanted = np.array([*good, (np.nan, np.nan), (np.nan, 0.5), (1, -1)])
    np.testing.assert_allclose(np.array(found), wanted, atol=1e-6)
    assert len(said) == 1
    assert "arousal 7; wanted -1..1" in said[0]
    found, said = affect(table(tmp_path / "set.csv", kind, [*good, ("inf", "1e99"), (-2, 0.5)]), kind)
    assert len(found) == 40
    assert "arousal inf" in said[0]


def test_of_no_rows_or_none_rated_nothing_is_wrong() -> None:
    assert on_scale([], "x")[0].shape == (0, 2)
    given, strange = on_scale([(math.nan, math.nan)] * 3, "x")
    assert np.isnan(given).all()
    assert not strange


def test_a_manifest_holds_the_scale_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"id": ["a", "b", "c"], "valence": [1, np.nan, -1], "arousal": [0, 0.5, np.nan]}
    Manifest(columns).write(tmp_path / "good.parquet")
    np.testing.assert_array_equal(Manifest.read(tmp_path / "good.parquet")["valence"], columns["valence"])
    with pytest.raises(UsageError, match=r"manifest: arousal 7 of 'b'; wanted -1\.\.1"):
        Manifest(columns | {"arousal": [0, 7, 5]})
    with monkeypatch.context() as patch:  # as another program may write it
        patch.setattr("mien.data.manifest.outside", lambda affect: np.zeros(affect.shape, bool))
        Manifest(columns | {"valence": [-2, 0.5, 0], "arousal": [-2, 0.25, -2]}).write(tmp_path / "none.parquet")
        Manifest(columns | {"valence": [-2, 5.88, 1]}).write(tmp_path / "seven.parquet")
        Manifest(columns | {"valence": [-2, 0.5, 0], "arousal": [-2, 0.25, 0]}).write(tmp_path / "two.parquet")
    np.testing.assert_array_equal(Manifest.read(tmp_path / "two.parquet")["valence"], [np.nan, 0.5, 0])
    np.testing.assert_array_equal(Manifest.read(tmp_path / "two.parquet")["arousal"], [np.nan, 0.25, 0])
    with pytest.raises(DataError, match=r"none\.parquet: arousal -2 \(1 of 2 values outside\)"):
        Manifest.read(tmp_path / "none.parquet")
    with pytest.raises(DataError, match=r"seven\.parquet: valence -2 \(2 of 3 values outside\); wanted -1\.\.1"):
        Manifest.read(tmp_path / "seven.parquet")


def test_a_manifest_with_a_slip_opens_and_tells_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As earlier versions wrote them."""
    n = 40
    valence, arousal = np.linspace(-1, 1, n), np.linspace(1, -1, n)
    valence[7], arousal[8] = 1.5, 1.0001
    with monkeypatch.context() as patch:
        patch.setattr("mien.data.manifest.outside", lambda affect: np.zeros(affect.shape, bool))
        Manifest({"id": [f"p{i}" for i in range(n)], "valence": valence, "arousal": arousal, "label": ["happy"] * n}).write(
            tmp_path / "old.parquet"
        )
    for manifest, report in (read_any(tmp_path / "old.parquet"), drafted(tmp_path / "old.parquet")):
        assert [tuple(problem) for problem in report.problems] == [
            ("value outside of its scale", "p7", "valence 1.5; wanted -1..1; read as none")
        ]
        assert len(manifest) == n
        assert np.flatnonzero(np.isnan(manifest["valence"])).tolist() == [7]
        np.testing.assert_allclose(manifest["arousal"], np.clip(arousal, -1, 1), atol=1e-6)
    manifest.where([7, 8]).write(tmp_path / "new.parquet")
    assert not read_any(tmp_path / "new.parquet")[1].problems


@pytest.mark.parametrize("kind", HEADS)
def test_what_is_right_but_for_its_last_digits_is_taken(tmp_path: Path, kind: str) -> None:
    given, said = affect(table(tmp_path / "set.csv", kind, [(1.0000001, -1.000001), (1.0009, 0.5)] * 5), kind)
    assert given == [[1, -1], [1, 0.5]] * 5
    assert not said
    assert Manifest({"id": ["a"], "valence": [np.nextafter(np.float32(1), np.float32(2))], "arousal": [0]})["valence"].tolist() == [1]


@pytest.mark.parametrize("kind", HEADS)
def test_minus_two_on_one_axis_is_none_where_the_other_is_empty(tmp_path: Path, kind: str) -> None:
    given, said = affect(table(tmp_path / "set.csv", kind, [(0.5, 0.25), (-2, ""), ("", -2)] * 5), kind)
    np.testing.assert_array_equal(given, [[0.5, 0.25], [np.nan, np.nan], [np.nan, np.nan]] * 5)
    assert not said
