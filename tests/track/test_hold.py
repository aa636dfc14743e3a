"""The label that stands."""

import numpy as np
import pytest

from mien.track.hold import Hold


def run(hold: Hold, times, rows, person: int = 0) -> list[int]:
    return [int(hold(float(t), np.array([person]), np.array([row], np.float32))[0]) for t, row in zip(times, rows, strict=True)]


def leads(by: float) -> list[float]:
    """The second of two emotions leads the first by this much."""
    return [(1 - by) / 2, (1 + by) / 2]


def test_another_has_to_lead_by_the_margin():
    hold = Hold(margin=0.1, seconds=0.0)
    assert run(hold, [0, 1, 2, 3], [leads(-0.5), leads(0.08), leads(0.12), leads(-0.08)]) == [0, 0, 1, 1]


def test_another_has_to_lead_for_the_time_without_a_pause():
    times = np.arange(8) / 10
    rows = [leads(x) for x in (-0.5, 0.5, 0.5, 0.05, 0.5, 0.5, 0.5, 0.5)]
    assert run(Hold(margin=0.1, seconds=0.3), times, rows) == [0, 0, 0, 0, 0, 0, 1, 1]


def test_sampled_more_rarely_than_that_it_changes_at_once():
    assert run(Hold(margin=0.1, seconds=0.1), [0, 0.5, 1.0], [leads(-0.5), leads(0.5), leads(-0.5)]) == [0, 1, 0]


def test_of_two_that_lead_long_enough_the_stronger_takes_over():
    rows = [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.2, 0.3, 0.5], [0.1, 0.5, 0.4]]
    assert run(Hold(margin=0.05, seconds=0.3), [0, 0.1, 0.2, 0.3], rows) == [0, 0, 0, 1]


def test_flicker_is_held_and_without_hysteresis_shown():
    rng = np.random.default_rng(0)
    rows = [leads(x) for x in rng.normal(-0.02, 0.08, 300)]
    times = np.arange(300) / 25
    assert len(set(run(Hold(margin=0.1, seconds=0.2), times, rows))) == 1
    assert np.count_nonzero(np.diff(run(Hold(margin=0.0, seconds=0.0), times, rows))) > 60


def test_without_margin_and_time_it_is_the_most_probable():
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(5), 100)
    assert run(Hold(margin=0, seconds=0), np.arange(100) / 25, rows) == rows.argmax(axis=1).tolist()


@pytest.mark.parametrize(("gap", "label"), [(1.9, 0), (2.1, 1)])
def test_after_a_long_absence_it_begins_anew(gap, label):
    assert run(Hold(margin=0.9, seconds=0, forget=2.0), [0, gap], [leads(-0.5), leads(0.5)]) == [0, label]


def test_missing_numbers_keep_the_label():
    nothing = [np.nan, np.nan]
    assert run(Hold(margin=0.1, seconds=0.0), [0, 1, 2, 3], [nothing, leads(0.5), nothing, leads(0.5)]) == [0, 1, 1, 1]


def test_people_do_not_share_labels():
    hold = Hold(margin=0.1, seconds=0.2)
    first = np.array([leads(-0.5), leads(0.5)], np.float32)
    assert hold(0.0, np.array([3, 5]), first).tolist() == [0, 1]
    assert hold(0.1, np.array([5, 3]), first).tolist() == [1, 0]
    assert hold(0.2, np.array([], np.int64), first[:0]).tolist() == []


def test_who_is_gone_is_dropped():
    hold = Hold(margin=0.1, seconds=0.2, forget=2.0)
    for i in range(2000):
        run(hold, [i / 10], [leads(0.5)], person=i)
    assert len(hold._past) < 60
