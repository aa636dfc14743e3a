"""A table that a run left before its end: which inputs are whole in it, so that another run goes on behind them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mien.errors import UsageError
from mien.io.whole import writing
from mien.sinks.tables import GROWING


@dataclass(frozen=True, slots=True)
class SoFar:
    """What of a table stays."""

    kept: int
    """Bytes from its beginning that stay; behind them the new rows go."""
    sources: tuple[str, ...]
    """The inputs whose rows are in them, each once, in their order."""
    streams: frozenset[str] = frozenset()
    """Those of them that are videos by their rows; of one with a single row, and nobody in it, they do not tell."""
    model: str = ""
    """The model that read them; empty where there are none."""
    last: str = ""
    """The input whose rows do not stay, and which has to be read again."""


NOTHING = SoFar(0, ())


def so_far(path: Path, columns: Mapping[str, type]) -> SoFar:
    """What of a table, `.csv` or `.jsonl`, an interrupted run finished; NOTHING where there is no such file, or an empty one.

    columns: those that the new run writes. The rows of the last input are not kept: of a video there may be more, and the last line
    may have been cut off. Raises UsageError for a file that is no such table or has other columns, SinkError if it cannot be read.
    """
    if path.suffix.lower() not in GROWING:
        raise UsageError(f"{path}: cannot be gone on with; wanted a table that grows row by row, {' or '.join(GROWING)}")
    if not path.exists():
        return NOTHING
    kept, at, model = 0, 0, ""
    sources: dict[str, None] = {}
    streams: set[str] = set()
    last: str | None = None
    with writing(path), path.open("rb") as file:
        for end, row in _rows(path, file, list(columns)):
            source = str(row["source"])
            if source != last:
                if last is not None:
                    sources[last] = None
                    kept = at
                if source in sources:
                    raise UsageError(f"{path}: has rows of {source} in two places; this table cannot be gone on with, name another one")
                last, model = source, model or str(row["model"])
            if row["person"] not in (None, "") or row["frame"] not in (None, "", "0", 0):
                streams.add(source)
            at = end
    return SoFar(kept, tuple(sources), frozenset(streams & sources.keys()), model, last or "") if sources else NOTHING


def _rows(path: Path, file: BinaryIO, columns: list[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The whole rows of a table, each with where it ends. A last line without its end is left out."""
    is_csv, at, header = path.suffix.lower() == ".csv", 0, None
    for record in _records(file, quoted=is_csv):
        at += len(record)
        try:
            text = record.decode("utf-8")
            row: Any = next(csv.reader([text], strict=True)) if is_csv else json.loads(text)
            if is_csv and header is None:
                header = row
            elif is_csv:
                row = _named(columns, row)
            elif not isinstance(row, dict):
                raise ValueError(f"a line is {text.strip()[:40]}, wanted an object")
        except (ValueError, csv.Error, StopIteration) as error:
            raise UsageError(f"{path}: not a table of mien's, or damaged ({error}); name another file") from error
        if (header or list(row)) != columns or record.endswith(b"\r\n"):
            raise UsageError(
                f"{path}: has other columns than this run would write, or was saved by another program; "
                "take the options of the run that began it, and the file as that run left it"
            )
        if row is not header:
            yield at, row


def _named(columns: list[str], cells: list[str]) -> dict[str, str]:
    """A row's cells by column. Raises ValueError where there are more or fewer."""
    if len(cells) != len(columns):
        raise ValueError(f"a row has {len(cells)} cells, wanted {len(columns)}")
    return dict(zip(columns, cells, strict=True))


def _records(file: BinaryIO, *, quoted: bool) -> Iterator[bytes]:
    """Lines with their ends; quoted: a line end between quotes is part of a cell."""
    record = b""
    for line in file:
        record += line
        if not line.endswith(b"\n") or (quoted and record.count(b'"') % 2):
            continue
        yield record
        record = b""
