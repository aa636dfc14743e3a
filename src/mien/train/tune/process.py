"""What runs in the process of a trial. It imports little, since it is started afresh for each worker, and knows nothing of Optuna."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from mien.errors import ExtraMissing, MienError, UsageError
from mien.train.config import TrainConfig

Metrics = Mapping[str, float]
Watch = Callable[[Metrics], bool]
Objective = Callable[[TrainConfig, Path, Watch], object]
"""Trains with a config in a folder, calls the watch with the metrics of each epoch, and ends when that returns True."""


class MetricMissing(UsageError):
    """The metric that decides is not among those of an epoch; it would be so in every trial."""


OUTCOMES = (MienError, ArithmeticError, MemoryError, RuntimeError, ValueError)
"""What a trial may fail with: mien's own errors, PyTorch's, which include too little memory and shapes that do not fit, and what
libraries say to settings that they refuse. Any other error is a fault, and ends the search."""
HOPELESS = (ExtraMissing, MetricMissing)
"""Those among them that every other trial would meet too: they end the search."""


def why(error: BaseException) -> str:
    """An error in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def work(objective: Objective, line: Connection) -> None:
    """Train one trial after the other. They come by the line until it is cut; metrics and outcomes go back."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the parent ends these

    def watch(metrics: Metrics) -> bool:
        line.send(("epoch", dict(metrics)))
        return bool(line.recv())

    try:
        while True:
            config, folder = line.recv()
            line.send(_outcome(objective, config, folder, watch))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent has gone, and with it whoever wanted to know


def _outcome(objective: Objective, config: TrainConfig, folder: Path, watch: Watch) -> tuple[str, object]:
    try:
        objective(config, folder, watch)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise
    except HOPELESS as error:
        return "hopeless", error
    except OUTCOMES as error:
        return "failed", why(error)
    except Exception:  # handed to the parent, which raises it
        return "fault", traceback.format_exc()
    return "done", ""
