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
from mien.types import Bools, Ints

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
    """The timeline as mien's own CSV, packed. Where that takes more than `most` characters, the rows of every n-th frame only.

    Each video keeps its first frame: where there are so many of them that not even those fit, it takes more than `most`.
    """
    numbers = _frame_numbers(timeline)
    last = int(numbers.max(initial=0)) + 1  # leaves the first frames only, as any larger one does
    every, room = 1, float(len(timeline))
    if len(timeline) > SAMPLE:
        spread = np.linspace(0, len(timeline) - 1, SAMPLE).astype(np.int64)
        room = SAMPLE * most / len(_packed(timeline.where(spread)))
    while True:
        every = _sparse(numbers, every, room, last)
        part = timeline if every == 1 else timeline.where(numbers % every == 0)
        text = _packed(part)
        if len(text) <= most or every >= last:
            return PackedRows(text, len(part), every)
        room = len(part) * most / len(text)  # fewer rows than these


def _sparse(numbers: Ints, every: int, room: float, last: int) -> int:
    """From `every` on, an n whose n-th frames have no more rows than there is room for; `last` where there is none."""
    while every < last and (rows := np.count_nonzero(numbers % every == 0)) > room:
        every = min(last, max(every + 1, math.ceil(every * rows / room)))
    return every


def every_nth_frame(timeline: Timeline, every: int) -> Bools:
    """bool (n,): all rows of the first, and of every n-th frame after it, of each source; of sources with one frame, every n-th."""
    return np.asarray(_frame_numbers(timeline) % every == 0)


def _frame_numbers(timeline: Timeline) -> Ints:
    """int64 (n,): of each row, which frame of its source it is about, from 0; sources with one frame are counted as those of one."""
    numbers: dict[tuple[str, int], int] = {}
    frames_of: dict[str, int] = {}
    keys = list(zip(timeline["source"].tolist(), timeline["frame"].tolist(), strict=True))
    videos = {source for source, frame in keys if frame > 0}
    for source, frame in keys:
        if (source, frame) not in numbers:
            counter = source if source in videos else ""
            numbers[source, frame] = frames_of.get(counter, 0)
            frames_of[counter] = numbers[source, frame] + 1
    return np.array([numbers[key] for key in keys], np.int64)


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
