"""How long work tells what it does and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Say = Callable[[str], None]
Counter = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Called with a number and what is counted, gives a context in which it is told how many are done: `cli.render.progress_counter`."""


def silent(total: int, noun: str) -> AbstractContextManager[Callable[[int], None]]:
    """A counter that says nothing."""
    return nullcontext(lambda done: None)
