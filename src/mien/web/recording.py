"""The session that a camera is recorded as."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

from mien.errors import MienError, UsageError
from mien.io.span import Chooser, VideoSpan
from mien.pipeline import Analyzer
from mien.provenance import Provenance
from mien.sinks.sink import Sink
from mien.table import columns
from mien.types import Frame, Result
from mien.web.faults import Told, told
from mien.web.settings import ServeSettings

log = logging.getLogger("mien")


class Recording:
    """Records what a camera shows. A store that fails for good ends the recording, not the camera. For one thread at a time."""

    def __init__(self, sink: Sink, chooser: Chooser, name: str) -> None:
        self._sink, self._chooser, self._name = sink, chooser, name
        self.failed: Told | None = None
        """Why nothing more is recorded, for the one before the camera; None as long as it is."""
        self.finished = False
        """Whether the camera ended as cameras do; else the session counts as broken off."""

    def take(self, frame: Frame, result: Result) -> None:
        """Record a frame's rows when it is time for a sample."""
        if self.failed or not self._chooser.takes(result.index, result.time):
            return
        try:
            self._sink.write(frame, result)
        except MienError as error:
            self.failed = told(error, f"camera, session {self._name!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        try:
            self._sink.close(finished=self.finished)
        except MienError as failure:
            log.error("camera, session %r: its end is not recorded: %s", self._name, failure)


def recording(settings: ServeSettings, analyzer: Analyzer, name: str, span: VideoSpan) -> Recording:
    """Begin a session. span: which frames are recorded. Raises UsageError where the server records none or the name is none, StoreError."""
    if not settings.sessions:
        raise UsageError("this server records no sessions; start it with --sessions")
    from mien.store import open_store

    how, table = Provenance.of(analyzer.options, span), columns(raw=analyzer.options.track.smooths)
    writer = open_store(settings.store).writer(name, model=analyzer.model, options=how.options, columns=table)
    return Recording(writer, Chooser(span), name)
