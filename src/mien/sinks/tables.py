"""Tables that grow line by line: CSV and JSON Lines. Each picture's rows are on the disk before the next is read."""

from __future__ import annotations

import json
import os
import sys
from abc import abstractmethod
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any

from mien.io.whole import writing
from mien.sinks.files import Claim, prepare
from mien.sinks.sink import Sink
from mien.sinks.unfinished import beside_table, forget
from mien.table import COLUMNS
from mien.types import Frame, Result

BLOCK = 1000
"""Rows that are written at once."""


class LineSink(Sink):
    """A text file that is opened with the first result, so that a run that reads nothing replaces nothing.

    kept: bytes from the beginning of a file that is there which stay, see mien.sinks.resume; the rows go behind them.
    """

    def __init__(self, path: Path, columns: Iterable[str] = COLUMNS, *, kept: int = 0) -> None:
        self.path, self.columns, self._kept = path, tuple(columns), kept
        self.replaces = prepare(path)
        self._claim = Claim(path)
        self._file: FileIO | None = None
        self._admitted = False

    @property
    def what(self) -> str:
        """The file's name."""
        if self._file is None:
            return ""
        return f"{self.path} (continued)" if self._kept else f"{self.path} (replaced)" if self.replaces else str(self.path)

    @property
    def header(self) -> str:
        """What the file begins with."""
        return ""

    @abstractmethod
    def line(self, row: dict[str, Any]) -> str:
        """One row with its line end."""

    def admit(self, frame: Frame, /) -> None:
        """Raises SinkError when another run is writing the file. The note of an unfinished run goes that begins anew here."""
        self._claim.take()
        if not self._admitted and not self._kept:
            forget(beside_table(self.path))
        self._admitted = True

    def write(self, frame: Frame, result: Result, /) -> None:
        """Add the rows of one picture."""
        self.add(result.rows())

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows; cells of other columns than the file's are left out, missing ones are empty."""
        self._claim.take()
        lines = (self.line({name: row.get(name) for name in self.columns}) for row in rows)
        with writing(self.path):
            if self._file is None:
                # Without a buffer: what did not fit would be written after all when the file is closed.
                self._file = self.path.open("r+b" if self._kept else "wb", buffering=0)
                if self._kept:
                    self._file.truncate(self._kept)
                    self._file.seek(0, os.SEEK_END)
                else:
                    _append(self._file, self.header)
            while block := "".join(islice(lines, BLOCK)):  # a whole session has millions
                _append(self._file, block)

    def close(self, *, finished: bool = True) -> None:
        """Close the file. What was written before the work broke off stays: whole rows."""
        try:
            if self._file is not None:
                with writing(self.path):
                    self._file.close()
        finally:
            self._claim.drop()


class CsvSink(LineSink):
    """CSV as in RFC 4180, but with the line ends of Unix; UTF-8; nothing between the commas of an empty cell."""

    @property
    def header(self) -> str:
        """The names of the columns."""
        return csv_line(self.columns)

    def line(self, row: dict[str, Any]) -> str:
        """One row with its line end."""
        return csv_line(row.values())


class JsonLinesSink(LineSink):
    """One JSON object a line; UTF-8; null for an empty cell."""

    def line(self, row: dict[str, Any]) -> str:
        """One row with its line end."""
        return json_line(row)


def _append(file: FileIO, text: str) -> None:
    """Write all of a text, or nothing of it where the disk is full or the work is interrupted."""
    begin = file.tell() if file.seekable() else 0
    left = memoryview(text.encode("utf-8"))
    try:
        while left:
            left = left[file.write(left) :]
    except BaseException:
        with suppress(OSError):  # of a pipe or device nothing can be taken back
            file.truncate(begin)
            file.seek(begin)
        raise


GROWING: dict[str, type[LineSink]] = {".csv": CsvSink, ".jsonl": JsonLinesSink}
"""Tables that grow row by row, by extension."""


class StdoutSink(Sink):
    """JSON Lines on standard output. A reader that goes away raises BrokenPipeError, a full disk SinkError."""

    what = "stdout"

    def write(self, frame: Frame, result: Result, /) -> None:
        """Print the rows of one picture."""
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure and (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
            reconfigure(encoding="utf-8")
        with writing(Path("stdout")):
            sys.stdout.writelines(map(json_line, result.rows()))
            sys.stdout.flush()


def cell(value: Any) -> str:
    """A value as a CSV cell: floats so that they read back the same, quotes where there must be."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # By hand: before Python 3.13 the csv module leaves a carriage return unquoted when lines end in \n.
        return '"' + value.replace('"', '""') + '"' if any(c in value for c in ',"\r\n') else value
    return repr(value)


def csv_line(cells: Iterable[Any]) -> str:
    """A line of CSV."""
    return ",".join(map(cell, cells)) + "\n"


def json_line(row: dict[str, Any]) -> str:
    """A row as a line of JSON."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
