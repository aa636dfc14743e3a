"""What a page carries inside: data that no name in it can break out of, and the rows as CSV, packed."""

from __future__ import annotations

import base64
import gzip
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.sinks.tables import cell
from mien.timeline import KINDS, Timeline
from mien.types import Bools

MOST_CHARACTERS = 6_000_000
"""Of the packed rows in the page; with charts and plotly it stays under 10 MB."""
SAMPLE = 2000
"""Rows that are packed to guess how much all will take."""


def safe_json(value: Any) -> str:
    """JSON to stand inside a script element: no `<`, `>` or `&`, so nothing in it can end the element; NaN becomes null."""
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, slots=True)
class PackedRows:
    """A table inside a page."""

    text: str
    """Base64 of the CSV, gzipped."""
    rows: int
    """Rows in it."""
    every: int
    """1 when all rows are in it, n when only those of every n-th frame of each source fit."""


def pack(timeline: Timeline, *, most: int = MOST_CHARACTERS) -> PackedRows:
    """The timeline as mien's own CSV, packed. Where that takes more than `most` characters, the rows of every n-th frame only."""
    every = 1
    if len(timeline) > SAMPLE:
        spread = np.linspace(0, len(timeline) - 1, SAMPLE).astype(np.int64)
        guess = len(_packed(timeline.where(spread))) * len(timeline) / SAMPLE
        every = max(1, math.ceil(guess / most))
    while True:
        part = timeline if every == 1 else timeline.where(every_nth_frame(timeline, every))
        text = _packed(part)
        if len(text) <= most or every >= len(timeline):
            return PackedRows(text, len(part), every)
        every = max(every + 1, math.ceil(every * len(text) / most))


def every_nth_frame(timeline: Timeline, every: int) -> Bools:
    """bool (n,): all rows of the first, and of every n-th frame after it, of each source; of sources with one frame, every n-th."""
    numbers: dict[tuple[str, int], int] = {}
    frames_of: dict[str, int] = {}
    keys = list(zip(timeline["source"].tolist(), timeline["frame"].tolist(), strict=True))
    videos = {source for source, frame in keys if frame > 0}
    for source, frame in keys:
        if (source, frame) not in numbers:
            counter = source if source in videos else ""
            numbers[source, frame] = frames_of.get(counter, 0)
            frames_of[counter] = numbers[source, frame] + 1
    return np.array([numbers[key] % every == 0 for key in keys], np.bool_)


def csv_lines(timeline: Timeline) -> Iterator[str]:
    """The lines of mien's CSV, the same bytes as the sink's. By columns, since a dict a row takes ten times as long."""
    yield ",".join(timeline.columns) + "\n"
    bare = (~timeline.has_face).tolist()
    columns = [_cells(values.tolist(), KINDS[name], bare) for name, values in timeline.columns.items()]
    for row in zip(*columns, strict=True):
        yield ",".join(row) + "\n"


def _cells(values: list[Any], kind: type, bare: list[bool]) -> list[str]:
    """A column of a Timeline as cells of a CSV."""
    if kind is float:
        return ["" if value != value else repr(value) for value in values]
    if kind is int:
        return ["" if value < 0 else str(value) for value in values]
    if kind is bool:
        return ["" if empty else cell(value) for value, empty in zip(values, bare, strict=True)]
    known = {value: cell(value) for value in set(values)}
    return [known[value] for value in values]


def _packed(timeline: Timeline) -> str:
    return _base64(csv_lines(timeline))


def _base64(lines: Iterable[str]) -> str:
    return base64.b64encode(gzip.compress("".join(lines).encode("utf-8", "surrogatepass"), compresslevel=6, mtime=0)).decode("ascii")
