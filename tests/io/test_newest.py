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


def test_what_was_looked_at_before_the_first_frame_keeps_its_steps():
    """FFmpeg looks at a second of a stream before it gives a frame, then gives all of it at once; what follows comes as it is made.

    The frames were stamped a microsecond apart once their time had run a second ahead: no smoothing over time works on such.
    """
    clock, times, wanted = LiveClock(), [], []
    for opened in (1000.0, 1030.0):  # connected, and once more
        if opened > 1000:
            clock.restart()
        for n in range(60):
            made = opened + 0.2 + n / 10
            times.append(clock.at(7 + n / 10, max(made, opened + 1.5), opened))
            wanted.append(made - 1000.2)
    assert np.diff(times[:60]) == pytest.approx([0.1] * 59)
    assert np.diff(times[60:]) == pytest.approx([0.1] * 59)
    assert times == pytest.approx(wanted, abs=0.21)  # since the connection began, at most


def test_a_burst_that_is_too_long_is_not_ahead_of_arrival():
    """A server that sends the last 10 s first: from the end of that on, the steps are the source's."""
    clock = LiveClock()
    arrived = [1000 + n / 1000 for n in range(100)] + [1000.099 + n / 10 for n in range(1, 60)]
    times = [clock.at(n / 10, at, 998.5) for n, at in enumerate(arrived)]
    assert (np.diff(times) > 0).all()
    assert (np.array(times) <= np.array(arrived) - 998.5 + 1e-4).all()
    assert np.diff(times[99:]) == pytest.approx([0.1] * 59)


def test_frames_that_were_held_back_are_not_late():
    """What the network, or FFmpeg, still had when a stream stalled comes seconds later: those who are seen in it are the same people."""
    clock = LiveClock()
    times = [clock.at(n / 10, 1000 + n / 10) for n in range(30)]
    times += [clock.at(n / 10, 1008.0) for n in range(30, 33)]  # the stream stands still, and what there was is handed out
    assert np.diff(times) == pytest.approx([0.1] * 32)
    times += [clock.at(n / 10, 1005 + n / 10) for n in range(33, 90)]  # it goes on, 5 s behind
    times += [clock.at(n / 10, 1012 + n / 10) for n in range(90, 150)]  # and stalls once more
    assert np.diff(times) == pytest.approx([0.1] * 149)


def test_timestamps_that_fall_behind_more_and_more_are_not_believed():
    """Invented ones: 25 frames a second of a camera that gives 10, or one in 3 s."""
    for step in (0.1, 3.0):
        clock, arrived = LiveClock(), np.arange(600) * step
        times = np.array([clock.at(n / 25, 1000 + at) for n, at in enumerate(arrived)])
        assert (np.diff(times) > 0).all()
        assert (times <= arrived + 1e-6).all()
        assert (times >= arrived - max(step, 2.1)).all()


@pytest.mark.parametrize("step", [0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
@pytest.mark.parametrize("jitter", [0.0, 0.2])
@pytest.mark.parametrize("burst", [0, 12])
def test_a_slow_source_with_invented_timestamps_gets_its_own_steps(step: float, jitter: float, burst: int) -> None:
    """25 frames a second, it says; every second frame was seconds off. Once that is plain those of arrival count."""
    rng = np.random.default_rng(7)
    clock, arrived = LiveClock(), np.concatenate([np.zeros(burst), step * (np.arange(60) + jitter * rng.uniform(-1, 1, 60)) + step])
    times = np.array([clock.at(n / 25, 1000 + at, 998.0) for n, at in enumerate(arrived)])
    sure = burst + round(8 / step) + 2
    assert (np.diff(times) > 0).all()
    assert np.diff(times[sure:]) == pytest.approx(np.diff(arrived[sure:]), abs=1e-6)
    clock.restart()  # the next connection may have better ones
    after = [clock.at(n / 10, 2000 + n / 10 + 0.05 * (n % 2)) for n in range(20)]
    assert np.diff(after) == pytest.approx([0.1] * 19)


def test_a_source_that_stalls_again_and_again_is_believed() -> None:
    """As long as its frames come in step between the stalls, however often that is."""
    clock, behind, times = LiveClock(), 0.0, []
    for n in range(300):
        behind += 3.0 if n % 20 == 19 else 0.0
        times.append(clock.at(n / 10, 1000 + n / 10 + behind))
    assert np.diff(times) == pytest.approx([0.1] * 299)


def test_stamps_that_go_back_are_not_believed():
    for back in (0.3, 2.0, 1e5):
        clock = LiveClock()
        times = [clock.at(n / 10 - (back if n >= 30 else 0), 1000 + n / 10) for n in range(60)]
        assert times == pytest.approx(np.arange(60) / 10)


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.floats(-1e6, 1e6)), st.floats(0, 2), st.booleans(), st.booleans()),
        min_size=1,
        max_size=50,
    )
)
def test_time_always_rises_and_is_never_ahead_of_arrival(steps):
    clock, arrived, last = LiveClock(), 50.0, -1.0
    for stamp, wait, restarted, waited in steps:
        before, arrived = arrived, arrived + wait
        if restarted:
            clock.restart()
        now = clock.at(stamp, arrived, before if waited else None)
        assert now > last
        assert now <= arrived - 50 + 1e-6 * len(steps)
        last = now
