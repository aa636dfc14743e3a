"""Ctrl-C, and the request to terminate that docker stop, systemd and batch systems send: heard once, where the work can end well."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

HANGUP: tuple[signal.Signals, ...] = (signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()
"""The terminal was closed; none on Windows."""
ENDING = (signal.SIGINT, signal.SIGTERM, *HANGUP)
"""Ctrl-C, the request to terminate, and the end of the terminal."""


class Terminated(KeyboardInterrupt):
    """The program was asked to terminate; who handles Ctrl-C handles this."""


@contextmanager
def heard(tell: Callable[[], None], *signals: signal.Signals) -> Iterator[None]:
    """In here the first of these signals calls `tell`; a further one of any of them does what it did before."""
    if threading.current_thread() is not threading.main_thread():  # where Python takes no signals
        yield
        return
    before = {number: signal.getsignal(number) for number in signals}
    for number in HANGUP:
        if before.get(number) is signal.SIG_IGN:  # nohup: the program is to outlive its terminal
            del before[number]

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def hear(number: int, frame: FrameType | None) -> None:
        restore()
        tell()

    try:
        for number in before:
            signal.signal(number, hear)
        yield
    finally:
        restore()


@contextmanager
def held(*signals: signal.Signals) -> Iterator[Callable[[], bool]]:
    """Hold one of these signals back, a Ctrl-C if none is named; what this gives says whether there was one. A second one acts at once."""
    asked = False

    def note() -> None:
        nonlocal asked
        asked = True

    with heard(note, *(signals or (signal.SIGINT,))):
        yield lambda: asked


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """In here a Ctrl-C does what it did before; what this gives says whether there was one, be it lost on its way."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield lambda: False
        return
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def terminable() -> Iterator[None]:
    """In here a request to terminate raises Terminated, as a Ctrl-C raises KeyboardInterrupt; a second one ends the program at once.

    So does the end of the terminal.
    """

    def end() -> None:
        raise Terminated

    with heard(end, signal.SIGTERM, *HANGUP):
        yield
