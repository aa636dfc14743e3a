"""Tables with differences from a baseline: rows wait until the span of the baseline is over. Pictures do not."""

from __future__ import annotations

import numpy as np

from mien.errors import MienError
from mien.sinks.sink import Sink
from mien.track.baseline import BaselineGate
from mien.types import Frame, Result

NO_PICTURE = np.zeros((1, 1, 3), np.uint8)


class BaselineSink(Sink):
    """Hands results to another sink once the baseline of their source is known, with `Result.delta`.

    Only for sinks that do not look at the picture: those that wait come without it, since no frame is kept.
    """

    def __init__(self, sink: Sink, span: tuple[float, float]) -> None:
        self._sink, self._gate = sink, BaselineGate(span)

    @property
    def what(self) -> str:
        """What the other sink wrote to."""
        return self._sink.what

    def admit(self, frame: Frame, /) -> None:
        """Ask the other sink."""
        self._sink.admit(frame)

    def write(self, frame: Frame, result: Result, /) -> None:
        """Take one result; write those that need not wait any more."""
        for ready in self._gate.push(result):
            self._pass_on(ready)

    def failed(self, source: str, error: MienError, /) -> None:
        """Tell the other sink."""
        self._sink.failed(source, error)

    def close(self, *, finished: bool = True) -> None:
        """Write those that still wait, though the span may not be over."""
        try:
            for ready in self._gate.finish():
                self._pass_on(ready)
        finally:
            self._sink.close(finished=finished)

    def _pass_on(self, result: Result) -> None:
        self._sink.write(Frame(NO_PICTURE, result.index, result.time, result.source, stream=True), result)


def after_baseline(sink: Sink, span: tuple[float, float] | None) -> Sink:
    """The sink, behind a BaselineSink where there is a span."""
    return sink if span is None else BaselineSink(sink, span)
