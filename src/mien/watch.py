"""The loop of a live session: the newest frame is analysed, recorded and shown, until somebody ends it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mien.io.camera import Live
from mien.io.events import Failure, Notice
from mien.io.span import Chooser, VideoSpan
from mien.pipeline import Analyzed, Analyzer
from mien.sinks.sink import Sink
from mien.types import Drawer
from mien.vision.draw import note
from mien.window import Window


def watch(
    analyzer: Analyzer,
    live: Live,
    *,
    sink: Sink | None = None,
    every: float | None = None,
    window: Window | None = None,
    drawer: Drawer | None = None,
    seconds: float | None = None,
) -> Iterator[Analyzed | Failure | Notice]:
    """Analyse a live source, which is open; each result is yielded once it is recorded and shown.

    sink: where results are recorded; every: of samples so many seconds apart, or of all frames if None. window: where frames are
    shown as drawer draws them, with the measured frame rate; closing it ends the loop, and so does a frame `seconds` after
    the first one, or so long without one. The caller closes what it opened. Raises SinkError when a result cannot be recorded.
    """
    chooser = Chooser(VideoSpan(every=every))
    first: float | None = None

    def idle() -> None:
        if window is not None:
            window.poll()
        late = first is not None and seconds is not None and time.monotonic() - first >= seconds
        if late or (window is not None and window.closed):
            live.stop()

    live.idle = idle
    for item in analyzer.run(live, batch=1):
        if isinstance(item, Analyzed):
            result = item.result
            first = time.monotonic() - result.time if first is None else first
            if seconds is not None and result.time >= seconds:
                break
            if sink is not None and chooser.takes(result.index, result.time):
                sink.write(item.frame, result)
            if window is not None:
                show(window, item, drawer, rate=live.stats.rate)
        yield item
        if window is not None and window.closed:
            break


def show(window: Window, pair: Analyzed, drawer: Drawer | None, *, rate: float = 0.0) -> None:
    """Show an annotated frame, with a frame rate in its corner unless it is 0."""
    image = pair.frame.image if drawer is None else drawer(pair.frame.image, pair.result)
    window.show(note(image, f"{rate:.1f} fps", corner="bottom right") if rate else image)
