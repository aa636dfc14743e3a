"""A space with a known best, and a search of it in one call."""

from pathlib import Path

from mien.train.config import TrainConfig
from mien.train.tune.space import parse_space
from mien.train.tune.study import run

TEXT = """
[space]
"head.units" = { low = 256, high = 608, step = 32 }
"head.activation" = { choices = ["relu", "tanh"] }
rate = { low = 1e-5, high = 1.0, log = true }
[fixed]
"head.kind" = "r0"
"""
SPACE = parse_space(TEXT, "bowl.toml")


def search(objective, folder, trials=6, *, config=None, space=SPACE, **more):
    return run(config or TrainConfig(epochs=40), space, objective, Path(folder), trials=trials, **more)
