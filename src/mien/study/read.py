"""What a study reads: tables that mien wrote, or recordings, which become tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mien.errors import SourceUnreadable
from mien.io.events import Failure
from mien.io.video import VideoSpan
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzed, Analyzer
from mien.sinks.registry import Sinks, open_sink
from mien.table import columns
from mien.timeline import READERS, Timeline, table_suffix
from mien.track.options import TrackOptions

Tell = Callable[[int], None]
"""Called with how many frames were read so far."""


class Reader:
    """Reads one input after the other; the models are loaded with the first recording.

    options: how recordings are read; not smoothed over time by default, since means over steps need no smoothing, and it comes late.
    every: seconds from one frame of a recording to the next that is looked at.
    """

    def __init__(self, options: AnalyzeOptions = AnalyzeOptions(track=TrackOptions(smooth="none")), *, every: float = 0.1) -> None:
        self.options, self._span = options, VideoSpan(every=every)
        self._analyzer: Analyzer | None = None
        self.models: list[str] = []
        """Names of the models that read the faces, of tables too."""
        self.failures: list[Failure] = []
        """What could not be read, of recordings that gave some frames all the same."""

    def about(self) -> dict[str, Any]:
        """How recordings were read, for the record of a study."""
        how = {"detector": self.options.detector, "every": self._span.every} if self._analyzer else {}
        return {"models": self.models, **how}

    def read(self, file: str, *, keep: Path | None = None, tell: Tell = lambda frames: None) -> Timeline:
        """The table of a table or of a recording; of a recording it is written to `keep` too, while it is read.

        Raises SourceMissing, SourceUnreadable (also for a recording that breaks off before its first frame), SinkError.
        """
        timeline = Timeline.read(file) if table_suffix(file) in READERS else self._analyzed(file, keep, tell)
        self.models = list(dict.fromkeys([*self.models, *(name for name in dict.fromkeys(timeline["model"].tolist()) if name)]))
        return timeline

    def _analyzed(self, file: str, keep: Path | None, tell: Tell) -> Timeline:
        self._analyzer = self._analyzer or Analyzer(self.options)
        blocks: list[Timeline] = []
        rows: list[dict[str, object]] = []
        frames, failures = 0, list[Failure]()
        with ExitStack() as stack:
            smooths = self.options.track.smooths
            kept: Sequence[str] = [str(keep)] if keep else []
            sinks = stack.enter_context(Sinks([open_sink(name, columns=columns(raw=smooths)) for name in kept]))
            for item in self._analyzer.stream(file, span=self._span):
                if isinstance(item, Analyzed):
                    sinks.write(item.frame, item.result)
                    rows += item.result.rows()
                    frames += 1
                    tell(frames)
                elif isinstance(item, Failure):
                    failures.append(item)
                if len(rows) >= 1000:  # columns take a tenth of the memory
                    blocks.append(Timeline.from_rows(rows))
                    rows = []
        if rows:
            blocks.append(Timeline.from_rows(rows))
        if not blocks:
            raise failures[0].error if failures else SourceUnreadable(f"{file}: gave no frame")
        self.failures += failures
        return Timeline.joined(blocks)
