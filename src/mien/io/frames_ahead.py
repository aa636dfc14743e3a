"""An iterator that works in a thread of its own, some items ahead of who takes them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, Generic, TypeVar

from mien.io.at_exit import stopped_at_exit

T = TypeVar("T")

_here = threading.local()
"""`line`: of a thread that makes items, the line they stand in."""


def in_background(
    work: Callable[[], Generator[T, None, None]],
    *,
    ahead: int,
    weigh: Callable[[T], int] = lambda _: 0,
    most: int = 0,
    name: str = "mien-ahead",
) -> Generator[T, None, None]:
    """Items of the generator that `work` makes, made in a thread that is up to `ahead` of them before the consumer.

    The thread starts with the first item asked for. What the iterator raises is raised where its next item would have come.
    Closing this iterator closes that one and waits for the thread, so that no thread outlives it; so does the end of the interpreter.
    Who waits for something in there, such as more of a pipe, asks `is_wanted` meanwhile. With `ahead` 0 there is no thread.

    weigh, most: an item's weight, such as bytes, and the weight at which the thread waits though there are fewer than `ahead`
    items; at least one is always made.
    """
    if not ahead:
        yield from work()
        return
    line = _Line(work, ahead, weigh, most, name)
    try:
        line.start()
        yield from line.items()
    finally:
        line.stop()
        if line.thread.is_alive() and line.thread is not threading.current_thread():  # it may itself collect an iterator that nobody holds
            line.thread.join()


def is_wanted() -> bool:
    """Whether somebody wants what this thread makes: not in a thread of `in_background` whose iterator was closed.

    Nor where that is so of the thread that takes what this one makes, which may wait for it.
    """
    line = _line_here()
    while line is not None and not line.is_stopped:
        line = line.taker
    return line is None


def _line_here() -> _Line[Any] | None:
    line: _Line[Any] | None = getattr(_here, "line", None)
    return line


class _Line(Generic[T]):
    """Items in their order between the thread that makes them and the one that takes them.

    Both ways are queues in C, which a Ctrl-C in the middle of them, or the garbage collector closing the iterator there, leaves whole.
    A Condition or queue.Queue may stay locked for ever then.
    """

    def __init__(self, work: Callable[[], Generator[T, None, None]], ahead: int, weigh: Callable[[T], int], most: int, name: str) -> None:
        self._ahead, self._weigh, self._most = ahead, weigh, most
        self._made: queue.SimpleQueue[tuple[T, int] | None] = queue.SimpleQueue()
        """Items with their weights; None behind the last one."""
        self._taken: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        """Weights of items that were taken; None to wake the thread."""
        self._count = self._weight = 0  # of the items that wait, as the thread knows it
        self.is_stopped = False
        self.taker = _line_here()
        """That of the thread that takes the items, if it makes some itself."""
        self._error: BaseException | None = None
        self.thread = threading.Thread(target=self._fill, args=(work,), name=name, daemon=True)

    def start(self) -> None:
        """Begin to make items."""
        stopped_at_exit(self)
        self.thread.start()

    def items(self) -> Iterator[T]:
        """Take items until they end; raise what the making of them raised."""
        while (made := self._made.get()) is not None:
            item, weight = made
            self._taken.put(weight)
            yield item
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Nobody wants more."""
        self.is_stopped = True
        self._taken.put(None)

    # What follows runs in the thread.

    def _fill(self, work: Callable[[], Generator[T, None, None]]) -> None:
        """Make items until they end or nobody wants more."""
        _here.line = self
        try:
            with closing(work()) as items:
                for item in items:
                    if not self._has_room():
                        break
                    weight = self._weigh(item)
                    self._count, self._weight = self._count + 1, self._weight + weight
                    self._made.put((item, weight))
        except BaseException as raised:  # raised again in the consumer's thread
            self._error = raised
        self._made.put(None)

    def _has_room(self) -> bool:
        """Wait until there is room for an item; false when nobody wants it."""
        while not self.is_stopped:
            full = self._count and (self._count >= self._ahead or (self._most and self._weight >= self._most))
            try:
                taken = self._taken.get(block=bool(full))
            except queue.Empty:
                return True
            if taken is not None:
                self._count, self._weight = self._count - 1, self._weight - taken
        return False
