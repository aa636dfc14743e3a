"""The video part of `make bench`: from a file to an annotated file, on all cores; beside `fer`'s own way where it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from mien.evaluate.speed import row
from mien.pipeline import Analyzed, Analyzer
from mien.sinks.registry import open_sinks
from mien.table import columns
from scenes import scene

HERE = Path(__file__).parent
SETTINGS = [(640, 360, 1), (640, 360, 5), (1280, 720, 1), (1280, 720, 5)]
MARGIN = 48
BLOCK = 1000
FPS = 10
"""Of the long clip."""


def clip(path: Path, width: int, height: int, faces: int, *, frames: int, fps: int = 30) -> Path:
    """A made clip: a still scene under a hand-held camera, H.264."""
    still = scene(width + MARGIN, height + MARGIN, faces)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps, options={"preset": "superfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = width, height, "yuv420p", Fraction(1, fps)
        for i in range(frames):
            x, y = (round(MARGIN / 2 * (1 + np.sin(i / fps * speed))) for speed in (0.9, 1.3))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(still[y : y + height, x : x + width]), format="rgb24")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def end_to_end(path: Path, folder: Path, **options: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """`mien analyze clip.mp4 -o out.mp4 -o out.csv` in this process: frames, faces, frames a second, and the table of stages."""
    analyzer = Analyzer(**options)
    analyzer.image(np.zeros((360, 640, 3), np.uint8))
    frames = faces = 0
    began = time.perf_counter()
    with open_sinks([str(folder / "out.mp4"), str(folder / "out.csv")], inputs=[str(path)], columns=columns(raw=True)) as sinks:
        for item in analyzer.stream(str(path)):
            assert isinstance(item, Analyzed), item
            with analyzer.profile.stage("write"):
                sinks.write(item.frame, item.result)
            frames, faces = frames + 1, faces + len(item.result)
    took = time.perf_counter() - began
    return {"frames": frames, "faces": round(faces / frames, 2), "per_s": round(frames / took, 1)}, analyzer.profile.rows(frames)


def fers(python: str, path: Path, frames: int) -> dict[str, Any]:
    done = subprocess.run(
        [python, str(HERE / "fer_worker.py"), "video", str(frames), str(path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=path.parent,  # fer leaves its table where it runs
    )
    if done.returncode:
        sys.exit(f"{python}: fer's video could not be timed: {done.stderr.strip().splitlines()[-1]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def memory(folder: Path, minutes: float) -> dict[str, Any]:
    """Resident memory and time by blocks of 1,000 frames over a long made clip of 320x180 with a face."""
    path = clip(folder / "long.mp4", 320, 180, 1, frames=round(minutes * 60 * FPS), fps=FPS)
    analyzer = Analyzer()
    rss, took, work, frames, began, worked = [], [], [], 0, time.perf_counter(), time.process_time()
    with open_sinks([str(folder / "out.mp4"), str(folder / "out.csv")], inputs=[str(path)], columns=columns(raw=True)) as sinks:
        for item in analyzer.stream(str(path)):
            assert isinstance(item, Analyzed), item
            sinks.write(item.frame, item.result)
            frames += 1
            if frames % BLOCK == 0:
                now, cpu = time.perf_counter(), time.process_time()
                took.append(now - began)
                work.append(cpu - worked)
                began, worked = now, cpu
                rss.append(resident())
    growth = (rss[-1] - rss[0]) / (len(rss) - 1)
    return row(
        "memory and time over a long video",
        f"{minutes:g} minutes, {frames} frames, 320x180",
        {},
        than=("the first 1,000 frames", round(took[-1] / took[0], 2)),
        cpu_ratio=round(work[-1] / work[0], 2),  # other work on the machine makes the other one wander
        rss_mb_first=round(rss[0], 1),
        rss_mb_last=round(rss[-1], 1),
        rss_mb_a_1000_frames=round(growth, 3),
    )


def resident() -> float:
    """Resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    frames, minutes = int(os.environ.get("BENCH_FRAMES", "300")), float(os.environ.get("BENCH_MINUTES", "60"))
    if minutes and minutes * 60 * FPS < 2 * BLOCK:
        sys.exit(f"BENCH_MINUTES is {minutes:g}; wanted 0, or enough for two blocks of {BLOCK} frames at {FPS} a second: 4 and more")
    rows: list[dict[str, Any]] = []
    stages: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for width, height, faces in SETTINGS:
            setting = f"{width}x{height}, {faces} face{'s' if faces > 1 else ''}"
            path = clip(folder / f"{width}-{faces}.mp4", width, height, faces, frames=frames)
            for what, options in (("mien", {}), ("mien --detect-every 3", {"detect_every": 3})):
                found, profile = end_to_end(path, folder, **tracked(options))
                rows.append(row(what, setting, {"per_s": found.pop("per_s")}, **found))
                stages[f"{what}, {setting}"] = profile
            if python := os.environ.get("FER_PYTHON"):
                own = rows[-2]["per_s"]
                for peer in fers(python, path, max(20, frames // 10))["rows"]:
                    speed = peer.pop("per_s")
                    rows.append(row(peer.pop("what"), setting, {"per_s": speed}, than=("mien", round(speed / own, 3)), **peer))
        if minutes:
            rows.append(memory(folder, minutes))
    for one in rows:
        print("  ".join(f"{key}: {value}" for key, value in one.items() if value is not None))
    for what, profile in stages.items():
        print(f"\n{what}: ms a frame by stage (threads overlap)")
        print("  ".join(f"{one['stage']} {one['ms_a_frame']}" for one in profile))
    (HERE / "results_video.json").write_text(json.dumps({"rows": rows, "stages": stages}, indent=1) + "\n", "utf-8")


def tracked(options: dict[str, Any]) -> dict[str, Any]:
    from mien.track.options import TrackOptions

    return {"track": TrackOptions(**options)}


if __name__ == "__main__":
    main()
