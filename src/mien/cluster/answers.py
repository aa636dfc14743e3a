"""Blocks handed out to workers; their answers in the order of the inputs, whatever happens to a worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from typing import Protocol

from mien import __version__
from mien.cluster.work import Answer
from mien.errors import MienError, UsageError

AHEAD = 8
"""Blocks that are handed out before the first of them is back, for each worker: the others go on while one reads a long video."""


class Slot:
    """A block on its way."""

    __slots__ = ("answer", "deaths", "names")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.deaths = 0
        """Of workers that read it."""
        self.answer: Answer | None = None


class Died(Exception):
    """A worker that ended while it read: killed where memory ran out, or by a fault in a library. The text says how."""


class Workers(Protocol):
    """Whoever reads blocks. A context manager: leaving it ends all of them."""

    @property
    def size(self) -> int:
        """How many blocks can be read at the same time."""
        ...

    def put(self, slot: Slot, /) -> None:
        """Have a block read, now or when a worker is free."""
        ...

    def get(self) -> tuple[Slot, Answer | Died]:
        """Wait for a block that was read, any of those that were put."""
        ...


def answers(blocks: Iterable[Sequence[str]], workers: Workers) -> Generator[Answer, None, None]:
    """What is found in each block, in their order.

    Of a block whose worker dies each input is read by itself, and one that kills two workers is told of as a failure.

    Raises UsageError where a worker is of another mien, MienError where it lacks a model.
    """
    coming, waiting = iter(blocks), deque[Slot]()
    more = True
    while True:
        while more and len(waiting) < AHEAD * workers.size:
            block = next(coming, None)
            if block is None:
                more = False
            else:
                waiting.append(slot := Slot(block))
                workers.put(slot)
        while waiting and waiting[0].answer is not None:
            yield _checked(waiting.popleft().answer)
        if not waiting:
            if not more:
                return
            continue
        slot, found = workers.get()
        if isinstance(found, Answer):
            slot.answer = found
        elif len(slot.names) > 1:
            singles = [Slot((name,)) for name in slot.names]
            at = waiting.index(slot)
            del waiting[at]
            for i, single in enumerate(singles):
                waiting.insert(at + i, single)
                workers.put(single)
        elif slot.deaths:
            (name,) = slot.names
            slot.answer = Answer(failures=((name, f"{name}: ended the process that read it, twice ({found})"),))
        else:
            slot.deaths = 1
            workers.put(slot)


def _checked(answer: Answer | None) -> Answer:
    assert answer is not None
    if answer.version != __version__:
        raise UsageError(f"a machine of the cluster has mien {answer.version}, this one {__version__}; wanted the same on all")
    if answer.refused:
        raise MienError(f"a worker: {answer.refused}")
    return answer
