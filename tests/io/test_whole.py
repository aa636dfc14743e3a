"""Files that appear whole or not at all."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mien.errors import SinkError
from mien.io.whole import beside, growing, sweep, whole


def test_the_name_stands_for_the_whole_file_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.bin"
    with whole(path) as part:
        part.write_bytes(b"old")
        assert part.parent == path.parent
        assert not path.exists()
    with whole(path, durable=False) as part:
        part.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError, SystemExit])
def test_what_breaks_off_leaves_what_was_there_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    for half in (b"half", b""):  # b"": before there is a part

        def broken_off(half: bytes = half) -> None:
            with whole(path) as part:
                if half:
                    part.write_bytes(half)
                raise error

        with pytest.raises(error):
            broken_off()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_no_two_have_one_temporary_name(tmp_path: Path) -> None:
    with whole(tmp_path / "x.csv") as one, whole(tmp_path / "y.parquet") as other:
        names = {one, other, beside(tmp_path / "z"), beside(tmp_path / "z")}
        one.write_bytes(b"1")
        other.write_bytes(b"2")
    assert len(names) == 4
    assert (tmp_path / "x.csv").read_bytes() == b"1"


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda number: seen.append((tmp_path / "x").exists()))
    with whole(tmp_path / "x") as part:
        part.write_bytes(b"1")
    assert seen == [False]


@pytest.mark.skipif(sys.platform == "win32", reason="its processes have other numbers")
def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from mien.io.whole import whole\n"
        "with whole(Path(sys.argv[1])) as part: part.write_bytes(b'half'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.pt")], check=False)
    left = list(tmp_path.glob(".mien-*.part"))
    assert len(left) == 1
    running = [tmp_path / f".mien-{os.getppid()}-0.part", tmp_path / ".mien-1-3.part", tmp_path / ".mien-x-0.part", tmp_path / "x.part"]
    for path in (*running, tmp_path / f".mien-{os.getpid()}-0.part"):  # its own number: a container's start before
        path.touch()
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(running)
    sweep(tmp_path / "none")


def test_windows_is_asked_which_processes_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handle and an exit code of those that were found: 259 is one that runs; of the others the error 87 says that there is none."""
    opened = {8: (1, 259), 12: (2, 0), 16: (None, 87), 20: (None, 5)}
    closed: list[int | None] = []

    class Kernel:
        error = 0

        def __init__(self, name: str, *, use_last_error: bool) -> None:
            assert (name, use_last_error) == ("kernel32", True)
            self.OpenProcess = Opening()

        def GetExitCodeProcess(self, handle: ctypes.c_void_p, code: Any) -> int:  # noqa: N802
            code._obj.value = next(told for at, told in opened.values() if at == handle.value)
            return 1

        def CloseHandle(self, handle: ctypes.c_void_p) -> None:  # noqa: N802
            closed.append(handle.value)

    class Opening:
        def __call__(self, rights: int, inherit: bool, process: ctypes.c_ulong) -> int | None:
            handle, Kernel.error = opened[process.value]
            return handle

    monkeypatch.setattr("mien.io.whole.sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(ctypes, "WinDLL", Kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: Kernel.error, raising=False)
    for process in (*opened, 1 << 40):
        (tmp_path / f".mien-{process}-0.part").touch()
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".mien-8-0.part", ".mien-20-0.part"}
    assert sorted(filter(None, closed)) == [1, 2]


def test_what_the_system_refuses_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match=r"file/below: cannot be written \("), whole(tmp_path / "file" / "below"):
        pass
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(SinkError, match="folder: cannot be written"), whole(tmp_path / "folder") as part:
        part.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("name", ["clip.mp4", "a" * 251 + ".mp4", "ж" * 125 + ".mp4", "ж" * 123 + "a\udcff.mp4"])
def test_a_growing_file_has_a_name_that_fits(tmp_path: Path, name: str) -> None:
    part = growing(tmp_path / name)
    part.touch()
    assert part.name.endswith(".mp4.part")
    assert part.name == name + ".part" or len(os.fsencode(part.name)) in (254, 255)
    assert part != growing(tmp_path / f"{name[:-5]}b.mp4")
