"""The page of a run, written when the run is over, or when it breaks off."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mien.sinks.files import prepare
from mien.sinks.sink import Sink
from mien.timeline import DTYPES, KINDS, MISSING, Timeline
from mien.types import Frame, Result

BLOCK = 1000
"""Rows that are kept as dicts before they become columns, which take a tenth of the memory."""


class HtmlSink(Sink):
    """One self-contained HTML file, see mien.report.page. A run that gives no rows writes nothing and replaces nothing.

    title: its heading; the first source's name if empty. language: `en` or `ru`. baseline: seconds from and to.
    table: name of a file that the same run writes all rows to.
    """

    def __init__(
        self, path: Path, *, title: str = "", language: str = "en", baseline: tuple[float, float] | None = None, table: str = ""
    ) -> None:
        self.path, self.title, self.language, self.baseline, self.table = path, title, language, baseline, table
        self.replaces = prepare(path)
        self._rows: list[dict[str, Any]] = []
        self._blocks: list[Timeline] = []
        self._written = False

    @property
    def what(self) -> str:
        """The file's name."""
        return "" if not self._written else f"{self.path} (replaced)" if self.replaces else str(self.path)

    def write(self, frame: Frame, result: Result, /) -> None:
        """Keep the rows of one picture."""
        self.add(result.rows())

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
        timeline = joined(blocks)
        told = words(self.language)
        first, others = Path(str(timeline["source"][0])).name or self.path.stem, len(set(timeline["source"].tolist())) - 1
        title = self.title or (f"{first} {told['and_more'].format(n=f'{others:,}')}" if others else first)
        notes = () if finished else (told["interrupted"],)
        write_page(timeline, self.path, title=title, baseline=self.baseline, notes=notes, language=self.language, table=self.table)
        self._written = True

    def _pack(self) -> None:
        if self._rows:
            self._blocks.append(Timeline.from_rows(self._rows))
            self._rows = []


def joined(parts: list[Timeline]) -> Timeline:
    """Timelines one after another, at least one; a column that only some have is empty in the others."""
    names = [name for name in KINDS if any(name in part for part in parts)]

    def column(part: Timeline, name: str) -> Any:
        return part[name] if name in part else np.full(len(part), MISSING[KINDS[name]], DTYPES[KINDS[name]])

    return Timeline({name: np.concatenate([column(part, name) for part in parts]) for name in names})
