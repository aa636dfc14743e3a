"""What a study reads: tables that mien wrote, recorded sessions, which are tables too, or recordings, which become tables."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mien.errors import SourceUnreadable
from mien.io.events import Failure
from mien.io.folders import files_of
from mien.io.formats import SUFFIXES, VIDEO_SUFFIXES
from mien.io.names import is_live, is_url
from mien.io.video import VideoSpan
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzed, Analyzer
from mien.provenance import Provenance
from mien.sinks.registry import Sinks, open_sink
from mien.table import columns
from mien.timeline import READERS, Timeline, table_suffix
from mien.track.options import TrackOptions

if TYPE_CHECKING:
    from mien.study.recorded import Recorded

Tell = Callable[[int], None]
"""Called with how many frames were read so far."""


def is_table(file: str) -> bool:
    """Whether an input is a table, by its name; else it is a recording."""
    return table_suffix(file) in READERS


def without_password(file: str) -> str:
    """The name of an input as records and pages may tell it."""
    if not is_url(file):
        return file
    from mien.io.fetch import without_secrets  # here: TLS and HTTP take a while to import, and files need neither

    return without_secrets(file)


def fingerprint(file: str) -> str:
    """What tells a recording, as it is now, from all others: a hash of the address without a password, or of the paths, sizes and times of
    change of the files that a name stands for. "" for what cannot be read a second time: standard input, a pipe, a camera, a stream.

    It is a hash, so that a table tells no more of where a recording lay than its `source` does, the name as it was given.
    """
    if file == "-" or is_live(file):
        return ""
    if is_url(file):
        return _hashed([without_password(file)])
    told = []
    try:
        for name in files_of(file, wanted=lambda name: Path(name).suffix.lower() in SUFFIXES | VIDEO_SUFFIXES):
            path = os.path.realpath(name)
            of = Path(path).stat()
            if not stat.S_ISREG(of.st_mode):
                return ""
            told.append(f"{path}\0{of.st_size}\0{int(of.st_mtime)}")  # whole seconds: shares and sticks round what is less
    except (OSError, ValueError):  # told of when it is opened
        return ""
    return _hashed(told) if told else ""


def _hashed(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


class Reader:
    """Reads one input after the other; the models are loaded with the first recording.

    options: how recordings are read; not smoothed over time by default, since means over steps need no smoothing, and it comes late.
    every: seconds from one frame of a recording to the next that is looked at. sessions: inputs that are recorded
    sessions, by the input's name.
    """

    def __init__(
        self,
        options: AnalyzeOptions = AnalyzeOptions(track=TrackOptions(smooth="none")),
        *,
        every: float = 0.1,
        sessions: Mapping[str, Recorded] = MappingProxyType({}),
    ) -> None:
        self.options, self._span, self._sessions = options, VideoSpan(every=every), sessions
        self._analyzer: Analyzer | None = None
        self.models: list[str] = []
        """Names of the models that read the faces, of tables too."""
        self.failures: list[Failure] = []
        """What could not be read, of recordings that gave some frames all the same."""

    def about(self) -> dict[str, Any]:
        """How recordings were read, for the record of a study."""
        how = {"detector": self.options.detector, "every": self._span.every} if self._analyzer else {}
        return {"models": self.models, **how}

    def read(self, file: str, *, turn: int = 0, keep: Path | None = None, tell: Tell = lambda frames: None) -> Timeline:
        """The table of a session, table or recording; of a recording it is written to `keep` too, while it is read, with its fingerprint.

        turn: degrees clockwise, 0, 90, 180 or 270, that make a recording upright; tables and sessions are what they are.
        Raises SourceMissing, SourceUnreadable (also for a recording that breaks off before its first frame), SinkError; of sessions see
        Recorded.read.
        """
        if session := self._sessions.get(file):
            timeline = session.read()
            self.failures += session.failures
        else:
            timeline = Timeline.read(file) if is_table(file) else self._analyzed(file, turn, keep, tell)
        self.models = list(dict.fromkeys([*self.models, *(name for name in dict.fromkeys(timeline["model"].tolist()) if name)]))
        return timeline

    def _analyzed(self, file: str, turn: int, keep: Path | None, tell: Tell) -> Timeline:
        self._analyzer = self._analyzer or Analyzer(self.options)
        blocks: list[Timeline] = []
        rows: list[dict[str, object]] = []
        frames, failures = 0, list[Failure]()
        with ExitStack() as stack:
            smooths = self.options.track.smooths
            kept: Sequence[str] = [str(keep)] if keep else []
            how = Provenance.of(self.options, self._span, turn=turn)
            how = dataclasses.replace(how, options={**how.options, "fingerprint": fingerprint(file)})
            sinks = stack.enter_context(Sinks([open_sink(name, columns=columns(raw=smooths), how=how) for name in kept]))
            for item in self._analyzer.stream(file, span=self._span, turn=turn):
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
