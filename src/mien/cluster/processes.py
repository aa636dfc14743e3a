"""Workers that are processes of this machine."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from mien.cluster.answers import Died, Slot
from mien.cluster.work import Answer, Order, read_block

Read = Callable[[Order, tuple[str, ...]], Answer]
PATIENCE = 5.0
"""Seconds that a process has to end."""


class Processes:
    """A `mien.cluster.answers.Workers` of processes, each begun when there is work for it, and a new one in place of one that died.

    They are not forked, since threads do not survive that: a program that makes one keeps what it does under `if __name__ == "__main__":`.

    order: how inputs are read. size: how many processes.
    """

    def __init__(self, order: Order, size: int, *, read: Read = read_block) -> None:
        self.size = size
        self._order, self._read = order, read
        self._context = multiprocessing.get_context("spawn")
        self._waiting: deque[Slot] = deque()
        self._free: list[_Worker] = []
        self._busy: dict[Connection, tuple[_Worker, Slot]] = {}

    def put(self, slot: Slot, /) -> None:
        """Have a block read, now or when a process is free."""
        self._waiting.append(slot)
        self._start()

    def get(self) -> tuple[Slot, Answer | Died]:
        """Wait for a block that was read, or whose process died."""
        self._start()
        ready = wait(list(self._busy))[0]
        assert isinstance(ready, Connection)
        worker, slot = self._busy.pop(ready)
        try:
            answer: Answer = worker.pipe.recv()
        except (EOFError, OSError):
            return slot, Died(worker.ended())
        self._free.append(worker)
        self._start()
        return slot, answer

    def _start(self) -> None:
        while self._waiting and len(self._busy) < self.size:
            worker = self._free.pop() if self._free else _Worker.begun(self._context, self._read, self._order)
            slot = self._waiting.popleft()
            self._busy[worker.pipe] = worker, slot
            with contextlib.suppress(OSError):  # it has died meanwhile, as `get` will see
                worker.pipe.send(slot.names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        for worker in [*self._free, *(worker for worker, _ in self._busy.values())]:
            worker.ended()


class _Worker:
    """A process, and this end of the pipe to it."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self.process, self.pipe = process, pipe

    @classmethod
    def begun(cls, context: multiprocessing.context.SpawnContext, read: Read, order: Order) -> Self:
        pipe, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, read, order), name="mien-batch", daemon=True)
        process.start()
        theirs.close()  # so that the pipe ends with the process
        return cls(process, pipe)

    def ended(self) -> str:
        """End the process, if it has not done so itself; says how it ended."""
        self.pipe.close()
        if self.process.exitcode is None:
            self.process.join(0.1)
            self.process.terminate()
            self.process.join(PATIENCE)
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        return f"signal {_signal(-code)}" if code < 0 else f"exit code {code}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _serve(pipe: Connection, read: Read, order: Order) -> None:
    """What a process does: read blocks until the other side is gone."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the one that began all this
    cv2.setNumThreads(max(order.options.threads, 1))
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(read(order, pipe.recv()))
