"""The table as Parquet, in row groups, under `NAME.parquet.part` until it is whole."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mien.errors import SinkError
from mien.io.handover import Handover
from mien.io.patient import Patient
from mien.io.whole import growing, writing
from mien.provenance import Provenance
from mien.sinks.files import Claim, prepare
from mien.sinks.sink import Sink
from mien.table import COLUMNS
from mien.timeline import table_suffix
from mien.types import Frame, Result

BATCH = 1000
"""Rows that wait as dicts. Those of the row group that the writer has begun are packed: 10,000 dicts took 30 MB more."""
ROW_GROUP = 10_000
"""Rows of a row group. The writer keeps what the footer says of each, 50 kB, until the end: groups of 1000 took 50 MB a million rows. A run
that is killed loses no more by larger ones: without its footer nothing in a Parquet file can be read."""
KEY = "mien"
"""Of the file's metadata: how its rows were made, as JSON, see Provenance.as_dict."""


class ParquetSink(Sink):
    """Parquet with the types of the table's columns; empty cells are null. how: how its rows are made, for the file's metadata.

    The library pulls batches from an iterator, while results are pushed here: a thread stands between the two.
    """

    def __init__(self, path: Path, columns: Mapping[str, type] = COLUMNS, *, how: Provenance | None = None) -> None:
        self.path, self.columns = path, dict(columns)
        self._told = {} if how is None else {KEY: json.dumps(how.as_dict())}
        self.part = growing(path)
        self.replaces = prepare(path)
        prepare(self.part)
        self._claim = Claim(self.part)
        self._rows: list[dict[str, Any]] = []
        self._batches: Handover[Any] = Handover(2)
        self._writer: threading.Thread | None = None
        self._file: Patient | None = None
        self._error: BaseException | None = None
        self._whole = False

    @property
    def what(self) -> str:
        """The file's name."""
        if self._file is None:
            return ""
        if not self._whole:
            return f"{self.part} (rows up to the break)"
        return f"{self.path} (replaced)" if self.replaces else str(self.path)

    def admit(self, frame: Frame, /) -> None:
        """Raises SinkError when another run is writing the file."""
        self._claim.take()

    def write(self, frame: Frame, result: Result, /) -> None:
        """Add the rows of one picture; a full batch goes to the writer, a full row group to the disk."""
        self.add(result.rows())

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows; cells of other columns than the file's are left out, missing ones are empty."""
        for row in rows:
            self._rows.append(row)
            if len(self._rows) >= BATCH:
                self._flush()

    def close(self, *, finished: bool = True) -> None:
        """Write the last rows and give the file its name; when the work broke off it keeps `.part`, readable."""
        try:
            self._flush()
            self._finish(finished)
        finally:
            self._claim.drop()

    def _finish(self, whole: bool) -> None:
        if self._writer is None:
            return
        self._batches.end()
        self._writer.join()
        self._writer = None
        self._check()
        if whole:
            with writing(self.path):
                self.part.replace(self.path)
            self._whole = True

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None:
            self._claim.take()
            with writing(self.path):
                self._file = Patient(self.part, "wb")
            self._writer = threading.Thread(target=self._work, args=(self._file,), name=f"parquet {self.path.name}", daemon=True)
            self._writer.start()
        batch, self._rows = record_batch(self._rows, self.columns), []
        while self._writer.is_alive() and not self._batches.put(batch, seconds=0.2):  # one that has died makes no room
            continue
        self._check()

    def _check(self) -> None:
        """Raise what the writer met, here in the caller's thread."""
        error = self._error or (self._file.error if self._file else None)
        if error is not None:
            with writing(self.path):
                if isinstance(error, OSError):
                    raise error
            raise SinkError(f"{self.path}: cannot be written ({' '.join(str(error).split())})") from error

    def _work(self, file: Patient) -> None:
        from arro3.core import RecordBatchReader
        from arro3.io import write_parquet

        try:
            # Told twice: some programs (pyarrow) show the metadata of the schema of Arrow that is in the file, others the file's own.
            reader = RecordBatchReader.from_batches(_schema(self.columns).with_metadata(self._told), self._batches.items())
            with file:
                write_parquet(reader, file, max_row_group_size=ROW_GROUP, compression="zstd(3)", key_value_metadata=self._told)
        except BaseException as error:  # not Exception only: the library's panics are none
            self._error = error


def _schema(columns: Mapping[str, type]) -> Any:
    from arro3.core import DataType, Field, Schema

    kinds = {str: DataType.string(), int: DataType.int64(), float: DataType.float64(), bool: DataType.bool()}
    return Schema([Field(name, kinds[kind], nullable=True) for name, kind in columns.items()])


def record_batch(rows: list[dict[str, Any]], columns: Mapping[str, type]) -> Any:
    """Rows as an Arrow record batch of the given columns, name -> type."""
    from arro3.core import Array, RecordBatch

    schema = _schema(columns)
    return RecordBatch.from_arrays([Array([row.get(name) for row in rows], schema.field(name).type) for name in columns], schema=schema)


def provenance_of(table: str | Path) -> Provenance | None:
    """How the rows of a table were made, where it says: of a Parquet table that a run of mien's, or an export of a session, wrote.

    Raises OSError where it cannot be read; it is a table that Timeline.read has read.
    """
    if table_suffix(table) != ".parquet":
        return None
    from arro3.io import read_parquet

    try:
        return Provenance.from_dict(json.loads(read_parquet(str(table)).schema.metadata_str.get(KEY, "null")))
    except (ValueError, RecursionError):  # of another program that has the same key
        return None
