"""Folders whose pictures are the frames of one recording."""

import math
import os
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from tests.io.clips import clip, number_on, stamped

from mien.errors import UsageError
from mien.io.sources import Failure, has_streams, open_source
from mien.io.video import VideoSpan
from mien.types import Frame


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: str, *numbers: int, name: str = "img{}.png") -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(Path(folder, name.format(number))), stamped(number)[..., ::-1])


def told(inputs, rate=10, **reading):
    """Of each frame its source, index, time and the number on it; of what failed the message; of what is to know a word and the message."""
    found = []
    for event in open_source(inputs, as_video=rate, **reading):
        if isinstance(event, Frame):
            assert event.stream
            found.append((event.source, event.index, event.time, number_on(event.image)))
        elif isinstance(event, Failure):
            named = str(event.error).partition(":")[0]
            assert event.source in (named, str(Path(named).parent))
            found.append(str(event.error))
        else:
            found.append(("note", event.source, event.message))
    return found


@pytest.mark.parametrize("ahead", [0, 2])
def test_frames_are_in_the_order_of_their_numbers_each_at_its_time(here: Path, ahead: int) -> None:
    put("run", *range(1, 13))
    assert told("run", 3, ahead=ahead) == [("run", n, round(n / 3, 6), n + 1) for n in range(12)]


def test_each_folder_is_a_recording_of_its_own(here: Path) -> None:
    put("set/p1/a", 0, 1)
    put("set/p1/b", 5, 6)
    put("set", 9)
    rows = [("set", 0, 0, 9), *((f"set/p1/{name}", n, n / 10, first + n) for name, first in (("a", 0), ("b", 5)) for n in range(2))]
    assert told("set") == rows
    assert told(["set/**/*.png"]) == rows
    assert told("set", recursive=False) == rows[:1]


def test_what_a_shell_makes_of_a_pattern_is_put_into_order(here: Path) -> None:
    put("run", *range(12))
    names = sorted(f"run{os.sep}{name}" for name in (path.name for path in Path("run").iterdir()))
    assert names[2].endswith("img10.png")
    assert told(names) == told("run") == told("run/*.png")


def test_bare_names_are_of_the_folder_one_is_in(here: Path) -> None:
    put(".", 0, 1)
    assert told(["img0.png", "img1.png"]) == [(".", 0, 0, 0), (".", 1, 0.1, 1)]


def test_a_span_is_of_its_time_and_the_others_are_not_opened(here: Path) -> None:
    put("run", *range(20))
    for number in (0, 3, 4, 6, 19):
        Path(f"run/img{number}.png").write_bytes(b"not opened")
    assert told("run", span=VideoSpan(start=0.5, stop=1, every=0.2)) == [
        "run/img6.png: 10 bytes of another kind, wanted a picture (JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, JPEG 2000, PNM and, with "
        "mien[heic], HEIC) or a video",
        ("run", 8, 0.8, 8),
    ]
    assert told("run", span=VideoSpan(stride=9, start=0.1)) == [("run", 9, 0.9, 9), ("run", 18, 1.8, 18)]
    assert told("run", span=VideoSpan(start=7)) == ["run: no frame from 7 s on; the last one is at 1.90 s"]


def test_one_that_cannot_be_read_leaves_the_times_of_the_others(here: Path) -> None:
    put("run", 0, 1, 2)
    Path("run/img1.png").write_bytes(b"\0\0\0\x18ftypisom" + bytes(40))
    first, failed, last = told("run")
    assert (first, last) == (("run", 0, 0, 0), ("run", 2, 0.2, 2))
    assert failed == "run/img1.png: a video by its content, wanted a picture, which is one frame of run"


def test_a_note_comes_once(here: Path) -> None:
    Path("run").mkdir()
    for number in range(2):
        moving = [Pillow.fromarray(stamped(number + n)) for n in range(3)]
        moving[0].save(f"run/{number}.gif", save_all=True, append_images=moving[1:], optimize=False)
    note, first, second = told("run")
    assert note[:2] == ("note", "run")
    assert note[2].startswith("run/0.gif: ")
    assert (first[1], second[1]) == (0, 1)


def test_pictures_that_came_before_are_not_a_second_recording(here: Path) -> None:
    put("a", 0, 1)
    put("b", 2)
    assert told(["a/img0.png", "b", "a/img1.png"]) == [
        ("a", 0, 0, 0),
        ("b", 0, 0, 2),
        "a: pictures of this folder came before others and come again; a recording is one folder, named once",
    ]
    assert [row for row in told(["a", "b", "a"], once=True) if row[0] != "note"] == told(["a", "b"])


def test_a_frame_that_was_held_is_a_link(here: Path) -> None:
    put("a", 0, 1, 3)
    put("b", 9)
    Path("a/img2.png").symlink_to("img1.png")
    held = [("a", 0, 0, 0), ("a", 1, 0.1, 1), ("a", 2, 0.2, 1), ("a", 3, 0.3, 3)]
    assert told("a") == told("a/*.png", once=True) == held
    assert told(["a", "b"], once=True) == [*held, ("b", 0, 0, 9)]


@pytest.mark.parametrize("once", [False, True])
def test_a_frame_counts_once(here: Path, once: bool) -> None:
    put("a", 0, 1)
    Path("c").symlink_to("a")
    two = [("a", 0, 0, 0), ("a", 1, 0.1, 1)]
    for again in (["a", "a"], ["a", "a/img1.png"], ["a/img1.png", "a"], ["a", "c"]):
        found = told(again, once=once)
        assert [row for row in found if row[0] != "note"] == two
        assert any(row[0] == "note" for row in found)


def test_recordings_come_in_the_order_of_the_inputs(here: Path) -> None:
    put("a", 0, 1)
    clip(Path("one.mp4"), 1)
    clip(Path("a/img00.mp4"), 1)
    array = np.zeros((8, 8, 3), np.uint8)
    found = [event.source for event in open_source(["a", "one.mp4", array], as_video=5)]
    assert found == ["a", "a", "a/img00.mp4", "one.mp4", "array[2]"]
    found = [event.source for event in open_source([array, "one.mp4", "a"], as_video=5)]
    assert found == ["array[0]", "one.mp4", "a", "a", "a/img00.mp4"]


def test_what_is_not_there_is_no_frame(here: Path) -> None:
    put("a", 1, 2)
    put(".", 8)
    assert told(["a/img1.png", "typo", "a/img2.png", "aaa.png", "img8.png"]) == [
        "typo: no such file",
        "aaa.png: no such file",
        ("a", 0, 0, 1),
        ("a", 1, 0.1, 2),
        (".", 0, 0, 8),
    ]


@pytest.mark.parametrize("rate", [np.int64(5), np.float32(5), Fraction(5)])
def test_rates_of_other_kinds_of_numbers(here: Path, rate: object) -> None:
    put("a", 0, 1)
    assert told("a", rate) == [("a", 0, 0, 0), ("a", 1, 0.2, 1)]


def test_what_is_skipped_is_the_recording(here: Path) -> None:
    put("a", 0, 1)
    put("b", 2)
    assert told(["a", "b"], skip={"a"}) == [("b", 0, 0, 2)]


def test_arrays_stay_pictures(here: Path) -> None:
    frames = list(open_source([np.zeros((4, 4, 3), np.uint8)], as_video=5))
    assert [(frame.stream, frame.time) for frame in frames] == [(False, 0)]


def test_folders_of_pictures_are_streams_then(here: Path) -> None:
    put("a", 0)
    Path("empty").mkdir()
    assert not has_streams("a")
    assert has_streams("a", as_video=5)
    assert has_streams(["a/*.png"], as_video=5)
    assert not any(has_streams(name, as_video=5) for name in ("-", "x.csv", "data:image/png;base64,AAAA", "http://127.0.0.1/a.png"))
    assert not has_streams("empty", as_video=5)


@pytest.mark.parametrize("rate", [0, -1, 1e-9, math.nan, math.inf, 1001, True, "25"])
def test_what_is_no_rate(rate: object) -> None:
    with pytest.raises(UsageError, match=r"as_video: found .*, wanted the frames a second, a number from 1e-05 to 1000"):
        open_source("run", as_video=rate)
