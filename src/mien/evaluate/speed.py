"""How long the stages take on this machine: warm-up, then many runs; means, medians and 95th percentiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.types import Image

if TYPE_CHECKING:
    from mien.pipeline import Analyzer  # lies above: only what is measured is named here


COLUMNS = ("what", "setting", "ratio_to", "ratio", "median_ms", "p95_ms", "per_s", "mean_ms")
"""Of every row, in this order; None where there is none. Others come behind them."""


def row(what: str, setting: str, took: Mapping[str, float], *, than: tuple[str, float] | None = None, **more: Any) -> dict[str, Any]:
    """One row of a table of times, the one form of `mien bench --json` and of the benchmarks.

    took: what `timed` gave, or some of it. than: to which other row this one is compared, and its share of that. more: columns behind.
    """
    to, share = than or (None, None)
    return dict.fromkeys(COLUMNS) | {"what": what, "setting": setting, "ratio_to": to, "ratio": share} | dict(took) | more


def timed(work: Callable[[], Any], *, runs: int = 100, warm: int = 10) -> dict[str, float]:
    """Mean, median and 95th percentile in milliseconds, and by the median runs a second, of `work` after `warm` runs that do not count."""
    for _ in range(warm):
        work()
    took = np.empty(runs)
    for i in range(runs):
        began = time.perf_counter()
        work()
        took[i] = time.perf_counter() - began
    median, p95 = np.quantile(took, [0.5, 0.95]) * 1000
    times = {"mean_ms": took.mean() * 1000, "median_ms": median, "p95_ms": p95}
    return {name: round(float(value), 3) for name, value in times.items()} | {"per_s": round(1000 / float(median), 2)}


def speed_of_pictures(analyzer: Analyzer, pictures: Sequence[tuple[str, Image]], *, runs: int = 100) -> list[dict[str, Any]]:
    """Detection alone and the whole road (detection, crops, recognition) on each picture; the number of faces is in `setting`."""
    rows: list[dict[str, Any]] = []
    for name, image in pictures:
        faces = len(analyzer.image(image))
        setting = f"{name}, {image.shape[1]}x{image.shape[0]}, {faces} face{'' if faces == 1 else 's'}"
        detect = timed(lambda image=image: analyzer.detector(image), runs=runs)  # type: ignore[misc]
        whole = timed(lambda image=image: analyzer.image(image), runs=runs)  # type: ignore[misc]
        rows.append(row("detect", setting, detect))
        rows.append(row("detect and recognise", setting, whole, than=("detect", ratio(whole, detect))))
    return rows


def speed_of_faces(analyzer: Analyzer, *, batches: Sequence[int] = (1, 8, 32), runs: int = 100) -> list[dict[str, Any]]:
    """Recognition alone, a face, in batches of several sizes (random pixels: a network's time does not depend on them)."""
    size = analyzer.recogniser.crop.size
    crops = np.random.default_rng(0).integers(0, 256, (max(batches), size, size, 3), np.uint8)
    rows: list[dict[str, Any]] = []
    for batch in batches:
        took = timed(lambda batch=batch: analyzer.recogniser(crops[:batch]), runs=runs)  # type: ignore[misc]
        a_face = {key: round(value / batch, 4) for key, value in took.items() if key.endswith("_ms")}
        a_face["per_s"] = round(took["per_s"] * batch, 1)
        than = (rows[0]["setting"], ratio(a_face, rows[0])) if rows else None
        rows.append(row("recognise a face", f"batch {batch}", a_face, than=than))
    return rows


def ratio(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Median time of one as a share of another's."""
    return round(float(one["median_ms"]) / max(float(other["median_ms"]), 1e-9), 4)
