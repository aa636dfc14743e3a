"""`mien analyze --as-video`: folders whose pictures are the frames of one recording."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image as Pillow

from mien.testing import planted_picture
from tests.cli.conftest import FAKES, Said

Mien = Callable[..., Said]


@pytest.fixture
def recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`set/anna` and `set/boris`, twelve frames of a face each that moves to the right."""
    monkeypatch.chdir(tmp_path)
    for name, emotion in (("anna", "happy"), ("boris", "sad")):
        folder = Path("set", name)
        folder.mkdir(parents=True)
        for n in range(12):
            Pillow.fromarray(planted_picture([((40 + 3 * n, 30, 140 + 3 * n, 130), emotion)], size=(320, 240))[0]).save(
                folder / f"{n + 1}.png"
            )
    return Path("set")


def test_people_are_followed_over_the_pictures_of_a_folder(mien: Mien, recordings: Path) -> None:
    said = mien("analyze", recordings, "--as-video", 10, *FAKES)
    assert (said.code, said.err[:22]) == (0, "24 frames, 24 faces in")
    found = [json.loads(line) for line in said.out.splitlines()]
    assert [(row["source"], row["frame"], row["time_s"], row["person"]) for row in found] == [
        (f"set/{name}", n, n / 10, 0) for name in ("anna", "boris") for n in range(12)
    ]
    assert {(row["source"], row["emotion"]) for row in found} == {("set/anna", "happy"), ("set/boris", "sad")}


def test_each_becomes_a_video_with_its_rate(mien: Mien, recordings: Path) -> None:
    said = mien("analyze", recordings, "--as-video", 8, "-o", "out/", *FAKES)
    assert said.code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["anna.mp4", "boris.mp4", "results.csv"]
    with av.open("out/anna.mp4") as video:
        times = [frame.time for frame in video.decode(video=0)]
    assert times == pytest.approx([n / 8 for n in range(12)], abs=1e-3)


def test_one_page_says_how_they_were_read(mien: Mien, recordings: Path) -> None:
    assert mien("analyze", recordings / "anna", "--as-video", 12.5, "-o", "x.html", "-o", "x.mp4", *FAKES).code == 0
    assert "12.5 frames a second" in Path("x.html").read_text("utf-8")
    assert Path("x.mp4").exists()


def test_resumed_by_recordings(mien: Mien, recordings: Path) -> None:
    command = ("analyze", recordings, "--as-video", 10, "-o", "x.csv", *FAKES)
    assert mien(*command).code == 0
    whole = Path("x.csv").read_text("utf-8").splitlines(keepends=True)
    Path("x.csv").write_text("".join(whole[:16]), "utf-8")
    Path("x.csv.unfinished").write_text(json.dumps({"settings": {}, "failures": {}}), "utf-8")
    assert "begun with as_video none, and this run has 10" in mien(*command, "--resume").err
    Path("x.csv.unfinished").unlink()
    again = mien(*command, "--resume")
    assert again.err.splitlines()[0] == "mien: --resume: 1 input in the table already; going on behind, with set/boris anew"
    assert Path("x.csv").read_text("utf-8") == "".join(whole)
    with Path("x.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 24


def test_what_is_none(mien: Mien, recordings: Path) -> None:
    said = mien("analyze", recordings, "clip.mov", "--as-video", 5, *FAKES)
    assert (said.code, said.err) == (
        2,
        "mien: --as-video 5: says how fast the pictures of a folder were taken, and clip.mov is a video, which has times of its own; "
        "to read 5 of its frames a second: --every 0.2\n",
    )
    assert mien("analyze", recordings, "--as-video", 0, *FAKES).code == 2
    assert "for several videos name a folder" in mien("analyze", recordings, "--as-video", 5, "-o", "x.mp4", *FAKES).err
    assert "set/anna is a video" in mien("analyze", recordings / "anna", "--as-video", 5, "-o", "x.jpg", *FAKES).err
