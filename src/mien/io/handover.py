"""A way for items from one thread to another, with room for a few, that a signal cannot break."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Handover(Generic[T]):
    """Items in their order. Made of queues in C: what a signal raises in the middle of queue.Queue may leave it locked, or the other thread
    asleep, for ever; here at worst the item is lost with which it was interrupted.

    room: items that may wait before `put` waits.
    """

    def __init__(self, room: int) -> None:
        self._items: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        self._room: queue.SimpleQueue[None] = queue.SimpleQueue()
        """One for each item that may still be put."""
        for _ in range(room):
            self._room.put(None)

    def put(self, item: T, *, seconds: float | None = None) -> bool:
        """Hand over an item when there is room; false when there was none for so many seconds."""
        try:
            self._room.get(timeout=seconds)
        except queue.Empty:
            return False
        self._items.put((item,))
        return True

    def end(self) -> None:
        """Nothing more comes. Waits for nothing."""
        self._items.put(None)

    def items(self) -> Iterator[T]:
        """Take items until they end."""
        while (item := self._items.get()) is not None:
            self._room.put(None)
            yield item[0]
