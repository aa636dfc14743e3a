"""The manifest: one Parquet file with a row a picture, and what is known of each.

In the file the picture is a struct column `image` of `bytes` and `path`, one of the two null, as Hugging Face `datasets` has its
`Image()`; so `load_dataset("parquet", data_files="set.parquet")` gives pictures. Missing numbers are null there and NaN here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.affect_scale import AXES, WANTED, outside, told, without_rounding
from mien.data.stores import Store
from mien.errors import DataError, MienError, SourceMissing, SourceUnreadable, UsageError
from mien.io.events import Failure
from mien.labels import EMOTIONS
from mien.types import Bools, Image, Ints

Column = NDArray[Any]

COLUMNS: dict[str, type] = {
    "id": str, "path": str, "sha256": str, "width": int, "height": int, "label": str, "shares": list, "valence": float, "arousal": float,
    "affect_from": str, "split": str, "subject": str, "parent": str, "source": str, "note": str,
}  # fmt: skip
"""Name -> type of all columns but the picture:

id: unique and stable. path: file of the picture, "" when its bytes are inside. sha256: of the encoded bytes, hex. width, height: pixels,
0 where not known. label: one of mien.labels.EMOTIONS, "" for none. shares: float32 (n, 9), shares of the votes over EMOTIONS, NaN rows
for none. valence, arousal: float32 on -1..1, NaN for none. affect_from: where those two come from. split: train, val, test or "".
subject: the person, within a source. parent: id or path of the picture that this one was made from. source: data set or folder.
note: anything to know about the picture.
"""
GENERATED, CUT_OUT = "generated", "face cut out of parent"
"""How the notes of rows begin that mien made of others, which are their parents."""
SPLITS = ("train", "val", "test")


class Manifest:
    """Pictures of a data set and what is known of them. Values are arrays by column, pictures are read when asked for.

    columns: any of COLUMNS, `id` at least, all of one length n; the others are filled with what stands for "none".
    stores: where pictures lie that are not files; store: int (n,), position in `stores` or -1 for the file at `path`;
    row: int (n,), row of that store. With one store and neither of the two given, row i of the manifest is row i of the store.
    Raises UsageError where the shapes do not fit, a split or label is none, or valence or arousal lie outside -1..1.
    """

    def __init__(
        self, columns: dict[str, Any], stores: Sequence[Store] = (), *, store: Ints | None = None, row: Ints | None = None
    ) -> None:
        if "id" not in columns:
            raise UsageError(f"manifest: found columns {', '.join(columns)}; wanted id at least")
        n = len(columns["id"])
        if unknown := [name for name in columns if name not in COLUMNS]:
            raise UsageError(f"manifest: no column {', '.join(unknown)}; there are: {', '.join(COLUMNS)}")
        self.columns: dict[str, Column] = {name: _array(name, columns.get(name), n) for name in COLUMNS}
        affect = without_rounding(np.stack([self.columns[axis] for axis in AXES], axis=1))
        if (wrong := outside(affect).any(axis=1)).any():
            raise UsageError(f"manifest: {told(affect[wrong][0])} of {self.columns['id'][wrong][0]!r}; {WANTED}")
        self.columns |= zip(AXES, np.ascontiguousarray(affect.T), strict=True)
        self._stores = tuple(stores)
        self._store = np.asarray(store, np.int64) if store is not None else np.full(n, 0 if stores else -1, np.int64)
        self._row = np.asarray(row, np.int64) if row is not None else np.arange(n)
        if self._store.shape != (n,) or self._row.shape != (n,):
            raise UsageError(f"manifest: found {self._store.shape} and {self._row.shape} places of pictures for {n} rows")

    @classmethod
    def read(cls, path: str | Path, *, strange: Callable[[str, str], object] = lambda name, why: None) -> Manifest:
        """From a Parquet file that `write` wrote. The pictures stay in it until they are asked for.

        A relative `path` of a picture is taken from the manifest's folder. strange: told of each row with valence or arousal outside
        -1..1, which is none in what is read, the id and why; see affect_scale. Raises SourceMissing, DataError, also where valence or
        arousal are on another scale.
        """
        from mien.data.manifest_file import read

        return read(Path(path), strange=strange)

    def write(self, path: str | Path, *, inside: bool | None = None, progress: Callable[[int], None] = lambda done: None) -> None:
        """Write to a Parquet file, under a temporary name until it is whole. Memory does not grow with the pictures.

        inside: True puts the pictures of files into it; None and False leave them files, by absolute path. progress: told the rows done.
        Raises SinkError, DataError where two rows have one id or a picture cannot be read.
        """
        from mien.data.manifest_file import write

        write(self, Path(path), inside=bool(inside), progress=progress)

    @classmethod
    def concat(cls, parts: Iterable[Manifest]) -> Manifest:
        """The rows of several manifests, one behind the other."""
        parts = list(parts)
        if not parts:
            return cls({"id": []})
        starts = np.cumsum([0, *(len(part._stores) for part in parts)])
        return cls(
            {name: np.concatenate([part.columns[name] for part in parts]) for name in COLUMNS},
            [store for part in parts for store in part._stores],
            store=np.concatenate([np.where(part._store < 0, -1, part._store + start) for part, start in zip(parts, starts, strict=False)]),
            row=np.concatenate([part._row for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.columns["id"])

    def __getitem__(self, name: str) -> Column:
        """A column by name; UsageError names those there are."""
        if name not in self.columns:
            raise UsageError(f"manifest: no column {name!r}; there are: {', '.join(self.columns)}")
        return self.columns[name]

    def where(self, which: Bools | Ints | slice | Sequence[int]) -> Manifest:
        """The rows at a mask, positions or slice, in that order."""
        if isinstance(which, Sequence):
            which = np.asarray(which, np.int64)
        columns = {name: values[which] for name, values in self.columns.items()}
        return Manifest(columns, self._stores, store=self._store[which], row=self._row[which])

    def with_columns(self, **arrays: Any) -> Manifest:
        """The same pictures with some columns replaced."""
        return Manifest(self.columns | arrays, self._stores, store=self._store, row=self._row)

    def with_pictures(self, store: Store) -> Manifest:
        """The same rows with other pictures: row i has that of row i of the store, and no path."""
        n = len(self)
        return Manifest(self.columns | {"path": _empty("path", n)}, [store], store=np.zeros(n, np.int64), row=np.arange(n))

    def counts(self) -> dict[str, int]:
        """Pictures of each label, in the order of EMOTIONS; under "" those without one."""
        labels, numbers = np.unique(self.columns["label"].astype(str), return_counts=True)
        found = dict(zip(labels.tolist(), numbers.tolist(), strict=True))
        return {name: found[name] for name in (*EMOTIONS, "") if name in found}

    @property
    def stored(self) -> Bools:
        """bool (n,): rows whose picture may be in a store; those of the others are files."""
        return np.asarray(self._store >= 0)

    def kept_inside(self, position: int) -> bytes | None:
        """The encoded picture of a row if it is in a store, None if it is a file."""
        at = self._store[position]
        return None if at < 0 else self._stores[at](int(self._row[position]))

    def bytes_of(self, position: int) -> bytes:
        """The encoded picture of a row. Raises SourceMissing, SourceUnreadable, DataError."""
        data = self.kept_inside(position)
        return _file(self.columns["path"][position], self.columns["id"][position]) if data is None else data

    def picture(self, position: int) -> Image:
        """The picture of a row, uint8 (H, W, 3) RGB. Raises SourceError (IsDamaged where a part of it is lost), DataError."""
        from mien.io.images import decode_whole

        return decode_whole(self.bytes_of(position), name=str(self.columns["id"][position])).image

    def pictures(self, positions: Iterable[int] | None = None, *, ahead: int = 2) -> Iterator[tuple[int, Image | Failure]]:
        """Positions with their pictures, uint8 (H, W, 3) RGB, in order; a Failure in place of one that cannot be read.

        `ahead` are read and decoded by threads before they are asked for. Fast where neighbouring positions are asked for in turn.
        """
        from mien.io.prefetch import prefetched

        wanted = range(len(self)) if positions is None else positions
        return prefetched((partial(self._tried, int(position)) for position in wanted), ahead=ahead)

    def _tried(self, position: int) -> tuple[int, Image | Failure]:
        try:
            return position, self.picture(position)
        except MienError as error:
            return position, Failure(str(self.columns["id"][position]), error)


def _file(path: str, name: str) -> bytes:
    if not path:
        raise SourceMissing(f"{name}: the manifest has neither bytes nor a path for this picture")
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise SourceMissing(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise SourceUnreadable(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def _empty(name: str, n: int) -> Column:
    kind = COLUMNS[name]
    if kind is str:
        return np.full(n, "", object)
    if kind is int:
        return np.zeros(n, np.int64)
    return np.full((n, len(EMOTIONS)) if kind is list else n, np.nan, np.float32)


def _array(name: str, values: Any, n: int) -> Column:
    if values is None:
        return _empty(name, n)
    kind = COLUMNS[name]
    array: Column = np.asarray(values, {str: object, int: np.int64}.get(kind, np.float32))
    wanted = (n, len(EMOTIONS)) if kind is list else (n,)
    if array.shape != wanted:
        raise UsageError(f"manifest: column {name} has shape {array.shape}, wanted {wanted}")
    allowed = {"label": EMOTIONS, "split": SPLITS}.get(name)
    if allowed and (strange := set(array.tolist()) - {"", *allowed}):
        raise UsageError(f"manifest: {name} {sorted(map(str, strange))[0]!r} is none of {', '.join(allowed)} and not empty")
    return array


def absolute(path: str) -> str:
    """The path from the root; an empty one stays empty."""
    return path if path[:1] in ("", os.sep) else os.path.abspath(path)  # noqa: PTH100  a million Paths cost seconds


def unique(ids: Column) -> None:
    """Raise DataError if an id is there twice."""
    if len(seen := set(ids.tolist())) < len(ids):
        for name in ids.tolist():
            if name not in seen:
                raise DataError(f"manifest: the id {name!r} is there more than once; wanted one for each picture")
            seen.discard(name)
