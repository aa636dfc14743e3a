"""A search space as data: which settings of a training vary, and between what.

    metric = "val_loss"
    trials = 20
    epochs = 6

    [fixed]
    "head.kind" = "r0"

    [space]
    "head.units" = { low = 256, high = 608, step = 32 }
    "head.activation" = { choices = ["relu", "tanh"] }
    "rate" = { low = 1e-5, high = 1e-2, log = true }

Names are those of the fields of TrainConfig, with a dot before those of its parts. Only `[space]` is needed.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from mien.errors import UnknownName, UsageError
from mien.train.config import TrainConfig, changed, entries, read_toml
from mien.train.curves import LOW, lower_is_better

KINDS = "{ low = 1, high = 3 }, with step = 1 or log = true if wanted, or { choices = [...] }"
MAXIMISED = ("accuracy", "balanced", "f1", "top2", "ccc", "score")
"""Words in the names of metrics that are good when they are large; the others are in `curves.LOW`."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers from low to high, both included; integers when both are."""

    low: float
    high: float
    step: float | None = None
    """Distance of the values tried; None: every integer, or any number."""
    log: bool = False
    """Tried evenly by their logarithm, as rates should be."""

    def __post_init__(self) -> None:
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        if not all(map(math.isfinite, (self.low, self.high))) or self.low > self.high:
            raise UsageError(f"found low {self.low} and high {self.high}; wanted low <= high")
        if self.log and (self.low <= 0 or self.step is not None):
            raise UsageError(f"found log with low {self.low} and step {self.step}; wanted low > 0 and no step")
        if self.step is not None:
            if not (math.isfinite(self.step) and self.step > 0) or (whole and not isinstance(self.step, int)):
                raise UsageError(f"found step {self.step}; wanted a {'whole number' if whole else 'number'} above 0")
            steps = (self.high - self.low) / self.step
            if abs(steps - round(steps)) > 1e-6:
                raise UsageError(f"found high {self.high}, which no number of steps of {self.step} from {self.low} reaches")

    @property
    def whole(self) -> bool:
        """Whether its values are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True, slots=True)
class Choices:
    """One of some values: texts, numbers, truth values, or tuples of them."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise UsageError("found no choices; wanted at least one")
        if len(set(self.values)) < len(self.values):
            raise UsageError(f"found choices {list(self.values)}, some of them twice")


Dimension = Numbers | Choices


@dataclass(frozen=True, slots=True)
class Space:
    """What a search varies, and how long it looks by default."""

    name: str
    dimensions: Mapping[str, Dimension]
    """Dotted name of a setting -> its values."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Settings that are the same in every trial, whatever the config says."""
    metric: str = "val_loss"
    """What decides, a name in an epoch's metrics."""
    trials: int = 20
    """Trials to finish."""
    epochs: int | None = None
    """Of each trial; None: what the config says."""


def presets() -> list[str]:
    """Names of the spaces that mien brings."""
    return sorted(path.name.removesuffix(".toml") for path in files("mien.train.tune").joinpath("spaces").iterdir())


def read_space(name: str | Path) -> Space:
    """A space from a TOML file, or a preset by name (`r0`).

    Raises UnknownName for a name without a preset, SourceMissing for a file, UsageError for a folder and for what is in a file.
    """
    path = Path(name)
    if path.suffix != ".toml":
        if str(name) not in presets():
            raise UnknownName("search space", str(name), [*presets(), "FILE.toml"])
        return parse_space(files("mien.train.tune").joinpath(f"spaces/{name}.toml").read_text("utf-8"), str(name))
    text = read_toml(path, f"a TOML file with a search space, or one of: {', '.join(presets())}")
    return parse_space(text, str(path))


def parse_space(text: str, origin: str) -> Space:
    """A space from TOML. origin: what to call it in messages, and its name. Raises UsageError."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{origin}: not valid TOML: {error}") from None
    known = {"space", "fixed", "metric", "trials", "epochs"}
    if strange := sorted(set(values) - known):
        raise UsageError(f"{origin}: unknown {', '.join(strange)}; there are: {', '.join(sorted(known))}")
    if not isinstance(values.get("space"), dict) or not values["space"] or not isinstance(values.get("fixed", {}), dict):
        raise UsageError(f'{origin}: wanted a table [space] with lines such as "head.units" = {{ low = 256, high = 608, step = 32 }}')
    dimensions = {name: _dimension(name, value, origin) for name, value in _flat(values["space"])}
    fixed = {name: _plain(value) for name, value in _flat(values.get("fixed", {}))}
    if both := sorted(set(dimensions) & set(fixed)):
        raise UsageError(f"{origin}: {', '.join(both)} is in [fixed] and in [space]; wanted it in one of them")
    for name in ("trials", "epochs"):
        if name in values and (type(values[name]) is not int or values[name] < 1):
            raise UsageError(f"{origin}: found {name} {values[name]!r}; wanted a whole number from 1 on")
    metric = values.get("metric", "val_loss")
    direction(metric)
    return Space(Path(origin).stem, dimensions, fixed, metric, values.get("trials", 20), values.get("epochs"))


def direction(metric: str) -> Literal["minimize", "maximize"]:
    """`minimize` or `maximize`, by the name of a metric. Raises UsageError for a name that tells neither."""
    if lower_is_better(metric):
        return "minimize"
    if set(metric.split("_")) & set(MAXIMISED):
        return "maximize"
    raise UsageError(
        f"metric {metric!r}: its name does not say whether small or large is good; wanted a word such as "
        f"{', '.join(sorted(LOW))} (small) or {', '.join(MAXIMISED)} (large) in it, as in val_loss"
    )


def fitted(space: Space, config: TrainConfig) -> Space:
    """The space with the kinds of numbers that the config's fields have. Raises UsageError for names and values that do not fit."""
    try:
        config = changed(config, space.fixed)
        return dataclasses.replace(space, dimensions={name: _fitted(name, one, config) for name, one in space.dimensions.items()})
    except (UsageError, UnknownName) as error:
        raise UsageError(f"{space.name}: {error}") from None


def _fitted(name: str, dimension: Dimension, config: TrainConfig) -> Dimension:
    ends = dimension.values if isinstance(dimension, Choices) else (dimension.low, dimension.high)
    for value in ends:
        changed(config, {name: value})
    if isinstance(dimension, Choices) or int in _kinds(name):
        return dimension
    step = None if dimension.step is None else float(dimension.step)
    return Numbers(float(dimension.low), float(dimension.high), step, dimension.log)


def _kinds(name: str) -> tuple[Any, ...]:
    """The types that a setting may have."""
    kind = next(entry.kind for entry in entries() if entry.name == name)
    return typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """`head.units = ...` without quotes is a table in a table; here both are `head.units`."""
    for key, value in values.items():
        name = f"{before}{key}"
        parts = any(entry.name.startswith(f"{name}.") for entry in entries())
        if isinstance(value, dict) and (parts or (value and all(isinstance(one, dict) for one in value.values()))):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value


def _dimension(name: str, value: Any, origin: str) -> Dimension:
    keys = set(value) if isinstance(value, dict) else set()
    try:
        if keys == {"choices"} and isinstance(value["choices"], list):
            return Choices(tuple(_plain(one) for one in value["choices"]))
        if {"low", "high"} <= keys <= {"low", "high", "step", "log"} and type(value.get("log", False)) is bool:
            numbers = [value[key] for key in ("low", "high", "step") if key in value]
            if all(type(number) in (int, float) for number in numbers):
                return Numbers(value["low"], value["high"], value.get("step"), value.get("log", False))
    except UsageError as error:
        raise UsageError(f"{origin}: {name}: {error}") from None
    raise UsageError(f"{origin}: {name}: found {value!r}; wanted {KINDS}")


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value)) if isinstance(value, list) else value
