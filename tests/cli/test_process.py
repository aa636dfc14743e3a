"""What only a process of its own shows: pipes, signals, and what is left on the disk."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pyarrow import parquet

from mien.table import COLUMNS
from mien.testing import planted_picture
from tests.cli.conftest import PROGRAM
from tests.io.clips import clip

Start = Callable[..., subprocess.Popen[bytes]]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes as POSIX has them")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    image, _ = planted_picture([((20, 20, 84, 84), "happy")], size=(128, 96))
    for i in range(400):
        Pillow.fromarray(image).save(folder / f"{i:03}.jpg")
    return folder


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_a_reader_that_leaves_ends_it_quietly(start: Start, many: Path) -> None:
    process = start("analyze", many, "--quiet", seconds=0.01)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b'{"source": ')
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(30) == 141


def test_a_kill_leaves_whole_rows(start: Start, many: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    process = start("analyze", many, "-o", path, "-o", tmp_path / "out/", seconds=0.01)
    wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") > 8)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert 8 <= len(rows) < 400
    assert all(None not in row and row["model"] == "fake" for row in rows)
    assert list(rows[0]) == list(COLUMNS)
    drawn = [path for path in (tmp_path / "out").iterdir() if not path.name.endswith(".part")]
    assert len(drawn) >= len(rows) - 1
    for picture in drawn:
        with Pillow.open(picture) as opened:
            opened.load()


def test_a_file_that_another_run_writes_is_refused_until_that_one_has_ended(start: Start, many: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    first = start("analyze", many, "-o", path, seconds=0.05)
    wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") > 2)
    second = start("analyze", many, "-o", tmp_path / "y.csv", "-o", path)
    _, err = second.communicate(timeout=30)
    assert (second.returncode, err.decode()) == (1, f"mien: {path}: another run is writing it; wait for its end, or name another file\n")
    assert not (tmp_path / "y.csv").exists()
    assert first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.wait(30)
    assert start("analyze", many / "000.jpg", "-o", path).wait(30) == 0
    assert path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_done_is_kept_when_it_is_asked_to_end(start: Start, many: Path, tmp_path: Path, number: int, code: int) -> None:
    path = tmp_path / "x.csv"
    process = start("analyze", many, "-o", path, "-o", tmp_path / "x.html", "-o", tmp_path / "x.parquet", seconds=0.05)
    wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") > 8)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    (line,) = err.decode().splitlines()
    assert line.startswith("interrupted: ")
    assert line.endswith(f"-> {path}, {tmp_path / 'x.html'}, {tmp_path / 'x.parquet'}.part (rows up to the break)")
    rows = path.read_text().count("\n") - 1
    told = int(line.split()[1].replace(",", ""))
    assert rows - 1 <= told <= rows  # the signal may come between the writing of a picture and its counting
    assert not (tmp_path / "x.parquet").exists()
    assert (tmp_path / "x.html").read_text("utf-8").rstrip().endswith("</html>")
    assert len(parquet.read_table(tmp_path / "x.parquet.part")) == rows


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full on this system")
def test_a_full_disk_under_stdout_is_one_line(start: Start, pictures: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start("analyze", pictures, stdout=full)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, b"mien: stdout: cannot be written (No space left on device)\n")


def closed_stdout(start: Start, *words: object) -> subprocess.Popen[bytes]:
    return start(*words, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.close(1))


@pytest.mark.parametrize("words", ["analyze IN", "analyze IN -o -", "doctor", "models list", "--version", "--help"])
def test_a_closed_stdout_is_one_line(start: Start, pictures: Path, words: str) -> None:
    process = closed_stdout(start, *(pictures if word == "IN" else word for word in words.split()))
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (1, b"mien: stdout is closed; open it, or name an output with -o where the command has that\n")


def test_who_needs_no_stdout_may_have_it_closed(start: Start, pictures: Path, tmp_path: Path) -> None:
    process = closed_stdout(start, "analyze", pictures, "-o", tmp_path / "x.csv")
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.count(b"\n")) == (0, 1), err
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 4


def test_no_file_gets_the_number_of_a_stream_that_is_closed() -> None:
    """Or a library that prints would print into it."""
    program = """
import os, sys
for number in (0, 1, 2): os.close(number)
sys.stdin = sys.stdout = sys.stderr = None
from mien.cli.closed import open_closed_streams
open_closed_streams()
file = open(os.devnull)
print("nobody hears", file=sys.stderr)
sys.exit(40 + file.fileno())
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode >= 43


def test_names_that_a_narrow_locale_does_not_have(pictures: Path, tmp_path: Path) -> None:
    narrow = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ["analyze", pictures / "лицо 1.jpg", "-o", "x.csv", "-o", "вон/"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(seconds=0), *words], cwd=tmp_path, env=narrow, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.count(b"\n")) == (0, 1), done.stderr
    assert [path.name for path in (tmp_path / "вон").iterdir()] == ["лицо 1.jpg"]
    assert "лицо 1.jpg" in (tmp_path / "x.csv").read_text("utf-8")


def test_stdin_and_unicode(start: Start, pictures: Path) -> None:
    with (pictures / "лицо 1.jpg").open("rb") as file:
        process = start("analyze", "-", pictures / "лицо 1.jpg", stdin=file)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert [line.split(b",")[0] for line in out.splitlines()] == [
        b'{"source": "-"',
        f'{{"source": "{pictures / "лицо 1.jpg"}"'.encode(),
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_pipe_that_stalls_does_not_hold_up_the_end(start: Start, pictures: Path, tmp_path: Path, number: int, code: int) -> None:
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    process = start("analyze", "-", "-o", tmp_path / "x.csv", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"\xff\xd8\xff" + bytes(20_000))
    process.stdin.flush()

    def is_read() -> bool:  # more of it than is looked at beforehand
        return not any(fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)))

    wait_for(is_read)
    process.send_signal(number)
    assert process.wait(5) == code  # while the other end is still open
    assert process.stderr is not None
    assert process.stderr.read() == b"interrupted: 0 pictures, 0 faces\n"
    assert not (tmp_path / "x.csv").exists()


def test_python_m_mien() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mien", "models", "show", "nobody"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("mien: unknown model with a card or detector 'nobody'")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [["models", "list"], ["doctor", "--json"], ["--version"], ["analyze", "--help"]])
def test_a_full_disk_behind_stdout_is_told(start: Start, words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start(*words, stdout=full)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"mien: stdout: cannot be written (No space left on device)\n")


def test_a_disk_that_fills_during_a_video_is_one_line(examples: Path, tmp_path: Path) -> None:
    image = np.asarray(Pillow.open(examples / "group.jpg").convert("RGB").resize((960, 640)))
    film = clip(tmp_path / "film.mp4", 60, size=(960, 640), images=[image] * 60)
    limit = [
        "-c",
        "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)); runpy.run_module('mien', run_name='__main__')",
    ]
    done = subprocess.run(
        [sys.executable, *limit, "analyze", film, "-o", tmp_path / "x.csv"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, f"mien: {tmp_path / 'x.csv'}: cannot be written (File too large)\n")
