"""Where the time goes: seconds by stage of a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Profile:
    """Wall-clock seconds and calls by stage, in the order the stages first ran. Thread-safe.

    Stages of different threads overlap, so their sum can exceed the time of the run.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stages: dict[str, list[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time spent in here."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Count this time."""
        with self._lock:
            total = self._stages.setdefault(name, [0.0, 0])
            total[0] += seconds
            total[1] += 1

    def rows(self, frames: int) -> list[dict[str, Any]]:
        """One dict a stage: stage, calls, seconds, ms a frame."""
        with self._lock:
            return [
                {"stage": name, "calls": int(calls), "seconds": round(seconds, 4), "ms_a_frame": round(1000 * seconds / max(frames, 1), 3)}
                for name, (seconds, calls) in self._stages.items()
            ]
