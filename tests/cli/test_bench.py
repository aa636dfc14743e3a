"""`mien bench`: what it measures, and what it measures when nothing is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.cli import bench
from tests.cli.conftest import FAKES, Said

Mien = Callable[..., Said]


def test_without_a_command_a_drawn_face_is_timed(mien: Mien) -> None:
    said = mien("bench", "--json", "--runs", "3")
    assert said.code == 0, said.err
    rows = json.loads(said.out)
    assert [row["what"] for row in rows] == ["detect", "detect and recognise", *["recognise a face"] * 3]
    assert rows[0]["setting"] == "a drawn face, 640x480, 1 face"
    assert all(0 < row["median_ms"] <= row["p95_ms"] and row["mean_ms"] > 0 and row["per_s"] > 0 for row in rows)
    promised = ["what", "setting", "ratio_to", "ratio", "median_ms", "p95_ms", "per_s"]
    assert all(list(row) == [*promised, "mean_ms"] for row in rows)
    assert [row["ratio_to"] for row in rows] == [None, "detect", None, "batch 1", "batch 1"]
    for one, other in ((1, 0), (3, 2), (4, 2)):
        assert rows[one]["ratio"] == pytest.approx(rows[one]["median_ms"] / rows[other]["median_ms"], rel=1e-3)
    assert rows[0]["ratio"] is rows[2]["ratio"] is None


def test_speed_as_a_table(mien: Mien, pictures: Path) -> None:
    said = mien("bench", "speed", pictures / "tw?.png", "--runs", "3", *FAKES)  # a pattern, as where the shell expands none
    assert said.code == 0
    head, first, *_ = said.out.splitlines()
    assert head.split() == ["what", "setting", "ratio_to", "ratio", "median_ms", "p95_ms", "per_s", "mean_ms"]
    assert "two.png, 400x320, 2 faces" in first
    assert "None" not in said.out


@pytest.mark.parametrize("words", [("--help",), ("detectors", "--help")])
def test_help_is_still_help(mien: Mien, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_print", None)  # nothing is measured
    assert mien("bench", *words).code == 0
