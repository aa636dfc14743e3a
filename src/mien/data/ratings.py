"""People's ratings of valence and arousal beside their votes for emotions, and the linear map between the two.

The map is the anchor set `crowd` of `mien.labels`: its points are least squares from vote shares to mean ratings, so that the
expected anchor under a picture's votes is the fitted rating.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import DataError, SourceMissing, UsageError
from mien.labels import Anchors

C25_CODES = ("happy", "sad", "surprise", "fear", "disgust", "anger", "contempt", "neutral")
"""Expression codes 0..7 of AffectNetC25."""
AXES = ("valence", "arousal")


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Pictures that a crowd both named and rated."""

    pictures: tuple[str, ...]
    """n names."""
    labels: tuple[str, ...]
    """K emotions, columns of `shares`."""
    shares: NDArray[np.float64]
    """float64 (n, K): share of the raters who chose each emotion."""
    affect: NDArray[np.float64]
    """float64 (n, 2): mean rated valence and arousal, -1..1."""

    def __len__(self) -> int:
        return len(self.pictures)


def read_ratings(path: Path) -> Ratings:
    """Read AffectNetC25: a zip or folder with `{expression,valence,arousal}_set*.csv` (index, filename, one column a rater).

    Ratings that are missing are left out of the means. Raises SourceMissing, DataError.
    """
    tables: dict[str, dict[str, list[float]]] = {"expression": {}, **{axis: {} for axis in AXES}}
    for name, text in _files(path):
        kind = name.split("_")[0]
        if kind in tables:
            tables[kind] |= _table(text, name=f"{path}: {name}")
    if lacking := [kind for kind, rows in tables.items() if not rows]:
        raise DataError(f"{path}: lacks {', '.join(f'{kind}_set*.csv' for kind in lacking)}; wanted AffectNetC25's ratings")
    keys = [key for key in tables["expression"] if all(key in tables[axis] for axis in AXES)]
    if not keys:
        raise DataError(f"{path}: no picture has expression, valence and arousal")
    chosen = [np.array(tables["expression"][key]) for key in keys]
    shares = np.array([[np.mean(codes[np.isfinite(codes)] == k) for k in range(len(C25_CODES))] for codes in chosen])
    affect = np.stack([[np.nanmean(tables[axis][key]) for key in keys] for axis in AXES], axis=1)
    return Ratings(tuple(keys), C25_CODES, shares, affect)


def fit_anchors(ratings: Ratings, *, name: str = "fitted", source: str = "") -> Anchors:
    """Anchors by least squares: those whose expectation under the vote shares is nearest to the mean ratings."""
    weights = _weights(ratings.shares, ratings.affect)
    points = {label: (float(v), float(a)) for label, (v, a) in zip(ratings.labels, weights, strict=True)}
    return Anchors(name, source or f"least squares on {len(ratings)} rated pictures", points, {})


def out_of_fold(ratings: Ratings, *, folds: int = 5, seed: int = 0) -> NDArray[np.float64]:
    """Valence and arousal, float64 (n, 2), each predicted by a map fitted on the other folds."""
    if not 2 <= folds <= len(ratings):
        raise UsageError(f"folds: found {folds}, wanted 2 to {len(ratings)}")
    fold = np.random.default_rng(seed).permutation(len(ratings)) % folds
    guess = np.empty_like(ratings.affect)
    for k in range(folds):
        guess[fold == k] = ratings.shares[fold == k] @ _weights(ratings.shares[fold != k], ratings.affect[fold != k])
    return guess


def _weights(shares: NDArray[np.float64], affect: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.lstsq(shares, affect, rcond=None)[0])


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every CSV file in a zip or a folder."""
    if path.is_dir():
        yield from ((file.name, file.read_text("utf-8-sig")) for file in sorted(path.rglob("*.csv")))
        return
    if not path.exists():
        raise SourceMissing(f"{path}: no such file or folder; wanted AffectNetC25's ratings as a zip or a folder")
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if name.endswith(".csv"):
                    yield name.rsplit("/", 1)[-1], archive.read(name).decode("utf-8-sig")
    except zipfile.BadZipFile as error:
        raise DataError(f"{path}: not a zip archive ({error}); wanted AffectNetC25's ratings as a zip or a folder") from error


def _table(text: str, *, name: str) -> dict[str, list[float]]:
    """Picture -> its raters' values, NaN for an empty cell."""
    rows = csv.reader(io.StringIO(text))
    head = next(rows, [])
    if head[:2] != ["index", "filename"] or len(head) < 3:
        raise DataError(f"{name}: found columns {', '.join(head[:3]) or 'none'}, wanted index, filename and one for each rater")
    try:
        return {row[1]: [float(cell) if cell.strip() else np.nan for cell in row[2:]] for row in rows if row}
    except (ValueError, IndexError) as error:
        raise DataError(f"{name}: {error}; wanted a number in every cell") from error
