"""Visitor studies on made visitors."""

import dataclasses

import numpy as np
import pytest

from mien.errors import DataError, UsageError
from mien.study.viewer import MEASURES
from mien.study.visitors import VisitorSettings, compare, people_in
from mien.testing import planted_timeline
from mien.timeline import Timeline

VALENCE, HAPPY = MEASURES.index("valence"), MEASURES.index("p_happy")
QUICK = VisitorSettings(rounds=400)


def visitors(share: float, *, n: int = 14, seed: int = 0) -> Timeline:
    """A recording in which people pass one after the other, `share` of them smiling."""
    rng = np.random.default_rng(seed)
    shown = rng.permutation(["happy"] * round(share * n) + ["neutral"] * (n - round(share * n)))
    return planted_timeline(
        [[(0, ""), (i, name), (i + 0.8, "")] for i, name in enumerate(shown)], seconds=n + 1, fps=10, noise=0.3, seed=seed
    )


def test_more_smiles_on_leaving_are_found():
    found = compare([people_in(visitors(0.2), leaving=False), people_in(visitors(0.8, seed=1), leaving=True)], QUICK)
    whole = found.periods[0]
    assert whole.counts == (14, 14)
    assert whole.difference.mean[HAPPY] == pytest.approx(0.6 * 0.7, abs=0.1)
    assert whole.difference.low[HAPPY] > 0
    assert whole.p[HAPPY] <= 0.05
    assert whole.difference.mean[VALENCE] == pytest.approx(whole.leaving.mean[VALENCE] - whole.entering.mean[VALENCE])


def test_where_both_sides_are_alike_the_interval_holds_zero():
    found = compare([people_in(visitors(0.5), leaving=False), people_in(visitors(0.5, seed=3), leaving=True)], QUICK)
    whole = found.periods[0]
    assert whole.difference.low[HAPPY] < 0 < whole.difference.high[HAPPY]
    assert whole.p.min() > 0.05


def test_each_person_counts_once_and_only_sure_faces():
    table = planted_timeline([[(0, "happy"), (9, "")], [(0, "neutral"), (1, "")], [(2, "sad"), (2.2, "")]], seconds=10, fps=10, noise=0.1)
    got = people_in(table, leaving=True, settings=QUICK)
    assert (len(got.values), got.passed) == (2, 1)  # .2 s are too short
    assert sorted(got.values[:, HAPPY].tolist()) == pytest.approx([0.0, 0.75], abs=0.06)
    rows = [row | {"unsure": row["person"] == 0} for row in table.rows()]
    assert len(people_in(Timeline.from_rows(rows), leaving=True, settings=QUICK).values) == 1


def test_a_frame_without_a_value_takes_nothing_but_itself():
    rows = list(planted_timeline([[(0, "happy")]], seconds=2, fps=10, noise=0.3).rows())
    rows = [row | {"valence": None if row["frame"] == 3 else row["valence"], "arousal": None} for row in rows]
    got = people_in(Timeline.from_rows(rows), leaving=True, settings=QUICK).values
    assert got[0, VALENCE] == pytest.approx(np.mean([row["valence"] for row in rows if row["frame"] != 3]))
    assert np.isnan(got[0, MEASURES.index("arousal")])
    assert got[0, HAPPY] == pytest.approx(np.mean([row["p_happy"] for row in rows]))


def test_faces_of_pictures_are_each_somebody():
    rows = []
    for name in ("a.jpg", "b.jpg"):
        one = planted_timeline([[(0, "happy")], [(0, "sad")]], seconds=0.04, source=name)
        rows += [row | {"person": None} for row in one.rows()]
    assert len(people_in(Timeline.from_rows(rows), leaving=False).values) == 4


def test_a_recording_whose_people_cannot_be_followed_is_refused():
    """Else one person counts as several, and figures of a few people pass for those of many."""
    rare = planted_timeline([[(0, "happy")]], seconds=20, fps=0.5)
    with pytest.raises(DataError, match=r"2 s apart; wanted 1 s at most"):
        people_in(rare, leaving=False)
    people_in(planted_timeline([[(0, "happy")]], seconds=20, fps=29.97 / 30), leaving=False)  # a second, as American video has it
    rows = [row | {"person": None} for row in planted_timeline([[(0, "happy")]], seconds=2, fps=10).rows()]
    with pytest.raises(DataError, match="no numbers"):
        people_in(Timeline.from_rows(rows), leaving=False)


def test_periods_with_few_people_are_not_told():
    parts = []
    for k, (period, n) in enumerate((("monday", 12), ("tuesday", 12), ("wednesday", 3))):
        for leaving in (False, True):
            parts.append(people_in(visitors(0.5, n=n, seed=k), leaving=leaving, period=period))
    found = compare(parts, QUICK)
    assert [one.name for one in found.periods] == ["", "monday", "tuesday"]
    assert found.withheld == ("wednesday",)
    assert found.periods[0].counts == (24, 24)  # without the three, who could be told from the whole less the other days
    assert [part.passed for part in parts] == [0] * 6
    short = [dataclasses.replace(part, passed=1) for part in parts]
    assert compare(short, QUICK).passed == 4  # of the day that is not told, not even how many did not count
    few = compare([people_in(visitors(0.5, n=4, seed=k), leaving=k % 2 == 1, period=f"day {k // 2}") for k in range(4)], QUICK)
    assert (len(few.periods), few.withheld, few.periods[0].counts) == (1, (), (8, 8))  # no day is told, so the whole gives none away


def test_who_comes_at_which_time_of_day_is_no_difference():
    """Many come in the sad morning and many leave in the happy evening (Simpson's paradox): within both nothing changes."""
    parts = []
    for k, (period, share, came, left) in enumerate((("morning", 0.1, 40, 8), ("evening", 0.9, 8, 40))):
        parts += [
            people_in(visitors(share, n=n, seed=10 * k + side), leaving=bool(side), period=period) for side, n in enumerate((came, left))
        ]
    whole, *periods = compare(parts, QUICK).periods
    assert whole.leaving.mean[HAPPY] - whole.entering.mean[HAPPY] > 0.3  # which is the time of day
    within = [one.difference.mean[HAPPY] for one in periods]
    assert whole.difference.mean[HAPPY] == pytest.approx(np.mean(within))  # both weigh 40 * 8 / 48
    assert whole.difference.low[HAPPY] < 0 < whole.difference.high[HAPPY]
    assert whole.p.min() > 0.05
    together = compare([dataclasses.replace(part, period="") for part in parts], QUICK).periods[0]
    assert together.p[VALENCE] <= 0.01


def test_periods_that_are_too_small_to_be_told_are_compared_within_all_the_same():
    parts = []
    for k, (period, share, came, left) in enumerate((("morning", 0.1, 40, 4), ("evening", 0.9, 4, 40))):
        parts += [
            people_in(visitors(share, n=n, seed=10 * k + side), leaving=bool(side), period=period) for side, n in enumerate((came, left))
        ]
    found = compare(parts, QUICK)
    assert (len(found.periods), found.withheld, found.within, found.periods[0].counts) == (1, (), True, (44, 44))
    assert found.periods[0].p[VALENCE] > 0.05
    assert compare([dataclasses.replace(part, period="") for part in parts], QUICK).periods[0].p[VALENCE] <= 0.01  # by the time of day
    assert found.periods[0].difference.low[HAPPY] < 0 < found.periods[0].difference.high[HAPPY]
    lonely = [people_in(visitors(0.5, n=8, seed=k), leaving=k % 2 == 1, period=f"day {k}") for k in range(4)]
    with pytest.raises(DataError, match="no period has two people on both sides"):
        compare(lonely, QUICK)


def test_a_measure_that_one_person_of_a_period_has_cannot_be_had_from_the_whole():
    days = [people_in(visitors(0.5, n=8, seed=k), leaving=k % 2 == 1, period=f"day {k // 2}") for k in range(4)]
    days[0].values[1:, VALENCE] = np.nan
    found = compare(days, QUICK)
    whole, first, second = found.periods
    assert np.isnan([first.entering.mean[VALENCE], first.difference.mean[VALENCE]]).all()
    assert whole.entering.mean[VALENCE] == pytest.approx(second.entering.mean[VALENCE])
    assert whole.entering.n[VALENCE] == 8


def test_people_of_no_period_cannot_be_told_from_the_whole():
    """One person more than the days together have would be the whole less the days."""
    days = [people_in(visitors(0.5, n=10, seed=k), leaving=k % 2 == 1, period=f"day {k // 2}") for k in range(4)]
    found = compare([*days, people_in(visitors(1.0, n=1), leaving=False)], QUICK)
    assert found.withheld == ("no period",)
    assert found.periods[0].counts == (20, 20)
    more = compare([*days, *(people_in(visitors(0.5, n=8, seed=9), leaving=side) for side in (False, True))], QUICK)
    assert [one.name for one in more.periods] == ["", "day 0", "day 1", "no period"]


def test_a_measure_that_few_people_have_is_not_told():
    came, left = people_in(visitors(0.5), leaving=False), people_in(visitors(0.5, seed=1), leaving=True)
    came.values[4:, VALENCE] = np.nan
    whole = compare([came, left], QUICK).periods[0]
    assert np.isnan([whole.entering.mean[VALENCE], whole.leaving.mean[VALENCE], whole.difference.mean[VALENCE], whole.p[VALENCE]]).all()
    assert np.isfinite(whole.difference.mean[HAPPY])


def test_too_few_people_and_wrong_settings_are_refused():
    with pytest.raises(DataError, match="found 3 entering and 14 leaving; wanted at least 5 people"):
        compare([people_in(visitors(0.5, n=3), leaving=False), people_in(visitors(0.5), leaving=True)], QUICK)
    for setting, words in (
        ({"least_people": 1}, r"^least_people is 1; wanted at least 3, so that nobody can be recognised in the figures$"),
        ({"least_seconds": -1}, r"^least_seconds is -1; wanted 0 or more$"),
        ({"rounds": 5}, r"^rounds is 5 and seed 0; wanted rounds of at least 100 and a seed of 0 or more$"),
        ({"seed": -1}, r"^rounds is 5000 and seed -1; wanted rounds of at least 100 and a seed of 0 or more$"),
    ):
        with pytest.raises(UsageError, match=words):
            VisitorSettings(**setting)
