"""The label that stands."""

import numpy as np
import pytest

from mien.track.hold import Hold


def run(hold: Hold, times, rows, person: int = 0, unsure=None) -> list[int]:
    """Labels of one person, whose faces are all sure unless it is said which are not."""
    flags, who = np.zeros(len(times), bool) if unsure is None else np.asarray(unsure, bool), np.array([person])
    faces = zip(times, rows, flags, strict=True)
    return [int(hold(float(t), who, np.array([row], np.float32), np.array([flag]))[0]) for t, row, flag in faces]


def times_as_probable(ratio: float) -> list[float]:
    """The second of two emotions is so many times as probable as the first."""
    return [1 / (1 + ratio), ratio / (1 + ratio)]


def test_another_has_to_lead_by_the_margin():
    hold = Hold(margin=1.5, seconds=0.0)
    assert run(hold, [0, 0.1, 0.2, 0.3], [times_as_probable(r) for r in (0.3, 1.4, 1.6, 1 / 1.4)]) == [0, 0, 1, 1]


def test_evidence_gathers_by_the_log_ratio_and_its_time():
    times = np.arange(8) / 10
    e_times = [0.1, *[np.e] * 7]  # 0.1 a frame
    assert run(Hold(margin=1, seconds=0.25), times, map(times_as_probable, e_times)) == [0, 0, 0, 1, 1, 1, 1, 1]
    clearer = [0.1, *[np.e**2] * 7]
    assert run(Hold(margin=1, seconds=0.25), times, map(times_as_probable, clearer)) == [0, 0, 1, 1, 1, 1, 1, 1]
    with_margin = Hold(margin=np.e, seconds=0.25)
    assert run(with_margin, times, map(times_as_probable, clearer)) == [0, 0, 0, 1, 1, 1, 1, 1]
    paused = [0.1, np.e, np.e, 1 / np.e, np.e, np.e, np.e, np.e]  # .1 .2 .1 .2 .3
    assert run(Hold(margin=1, seconds=0.25), times, map(times_as_probable, paused)) == [0, 0, 0, 0, 0, 1, 1, 1]


def test_evidence_never_falls_below_nothing():
    rows = [times_as_probable(r) for r in (*[1e-3] * 50, np.e, np.e, np.e)]
    assert run(Hold(margin=1, seconds=0.25), np.arange(53) / 10, rows) == [*[0] * 52, 1]


def test_a_faint_lead_that_lasts_is_shown_in_the_end():
    labels = run(Hold(margin=1.4, seconds=0.15), np.arange(100) / 25, [times_as_probable(r) for r in (0.5, *[2.2] * 99)])
    assert labels[0] == 0
    assert labels[-1] == 1
    assert 0.2 < labels.index(1) / 25 < 0.3  # log(1.4) / 2 / log(2.2)


@pytest.mark.parametrize(("ratio", "seconds"), [(1.6, 0.36), (1.39, 0.51), (1.2, 0.92), (1.05, 3.45)])
def test_a_lead_about_the_margin_or_below_it_takes_longer_but_not_for_ever(ratio, seconds):
    labels = run(Hold(margin=1.4, seconds=0.15), np.arange(250) / 25, [times_as_probable(r) for r in (0.5, *[ratio] * 249)])
    assert labels.index(1) / 25 == pytest.approx(seconds, abs=0.05)  # log(1.4) / 2 / log(ratio)
    assert set(labels[labels.index(1) :]) == {1}


def test_sampled_rarely_a_clear_change_is_shown_at_once():
    assert run(Hold(margin=1.4, seconds=0.15), [0, 0.5, 1.0], [times_as_probable(r) for r in (0.3, 3, 0.3)]) == [0, 1, 0]


def test_of_two_that_gathered_enough_the_stronger_takes_over():
    rows = [[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.2, 0.3, 0.5], [0.1, 0.5, 0.4]]
    assert run(Hold(margin=1, seconds=0.2), [0, 0.1, 0.2, 0.3], rows) == [0, 0, 0, 1]


def test_the_improbable_says_nothing():
    certain = Hold(margin=1, seconds=1.0)
    assert run(certain, [0, 0.01, 0.02], [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]) == [0, 0, 0]
    times = np.arange(8) / 100
    assert run(Hold(margin=1, seconds=0.3), times, [[1.0, 0.0], *[[0.0, 1.0]] * 7]) == [0] * 5 + [1] * 3  # 0.01 log(1000) a frame


def test_flicker_is_held_and_without_hysteresis_shown():
    rng = np.random.default_rng(0)
    rows = [times_as_probable(np.exp(x)) for x in rng.normal(-0.04, 0.16, 300)]
    times = np.arange(300) / 25
    assert len(set(run(Hold(margin=1.4, seconds=0.15), times, rows))) == 1
    assert np.count_nonzero(np.diff(run(Hold(margin=1, seconds=0), times, rows))) > 60


def test_without_margin_and_time_it_is_the_most_probable():
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(5), 100)
    assert run(Hold(margin=1, seconds=0), np.arange(100) / 25, rows) == rows.argmax(axis=1).tolist()


@pytest.mark.parametrize(("gap", "label"), [(1.9, 0), (2.1, 1)])
def test_after_a_long_absence_it_begins_anew(gap, label):
    assert run(Hold(margin=9, seconds=0, forget=2.0), [0, gap], [times_as_probable(0.3), times_as_probable(1.5)]) == [0, label]


def test_missing_numbers_keep_the_label():
    nothing = [np.nan, np.nan]
    assert run(Hold(margin=1.5, seconds=0), [0, 1, 2, 3], [nothing, times_as_probable(3), nothing, times_as_probable(3)]) == [0, 1, 1, 1]


def test_unsure_faces_leave_no_mark_on_the_labels_of_sure_ones():
    """Whatever they are, in any order of sure and unsure."""
    rng = np.random.default_rng(2)
    times, rows, unsure = np.arange(400) / 25, rng.dirichlet(np.ones(4), 400), rng.random(400) < 0.5
    for forget in (0.1, 2.0):
        labels = np.array(run(Hold(margin=1.2, seconds=0.05, forget=forget), times, rows, unsure=unsure))
        others = np.where(unsure[:, None], rng.dirichlet(np.ones(4), 400), rows)
        again = np.array(run(Hold(margin=1.2, seconds=0.05, forget=forget), times, others, unsure=unsure))
        assert labels[~unsure].tolist() == again[~unsure].tolist()
        assert len(set(labels[~unsure].tolist())) == 4
    assert labels.tolist() != run(Hold(margin=1.2, seconds=0.05, forget=forget), times, rows)


def test_a_sure_face_counts_for_its_own_time_alone():
    """0.1 s of evidence wanted 0.25 of: not reached by one face after a second of unsure ones."""
    rows = [times_as_probable(r) for r in (0.1, *[0.1] * 10, np.e, np.e, np.e)]
    assert run(Hold(margin=1, seconds=0.25), np.arange(14) / 10, rows, unsure=[0, *[1] * 10, 0, 0, 0])[-3:] == [0, 0, 1]


def test_unsure_faces_go_on_from_the_label_that_was_shown_last():
    """0.1 of evidence a face and 0.25 wanted; the sure face between takes back what the unsure ones gathered."""
    rows = [times_as_probable(r) for r in (0.1, *[np.e] * 4, 0.1, *[np.e] * 4)]
    unsure = [0, 1, 1, 1, 1, 0, 1, 1, 1, 1]
    assert run(Hold(margin=1, seconds=0.25), np.arange(10) / 10, rows, unsure=unsure) == [0, 0, 0, 1, 1, 0, 0, 0, 1, 1]
    assert run(Hold(margin=1, seconds=0.25), np.arange(5) / 10, rows[:5], unsure=np.ones(5)) == [0, 0, 0, 1, 1]  # who is never sure


def test_people_do_not_share_labels():
    hold = Hold(margin=1.4, seconds=0.15)
    first, sure = np.array([times_as_probable(0.3), times_as_probable(3)], np.float32), np.zeros(2, bool)
    assert hold(0.0, np.array([3, 5]), first, sure).tolist() == [0, 1]
    assert hold(0.1, np.array([5, 3]), first, sure).tolist() == [1, 0]
    assert hold(0.2, np.array([], np.int64), first[:0], sure[:0]).tolist() == []


def test_who_is_gone_is_dropped():
    hold = Hold(margin=1.4, seconds=0.15, forget=2.0)
    for i in range(2000):
        run(hold, [i / 10], [times_as_probable(3)], person=i)
    assert len(hold._past) < 60
