"""When it is each frame's turn."""

import numpy as np
import pytest

from mien.io.pace import EARLY_SECONDS, RARE_SECONDS, Pace


def played(stamps: list[float], *, took: float = 0.0, longest: float = EARLY_SECONDS) -> list[float]:
    """When each frame was shown if each one's work takes so many seconds; seconds since the first."""
    pace, now, shown = Pace(longest), 100.0, []
    for stamp in stamps:
        now = max(now, pace.due(stamp, now))
        shown.append(now - 100)
        now += took
    return shown


def test_frames_that_are_there_at_once_wait_for_their_turn():
    stamps = [70.0, 70.04, 70.5, 71.7]
    assert played(stamps) == pytest.approx([0, 0.04, 0.5, 1.7])


def test_nobody_waits_for_a_timestamp_that_jumped():
    """As at an advertisement in a stream, or where two recordings were joined: it froze, for as long as the jump was."""
    for jump in (1000, 3600, 1e9, -5, -1000):
        stamps = [n / 10 + (jump if n >= 30 else 0) for n in range(60)]
        assert played(stamps) == pytest.approx([n / 10 for n in range(60)])


def test_a_slow_source_keeps_its_pace():
    for step in (0.5, 4.0, 7.0, 20.0):
        shown = played([n * step for n in range(10)])
        assert np.diff(shown)[1:] == pytest.approx([step] * 8)
        assert shown[1] in (0, step)  # the first step of a very slow one may be a jump as well


def test_a_file_may_stand_still_for_a_minute():
    """As a film of slides does, from its first picture on."""
    for stamps in ([0, 7, 14, 15, 15.04], [0, 0.04, 0.08, 40, 40.04], [0, 59, 60, 119]):
        assert played(stamps, longest=RARE_SECONDS) == pytest.approx(stamps)
    assert played([0, 0.5, 1000, 1000.5], longest=RARE_SECONDS) == pytest.approx([0, 0.5, 1, 1.5])


def test_no_wait_is_longer_than_a_while():
    """Whatever the timestamps say."""
    rng = np.random.default_rng(3)
    fast, any_of_them = rng.choice([0.04, 0.1, 2, 1000, -40, 1e6], 300), rng.choice([0.04, 3, 30, 1000, -40, 1e6], 300)
    for steps, most in ((fast, EARLY_SECONDS), (any_of_them, RARE_SECONDS)):
        assert np.diff(played(list(np.cumsum(steps)))).max() <= most + 1e-3


def test_what_is_late_is_shown_at_once_and_the_pace_goes_on_from_there():
    pace = Pace()
    assert pace.due(0.0, 10.0) == 10
    assert pace.due(0.1, 10.5) == pytest.approx(10.1)  # a little late: the pace is kept
    assert pace.due(0.2, 13.0) == 13
    assert pace.due(0.3, 13.0) == pytest.approx(13.1)
