"""What a pipe gives, whenever it gives it, and that nobody is stuck in one."""

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from mien.io.frames_ahead import in_background
from mien.io.images import read_bytes
from mien.io.pipes import is_pipe, left_at_the_end, open_pipe
from mien.io.sources import Failure, open_source
from mien.types import Frame

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes as POSIX has them")


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Its ends: to read from, to write to."""
    out, into = os.pipe()
    with os.fdopen(out, "rb") as reader, os.fdopen(into, "wb", buffering=0) as writer:
        yield reader, writer


@pytest.mark.parametrize("peeked", [False, True])
def test_all_bytes_come_in_their_order(pipe: tuple[BinaryIO, BinaryIO], peeked: bool) -> None:
    reader, writer = pipe
    data = bytes(range(256)) * 2000

    def write() -> None:
        for start in range(0, len(data), 70_001):
            writer.write(data[start : start + 70_001])
        writer.close()

    thread = threading.Thread(target=write)
    thread.start()
    if peeked:  # as of standard input, to see whether it is a video
        reader.peek(16)  # type: ignore[attr-defined]
    assert read_bytes(left_at_the_end(reader, name="-"), name="-") == data
    thread.join()


def test_a_thread_that_waits_for_a_pipe_ends_when_nobody_wants_more(pipe: tuple[BinaryIO, BinaryIO]) -> None:
    reader, writer = pipe
    writer.write(b"begun")

    def work():  # type: ignore[no-untyped-def]
        yield b""
        yield read_bytes(left_at_the_end(reader, name="-"), name="-")

    items = in_background(work, ahead=2, name="mien-test")
    next(items)
    closing = threading.Thread(target=items.close, daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive(), "waits for the other end of the pipe"
    assert not [thread for thread in threading.enumerate() if thread.name == "mien-test"]


def test_what_is_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("pipe")
    found = {name: is_pipe(str(tmp_path / name)) for name in ("pipe", "link", "file", ".", "none", "\0", "n" * 5000)}
    assert [name for name, is_one in found.items() if is_one] == ["pipe", "link"]


def test_a_pipe_may_be_opened_before_somebody_writes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        time.sleep(0.3)  # longer than one look
        path.write_bytes(b"late" * 50_000)

    thread = threading.Thread(target=write)
    thread.start()
    with open_pipe(str(path)) as pipe:
        assert read_bytes(left_at_the_end(pipe, name="x"), name="x") == b"late" * 50_000
    thread.join()


@pytest.mark.parametrize("name", ["pipe", "pipe.jpg", "pipe.mp4"])
@pytest.mark.parametrize("begun", [False, True])
def test_an_input_that_is_a_stalled_pipe_is_left(tmp_path: Path, name: str, begun: bool) -> None:
    """Nobody writes to it, or no more: a Ctrl-C could not end the work. Analyses take inputs in a thread, and videos have another."""
    path = tmp_path / name
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR) if begun else None
    if writer is not None:
        os.write(writer, b"\x00\x00\x00 ftypisom")

    def work():  # type: ignore[no-untyped-def]
        yield None
        yield from open_source(str(path))

    items = in_background(work, ahead=2, name="mien-test")
    next(items)
    time.sleep(0.3)
    closing = threading.Thread(target=items.close, daemon=True)
    closing.start()
    closing.join(10)
    stuck = closing.is_alive()
    for end in [writer] if writer is not None else [os.open(path, os.O_RDWR)] if stuck else []:
        os.close(end)
    assert not stuck, "waits for the other end of the pipe"


@pytest.mark.parametrize("name", ["pipe", "pipe.ts"])
def test_a_video_that_comes_through_a_pipe_is_whole(tmp_path: Path, name: str) -> None:
    """Its first bytes, which tell what it is, are not lost."""
    clips = pytest.importorskip("tests.io.clips")
    data, path = clips.clip(tmp_path / "a.ts", 20).read_bytes(), tmp_path / name
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(data,))
    thread.start()
    frames = list(open_source(str(path)))
    thread.join()
    assert [clips.number_on(frame.image) for frame in frames if isinstance(frame, Frame)] == list(range(20))
    assert not [frame for frame in frames if isinstance(frame, Failure)]


def test_other_streams_are_as_they_are(tmp_path: Path) -> None:
    stream = io.BytesIO(b"x")
    assert left_at_the_end(stream, name="x") is stream
    (tmp_path / "x").write_bytes(b"abc")
    with (tmp_path / "x").open("rb") as file:
        assert read_bytes(left_at_the_end(file, name="x"), name="x") == b"abc"
