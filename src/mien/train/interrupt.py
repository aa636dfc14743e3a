"""Ctrl-C between two steps and never within one, so that what is saved then is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Hold a Ctrl-C back until what this gives is called, which then raises KeyboardInterrupt; a second one is raised at once."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    asked = False
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


def interruptible(items: Iterable[T]) -> Iterator[T]:
    """The items; a Ctrl-C while one is worked on raises KeyboardInterrupt when the next is asked for, a second one at once."""
    with held() as check:
        for item in items:
            yield item
            check()
