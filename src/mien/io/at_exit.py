"""Threads that are stopped before the interpreter ends.

It leaves daemon threads where they are, and ends each where that next asks for the interpreter: in the middle of OpenCV or ONNX Runtime
this is `terminate called without an active exception`, and the process aborts.
"""

from __future__ import annotations

import atexit
import threading
import time
from functools import cache
from typing import Protocol
from weakref import WeakSet

LONGEST_SECONDS = 5.0
"""How long the end waits for all of them together: one that waits for a network does no harm where it is."""


class Running(Protocol):
    """Whoever has a thread of its own, and lives as long as that runs."""

    @property
    def thread(self) -> threading.Thread:
        """The thread, begun or not."""
        ...

    def stop(self) -> None:
        """Ask the thread to end; waits for nothing."""


_running: WeakSet[Running] = WeakSet()
_changing = threading.Lock()


def stopped_at_exit(running: Running) -> None:
    """Have a thread, which has not begun yet, stopped before the interpreter ends, should it run then."""
    _registered()
    with _changing:
        _running.add(running)


@cache
def _registered() -> None:
    """With the first thread and not on import: what is registered last is called first, so that models are still whole."""
    atexit.register(_stop_all)


def _stop_all() -> None:
    with _changing:
        left = [running for running in _running if running.thread.is_alive()]  # none after a fork, which takes no threads along
    for running in left:
        running.stop()
    end = time.monotonic() + LONGEST_SECONDS
    for running in left:
        running.thread.join(max(0.0, end - time.monotonic()))
