"""One trial: what it tells while it runs, when it is cut short, and what is left of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import optuna
from optuna.trial import FrozenTrial, TrialState

from mien.sinks.files import replace
from mien.train.config import TrainConfig
from mien.train.tune.process import MetricMissing, Metrics
from mien.train.tune.sampler import interrupted, meant
from mien.train.tune.space import Space, direction
from mien.train.tune.toml import as_toml


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial, as tables show it."""

    number: int
    state: str
    """complete, pruned, failed, or interrupted (it is tried again, with another number)."""
    value: float
    """The metric in its best epoch; NaN where there is none."""
    epochs: int
    """Epochs it ran."""
    seconds: float
    values: Mapping[str, Any]
    """Dotted name -> value tried."""
    reason: str
    """Why it failed."""

    @property
    def counts(self) -> bool:
        """Whether it came to an end."""
        return self.state != "interrupted"


class Course:
    """A trial while it runs. Left as a context without an outcome, it is interrupted."""

    def __init__(
        self, study: optuna.Study, trial: optuna.Trial, space: Space, config: TrainConfig, folder: Path, *, metric: str, prune: bool
    ) -> None:
        self._study, self._trial, self._space, self._metric, self._prune = study, trial, space, metric, prune
        self.config, self.folder = config, folder
        self._epochs: list[dict[str, float]] = []
        self._cut = self._told = False
        self._began = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        head = f"Trial {trial.number} of a search for settings."
        replace(folder / "config.toml", as_toml(config, head=head).encode())

    @property
    def number(self) -> int:
        """Of the trial."""
        return self._trial.number

    def watch(self, metrics: Metrics) -> bool:
        """Take the metrics of an epoch; True when the trial is worse than others were by then and should end.

        Raises MetricMissing.
        """
        if self._metric not in metrics:
            raise MetricMissing(f"no metric {self._metric!r} in the first epoch; there are: {', '.join(sorted(metrics))}")
        self._trial.report(float(metrics[self._metric]), len(self._epochs))
        self._epochs.append({name: float(value) for name, value in metrics.items()})
        self._cut = self._prune and self._trial.should_prune()
        return self._cut

    def done(self) -> None:
        """The training has ended, by itself or because the watch said so."""
        told = [value for metrics in self._epochs if not math.isnan(value := metrics[self._metric])]
        if not told:
            self.failed(f"{self._metric} was a number in none of {len(self._epochs)} epochs")
        elif self._cut:
            self._tell(TrialState.PRUNED)
        else:
            self._tell(TrialState.COMPLETE, best_of(told, self._metric))

    def failed(self, reason: str) -> None:
        """The training ended with an error."""
        self._trial.set_user_attr("reason", reason)
        self._tell(TrialState.FAIL)

    def interrupted(self) -> None:
        """The search is being ended; a trial without an outcome will be tried again when it goes on."""
        if not self._told:
            self._tell(TrialState.FAIL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.interrupted()

    def _tell(self, state: TrialState, value: float | None = None) -> None:
        self._trial.set_user_attr("seconds", round(time.monotonic() - self._began, 3))
        frozen = self._study.tell(self._trial, value, state=state)
        self._told = True
        told = tried(frozen, self._space, self._metric)
        record = {
            "trial": told.number, "state": told.state, "metric": self._metric, "value": _finite(told.value), "seconds": told.seconds,
            "values": dict(told.values), "reason": told.reason,
            "epochs": [{name: _finite(number) for name, number in metrics.items()} for metrics in self._epochs],
        }  # fmt: skip
        replace(self.folder / "trial.json", (json.dumps(record, indent=1) + "\n").encode())


def tried(trial: FrozenTrial, space: Space, metric: str) -> Tried:
    """What Optuna keeps of a trial, as a row."""
    told = [value for value in trial.intermediate_values.values() if not math.isnan(value)]
    states = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
    return Tried(
        trial.number,
        "interrupted" if interrupted(trial) else states.get(trial.state, "interrupted"),
        best_of(told, metric) if told else math.nan,
        len(trial.intermediate_values),
        float(trial.user_attrs.get("seconds", math.nan)),
        meant(space, trial.params),
        str(trial.user_attrs.get("reason", "")),
    )


def best_of(values: list[float], metric: str) -> float:
    """The smallest or largest, whichever is good for that metric."""
    return min(values) if direction(metric) == "minimize" else max(values)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
