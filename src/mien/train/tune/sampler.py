"""Which values to try next, and the names under which Optuna knows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from mien.train.tune.space import Choices, Dimension, Space

DRAWS, RANDOM_DRAWS = 10, 100
"""Draws for values that were not tried yet, and after them at random, before what was tried is tried again: the space is then exhausted."""
STARTUP = 5
"""Trials at random before the first that is chosen. Optuna's 10 are meant for hundreds of trials; R0's search has 20."""


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The space as Optuna writes it."""
    return {name: _distribution(dimension) for name, dimension in space.dimensions.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    if isinstance(dimension, Choices):
        return CategoricalDistribution([_told(value) for value in dimension.values])
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log, step=int(dimension.step or 1))
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)


def _told(value: Any) -> Any:
    """A choice as Optuna stores it: lists, which it does not know, as JSON."""
    return json.dumps(value) if isinstance(value, tuple) else value


def meant(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """What Optuna tells of a trial as the settings' own values, in the order of the space."""
    found = {}
    for name, dimension in space.dimensions.items():
        if name in values:
            choices = dimension.values if isinstance(dimension, Choices) else ()
            found[name] = next((choice for choice in choices if _told(choice) == values[name]), values[name])
    return found


def interrupted(trial: FrozenTrial) -> bool:
    """Whether a trial ended without an outcome: it failed, and nobody said why."""
    return trial.state == TrialState.FAIL and "reason" not in trial.user_attrs


class PlaceSampler(BaseSampler):
    """Tree-structured Parzen estimators (Bergstra et al. 2011), their chance from the seed and the trial's place among those that count.

    What is tried next depends on the seed and the finished trials, not on how often the search was interrupted. What was tried already is
    drawn again with another state, since a training with the same settings and seed would say the same.
    """

    def __init__(self, space: Mapping[str, BaseDistribution], seed: int) -> None:
        self._space, self._seed = dict(space), seed

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """All settings are drawn together."""
        return self._space

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """Values to try next."""
        others = [one for one in study.get_trials(deepcopy=False) if one.number != trial.number]
        place = trial.number - sum(interrupted(one) for one in others if one.number < trial.number)
        known = [one.params for one in others if not interrupted(one)]
        for draw in range(DRAWS + RANDOM_DRAWS):
            state = int(np.random.SeedSequence([self._seed, place, draw]).generate_state(1)[0])
            inner = TPESampler(n_startup_trials=STARTUP if draw < DRAWS else len(others) + 1, seed=state)
            values = inner.sample_relative(study, trial, search_space)
            for name, distribution in search_space.items():
                if name not in values:  # the first trials, and settings of a single value
                    values[name] = inner.sample_independent(study, trial, name, distribution)
            if values not in known:
                break
        return values

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> NoReturn:
        """Never asked for, as all settings are drawn together."""
        raise KeyError(f"{param_name}: not in the space {', '.join(self._space)}")
