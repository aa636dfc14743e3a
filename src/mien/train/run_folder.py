"""The folder of a run: its settings, what it was run on, a line of metrics an epoch, and the states it can go on from."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from mien.errors import UsageError
from mien.io.whole import sweep, whole, writing
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

        Raises UsageError when there is a run that is not to go on, or one with other settings or data; SinkError.
        """
        if not resume:
            self.check_free()
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        sweep(self.path)
        state: dict[str, Any] | None = None
        if self.last.exists():
            state = torch.load(self.last, map_location="cpu", weights_only=True)
            self._compare(config, about)
        self._write("config.json", dataclasses.asdict(config))
        self._write("run.json", {**about, "seed": config.seed, "commit": commit(), "versions": versions()})
        kept = state["history"] if state is not None else []
        with writing(self.metrics_file):
            self.metrics_file.write_text("".join(map(_line, kept)), "utf-8")
        return state

    def check_free(self) -> None:
        """Raise UsageError where a run is there, which is not to be written over."""
        if self.last.exists():
            raise UsageError(f"{self.path}: a run is there already; go on with it by --resume, or give another --out or name")

    def _compare(self, config: TrainConfig, about: Mapping[str, Any]) -> None:
        old, new = dataclasses.asdict(self.config()), dataclasses.asdict(config)
        differ = [name for name in old if name not in FREE and json.dumps(old[name]) != json.dumps(new[name])]
        if differ:
            name = differ[0]
            raise UsageError(f"{self.path}: cannot go on with other settings: {', '.join(differ)} ({name} was {old[name]}, is {new[name]})")
        found = json.loads((self.path / "run.json").read_text("utf-8"))
        was, now = _data_of(found), _data_of(about)
        changes = {name: f"{name}: {was[name]} then, {now[name]} now" for name in was if was[name] != now[name]}
        if changes.keys() & {"hash", "rows"}:
            theirs, ours = _whose(found), _whose({"commit": commit(), "versions": versions()})
            raise UsageError(
                f"{self.path}: cannot go on with other data: {'; '.join(changes.values())}. Either the files were changed, or {theirs}, "
                f"which it is of, named or left out rows otherwise than {ours} here: go on with the files and the mien that it began with, "
                f"or begin anew under another --out or name"
            )
        if "detector" in changes:
            raise UsageError(
                f"{self.path}: cannot go on with landmarks of another detector: by {was['detector']} then, {now['detector']} now; "
                f"give --detector {was['detector']}, or begin anew under another --out or name"
            )

    def config(self) -> TrainConfig:
        """The settings on record. Raises UsageError when there are none."""
        path = self.path / "config.json"
        if not path.exists():
            raise UsageError(f"{self.path}: no config.json there; wanted the run folder of a training")
        try:
            return from_values(json.loads(path.read_text("utf-8")))
        except UsageError as error:
            raise UsageError(f"{path}: {error}") from error

    def about(self) -> dict[str, Any]:
        """What it was run on: data (hash), held_out (see TrainData), sources, names of the classes, their frequencies (priors), colour,
        affect (its origin), seed, commit, versions."""
        self.config()
        found: dict[str, Any] = json.loads((self.path / "run.json").read_text("utf-8"))
        return found

    @property
    def begun(self) -> bool:
        """Whether there is an epoch on record."""
        return self.metrics_file.exists() and self.metrics_file.stat().st_size > 0

    def add(self, metrics: Mapping[str, float]) -> None:
        """Metrics of one more epoch."""
        with writing(self.metrics_file), self.metrics_file.open("a", encoding="utf-8") as file:
            file.write(_line(metrics))

    def save(self, path: Path, state: Mapping[str, Any]) -> None:
        """Write a state. Raises SinkError, and leaves the state that was there."""
        content = io.BytesIO()  # into a file, torch.save makes a RuntimeError of a full disk, which does not say what it is
        torch.save(dict(state), content)
        with whole(path) as part:
            part.write_bytes(content.getbuffer())

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
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _data_of(record: Mapping[str, Any]) -> dict[str, str]:
    """What a record has of its data, as a message says it. Other sources alone, under the same ids, are no other data."""
    rows, sources = (" + ".join(map(str, record.get(what, ()))) for what in ("rows", "sources"))
    return {
        "hash": str(record.get("data"))[:20],
        "rows": rows,
        "sources": sources,
        "detector": str(record.get("detector")),
    }


def _whose(record: Mapping[str, Any]) -> str:
    """Which mien a record is of."""
    return f"mien {record['versions'].get('mien', '')} {record['commit']}".rstrip()


def _line(metrics: Mapping[str, float]) -> str:
    """A line of metrics.jsonl; null stands for NaN, which JSON does not have."""
    return json.dumps({name: value if math.isfinite(value) else None for name, value in metrics.items()}) + "\n"


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
