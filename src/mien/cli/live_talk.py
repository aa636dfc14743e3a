"""What people are told during a live session, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mien.cli.render import counted, say
from mien.io.names import printable

if TYPE_CHECKING:
    from rich.status import Status

    from mien.io.camera import LiveStats
    from mien.types import Result

EACH_SECONDS = 0.25
"""How often the status line changes."""


class LiveTalk:
    """A status line while it lasts, if stderr is a terminal, lines for notices and failures, and a closing line. quiet: failures only."""

    def __init__(self, source: str, *, quiet: bool = False) -> None:
        self.frames = self.faces = self.failures = 0
        self.status = not quiet and sys.stderr.isatty()
        """Whether there is a status line."""
        self._source, self._quiet = source, quiet
        self._status: Status | None = None
        self._changed = 0.0
        self._seconds = 0.0

    def done(self, result: Result, stats: LiveStats) -> None:
        """Count one frame and its faces."""
        self.frames += 1
        self.faces += len(result)
        self._seconds = result.time
        now = time.monotonic()
        if not self.status or now - self._changed < EACH_SECONDS:
            return
        self._changed = now
        if self._status is None:
            from rich.console import Console

            self._status = Console(stderr=True, highlight=False, markup=False).status("", spinner="line")
            self._status.start()
        self._status.update(
            f"{printable(self._source)}: {stats.rate:.1f} fps, {counted(len(result), 'face')}, {counted(self.frames, 'frame')}"
        )

    def fail(self, error: Exception) -> None:
        """Tell of what went wrong."""
        self.failures += 1
        with self._aside():
            say(f"mien: {error}")

    def notice(self, message: str) -> None:
        """Tell of something about the source."""
        if not self._quiet:
            with self._aside():
                say(f"mien: {self._source}: {message}")

    def close(self) -> None:
        """Take the status line away."""
        self.status = False
        if self._status is not None:
            self._status.stop()
            self._status = None

    def summary(self, stats: LiveStats, outputs: str) -> None:
        """The closing line: frames, rate, drops, faces, and where they went. Nothing when there was no frame and it was told why."""
        if self._quiet or (self.failures and not self.frames):
            return
        seconds = self._seconds
        rate = f" in {seconds:.1f} s ({(self.frames - 1) / seconds:.1f}/s)" if seconds > 0 else ""
        parts = [f"{counted(self.frames, 'frame')}{rate}", f"{stats.dropped:,} dropped", counted(self.faces, "face")]
        if stats.reconnects:
            parts.append(counted(stats.reconnects, "reconnection"))
        say(f"{self._source}: {', '.join(parts)}{f' -> {outputs}' if outputs and self.frames else ''}")

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """While in here the status line is off the screen."""
        if self._status is None:
            yield
            return
        self._status.stop()
        try:
            yield
        finally:
            self._status.start()
