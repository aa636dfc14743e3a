"""A manifest to and from its Parquet file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.affect_scale import AXES, on_scale, outside
from mien.data.manifest import COLUMNS, Manifest, absolute, unique
from mien.data.rowgroups import RowGroups
from mien.data.stores import BYTES, InParquet
from mien.errors import DataError, MienError, SinkError, SourceMissing, UsageError
from mien.io.patient import Patient
from mien.io.prefetch import prefetched
from mien.io.whole import whole
from mien.labels import EMOTIONS
from mien.types import Floats, Ints

VERSION = 1
ROWS = 1 << 16
"""Rows of a row group, at most."""
PICTURES = 4 << 20
"""Bytes of pictures of a row group, about: what is read for one picture. Smaller ones would make the footer large."""
TYPES: dict[type, str] = {str: "string", int: "int32", float: "float32"}


def read(path: Path, *, strange: Callable[[str, str], object]) -> Manifest:
    """See Manifest.read."""
    if not path.is_file():
        raise SourceMissing(f"{path}: no such file; wanted a manifest (mien data import IN -o {path.stem}.parquet makes one)")
    parts = RowGroups(path)
    _check(path, parts)
    columns = _columns(path, parts)
    if "path" in columns:
        folder = path.absolute().parent
        columns["path"] = np.array([p if not p or os.path.isabs(p) else str(folder / p) for p in columns["path"]], object)  # noqa: PTH117
    n = sum(parts.rows)
    none = np.full(n, np.nan, np.float32)
    affect, why_not = on_scale(np.stack([columns.get(axis, none) for axis in AXES], axis=1), str(path))
    columns |= zip(AXES, np.where(outside(affect), np.float32(np.nan), affect).T, strict=True)
    for row, why in why_not.items():
        strange(str(columns["id"][row]), f"{why}; read as none")
    try:
        return Manifest({"id": np.empty(0, object)} | columns if n == 0 else columns, [InParquet(path, parts)])
    except UsageError as error:
        raise DataError(f"{path}: {error}") from None


def _columns(path: Path, parts: RowGroups) -> dict[str, Any]:
    """Those of COLUMNS that the file has, as it has them, (n,) each."""
    names = [name for name in parts.columns if name != BYTES and (name[0] in COLUMNS or name[0] == "image")]
    pieces: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    seen: dict[str, str] = {}
    try:
        for batch in parts.read(names) if names else ():
            for name, values in _values(batch).items():
                pieces[name].append(_texts(values, seen) if COLUMNS[name] is str else values)
    except MienError:
        raise
    except Exception as error:  # arro3's own exceptions have no common base but Exception
        raise DataError(f"{path}: cannot be read as a manifest ({' '.join(str(error).split())})") from error
    return {name: np.concatenate(values) for name, values in pieces.items() if values}


def write(manifest: Manifest, path: Path, *, inside: bool, progress: Callable[[int], None]) -> None:
    """See Manifest.write."""
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet

    unique(manifest["id"])
    rows = _rows_of_a_group(manifest, inside=inside)
    failed: list[BaseException] = []

    def batches() -> Iterator[Any]:
        try:
            for start in range(0, len(manifest), rows):
                if file.error is not None:
                    return
                yield _batch(manifest, range(start, min(start + rows, len(manifest))), inside=inside)
                progress(min(start + rows, len(manifest)))
        except BaseException as error:  # raised into the library it would lose its type
            failed.append(error)

    with whole(path) as part, Patient(part, "wb") as file:
        try:
            write_parquet(
                RecordBatchReader.from_batches(_schema(), batches()),
                file,
                max_row_group_size=rows,
                compression="zstd(3)",
                column_compression={BYTES: "uncompressed"},  # they are encoded pictures
                column_dictionary_enabled={BYTES: False, "id": False, "sha256": False},
            )
        except Exception as error:  # arro3's own exceptions have no common base but Exception
            if not failed and file.error is None:
                raise SinkError(f"{path}: cannot be written ({' '.join(str(error).split())})") from error
        if first := failed[0] if failed else file.error:
            raise first


def _check(path: Path, parts: RowGroups) -> None:
    known = {name[0] for name in parts.columns}
    if "id" not in known or BYTES not in parts.columns:
        raise DataError(
            f"{path}: found columns {', '.join(sorted(known)) or 'none'}; wanted a manifest, with id, image (bytes, path) and more; "
            "mien data import makes one"
        )
    noted = json.loads(parts.metadata.get("mien", "{}"))
    if noted.get("version", VERSION) != VERSION or tuple(noted.get("emotions", EMOTIONS)) != EMOTIONS:
        raise DataError(
            f"{path}: a manifest of version {noted.get('version')} with emotions {noted.get('emotions')}; wanted {VERSION}, {EMOTIONS}"
        )


def _values(batch: Any) -> dict[str, Any]:
    """Columns of a batch as lists (strings) and arrays."""
    from arro3.core import struct_field

    found: dict[str, Any] = {}
    for name in batch.schema.names:
        values = batch.column(name)
        if name == "image":
            found["path"] = struct_field(values, [0]).to_pylist()
        elif COLUMNS[name] is list:
            found[name] = _shares(values)
        elif COLUMNS[name] is str:
            found[name] = values.to_pylist()
        elif COLUMNS[name] is int:
            found[name] = np.array([value or 0 for value in values.to_pylist()], np.int64)
        elif values.null_count == len(values):
            found[name] = np.full(len(values), np.nan, np.float32)
        elif values.null_count:
            found[name] = np.array([np.nan if value is None else value for value in values.to_pylist()], np.float32)
        else:
            found[name] = values.to_numpy().astype(np.float32)
    return found


def _texts(values: list[str | None], seen: dict[str, str]) -> Any:
    """An array of texts in which equal ones are one object while there are few: a million rows have a handful of labels."""
    array = np.empty(len(values), object)
    if len(set(values[:1000])) < 100:
        array[:] = [seen.setdefault(value, value) if value else "" for value in values]
    else:
        array[:] = [value or "" for value in values]
    return array


def _shares(values: Any) -> Floats:
    from arro3.core import list_flatten, list_offsets

    shares = np.full((len(values), len(EMOTIONS)), np.nan, np.float32)
    if values.null_count < len(values):
        lengths = np.diff(list_offsets(values).to_numpy())
        if set(np.unique(lengths).tolist()) - {0, len(EMOTIONS)}:
            raise DataError(f"vote shares of {sorted(set(lengths.tolist()))} numbers; wanted {len(EMOTIONS)} or null")
        shares[lengths > 0] = np.asarray(list_flatten(values).to_numpy(), np.float32).reshape(-1, len(EMOTIONS))
    return shares


def _rows_of_a_group(manifest: Manifest, *, inside: bool) -> int:
    """Rows whose pictures are about PICTURES bytes, by a sample of them."""
    sample = sorted({int(i) for i in np.linspace(0, len(manifest) - 1, 32)}) if len(manifest) else []
    sizes = [len(data) for i in sample if (data := _kept(manifest, i, inside=inside)) is not None]
    return int(np.clip(PICTURES * len(sample) / max(sum(sizes), 1), 16, ROWS)) if sizes else ROWS


def _kept(manifest: Manifest, position: int, *, inside: bool) -> bytes | None:
    return manifest.bytes_of(position) if inside else manifest.kept_inside(position)


def _schema() -> Any:
    from arro3.core import DataType, Field, Schema

    image = DataType.struct([Field("bytes", DataType.binary()), Field("path", DataType.string())])
    shares = DataType.list(Field("element", DataType.float32()))
    fields: list[Any] = []
    features: dict[str, Any] = {}
    for name, kind in COLUMNS.items():
        if name == "path":
            fields.append(Field("image", image))
            features["image"] = {"_type": "Image"}
        elif kind is list:
            fields.append(Field(name, shares))
            features[name] = {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "Sequence"}
        else:
            fields.append(Field(name, getattr(DataType, TYPES[kind])()))
            features[name] = {"dtype": TYPES[kind], "_type": "Value"}
    noted = {"mien": {"version": VERSION, "emotions": EMOTIONS}, "huggingface": {"info": {"features": features}}}
    return Schema(fields, metadata={name: json.dumps(value) for name, value in noted.items()})


def _batch(manifest: Manifest, positions: range, *, inside: bool) -> Any:
    from arro3.core import Array, DataType, Field, RecordBatch, struct_array

    schema = _schema()
    cut = slice(positions.start, positions.stop)
    arrays = []
    for name, kind in COLUMNS.items():
        values = manifest[name][cut]
        if name == "path":
            pictures = _pictures(manifest, positions, inside=inside)
            paths = [(absolute(p) or None) if data is None else None for p, data in zip(values.tolist(), pictures, strict=True)]
            parts = [Array(pictures, DataType.binary()), Array(paths, DataType.string())]
            arrays.append(struct_array(parts, fields=[Field("bytes", DataType.binary()), Field("path", DataType.string())]))
        elif kind is list:
            arrays.append(_share_lists(values, schema.field(name).type))
        elif kind is float:
            arrays.append(_floats(values))
        else:
            arrays.append(Array(values.tolist(), schema.field(name).type))
    return RecordBatch.from_arrays(arrays, schema=schema)


def _pictures(manifest: Manifest, positions: range, *, inside: bool) -> list[bytes | None]:
    if not inside and not manifest.stored[positions.start : positions.stop].any():
        return [None] * len(positions)
    return list(prefetched((partial(_kept, manifest, i, inside=inside) for i in positions), ahead=2))


def _floats(values: Floats) -> Any:
    from arro3.core import Array, DataType

    if not (none := np.isnan(values)).any():
        return Array.from_numpy(np.ascontiguousarray(values))
    cells = values.astype(object)
    cells[none] = None
    return Array(cells.tolist(), DataType.float32())


def _share_lists(shares: Floats, kind: Any) -> Any:
    from arro3.core import Array, list_array

    there = ~np.isnan(shares).any(axis=1)
    ends: Ints = np.cumsum(there) * shares.shape[1]
    offsets = np.concatenate([[0], ends]).astype(np.int32)
    return list_array(
        Array.from_numpy(offsets), Array.from_numpy(shares[there].ravel()), type=kind, mask=Array.from_numpy(np.ascontiguousarray(~there))
    )
