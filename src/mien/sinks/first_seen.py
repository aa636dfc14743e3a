"""A sink that comes to be with the first result."""

from __future__ import annotations

from collections.abc import Callable

from mien.errors import MienError
from mien.sinks.sink import Sink
from mien.types import Frame, Result


class FirstSeenSink(Sink):
    """Nothing is left of a run without results, such as an empty session of a camera that is not there.

    make: makes the sink. What it raises, the first `write` does.
    """

    def __init__(self, make: Callable[[], Sink]) -> None:
        self._make = make
        self._sink: Sink | None = None

    @property
    def what(self) -> str:
        """What the other sink wrote to."""
        return self._sink.what if self._sink else ""

    def admit(self, frame: Frame, /) -> None:
        """Ask the other sink."""
        if self._sink:
            self._sink.admit(frame)

    def write(self, frame: Frame, result: Result, /) -> None:
        """Hand the result on."""
        self._sink = self._sink or self._make()
        self._sink.write(frame, result)

    def failed(self, source: str, error: MienError, /) -> None:
        """Tell the other sink."""
        if self._sink:
            self._sink.failed(source, error)

    def close(self, *, finished: bool = True) -> None:
        """Close the other sink."""
        if self._sink:
            self._sink.close(finished=finished)
