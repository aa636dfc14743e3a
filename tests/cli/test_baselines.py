"""What is said of people who have no baseline."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.cli.baselines import without_baseline
from mien.testing import planted_picture, planted_results
from mien.track.baseline import BaselineCheck
from tests.cli.conftest import FAKES, Said
from tests.io.clips import clip

Mien = Callable[..., Said]
EMPTY = "mien: --baseline 50:60: no sure face then, so no baseline and no differences from it: "


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Three seconds with two people."""
    image = planted_picture([((40, 30, 140, 130), "happy"), ((200, 200, 300, 300), "sad")], size=(400, 320))[0]
    return clip(tmp_path / "film.mp4", 15, fps=5, size=(400, 320), images=[image] * 15)


def test_it_is_one_line_of_a_few_names() -> None:
    def said(span: tuple[float, float], *people: tuple[str, int, int]) -> str:
        check = BaselineCheck(span)
        for source, early, late in people:
            for result in planted_results([[(0, "happy")]] * early + [[(0, ""), (1, "sad")]] * late, seconds=2, fps=5, source=source):
                check.see(result)
        return without_baseline(check).partition("from it: ")[2]

    assert said((0, 0.5), ("a", 2, 0)) == ""
    assert said((0, 0.5), ("a", 2, 1), ("b", 1, 2), ("c", 1, 0)) == "a (person 2), b (people 1 2)"
    assert said((0, 0.5), ("a", 1, 6)) == "a (6 of 7 people)"
    assert said((5, 6), ("a", 1, 0), ("b", 2, 0)) == "a, b (all 2 people)"
    assert said((5, 6), *((name, 1, 0) for name in "abcdefg")) == "a, b, c, d, e and 2 more"


def test_a_baseline_that_nobody_has_is_told(mien: Mien, film: Path, tmp_path: Path) -> None:
    said = mien("analyze", film, *FAKES, "--baseline", "50:60", "-o", tmp_path / "x.csv", "-o", tmp_path / "x.html")
    assert said.code == 0
    assert said.err.splitlines()[0] == f"{EMPTY}{film} (all 2 people)"
    assert said.err.count("\n") == 2
    for words, told in (
        (("--baseline", "0:1", "--from", "2"), "--baseline 0:1: no sure face then"),
        (("--baseline", "0:1"), ""),
        (("--baseline", "50:60", "--quiet"), ""),
    ):
        assert told in (err := mien("analyze", film, *FAKES, *words).err)
        assert told or "--baseline" not in err


def test_it_is_told_of_a_live_source(mien: Mien, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = mien("live", film, *FAKES, "--baseline", "50:60", "-o", "x.csv", "--no-show", "--no-page")
    assert "--baseline 50:60: no sure face then" in said.err
    assert "--baseline" not in mien("live", film, *FAKES, "--baseline", "0:2", "-o", "x.csv", "--no-show", "--no-page").err


def test_it_is_told_of_a_table(mien: Mien, film: Path, tmp_path: Path) -> None:
    table = tmp_path / "x.csv"
    assert mien("analyze", film, *FAKES, "-o", table).code == 0
    said = mien("report", table, "--baseline", "50:60")
    assert (said.code, said.err) == (0, f"{EMPTY}{film} (all 2 people)\npage: {tmp_path / 'x.html'}\n")
    assert mien("report", table, "--baseline", "0:1").err == f"page: {tmp_path / 'x.html'}\n"


def test_rows_on_stdout_have_the_differences_too(mien: Mien, film: Path) -> None:
    for words in (("analyze", film), ("live", film, "--no-show", "--no-page")):
        rows = [json.loads(line) for line in mien(*words, *FAKES, "--baseline", "0:1").out.splitlines()]
        assert {row["delta_p_happy"] for row in rows} == {0.0}
