"""An iterator that works in a thread of its own, some items ahead of who takes them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Generic, TypeVar

T = TypeVar("T")


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
    Closing this iterator closes that one and waits for the thread, so that no thread outlives it. With `ahead` 0 there is none.

    weigh, most: an item's weight, such as bytes, and the weight at which the thread waits though there are fewer than `ahead`
    items; at least one is always made.
    """
    if not ahead:
        yield from work()
        return
    line: _Line[T] = _Line(ahead, weigh, most)
    thread = threading.Thread(target=line.fill, args=(work,), name=name, daemon=True)
    thread.start()
    try:
        yield from line.items()
    finally:
        line.stop()
        if thread is not threading.current_thread():  # where the thread itself collects an iterator that nobody holds any more
            thread.join()


class _Line(Generic[T]):
    """Items waiting in their order between two threads."""

    def __init__(self, ahead: int, weigh: Callable[[T], int], most: int) -> None:
        self._ahead, self._weigh, self._most = ahead, weigh, most
        self._waiting: deque[T] = deque()
        self._weight = 0
        self._changed = threading.Condition()
        self._stopped = self._ended = False
        self._error: BaseException | None = None

    def fill(self, work: Callable[[], Generator[T, None, None]]) -> None:
        """Make items until they end or nobody wants more."""
        error: BaseException | None = None
        try:
            with closing(work()) as items:
                for item in items:
                    if not self._put(item):
                        break
        except BaseException as raised:  # raised again in the consumer's thread
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify_all()

    def items(self) -> Iterator[T]:
        """Take items until they end; raise what the making of them raised."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._waiting.popleft()
                self._weight -= self._weigh(item)
                self._changed.notify_all()
            yield item

    def stop(self) -> None:
        """Nobody wants more."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()

    def _put(self, item: T) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._has_room())
            if not self._stopped:
                self._waiting.append(item)
                self._weight += self._weigh(item)
                self._changed.notify_all()
            return not self._stopped

    def _has_room(self) -> bool:
        return not self._waiting or (len(self._waiting) < self._ahead and (not self._most or self._weight < self._most))
