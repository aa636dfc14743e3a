"""What libraries in C write to stderr past Python, and past their own log levels."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO

_turn = threading.Lock()
"""stderr is the whole process's: two that exchange it at once would leave it exchanged."""


@contextmanager
def withheld(start: str) -> Iterator[list[str]]:
    """In here lines of stderr that begin with `start` are withheld; behind it they are in the list that this gives. Others come late.

    Without a stderr or room for a temporary file nothing is withheld. What another program says that was started meanwhile is lost.
    """
    told: list[str] = []
    with _turn, ExitStack() as back:
        with suppress(OSError):  # stderr is closed, or there is none, as of a program without a console; or no room
            kept = os.dup(2)
            back.callback(os.close, kept)
            file = back.enter_context(TemporaryFile())
            back.callback(_sort, file, start, told)
            back.callback(os.dup2, kept, 2)
            os.dup2(file.fileno(), 2)
        yield told


def _sort(file: IO[bytes], start: str, told: list[str]) -> None:
    """Put lines that begin so into `told`, and others where they were going."""
    file.seek(0)
    lines = file.readlines()
    told += [line.decode("utf-8", "replace").rstrip() for line in lines if line.startswith(start.encode())]
    with suppress(OSError):  # nobody may be there any more who reads them
        for line in lines:
            if not line.startswith(start.encode()):
                os.write(2, line)


def _afresh() -> None:
    """In a forked process, where the thread whose turn it was does not go on."""
    global _turn
    _turn = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_afresh)
