import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mien.errors import UsageError
from mien.io.prefetch import prefetched


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("mien-read")]


@pytest.mark.parametrize("ahead", [0, 1, 2, 7])
def test_results_come_in_order(ahead: int) -> None:
    def job(number: int) -> Callable[[], int]:
        def work() -> int:
            time.sleep(0.002 * (number % 3))
            return number

        return work

    assert list(prefetched(map(job, range(20)), ahead=ahead)) == list(range(20))
    assert list(prefetched([], ahead=ahead)) == []
    assert not readers()


@pytest.mark.parametrize("ahead", [0, 3])
def test_no_more_is_begun_than_asked_for(ahead: int) -> None:
    drawn = 0

    def jobs() -> Iterator[Callable[[], int]]:
        nonlocal drawn
        while True:
            drawn += 1
            yield lambda: 1

    results = prefetched(jobs(), ahead=ahead)
    for taken in range(1, 6):
        next(results)
        assert drawn == taken + ahead
    results.close()  # type: ignore[attr-defined]
    assert not readers()


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_workers_exception_comes_in_its_place_and_ends_the_run(ahead: int) -> None:
    def fail() -> int:
        raise ZeroDivisionError("here")

    results = prefetched([lambda: 1, fail, lambda: 3], ahead=ahead)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError, match="here"):
        next(results)
    assert list(results) == []
    assert not readers()


def test_closing_early_cancels_what_has_not_begun() -> None:
    done = []
    results = prefetched((lambda n=n: done.append(n) or time.sleep(0.01) for n in range(100)), ahead=4)  # type: ignore[misc]
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(done) <= 5
    assert not readers()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: one thread")
def test_jobs_overlap() -> None:
    meeting = threading.Barrier(2, timeout=5)  # breaks unless two jobs are in it at once
    assert sorted(prefetched([meeting.wait, meeting.wait], ahead=2)) == [0, 1]


def test_a_negative_number_is_refused_at_the_call() -> None:
    with pytest.raises(UsageError, match="ahead: found -1"):
        prefetched([], ahead=-1)
