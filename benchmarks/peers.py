"""Other packages that read expressions, each asked about crops in a process of its own, by an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mien.labels import LABEL_SETS, canonical, convert
from mien.types import Floats, Image

HERE = Path(__file__).parent
PEERS = {"fer": "FER_PYTHON", "human": "NODE_PEERS", "face-api": "NODE_PEERS"}
"""Each package with the variable that names where it is installed."""
BATCHES = (1, 32)


class Peer:
    """A package that is installed."""

    def __init__(self, name: str, where: str, folder: Path) -> None:
        self.name, self.where, self.folder = name, where, folder

    def time(self, crops: Image, runs: int) -> dict[str, Any]:
        """`backend`, `megabytes` of weights, and `speed`: {batch: times of a face}. crops: uint8 (n, S, S, 3) RGB."""
        said = self._ask(crops, {n: runs_of(runs, n) for n in BATCHES})
        speed = {}
        for n in BATCHES:
            took = said["took_ms"][str(n)]
            median, p95 = (float(value) for value in np.quantile(took, [0.5, 0.95]))
            speed[n] = a_face({"mean_ms": float(np.mean(took)), "median_ms": median, "p95_ms": p95, "per_s": 1000 / median}, n)
        return said | {"speed": speed}

    def probs(self, crops: Image) -> Floats:
        """float32 (n, 7) over the labels of fer7."""
        said = self._ask(crops, {})
        return in_order(np.array(said["probs"], np.float32), said["labels"])

    def _ask(self, crops: Image, runs: dict[int, int]) -> dict[str, Any]:
        """What the worker answers: with runs it times batches of these sizes, without it reads every crop."""
        pixels, job, said = (self.folder / name for name in ("crops.rgb", "job.json", "said.json"))
        pixels.write_bytes(crops.tobytes())
        job.write_text(json.dumps({"pixels": str(pixels), "n": len(crops), "side": crops.shape[1], "runs": runs, "answer": str(said)}))
        if PEERS[self.name] == "FER_PYTHON":
            command = [self.where, str(HERE / "fer_worker.py"), "crops", str(job)]
        else:
            command = ["node", str(HERE / "node_worker.mjs"), self.name, self.where, str(job)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{self.where}: {self.name} could not be asked: {done.stderr.strip()[-300:]}")
        return dict(json.loads(said.read_text("utf-8")))


def installed(folder: Path) -> tuple[list[Peer], dict[str, str]]:
    """The peers that the environment names, and of the others name and variable. folder: where crops and answers may lie."""
    places = {name: os.environ.get(variable, "") for name, variable in PEERS.items()}
    there = [Peer(name, where, folder) for name, where in places.items() if where]
    return there, {name: PEERS[name] for name, where in places.items() if not where}


def in_order(probs: Floats, labels: Sequence[str]) -> Floats:
    """Probabilities (n, K) under a package's own names as float32 (n, 7) over the labels of fer7."""
    return convert(probs, [canonical(label) or label for label in labels], LABEL_SETS["fer7"])


def batch(crops: Image, size: int) -> Image:
    """So many crops: the first ones, again and again where there are fewer."""
    return crops[np.arange(size) % len(crops)]


def runs_of(runs: int, size: int) -> int:
    """How often a batch is timed: large ones less often."""
    return max(5, runs // size)


def a_face(took: dict[str, float], size: int) -> dict[str, float]:
    """Times of a batch as times of a face in it."""
    times = {key: round(took[key] / size, 4) for key in ("mean_ms", "median_ms", "p95_ms")}
    return times | {"per_s": round(took["per_s"] * size, 1)}
