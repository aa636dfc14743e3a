"""Trials side by side, each in a process of its own.

Processes and not threads: PyTorch's seeds, thread counts and default types belong to the process, so that threads would disturb each
other and no trial could be repeated; and one that is killed for its memory does not end the others. They are started afresh (spawn),
since a copy of a process in which PyTorch's threads already run may hang. Only the parent speaks to Optuna and its database.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any

from mien.interrupt import held
from mien.train.tune.process import Objective, work
from mien.train.tune.trials import Course

PATIENCE = 10.0
"""Seconds for a process to end that has closed its line."""


class Worker:
    """A process that trains one trial after the other."""

    def __init__(self, objective: Objective) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, far = context.Pipe()
        self._process: BaseProcess = context.Process(target=work, args=(objective, far), daemon=True)
        self._process.start()
        far.close()
        self.course: Course | None = None

    def begin(self, course: Course) -> None:
        """Give it a trial."""
        self.course = course
        with suppress(BrokenPipeError):  # it has died since: the next message is the end of the line
            self.line.send((course.config, course.folder))

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        self._process.join()
        self._process.close()
        self.line.close()

    def lost(self) -> str:
        """How the process ended, which has closed its end of the line."""
        self._process.join(PATIENCE)
        code = self._process.exitcode
        self.end()
        return f"its process ended unexpectedly, with exit code {code}"


def side_by_side(objective: Objective, jobs: int, next_course: Callable[[int], Course | None], ended: Callable[[Course], None]) -> None:
    """Run trials in processes until there are no more.

    next_course: of how many run now, another to begin, or None. ended: called after each has its outcome. What goes wrong in a way that
    is no trial's outcome is raised here, and so are the watch's errors; then all processes are ended, and the trials in them interrupted.
    """
    idle: list[Worker] = []
    busy: dict[Any, Worker] = {}
    try:
        with held() as asked:  # a Ctrl-C within the study's own writing would break it
            while True:
                if asked():
                    raise KeyboardInterrupt
                while len(busy) < jobs and (course := next_course(len(busy))) is not None:
                    worker = idle.pop() if idle else Worker(objective)
                    busy[worker.line] = worker
                    worker.begin(course)
                if not busy:
                    return
                ready = wait(list(busy), timeout=0.2)
                if asked():  # before what the processes say, which have heard the Ctrl-C too
                    raise KeyboardInterrupt
                for line in ready:
                    worker = busy[line]
                    course = worker.course
                    assert course is not None
                    if _hear(worker, course):
                        del busy[line]
                        worker.course = None
                        if not worker.line.closed:
                            idle.append(worker)
                        ended(course)
    finally:
        for worker in busy.values():
            if worker.course is not None:
                worker.course.interrupted()
        for worker in [*idle, *busy.values()]:
            worker.end()


def _hear(worker: Worker, course: Course) -> bool:
    """Take one message of a worker; True when its trial has an outcome."""
    try:
        kind, said = worker.line.recv()
    except (EOFError, ConnectionResetError):
        course.failed(worker.lost())
        return True
    if kind == "epoch":
        over = course.watch(said)
        with suppress(BrokenPipeError):
            worker.line.send(over)
        return False
    if kind == "hopeless":
        raise said
    if kind == "fault":
        raise RuntimeError(f"trial {course.number} met a fault, which ends the search:\n{said}")
    if kind == "failed":
        course.failed(said)
    else:
        course.done()
    return True
