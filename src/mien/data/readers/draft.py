"""A data set as its layout tells it, before any picture is opened; and what opening them adds."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mien.data.manifest import COLUMNS, Manifest
from mien.data.readers.report import EMPTY, Progress, Report
from mien.data.stores import Store
from mien.errors import MienError
from mien.io.prefetch import prefetched
from mien.labels import EMOTIONS

AHEAD = 4
NO_SHARES = np.full(len(EMOTIONS), np.nan, np.float32)


class Draft:
    """Rows as a reader meets them, and the classes it knows of."""

    def __init__(self, source: str) -> None:
        self.report = Report(source)
        self.classes: set[tuple[str, str]] = set()
        """(split, label) that the layout names, with pictures or without."""
        self._cells: dict[str, list[Any]] = defaultdict(list)
        self._rows: list[int] = []

    def add(self, name: str, *, row: int = -1, **cells: Any) -> None:
        """One picture: its name within the source, its row in the store if there is one, cells by column."""
        cells["id"] = f"{self.report.source}/{name}"
        for column in cells:
            if column not in self._cells:
                self._cells[column] = [_nothing(column)] * len(self._rows)
        for column, values in self._cells.items():
            values.append(cells.get(column, _nothing(column)))
        self._rows.append(row)

    def manifest(self, store: Store | None = None) -> Manifest:
        """The rows; hashes and sizes are not known yet."""
        n = len(self._rows)
        columns = {"id": [], "source": [self.report.source] * n} | dict(self._cells)
        rows = np.array(self._rows, np.int64)
        return Manifest(columns, [store] if store else [], store=np.where(rows < 0, -1, 0) if store else np.full(n, -1), row=rows)


class Looked(NamedTuple):
    """What opening a picture tells."""

    sha256: str
    size: tuple[int, int]
    note: str


def examined(draft: Draft, store: Store | None = None, *, progress: Progress) -> tuple[Manifest, Report]:
    """Open every picture: hashes and sizes are filled in, those that cannot be read are taken out and reported, empty classes too."""
    manifest, report = draft.manifest(store), draft.report
    looks: list[Looked] = []
    kept: list[int] = []
    with progress(len(manifest)) as done:
        for i, look in enumerate(prefetched((partial(_looked, manifest, i) for i in range(len(manifest))), ahead=AHEAD)):
            if isinstance(look, MienError):
                report.add_unreadable(manifest["id"][i], look)
            else:
                kept.append(i)
                looks.append(look)
            done(i + 1)
    manifest = manifest.where(kept)
    report_empty(report, draft.classes, manifest)
    notes = ["; ".join(filter(None, pair)) for pair in zip(manifest["note"], (look.note for look in looks), strict=True)]
    sizes = np.array([look.size for look in looks], np.int64).reshape(-1, 2)
    return manifest.with_columns(sha256=[look.sha256 for look in looks], width=sizes[:, 0], height=sizes[:, 1], note=notes), report


def report_empty(report: Report, classes: set[tuple[str, str]], manifest: Manifest) -> None:
    """Add the classes of which the manifest has no picture."""
    there = set(zip(manifest["split"], manifest["label"], strict=True))
    for split, label in sorted(classes - there):
        report.add(EMPTY, f"{split}/{label}" if split else label, "no usable picture of this class")


def reopened(manifest: Manifest, positions: Iterable[int], report: Report) -> None:
    """Add why each of these pictures of a manifest cannot be read, as whoever needed it found out."""
    for position in positions:
        if isinstance(look := _looked(manifest, position), MienError):
            report.add_unreadable(manifest["id"][position], look)


def _looked(manifest: Manifest, position: int) -> Looked | MienError:
    from mien.io.images import decode_whole

    try:
        data = manifest.bytes_of(position)
        decoded = decode_whole(data, name=manifest["path"][position] or manifest["id"][position])
    except MienError as error:
        return error
    height, width = decoded.image.shape[:2]
    return Looked(hashlib.sha256(data).hexdigest(), (width, height), decoded.note)


def _nothing(column: str) -> Any:
    kind = COLUMNS[column]
    if kind is list:
        return NO_SHARES
    return "" if kind is str else 0 if kind is int else np.nan


SPLIT_NAMES: dict[str, str] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val", "publictest": "val",
    "test": "test", "testing": "test", "privatetest": "test",
}  # fmt: skip


def split_of(name: str) -> str | None:
    """train, val or test for a spelling of it, None for anything else. FER-2013's PublicTest is val, its PrivateTest test."""
    return SPLIT_NAMES.get(name.strip().casefold())


def strange_split(word: str) -> str:
    """Why a row with that word for its split cannot be used: taken for none it would be trained on, and may have been held out."""
    return f"split {word!r}; wanted one of {', '.join(SPLIT_NAMES)}, or nothing"


def unlike(names: Sequence[str]) -> list[str]:
    """The names made unlike: the second `x` becomes `x#2`."""
    seen: dict[str, int] = defaultdict(int)
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return out
