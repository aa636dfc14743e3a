"""Files that appear whole or not at all: written under another name beside their own, then renamed."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from mien.errors import SinkError

_numbers = count()

LONGEST_NAME = 255
"""Bytes of a file's name, on nearly every file system."""


def beside(path: Path) -> Path:
    """A temporary name in the folder of a file, for no other file of this process."""
    return path.with_name(f".mien-{os.getpid()}-{next(_numbers)}.part")  # short, whatever the length of the file's own name


def growing(path: Path) -> Path:
    """What a file is called until it is whole: its name with `.part` behind it. Where that is longer than a name may be, what stands
    before the ending is cut, and a hash of the whole name tells it from others that are cut.
    """
    if len(os.fsencode(path.name)) + len(".part") <= LONGEST_NAME:
        return path.with_name(f"{path.name}.part")
    rest = f"-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}{path.suffix}.part"
    stem = path.stem
    while stem and len(os.fsencode(stem + rest)) > LONGEST_NAME:
        stem = stem[:-1]
    return path.with_name(stem + rest)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the system refuses in here becomes a SinkError that names `path`. A broken pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SinkError(f"{path}: cannot be written ({error.strerror or error})") from error


@contextmanager
def whole(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` to write to; renamed to `path` when the block ends well, removed when it does not.

    Makes the folder. What the system refuses becomes a SinkError that names `path`. durable: wait until the contents are on the disk, or
    a power cut could leave the name without them; for one picture of many, which is soon made again, that costs too much time.
    """
    part = beside(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            if durable:
                with part.open("rb+") as file:
                    os.fsync(file.fileno())
            part.replace(path)
        finally:
            with suppress(OSError):  # it may never have come to be
                part.unlink()


def sweep(folder: Path) -> None:
    """Remove the temporary files of `whole` that a process which was killed left in a folder. Call it before this process writes there.

    Those of a process that runs stay; not of one with this process's number: in a container every start may have the same.
    """
    for part in folder.glob(".mien-*.part"):
        number = re.fullmatch(r"\.mien-(\d+)-\d+\.part", part.name)
        if number and (int(number[1]) == os.getpid() or not _runs(int(number[1]))):
            with writing(part):
                part.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Whether there is a process of that number."""
    if sys.platform == "win32":
        return _runs_on_windows(process)
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


QUERY_LIMITED_INFORMATION, STILL_ACTIVE, INVALID_PARAMETER = 0x1000, 259, 87
"""The right to ask a process for its exit code, the code of one that runs, and the error where there is none of that number."""


def _runs_on_windows(process: int) -> bool:
    """The same there, where os.kill would send the signal 0 as a Ctrl-C."""
    import ctypes

    if process >= 1 << 32:
        return False
    kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel.OpenProcess.restype = ctypes.c_void_p  # handles are as wide as pointers
    handle = kernel.OpenProcess(QUERY_LIMITED_INFORMATION, False, ctypes.c_ulong(process))
    if handle is None:
        return bool(ctypes.get_last_error() != INVALID_PARAMETER)  # type: ignore[attr-defined,unused-ignore]
    code = ctypes.c_ulong()
    try:
        return not kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code)) or code.value == STILL_ACTIVE
    finally:
        kernel.CloseHandle(ctypes.c_void_p(handle))
