"""A search: trials of a space one after the other or side by side, kept in a database so that it goes on where it ended.

A folder has `study.db` (Optuna's), `trial_NNN/` with `config.toml` and `trial.json` of each trial, `trials.csv` with a row for each, and
`best.toml`, the config with the best values, for `mien train`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from mien.errors import DataError, MienError, UsageError
from mien.sinks.files import prepare_folder, replace
from mien.train.config import TrainConfig, changed
from mien.train.tune.process import HOPELESS, OUTCOMES, Objective, why
from mien.train.tune.sampler import STARTUP, PlaceSampler, distributions, interrupted, meant
from mien.train.tune.space import Space, direction, fitted
from mien.train.tune.toml import as_toml
from mien.train.tune.trials import Course, Tried, tried
from mien.train.tune.words import exact, shown
from mien.train.tune.workers import side_by_side

MOST_FAILURES = 5
"""After so many failures and no success the search ends: what is wrong is then not the values tried."""
NAME = "mien"


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found so far."""

    folder: Path
    space: Space
    """With the kinds of numbers of the config's fields."""
    metric: str
    tried: tuple[Tried, ...]
    """Every trial, in the order of their numbers."""
    importance: Mapping[str, float]
    """Share of each setting in what makes a good trial, the largest first; empty where there are too few trials to tell."""
    wanted: int
    """How many trials should finish."""
    interrupted: bool

    @property
    def best(self) -> Tried | None:
        """The complete trial with the best value, the earliest of equals; None when there is none."""
        complete = [one for one in self.tried if one.state == "complete"]
        sign = 1 if direction(self.metric) == "minimize" else -1
        return min(complete, key=lambda one: (sign * one.value, one.number), default=None)

    @property
    def finished(self) -> int:
        """Trials that count: complete, pruned and failed ones."""
        return sum(one.counts for one in self.tried)


def run(
    config: TrainConfig,
    space: Space,
    objective: Objective,
    folder: Path,
    *,
    trials: int | None = None,
    epochs: int | None = None,
    metric: str | None = None,
    jobs: int = 1,
    seed: int = 0,
    prune: bool = True,
    facts: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Found:
    """Search a space for the settings with the best metric.

    Values come from a tree-structured Parzen estimator. A trial whose best epoch so far is worse than the median of the others' at that
    epoch is cut short (Optuna's docs recommend Hyperband beside this sampler, but that needs more trials and longer ones than R0's 20 of
    6 epochs to fill its brackets). A trial's value is that of its best epoch.

    Args:
        config: what is the same in all trials.
        space: what varies; its `fixed` settings go before the config's.
        objective: trains once. With several jobs it must be picklable, and it may not rely on anything of this process.
        folder: where the search is kept. An unfinished one with the same settings goes on there; a trial that ran when it ended is
            tried again.
        trials: how many should have finished in the end, all runs together; None: what the space says, and so with the next two.
        epochs: of each trial.
        metric: what decides.
        jobs: trials at a time, each in a process of its own.
        seed: the same seed gives the same trials, with one job also when the search was interrupted.
        prune: cut bad trials short.
        facts: what else must be the same to go on, such as a hash of the data.
        say: is told of each trial.

    Returns:
        What was found; `interrupted` after Ctrl-C.

    Raises:
        UsageError: for settings that do not fit, a metric that there is none of, a folder with another search, or one at work there.
        DataError: when the first trials all fail.
    """
    space = fitted(space, config)
    trials, epochs, metric = trials or space.trials, epochs or space.epochs, metric or space.metric
    if trials < 1 or jobs < 1:
        raise UsageError(f"found {trials} trials and {jobs} jobs; wanted one or more of each")
    if epochs is not None and "epochs" in space.dimensions:
        raise UsageError(f"{space.name}: epochs vary in it, and {epochs} are asked for; wanted one of them")
    base = changed(config, {**space.fixed, **({} if epochs is None else {"epochs": epochs})})
    if base.devices * base.machines > 1:
        raise UsageError(f"found {base.devices} devices and {base.machines} machines; a trial trains on one, and jobs are trials at a time")
    record = {
        "config": dataclasses.asdict(base), "seed": seed, "metric": metric, "prune": prune, "facts": dict(facts or {}),
        "space": {name: repr(dimension) for name, dimension in space.dimensions.items()},
    }  # fmt: skip
    prepare_folder(folder)
    with _alone(folder), _study(folder, metric, PlaceSampler(distributions(space), seed), prune=prune) as study:
        _same_search(study, json.loads(json.dumps(record)), folder)
        _retry_interrupted(study, say)
        search = _Search(study, space, base, config, folder, metric=metric, trials=trials, prune=prune, say=say)
        stopped = False
        try:
            if jobs == 1:
                _one_by_one(objective, search)
            else:
                side_by_side(objective, jobs, search.next_course, search.ended)
        except KeyboardInterrupt:
            stopped = True
        found = search.found(importance=_importance(study), stopped=stopped)
    write_found(found, config)
    return found


class _Search:
    """Which trial is next, and what is told after each."""

    def __init__(
        self, study: optuna.Study, space: Space, base: TrainConfig, config: TrainConfig, folder: Path, *, metric: str, trials: int,
        prune: bool, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._study, self._space, self._base, self._config, self._folder = study, space, base, config, folder
        self._metric, self._trials, self._prune, self._say = metric, trials, prune, say
        self._failures, self._succeeded = 0, False

    def next_course(self, running: int) -> Course | None:
        """Another trial to begin while so many run; None when there are enough."""
        while self.found().finished + running < self._trials:
            trial = self._study.ask(distributions(self._space))
            folder = self._folder / f"trial_{trial.number:03d}"
            values = meant(self._space, trial.params)
            try:
                config = changed(self._base, values)
            except MienError as error:  # values that exclude each other
                course = self._course(trial, self._base, folder)
                course.failed(why(error))
                self.ended(course)
                continue
            return self._course(trial, config, folder)
        return None

    def _course(self, trial: optuna.Trial, config: TrainConfig, folder: Path) -> Course:
        return Course(self._study, trial, self._space, config, folder, metric=self._metric, prune=self._prune)

    def ended(self, course: Course) -> None:
        """Tell of a trial that has its outcome, and keep what was found so far. Raises DataError when nothing but failures is found."""
        found = self.found()
        one = found.tried[course.number]
        values = ", ".join(f"{name} {shown(value)}" for name, value in one.values.items())
        lasted = "1 epoch" if one.epochs == 1 else f"{one.epochs} epochs"
        outcome = one.reason if one.state == "failed" else f"{self._metric} {one.value:.4f} after {lasted}"
        cut = ", cut short" if one.state == "pruned" else ""
        mark = ", the best so far" if one == found.best else ""
        self._say(f"trial {one.number} ({found.finished} of {self._trials}): {values}: {outcome}{cut}{mark}")
        write_found(found, self._config)
        self._succeeded |= one.state != "failed"
        self._failures += one.state == "failed"
        if not self._succeeded and self._failures >= MOST_FAILURES:
            raise DataError(f"the first {self._failures} trials failed, the last with {one.reason}; see {course.folder / 'trial.json'}")

    def found(self, *, importance: Mapping[str, float] | None = None, stopped: bool = False) -> Found:
        """What there is by now."""
        every = tuple(
            tried(trial, self._space, self._metric) for trial in self._study.get_trials(deepcopy=False) if trial.state != TrialState.WAITING
        )
        return Found(self._folder, self._space, self._metric, every, importance or {}, self._trials, stopped)


def _one_by_one(objective: Objective, search: _Search) -> None:
    while (course := search.next_course(0)) is not None:
        with course:
            try:
                objective(course.config, course.folder, course.watch)
            except HOPELESS:
                raise
            except OUTCOMES as error:
                course.failed(why(error))
            else:
                course.done()
        search.ended(course)


def write_found(found: Found, config: TrainConfig) -> None:
    """Write trials.csv, and best.toml where there is a best trial. config: of the search, as its user gave it."""
    replace(found.folder / "trials.csv", as_csv(found).encode())
    if (best := found.best) is None:
        return
    head = f"The best of {found.finished} trials of the space {found.space.name}: trial {best.number}, {found.metric} {best.value:.6g}."
    replace(found.folder / "best.toml", as_toml(changed(config, {**found.space.fixed, **best.values}), head=head).encode())


def as_csv(found: Found) -> str:
    """A row a trial: number, state, the metric in its best epoch, epochs it ran, seconds, why it failed, and the values tried."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["trial", "state", found.metric, "epochs_run", "seconds", "reason", *found.space.dimensions])
    for one in found.tried:
        value, seconds = ("" if number != number else repr(number) for number in (one.value, one.seconds))
        values = [exact(one.values[name]) if name in one.values else "" for name in found.space.dimensions]
        writer.writerow([one.number, one.state, value, one.epochs, seconds, one.reason, *values])
    return out.getvalue()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A lock that the system gives back however this process ends. Raises UsageError when another search has it."""
    with closing(sqlite3.connect(folder / "study.lock", timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise UsageError(f"{folder}: another search is at work there; wait for it, or choose another folder") from None
        yield


@contextmanager
def _study(folder: Path, metric: str, sampler: PlaceSampler, *, prune: bool) -> Iterator[optuna.Study]:
    """Optuna's study in the folder, made if there is none. Its own talk is kept back: the search tells more."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = RDBStorage(f"sqlite:///{(folder / 'study.db').resolve()}")
    # One epoch is always run, since networks that learn fast and well begin worse than those that learn little.
    pruner: BasePruner = MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=1) if prune else NopPruner()
    try:
        yield optuna.create_study(
            storage=storage, study_name=NAME, direction=direction(metric), sampler=sampler, pruner=pruner, load_if_exists=True
        )
    finally:
        storage.remove_session()
        storage.engine.dispose()
        optuna.logging.set_verbosity(verbosity)


def _same_search(study: optuna.Study, record: dict[str, Any], folder: Path) -> None:
    """Note what the search is, or compare. Raises UsageError when the folder has another."""
    before = study.user_attrs.get("record")
    if before is None:
        study.set_user_attr("record", record)
        return
    other = [name for name in record if name != "config" and record[name] != before.get(name)]
    other += [f"config.{name}" for name, value in record["config"].items() if value != before["config"].get(name)]
    if other:
        raise UsageError(f"{folder}: holds a search with another {', '.join(other)}; choose another folder, or the same settings to go on")


def _retry_interrupted(study: optuna.Study, say: Callable[[str], None]) -> None:
    """Queue the trials that were running when the search ended, with the values they had."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    every = study.get_trials(deepcopy=False)
    again = {trial.user_attrs.get("retry_of") for trial in every}
    for trial in every:
        if interrupted(trial) and trial.number not in again:
            study.enqueue_trial(trial.params, user_attrs={"retry_of": trial.number})
            say(f"trial {trial.number} was interrupted: it is tried again")


def _importance(study: optuna.Study) -> dict[str, float]:
    """PED-ANOVA's importance (Watanabe et al. 2023) over complete trials; nothing where there are fewer than two or all are equal."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len({trial.value for trial in complete}) < 2:
        return {}
    return optuna.importance.get_param_importances(study)
