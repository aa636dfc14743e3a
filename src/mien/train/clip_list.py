"""Labelled clips: a folder of videos per emotion, or a CSV of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.data.affect_scale import on_scale
from mien.data.manifest import Manifest
from mien.data.readers.draft import split_of, strange_split, unlike
from mien.data.readers.folders import subject_of
from mien.data.readers.report import BAD_ROW, CORRUPT_CLIP, MISSING_CLIP, OTHER, UNKNOWN, Problem, Report
from mien.data.readers.tables import rows_of
from mien.errors import DataError, SourceMissing
from mien.io.events import Failure
from mien.io.folders import walk
from mien.io.formats import VIDEO_SUFFIXES
from mien.labels import canonical
from mien.models.locate import sha256_of
from mien.types import Bools, Ints

LAYOUTS = "a folder per emotion with videos in it, or a .csv with the columns clip and emotion (start, stop, subject, split as well)"
CLIP_NAMES = ("clip", "video", "path", "file", "filename")
IN_MANIFEST = ("path", "label", "split", "subject", "valence", "arousal")
SPARE = ("start", "stop", "subject", "split", "valence", "arousal")


@dataclass(frozen=True, slots=True, eq=False)
class Clips:
    """n clips and what is known of them."""

    manifest: Manifest
    """A row a clip: id, path, sha256 of the file, label, split, subject, valence and arousal, source."""
    spans: NDArray[np.float64]
    """(n, 2): seconds from and to, NaN for the clip's beginning and end."""

    def __len__(self) -> int:
        return len(self.manifest)

    def where(self, which: Bools | Ints) -> Clips:
        """Some of them."""
        return Clips(self.manifest.where(which), self.spans[which])

    def files(self) -> Ints:
        """int64 (n,): the same number for clips of one file, or of files that are the same byte for byte."""
        return np.unique(self.manifest["sha256"].astype(str), return_inverse=True)[1].astype(np.int64)

    def shown_held_out(self) -> Bools:
        """Clips that are not in val or test and show some of the seconds that one there shows, bool (n,).

        Other seconds of the same file are let pass: where the data has a split, that is as it says.
        """
        held, file = np.isin(self.manifest["split"].astype(str), ("val", "test")), self.files()
        start, stop = (np.where(np.isnan(ends), other, ends) for ends, other in zip(self.spans.T, (0.0, np.inf), strict=True))
        found = np.zeros(len(self), np.bool_)
        for i in np.flatnonzero(held & np.isin(file, file[~held])).tolist():
            found |= (file == file[i]) & (start < stop[i]) & (start[i] < stop)
        return np.asarray(found & ~held)

    @classmethod
    def concat(cls, parts: Sequence[Clips]) -> Clips:
        """Those of several lists."""
        return cls(Manifest.concat(part.manifest for part in parts), np.concatenate([part.spans for part in parts]))


def list_clips(path: Path, *, reported: Callable[[Report], object] = lambda report: None) -> Clips:
    """The clips of a folder or CSV. What cannot be used is left out: unknown labels, rows without a clip, files that are none.

    A folder: the label is the name of the folder in any spelling that `labels.canonical` knows; train, val and test may lie above. A CSV:
    `clip` (relative to the CSV), `emotion`; and if it has them `start` and `stop` in seconds, `subject`, `split` (or `usage`), `valence`,
    `arousal`. A row with an unknown word for its split, or with valence or arousal outside -1..1, is left out, as of tables of pictures.
    reported: called with what is left out, and why.
    Raises SourceMissing, DataError.
    """
    report = Report(path.resolve().name if path.is_dir() else path.stem)
    if path.is_dir():
        found = _of_folder(path, report)
    elif path.suffix.lower() == ".csv":
        found = _of_csv(path, report)
    elif path.exists():
        raise DataError(f"{path}: is no list of clips, which a network of sequences learns from; wanted {LAYOUTS}")
    else:
        raise SourceMissing(f"{path}: no such file or folder; wanted {LAYOUTS}")
    hashes: dict[str, str] = {}
    for clip in found:
        try:
            hashes[clip.path] = hashes.get(clip.path) or sha256_of(Path(clip.path))
        except FileNotFoundError:
            report.add(MISSING_CLIP, clip.name, f"{clip.path}: no such file")
        except OSError as error:
            report.add(CORRUPT_CLIP, clip.name, f"{clip.path}: cannot be opened ({error.strerror or error})")
    found = [clip for clip in found if clip.path in hashes]
    reported(report)
    if not found:
        raise DataError(f"{path}: found no labelled clip; wanted {LAYOUTS}")
    source = report.source
    columns: dict[str, list[Any]] = {name: [getattr(clip, name) for clip in found] for name in IN_MANIFEST}
    columns["id"] = [f"{source}/{name}" for name in unlike([clip.name for clip in found])]
    columns |= {"sha256": [hashes[clip.path] for clip in found], "source": [source] * len(found)}
    return Clips(Manifest(columns), np.array([[clip.start, clip.stop] for clip in found], np.float64))


class _Clip(NamedTuple):
    """A row of the list."""

    path: str
    name: str
    label: str
    split: str = ""
    subject: str = ""
    start: float = math.nan
    stop: float = math.nan
    valence: float = math.nan
    arousal: float = math.nan


def _of_folder(path: Path, report: Report) -> list[_Clip]:
    found: list[_Clip] = []
    for name in walk(str(path), wanted=lambda _: True):
        if isinstance(name, Failure):
            report.add(CORRUPT_CLIP, name.source, str(name.error))
            continue
        file = Path(name).relative_to(path)
        label = next((label for part in file.parts[:-1] if (label := canonical(part))), "")
        split = next((split for part in file.parts[:-1] if (split := split_of(part))), "")
        if file.suffix.lower() not in VIDEO_SUFFIXES:
            report.add(OTHER, file.as_posix(), "its name does not end as a video's")
        elif not label:
            report.add(UNKNOWN, file.as_posix(), "in no folder that is named after an emotion")
        else:
            found.append(_Clip(name, file.as_posix(), label, split, subject_of(file.name)))
    return found


def _of_csv(path: Path, report: Report) -> list[_Clip]:
    rows = rows_of(path)
    head = next(rows, [])
    place = {name: i for i, name in enumerate(head)}
    where = next((name for name in CLIP_NAMES if name in place), None)
    if where is None or "emotion" not in place:
        raise DataError(f"{path}: found columns {', '.join(head) or 'none'}; wanted clip and emotion, and if known {', '.join(SPARE)}")
    found: list[_Clip] = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head):
            report.add(BAD_ROW, f"{path.name}:{number}", f"{len(row)} cells, the header has {len(head)}")
            continue
        cells = dict(zip(head, map(str.strip, row), strict=True))
        clip = _row(path.parent, cells, where, f"{path.name}:{number}")
        if isinstance(clip, Problem):
            report.add(*clip)
        else:
            found.append(clip)
    affect, wrong = on_scale([(clip.valence, clip.arousal) for clip in found], str(path))
    for i, why in wrong.items():
        report.add(BAD_ROW, found[i].name, why)
    rated = zip(found, affect.tolist(), strict=True)
    return [clip._replace(valence=v, arousal=a) for i, (clip, (v, a)) in enumerate(rated) if i not in wrong]


def _row(folder: Path, cells: dict[str, str], where: str, called: str) -> _Clip | Problem:
    """The clip of a row, or why it has none. called: the row."""
    label, told = canonical(cells["emotion"]), cells.get("split") or cells.get("usage", "")
    split = split_of(told) if told else ""
    if not cells[where]:
        return Problem(BAD_ROW, called, f"no {where}")
    if label is None:
        return Problem(UNKNOWN, called, f"labelled {cells['emotion']!r}, which is no emotion")
    if split is None:
        return Problem(BAD_ROW, called, strange_split(told))
    try:
        start, stop, valence, arousal = (float(cells.get(name) or "nan") for name in ("start", "stop", "valence", "arousal"))
    except ValueError as error:  # could not convert string to float: 'soon'
        return Problem(BAD_ROW, called, f"{str(error).rpartition(': ')[2]}, which is no number")
    if start < 0 or stop <= (0 if math.isnan(start) else start):
        return Problem(BAD_ROW, called, f"from {cells.get('start') or 0} to {cells.get('stop') or 'the end'}, which is no span")
    return _Clip(
        str(folder / cells[where]), cells[where], label, split, cells.get("subject", ""), start=start, stop=stop, valence=valence,
        arousal=arousal,
    )  # fmt: skip
