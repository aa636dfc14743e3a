"""One viewer's recording on the clock of the film: who it is of, and how much of the film it covers."""

import numpy as np
import pytest

from mien.study.viewer import Viewer, curve
from mien.testing import planted_timeline
from mien.timeline import Timeline

FILM = np.arange(21.0)


def recording(seconds: float, *, start: float = 0.0) -> Viewer:
    return Viewer("a", planted_timeline([[(0, "neutral")]], seconds=seconds, fps=10), start)


def test_who_is_in_sight_for_most_of_the_time_is_the_viewer_however_few_the_frames():
    """Ten frames in a second of the one; then the camera is slow, and five frames of the other last a second each."""
    both = planted_timeline([[(0, "sad"), (1, "")], [(0, ""), (1, "happy")]], seconds=1.5, fps=10)
    rows = [row | {"time_s": row["time_s"] if row["frame"] < 10 else row["frame"] - 9.0} for row in both.rows()]
    found = curve(Viewer("a", Timeline.from_rows(rows)), np.arange(6.0))
    assert (found.people, found.person) == (2, 1)


def test_what_lies_before_and_after_the_film_is_no_time_in_sight():
    """Unsure for five seconds of the film's twenty; sure for thirty before it, and for ten after it."""
    rows = [row | {"unsure": 33 <= row["time_s"] < 38} for row in recording(60).timeline.rows()]
    found = curve(Viewer("a", Timeline.from_rows(rows), start=30.0), FILM)
    assert found.unsure == pytest.approx(5 / 20)
    assert found.seen == pytest.approx(15 / 20)


def test_sure_time_is_a_share_of_the_film_and_not_of_the_time_in_sight():
    """Out of sight for half of it, then unsure for a quarter."""
    table = planted_timeline([[(0, ""), (10, "neutral")]], seconds=20, fps=10)
    rows = [row | {"unsure": 10 <= row["time_s"] < 15} for row in table.rows()]
    assert curve(Viewer("a", Timeline.from_rows(rows)), FILM).sure == pytest.approx(5 / 20, abs=0.01)


@pytest.mark.parametrize(
    ("seconds", "start", "covered"),
    [(20, 0, 20), (12, 0, 12), (60, 0, 20), (60, 30, 20), (34, 30, 4), (10, -5, 10), (60, -5, 15), (10, 30, 0), (10, -30, 0)],
)
def test_a_recording_covers_as_much_of_the_film_as_there_is(seconds: float, start: float, covered: float):
    """Longer than the film, begun before it or during it, or over before it begins."""
    assert curve(recording(seconds, start=start), FILM).length == pytest.approx(covered, abs=1e-6)
