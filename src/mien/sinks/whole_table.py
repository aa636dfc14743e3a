"""Small tables of any columns that are written at once: what is worked out from a run, as its episodes and its persons."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mien.io.whole import writing
from mien.sinks.files import replace
from mien.sinks.parquet import record_batch
from mien.sinks.sink import BadTarget
from mien.sinks.tables import csv_line, json_line

Columns = Mapping[str, type]
Rows = list[dict[str, Any]]

STDOUT = "-"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of a text that spreadsheets would take for a formula, as a file may be called."""


def check_table(target: str, option: str = "") -> None:
    """Raise BadTarget for a target that `write_table` has no writer for. option: what it was given to, for the message."""
    if target != STDOUT and Path(target).suffix.lower() not in _WRITERS:
        known = " ".join(_WRITERS)
        named = f"{option} {target}".strip() or "a table"
        raise BadTarget(f"{named}: wanted a name that ends in one of {known}, or - for JSON Lines on stdout")


def write_table(target: str, columns: Columns, rows: Rows) -> None:
    """Write a table: .csv, .jsonl or .parquet by its name, or `-`, JSON Lines on standard output. Without rows it has its head alone.

    columns: name -> str, int, float or bool. rows: dicts of these names; None for an empty cell. In CSV a text that a spreadsheet would
    take for a formula begins with an apostrophe. A file that is there is replaced, by the whole of the new one or not at all.
    Raises BadTarget for another ending, SinkError where it cannot be written; BrokenPipeError where the reader of `-` has gone.
    """
    check_table(target)
    if target == STDOUT:
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="replace")
        with writing(Path("stdout")):
            sys.stdout.writelines(_lines(columns, rows))
            sys.stdout.flush()
        return
    replace(Path(target), _WRITERS[Path(target).suffix.lower()](columns, rows))


def spreadsheet_text(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula; a lone `-`, which is how standard input is called, is none."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) and value != "-" else value


def _csv(columns: Columns, rows: Rows) -> bytes:
    lines = (csv_line(spreadsheet_text(row[name]) for name in columns) for row in rows)
    return "".join([csv_line(columns), *lines]).encode("utf-8", "replace")


def _jsonl(columns: Columns, rows: Rows) -> bytes:
    return "".join(_lines(columns, rows)).encode("utf-8", "replace")


def _lines(columns: Columns, rows: Rows) -> Iterable[str]:
    return (json_line({name: row[name] for name in columns}) for row in rows)


def _parquet(columns: Columns, rows: Rows) -> bytes:
    from arro3.io import write_parquet

    file = io.BytesIO()
    write_parquet(record_batch(rows, columns), file, compression="zstd(3)")
    return file.getvalue()


_WRITERS: dict[str, Callable[[Columns, Rows], bytes]] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
"""Ending -> the whole file."""
