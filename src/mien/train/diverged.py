"""A training whose numbers have grown beyond what a float holds: it ends there, since nothing it would learn from then on is of use."""

from __future__ import annotations

import math

from mien.errors import UsageError


class Diverged(UsageError):
    """The loss of a training is no number any more: its steps were too large.

    leader: whether it is of the first of the processes that train together.
    """

    def __init__(self, message: str, *, leader: bool = True) -> None:
        super().__init__(message)
        self.leader = leader


def check_loss(loss: float, what: str, where: str, *, leader: bool = True) -> None:
    """Raise Diverged for a loss that is NaN or infinite.

    what: `the loss`, or which. where: such as `epoch 3, batch 7`, both counted from 1 as in all that is told of a training.
    """
    if not math.isfinite(loss):
        raise Diverged(f"training: {what} is {loss} in {where}; lower `rate`, or take another `net` or `head`", leader=leader)
