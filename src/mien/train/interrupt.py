"""Ctrl-C between two steps and never within one, so that what is saved then is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def interruptible(items: Iterable[T]) -> Iterator[T]:
    """The items; a Ctrl-C while one is worked on raises KeyboardInterrupt when the next is asked for, a second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield from items
        return
    asked = False
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    signal.signal(signal.SIGINT, note)
    try:
        for item in items:
            yield item
            if asked:
                raise KeyboardInterrupt
    finally:
        signal.signal(signal.SIGINT, before)
