"""`make bench`: mien on one core, beside `fer` where FER_PYTHON names a Python that has it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2

from mien.evaluate.speed import COLUMNS, ratio, row, speed_of_faces, timed
from mien.options import AnalyzeOptions
from mien.pipeline import Analyzer
from scenes import EXAMPLES, PORTRAITS, SETTINGS, scene

HERE = Path(__file__).parent


def on_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)


def pictures(folder: Path) -> dict[str, Path]:
    paths = {}
    for width, height, faces in SETTINGS:
        path = folder / f"{width}x{height}-{faces}.png"
        cv2.imwrite(str(path), scene(width, height, faces)[..., ::-1])
        paths[f"{width}x{height}, {faces} face{'s' if faces > 1 else ''}"] = path
    return paths


def ours(paths: dict[str, Path], runs: int) -> list[dict[str, Any]]:
    analyzer = Analyzer(AnalyzeOptions(threads=1))
    rows = []
    for setting, path in paths.items():
        image = cv2.imread(str(path))[..., ::-1].copy()
        found = len(analyzer.image(image))
        rows.append(row("mien", setting, timed(lambda image=image: analyzer.image(image), runs=runs), faces=found))
    return rows


def theirs(python: str, paths: dict[str, Path], runs: int) -> list[dict[str, Any]]:
    done = subprocess.run(
        [python, str(HERE / "fer_worker.py"), str(runs), *map(str, paths.values())], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{python}: fer could not be timed: {done.stderr.strip().splitlines()[-1]}")
    settings = {str(path): setting for setting, path in paths.items()}
    return [
        row(
            found["who"],
            settings[found["picture"]],
            {key: round(found[key], 1) for key in ("median_ms", "p95_ms", "mean_ms")} | {"per_s": round(1000 / found["median_ms"], 2)},
            faces=found["faces"],
        )
        for found in json.loads(done.stdout.splitlines()[-1])
    ]


def cold_start(runs: int = 5) -> list[dict[str, Any]]:
    """Whole processes: `mien analyze photo.jpg`, wall time and peak memory."""
    command = [str(Path(sysconfig.get_path("scripts")) / "mien"), "analyze", str(EXAMPLES / PORTRAITS[0]), "--threads", "1", "--json"]
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append((time.perf_counter() - began) * 1000)
    took = sorted(took[1:])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    times = {"median_ms": took[len(took) // 2], "p95_ms": took[-1], "mean_ms": sum(took) / len(took)}
    return [row("cold `mien analyze photo.jpg`", f"peak memory {peak:.0f} MB", {key: round(ms, 1) for key, ms in times.items()})]


def table(rows: list[dict[str, Any]]) -> str:
    cells = [["" if one[name] is None else str(one[name]) for name in COLUMNS] for one in rows]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *cells, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in (COLUMNS, *cells))


def main() -> None:
    runs = int(os.environ.get("BENCH_RUNS", "100"))
    rows = cold_start()
    on_one_core()
    with tempfile.TemporaryDirectory() as folder:
        paths = pictures(Path(folder))
        mine = ours(paths, runs)
        python = os.environ.get("FER_PYTHON")
        peers = theirs(python, paths, max(10, runs // 5)) if python else []
        mine_again = ours(paths, runs)
    for first, second in zip(mine, mine_again, strict=True):  # before and after the peer: a drifting machine shows
        best = {key: round((first[key] + second[key]) / 2, 3) for key in ("mean_ms", "median_ms", "p95_ms", "per_s")}
        rows.append(first | best)
    for peer in peers:
        own = next(mine for mine in rows if mine["what"] == "mien" and mine["setting"] == peer["setting"])
        rows.append(peer | {"ratio_to": "mien", "ratio": ratio(peer, own)})
    rows += speed_of_faces(Analyzer(AnalyzeOptions(threads=1)), batches=(1, 8, 32), runs=runs)
    print(table(rows))
    if not peers:
        print("fer is not in this table: benchmarks/README.md says how to install it aside and name it with FER_PYTHON")
    target = HERE / "results.json"
    target.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    print(f"also in {target.relative_to(Path.cwd()) if target.is_relative_to(Path.cwd()) else target}")


if __name__ == "__main__":
    main()
