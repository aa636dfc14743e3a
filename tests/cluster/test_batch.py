"""`mien batch`: the table of `mien analyze`, made by several processes; what kills one of them, and what ends all."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cluster.conftest import FAKES, Start, picture
from tests.io.clips import clip

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes as POSIX systems do")
TWO = ("--workers", "2")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and stderr."""
    _, err = process.communicate(timeout=100)
    return process.returncode, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """70 pictures, two videos, one file that is none, and a second name of the first picture."""
    folder = tmp_path / "in"
    folder.mkdir()
    for i in range(70):
        picture(folder / f"{i}.png")
    clip(folder / "a.mp4", 12)
    clip(folder / "b.mp4", 30)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "99.png").symlink_to(folder / "0.png")
    return folder


def test_the_table_is_that_of_analyze_and_what_kills_a_worker_is_named(start: Start, folder: Path, tmp_path: Path) -> None:
    words = (folder, tmp_path / "none.jpg", "-", *FAKES)
    code, err = ended(start("analyze", *words[:2], *FAKES, "-o", tmp_path / "one.csv"))
    assert code == 3, err
    picture(folder / "33b.png", (99, 99))
    code, err = ended(start("batch", *words, *TWO, "-o", tmp_path / "many.csv"))
    assert code == 3, err
    assert (tmp_path / "many.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert f"{folder / '33b.png'}: ended the process that read it, twice (signal SIGKILL)" in err
    assert f"{folder / 'broken.jpg'}: 10 bytes of another kind" in err
    assert f"{tmp_path / 'none.jpg'}: no such file" in err
    assert "-: wanted what other processes can open too" in err
    assert f"mien: {folder}: 1 of its files is an earlier input too; left out" in err
    assert "112 frames, " in err
    assert "4 failed" in err
    assert not (tmp_path / "many.csv.unfinished").exists()


def test_a_ray_cluster_gives_the_same(start: Start, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (mien[cluster])")
    assert ended(start("analyze", folder, *FAKES, "-o", tmp_path / "one.csv"))[0] == 3
    picture(folder / "33b.png", (99, 99))
    code, err = ended(start("batch", folder, *FAKES, "--cluster", "local", "-o", tmp_path / "many.csv"))
    assert code == 3, err
    assert (tmp_path / "many.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
    assert f"{folder / '33b.png'}: ended the process that read it, twice (WorkerCrashedError: " in err
    assert len(err.splitlines()) == 3, err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_interrupted_is_gone_on_with(start: Start, folder: Path, tmp_path: Path, number: int, code: int) -> None:
    """Of a Ctrl-C all processes of the terminal hear."""
    words = ("batch", folder, *FAKES, *TWO, "-o", tmp_path / "t.csv")
    assert ended(start("analyze", folder, *FAKES, "-o", tmp_path / "one.csv"))[0] == 3
    process = start(*words, seconds=0.05)
    end = time.monotonic() + 60
    while not (tmp_path / "t.csv").exists() or not (tmp_path / "t.csv").stat().st_size:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, number)
    found, err = ended(process)
    assert found == code, err
    assert "interrupted: " in err
    assert "Traceback" not in err
    whole = (tmp_path / "one.csv").read_bytes()
    assert whole.startswith((tmp_path / "t.csv").read_bytes())
    assert 0 < (tmp_path / "t.csv").stat().st_size < len(whole)
    found, err = ended(start(*words, "--resume"))
    assert found == 3, err
    assert (tmp_path / "t.csv").read_bytes() == whole


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "x.html"), "x.html: a batch writes a table, wanted .csv, .jsonl, .parquet"),
        (("-o", "x.csv", "--model", "none-such"), "unknown model 'none-such'"),
        (("-o", "x.csv", "--turn", "45"), "turn: found 45"),
        (("-o", "x.csv", "--cluster", "auto", "--workers", "2"), "--workers 2: says how many processes of this machine read"),
        (("-o", "x.csv", "--cluster", "auto"), "--cluster auto: "),
        (("-o", "x.csv", "--cluster", "127.0.0.1:1"), "--cluster 127.0.0.1:1: does not answer (Connection refused)"),
    ],
)
def test_wrong_usage_is_one_line(start: Start, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    path = picture(tmp_path / "a.png")
    code, err = ended(start("batch", path, *(str(tmp_path / word) if word.startswith("x.") else word for word in words)))
    assert code == 2
    assert told in err
    assert err.count("\n") == 1, err
    assert sorted(found.name for found in tmp_path.iterdir()) == ["a.png"]
