"""What is refused and said of people who were hidden where they were not found."""

from __future__ import annotations

from collections.abc import Callable

from mien.cli.render import counted
from mien.hiding import refuse_half_hidden
from mien.pipeline import Analyzer
from mien.sinks.sink import Sink
from mien.track.covers import missed
from mien.types import Frame, Result


class HiddenNotice(Sink):
    """Writes nothing; says at the end in how many frames a followed face was not found. tell: takes one line."""

    what = ""

    def __init__(self, analyzer: Analyzer, tell: Callable[[str], None]) -> None:
        self._analyzer, self._tell = analyzer, tell
        self._frames = 0

    def admit(self, frame: Frame, /) -> None:
        """Refuse what turns out to be a video only now, as from an address without a name, where it cannot be hidden wholly."""
        if frame.stream:
            refuse_half_hidden(self._analyzer, "--anonymize", streams=True)

    def write(self, frame: Frame, result: Result, /) -> None:
        """See whether somebody was missed who did not just leave."""
        self._frames += missed(result) > 0

    def close(self, *, finished: bool = True) -> None:
        """Say it, if there is anything to say."""
        if self._frames:
            self._tell(
                f"--anonymize: in {counted(self._frames, 'frame')} a followed face was not found; hidden is where it was last and may have "
                "moved to: look at the result before you show it"
            )
