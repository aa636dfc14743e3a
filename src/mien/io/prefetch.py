"""Work done ahead by a few threads, results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from mien.errors import UsageError

T = TypeVar("T")


def prefetched(jobs: Iterable[Callable[[], T]], *, ahead: int) -> Iterator[T]:
    """Results of the jobs in their order, up to `ahead` of them begun before they are asked for.

    `jobs` is drawn from lazily, in the caller's thread, and at most `ahead` finished results are held. A job's exception
    is raised where its result would have come and ends the run. Closing the iterator cancels what has not begun and
    waits for what has, so that no thread outlives it. With `ahead` 0 there are no threads.

    Raises:
        UsageError: at the call, for a negative `ahead`.
    """
    if ahead < 0:
        raise UsageError(f"ahead: found {ahead}, wanted 0 or more")
    return _threaded(jobs, ahead) if ahead else (job() for job in jobs)


def _threaded(jobs: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    pool = ThreadPoolExecutor(min(ahead, os.cpu_count() or 1), thread_name_prefix="mien-read")
    begun: deque[Future[T]] = deque()
    try:
        for job in jobs:
            begun.append(pool.submit(job))
            if len(begun) > ahead:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
