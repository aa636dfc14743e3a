"""What the bar of a run counts to is what the run reads."""

import csv
import io
import re
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.cli import total as counting
from mien.cli.total import total
from mien.io.sources import open_source
from mien.io.span import VideoSpan
from mien.types import Frame
from tests.cli.conftest import FAKES, Said
from tests.io.clips import clip

count = partial(total, span=VideoSpan(), recursive=True, as_video=None, leaves_out=lambda name: False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`in` with two pictures, one more below, and a text; a film of 10 frames and a picture without an extension beside it."""
    monkeypatch.chdir(tmp_path)
    Path("in/sub").mkdir(parents=True)
    for name in ("in/1.png", "in/2.png", "in/sub/3.png"):
        Pillow.fromarray(np.zeros((16, 16, 3), np.uint8)).save(name)
    Path("in/read.me").write_text("no picture", "utf-8")
    clip(tmp_path / "film.mp4", 10, fps=5)
    Path("plain").write_bytes(Path("in/1.png").read_bytes())
    return tmp_path


@pytest.mark.parametrize(
    ("inputs", "settings"),
    [
        (["in"], {}),
        (["in"], {"recursive": False}),
        (["in/*.png"], {}),
        (["in/**"], {}),
        (["in", "in/1.png", "in/sub/*"], {}),  # named twice, read once
        (["plain", "in/2.png"], {}),
        (["film.mp4", "in"], {}),
        (["film.mp4"], {"span": VideoSpan(every=0.4, start=0.4)}),
        (["in"], {"as_video": 10}),
        (["in"], {"as_video": 10, "span": VideoSpan(start=0.1)}),
    ],
)
def test_it_is_the_number_that_is_read(folder: Path, inputs: list[str], settings: dict) -> None:
    read = [event for event in open_source(inputs, once=True, **settings) if isinstance(event, Frame)]
    assert count(inputs, **settings) == len(read) > 0


@pytest.mark.parametrize("inputs", [[], ["-"], ["in", "https://example.org/a.jpg"], ["missing.jpg"], ["*.dat"], ["no*such.jpg"]])
def test_what_cannot_be_known_is_not_told(folder: Path, inputs: list[str]) -> None:
    assert count(inputs) is None


def test_a_film_that_does_not_say_its_length_leaves_all_unknown(folder: Path) -> None:
    Path("in/broken.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(100))
    assert count(["in"]) is None


def test_what_is_left_out_is_not_counted(folder: Path) -> None:
    assert count(["in"], leaves_out={"in/1.png"}.__contains__) == 2
    assert count(["in"], as_video=25, leaves_out={"in"}.__contains__) == 1


def test_counting_ends_after_a_second(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "files_of", lambda name, **asked: repeat("in/1.png"))
    began = time.monotonic()
    assert count(["in"]) is None
    assert time.monotonic() - began < 3


def shown(monkeypatch: pytest.MonkeyPatch, mien: Callable[..., Said], *words: object) -> list[str]:
    """What the bar showed: `1/3` and so on."""
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    assert mien("analyze", *words, *FAKES).code == 0
    return re.findall(r"\d+/(?:\d+|\?)", re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue()))


def test_the_bar_of_a_folder_says_how_many_there_are(mien: Callable[..., Said], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = shown(monkeypatch, mien, "in", "-o", "x.csv")
    assert found[-1] == "3/3"
    with Path("x.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3


def test_outputs_in_the_folder_that_is_read_and_what_a_table_has_are_not_counted(
    mien: Callable[..., Said], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        assert shown(monkeypatch, mien, "in", "-o", "in/out/")[-1] == "3/3"
    assert shown(monkeypatch, mien, "in", "-o", "y.csv")[-1] == "6/6"
    lines = Path("y.csv").read_text("utf-8").splitlines(keepends=True)
    Path("y.csv").write_text("".join(lines[:4]), "utf-8")
    assert shown(monkeypatch, mien, "in", "-o", "y.csv", "--resume")[-1] == "4/4"
