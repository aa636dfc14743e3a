"""The page of a run, written when the run is over, or when it breaks off."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.io.names import is_url
from mien.provenance import Provenance
from mien.sinks.files import prepare
from mien.sinks.sink import Sink
from mien.timeline import Timeline
from mien.types import Frame, Result

BLOCK = 1000
"""Rows that are kept as dicts before they become columns, which take a tenth of the memory."""

LIVE_ROWS = 100_000
"""Of a page of a camera: 30 MB, an hour of one face in each of 25 frames a second, and more than the table in a page has room for."""


class HtmlSink(Sink):
    """One self-contained HTML file, see mien.report.page. A run that gives no rows writes nothing and replaces nothing.

    title: its heading; the first source's name if empty. language: `en` or `ru`. affect_scale: of valence and arousal, `unit` -1..1 or
    `seven` 1..7. baseline: seconds from and to. table: name of a file that the same run writes all rows to.
    most_rows: of a run that may go on for days, with one source: where more rows come, the page is of every second frame, every fourth and
    so on, so that memory stays flat, and says so. None: of all frames. how: how the rows are made.
    """

    def __init__(
        self,
        path: Path,
        *,
        title: str = "",
        language: str = "en",
        affect_scale: str = "unit",
        baseline: tuple[float, float] | None = None,
        table: str = "",
        most_rows: int | None = None,
        how: Provenance | None = None,
    ) -> None:
        self.path, self.title, self.language, self.affect_scale = path, title, language, affect_scale
        self.baseline, self.table, self._most, self._how = baseline, table, most_rows, how
        self.replaces = prepare(path)
        self._rows: list[dict[str, Any]] = []
        self._blocks: list[Timeline] = []
        self._frames = 0
        self._every = 1
        """Of so many frames one is kept."""
        self._failed: list[tuple[str, str]] = []
        self._failures = 0
        self._written = False

    @property
    def what(self) -> str:
        """The file's name."""
        return "" if not self._written else f"{self.path} (replaced)" if self.replaces else str(self.path)

    def write(self, frame: Frame, result: Result, /) -> None:
        """Keep the rows of one picture, unless it is one of those that are left out."""
        if self._frames % self._every == 0:
            self.add(result.rows())
        self._frames += 1

    def failed(self, source: str, error: MienError, /) -> None:
        """Keep the names of the first inputs that could not be read, and why; the others are counted."""
        from mien.io.fetch import shown
        from mien.report.sections import MOST_NAMED

        self._failures += 1
        if len(self._failed) < MOST_NAMED:
            name = shown(source) if is_url(source) else source  # without a password
            self._failed.append((name, str(error).removeprefix(f"{name}: ")))

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Keep rows."""
        self._rows += rows
        if len(self._rows) >= BLOCK:
            self._pack()

    def close(self, *, finished: bool = True) -> None:
        """Write the page of the rows so far. finished: false says on the page that the run was interrupted."""
        from mien.report.page import write_page
        from mien.report.words import words

        self._pack()
        blocks, self._blocks = self._blocks, []
        if not blocks:
            return
        timeline = Timeline.joined(blocks)
        told = words(self.language)
        first, others = Path(str(timeline["source"][0])).name or self.path.stem, len(set(timeline["source"].tolist())) - 1
        title = self.title or (f"{first} {told['and_more'].format(n=f'{others:,}')}" if others else first)
        write_page(
            timeline,
            self.path,
            title=title,
            baseline=self.baseline,
            notes=[*([] if finished else [told["interrupted"]]), *self._left_out(told), *self._unread(told)],
            language=self.language,
            affect_scale=self.affect_scale,
            table=self.table,
            how=self._how,
        )
        self._written = True

    def _left_out(self, told: dict[str, str]) -> list[str]:
        """The sentences about frames that are not on the page, if some are not."""
        from mien.report.sections import count

        return [told["every_nth"].format(frames=count(self._frames, told), n=count(self._every, told))] if self._every > 1 else []

    def _unread(self, told: dict[str, str]) -> list[str]:
        """The sentence about what could not be read, if anything could not."""
        from mien.report.scopes import short_names
        from mien.report.sections import listed

        names = short_names([source for source, _ in self._failed])
        parts = [f"{names[source]} ({why})" for source, why in self._failed]
        return [told["failed"].format(names=listed(parts, told, of=self._failures))] if parts else []

    def _pack(self) -> None:
        if self._rows:
            self._blocks.append(Timeline.from_rows(self._rows))
            self._rows = []
        if self._most is not None and sum(map(len, self._blocks)) > self._most:
            from mien.report.embed import every_nth_frame

            kept = Timeline.joined(self._blocks)
            self._blocks = [kept.where(every_nth_frame(kept, 2))]
            self._every *= 2
