"""The newest frame wins; rates are measured; time never goes back."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import SourceUnreadable
from mien.io.events import Failure, Notice
from mien.io.newest import LiveClock, Newest, Rate, Shot


def shot(index: int) -> Shot:
    return Shot(lambda: np.zeros((1, 1, 3), np.uint8), index, index / 10)


def test_a_shot_that_nobody_took_gives_way():
    newest = Newest()
    for index in range(10):
        newest.put(shot(index))
    assert newest.take(0).index == 9
    assert newest.take(0) is None
    assert newest.dropped == 9
    newest.put(shot(10))
    assert newest.take(0).index == 10
    assert newest.dropped == 9


def test_events_are_never_lost_and_keep_their_order():
    newest = Newest()
    newest.put(shot(0))
    newest.tell(Notice("x", "lost"))
    newest.tell(Notice("x", "again"))
    newest.put(shot(1))
    newest.put(shot(2))
    failure = Failure("x", SourceUnreadable("gone"))
    newest.tell(failure)
    newest.end()
    taken = [newest.take(0) for _ in range(4)]
    assert [getattr(item, "message", None) or getattr(item, "index", None) for item in taken[:3]] == ["lost", "again", 2]
    assert taken[3] is failure
    assert newest.ended


def test_what_waits_is_taken_before_it_is_over():
    newest = Newest()
    newest.put(shot(0))
    newest.end()
    assert not newest.ended
    assert newest.take(0).index == 0
    assert newest.ended
    assert newest.take(60) is None  # at once, not after a minute


def test_no_shot_is_dropped_when_each_waits_for_the_one_before():
    newest = Newest()
    thread = threading.Thread(target=lambda: [newest.put_when_free(shot(index)) for index in range(50)])
    thread.start()
    assert [newest.take(30).index for _ in range(50)] == list(range(50))
    thread.join(30)
    assert newest.dropped == 0


def test_the_end_frees_who_waits():
    newest = Newest()
    newest.put_when_free(shot(0))
    thread = threading.Thread(target=lambda: newest.put_when_free(shot(1)))
    thread.start()
    newest.end()
    thread.join(30)
    assert not thread.is_alive()


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_is_that_of_the_last_seconds():
    watch = Watch()
    rate = Rate(2.0, watch)
    assert rate.value == 0
    for _ in range(11):  # ten intervals of 0.1 s
        rate.tick()
        watch.now += 0.1
    watch.now -= 0.1
    assert rate.value == pytest.approx(10)
    for _ in range(60):  # then slower: after more than 2 s the fast ones are forgotten
        watch.now += 0.25
        rate.tick()
    assert rate.value == pytest.approx(4)
    watch.now += 5
    assert rate.value == 0


def test_time_follows_the_sources_own_stamps_and_not_the_networks_fits():
    clock = LiveClock()
    arrivals = [0.0, 0.3, 0.31, 0.32, 0.5]
    assert [clock.at(70 + i * 0.1, 1000 + arrival) for i, arrival in enumerate(arrivals)] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_without_stamps_time_is_that_of_arrival():
    clock = LiveClock()
    assert [clock.at(None, at) for at in (5.0, 5.5, 7.25)] == [0, 0.5, 2.25]


def test_stamps_that_run_away_are_not_believed():
    clock = LiveClock()
    clock.at(0.0, 10.0)
    assert clock.at(900.0, 10.5) == pytest.approx(0.5)
    assert clock.at(900.1, 10.7) == pytest.approx(0.6)  # from there on they keep step again


def test_after_a_reconnection_time_goes_on():
    clock = LiveClock()
    clock.at(0.0, 10.0)
    clock.at(1.0, 11.0)
    clock.restart()
    assert clock.at(0.0, 14.0) == pytest.approx(4.0)
    assert clock.at(0.5, 14.6) == pytest.approx(4.5)


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.floats(-1e6, 1e6)), st.floats(0, 2), st.booleans()),
        min_size=1,
        max_size=50,
    )
)
def test_time_always_rises_and_keeps_to_the_arrival(steps):
    clock, arrived, last = LiveClock(), 50.0, -1.0
    for stamp, wait, restarted in steps:
        arrived += wait
        if restarted:
            clock.restart()
        now = clock.at(stamp, arrived)
        assert now > last
        assert now <= arrived - 50 + sum(step[1] for step in steps[:1]) + 1.001  # never more than a second ahead
        last = now
