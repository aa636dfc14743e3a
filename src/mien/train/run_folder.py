"""The folder of a run: its settings, what it was run on, a line of metrics an epoch, and the states it can go on from."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from mien.errors import UsageError
from mien.io.whole import sweep, whole
from mien.train.commit import commit
from mien.train.config import TrainConfig, from_values

State = dict[str, torch.Tensor]
"""Weights and statistics of a network by name."""
FREE = (
    "threads",
    "device",
    "devices",
    "machines",
    "strategy",
    "int8",
    "mirror",
    "partners",
    "soup",
    "blend",
    "votes_back",
    "classes_back",
    "blend_votes_back",
    "weights_licence",
    "data_licence",
    "note",
)
"""Settings that may differ when a run goes on: they say where it runs and how its result is shipped, not what is learnt."""


class RunFolder:
    """Reads and writes the files of one run; every file is written under another name first."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.last, self.best = folder / "last.pt", folder / "best.pt"
        self.metrics_file = folder / "metrics.jsonl"

    def begin(self, config: TrainConfig, about: Mapping[str, Any], *, resume: bool) -> dict[str, Any] | None:
        """Make the folder's records; the last state when a run goes on, None at the start of one.

        Raises UsageError when there is a run that is not to go on, or one with other settings or data.
        """
        if self.last.exists() and not resume:
            raise UsageError(f"{self.path}: a run is there already; go on with it by --resume, or give another --out or name")
        self.path.mkdir(parents=True, exist_ok=True)
        sweep(self.path)
        state: dict[str, Any] | None = None
        if self.last.exists():
            state = torch.load(self.last, map_location="cpu", weights_only=True)
            self._compare(config, about)
        self._write("config.json", dataclasses.asdict(config))
        self._write("run.json", {**about, "seed": config.seed, "commit": commit(), "versions": versions()})
        kept = state["history"] if state is not None else []
        self.metrics_file.write_text("".join(f"{json.dumps(line)}\n" for line in kept))
        return state

    def _compare(self, config: TrainConfig, about: Mapping[str, Any]) -> None:
        old, new = dataclasses.asdict(self.config()), dataclasses.asdict(config)
        differ = [name for name in old if name not in FREE and json.dumps(old[name]) != json.dumps(new[name])]
        if differ:
            name = differ[0]
            raise UsageError(f"{self.path}: cannot go on with other settings: {', '.join(differ)} ({name} was {old[name]}, is {new[name]})")
        found = json.loads((self.path / "run.json").read_text())
        for what, name in (("data", "hash"), ("rows", "number of rows"), ("detector", "detector")):
            if found.get(what) != about.get(what):
                was, now = (str(one.get(what))[:20] for one in (found, about))
                raise UsageError(f"{self.path}: cannot go on with other data: its {name} was {was}, is {now}")

    def config(self) -> TrainConfig:
        """The settings on record. Raises UsageError when there are none."""
        path = self.path / "config.json"
        if not path.exists():
            raise UsageError(f"{self.path}: no config.json there; wanted the run folder of a training")
        try:
            return from_values(json.loads(path.read_text()))
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error

    def about(self) -> dict[str, Any]:
        """What it was run on: data (hash), held_out (see TrainData), sources, names of the classes, their frequencies (priors), colour,
        affect (its origin), seed, commit, versions."""
        self.config()
        found: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return found

    @property
    def begun(self) -> bool:
        """Whether there is an epoch on record."""
        return self.metrics_file.exists() and self.metrics_file.stat().st_size > 0

    def add(self, metrics: Mapping[str, float]) -> None:
        """Metrics of one more epoch."""
        with self.metrics_file.open("a") as file:
            file.write(json.dumps(metrics) + "\n")

    def save(self, path: Path, state: Mapping[str, Any]) -> None:
        """Write a state."""
        with whole(path) as part:
            torch.save(dict(state), part)

    def exported(self) -> State:
        """The weights in the file that this run's settings export: its own, averaged with those of the runs of its `soup`.

        Raises UsageError when nothing has been trained yet, or when the runs of its soup have other networks.
        """
        return averaged([self.shipped(), *(RunFolder(Path(other)).shipped() for other in self.config().soup)])

    def shipped(self) -> State:
        """The weights of this run alone: those of its best epoch where its settings say so, or else the last ones' average.

        Raises UsageError when nothing has been trained yet.
        """
        config = self.config()
        path = self.best if config.restore_best and self.best.exists() else self.last
        if not path.exists():
            raise UsageError(f"{self.path}: no {path.name} there; wanted the run folder of a training")
        state: State = torch.load(path, map_location="cpu", weights_only=True)["ema"]
        return state

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        with whole(self.path / name) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def versions() -> dict[str, str]:
    """Of Python and the packages whose version may change the result."""
    found = {"python": platform.python_version()}
    for name in ("mien", "torch", "torchvision", "timm", "lightning-fabric", "numpy", "opencv-python-headless"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def averaged(states: Sequence[State]) -> State:
    """The mean of several states of one network (Wortsman et al. 2022). Raises UsageError when they are of different ones."""
    first = states[0]
    for other in states[1:]:
        if {k: v.shape for k, v in other.items()} != {k: v.shape for k, v in first.items()}:
            raise UsageError("soup: its runs have other networks; wanted runs of the same `net`, `settings`, `head` and outputs")
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.dtype.is_floating_point else value
        for name, value in first.items()
    }
