"""Reading a pipe that stalls, in a thread that ends all the same when nobody wants more."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from pathlib import Path
from typing import BinaryIO, cast

from mien.io.frames_ahead import is_wanted

WAIT_SECONDS = 0.1
"""How often it is asked whether anybody still waits."""
PIECE = 1 << 16
"""Bytes that a pipe holds, as a rule."""


def is_pipe(path: str) -> bool:
    """Whether a path is neither a file nor a folder, but what gives its bytes once, and when it likes: a named pipe, /dev/stdin, <(...)."""
    try:
        kind = os.stat(path).st_mode  # noqa: PTH116  called a million times
    except (OSError, ValueError):  # told of when it is opened
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISCHR(kind)


def open_pipe(path: str) -> BinaryIO:
    """Open a pipe for `left_at_the_end`, without waiting for somebody who writes to it, as is usual: that waits then. Raises OSError."""
    if sys.platform == "win32":
        return Path(path).open("rb")
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    os.set_blocking(file.fileno(), True)
    return file


def left_at_the_end(stream: BinaryIO, *, name: str) -> BinaryIO:
    """A stream that ends when the work does, if it is one of the system's files, such as standard input; others as they are.

    A thread that waited in Python's own `read` would keep the work from ending, and the interpreter too: it wants the lock of standard
    input, and aborts where another thread has it. On Windows, where only sockets can be asked whether they have something, nothing changes.
    """
    if sys.platform != "win32" and isinstance(stream, io.BufferedReader) and isinstance(stream.raw, io.FileIO):
        return cast("BinaryIO", _Pipe(stream, name))
    return stream


class _Pipe:
    """Waits outside of the stream until it has something. What the stream itself holds back already waits with it for what comes next."""

    def __init__(self, stream: io.BufferedReader, name: str) -> None:
        self._stream, self.name = stream, name

    def read(self, most: int) -> bytes:
        """Some bytes, at most so many; none at the end, or when nobody wants them any more: FFmpeg would print what is raised here."""
        while not self._is_ready():
            if not is_wanted():
                return b""
        return self._stream.read1(min(most, PIECE))

    def _is_ready(self) -> bool:
        try:
            return bool(select.select([self._stream], [], [], WAIT_SECONDS)[0])
        except ValueError:  # closed, which `read1` tells; or a file with a number beyond what select knows
            return True
