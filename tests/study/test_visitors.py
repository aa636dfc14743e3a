"""Visitor studies on made visitors."""

import dataclasses

import numpy as np
import pytest

from mien.errors import DataError, UsageError
from mien.study.statistics import Estimate
from mien.study.viewer import MEASURES
from mien.study.visitors import People, Period, VisitorSettings, Visits, compare, people_in, published
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


def pictures(*names: str) -> Timeline:
    """Two faces in each."""
    parts = [planted_timeline([[(0, "happy")], [(0, "sad")]], seconds=0.04, source=name) for name in names]
    return Timeline.from_rows([row | {"person": None} for part in parts for row in part.rows()])


def test_one_person_in_many_pictures_is_no_study_of_many():
    with pytest.raises(DataError, match=r"^a\.jpg: a picture; .*--as-video.*--pictures-are-people$"):
        people_in(pictures("a.jpg", "b.jpg"), leaving=False)
    mixed = people_in(Timeline.joined([visitors(0.5), pictures("a.jpg")]), leaving=False)
    assert (len(mixed.values), mixed.pictures, mixed.pictures_left_out, mixed.passed) == (14, 0, 2, 0)
    one_frame = planted_timeline([[(0, "happy")]], seconds=0.04)
    with pytest.raises(DataError, match="no times that differ"):
        people_in(one_frame, leaving=False)


@pytest.mark.parametrize("said", [False, True])
def test_a_clip_of_one_frame_takes_nobody_else_from_a_table(said: bool):
    short = planted_timeline([[(0, "happy")]], seconds=0.04, source="short.mp4")
    settings = dataclasses.replace(QUICK, pictures_are_people=said)
    got = people_in(Timeline.joined([visitors(0.5), short]), leaving=False, settings=settings)
    assert (len(got.values), got.passed, got.pictures) == (14, 1, 0)
    np.testing.assert_array_equal(got.values, people_in(visitors(0.5), leaving=False).values)
    with pytest.raises(DataError, match=r"^short\.mp4: people have numbers"):
        people_in(short, leaving=False, settings=settings)


def test_faces_of_pictures_are_each_somebody_where_that_is_said():
    said = dataclasses.replace(QUICK, pictures_are_people=True)
    got = people_in(pictures("a.jpg", "b.jpg"), leaving=False, settings=said)
    assert (len(got.values), got.pictures, got.passed) == (4, 4, 0)
    both = people_in(Timeline.joined([visitors(0.5), pictures("a.jpg")]), leaving=False, settings=said)
    assert (len(both.values), both.pictures) == (16, 2)
    found = compare([both, people_in(visitors(0.5, seed=1), leaving=True)], QUICK)
    assert (found.periods[0].counts, found.pictures) == ((16, 14), (2, 0))


def test_half_a_face_at_the_edge_is_not_somebody_else():
    """At steps of half a second one frame is longer than least_seconds."""
    whole = [row | {"person": 0} for row in planted_timeline([[(0, "happy")]], seconds=3, fps=2, noise=0.1).rows()]
    split = [row | {"person": 1 if row["frame"] == 0 else 2 if row["frame"] == 5 else 0} for row in whole]
    got = people_in(Timeline.from_rows(split), leaving=False, settings=QUICK)
    assert (len(got.values), got.passed) == (1, 2)
    inner = [row["valence"] for row in whole if 0 < row["frame"] < 5]
    assert got.values[0, VALENCE] == pytest.approx(np.mean(inner), abs=1e-6)
    unsure = [row | {"unsure": row["frame"] > 0} for row in whole]  # two frames, one of them sure
    assert people_in(Timeline.from_rows(unsure), leaving=False, settings=QUICK).passed == 1


def test_days_put_together_under_one_name_are_refused():
    days = visitors(0.2, n=5), visitors(0.8, n=9, seed=1)
    with pytest.raises(DataError, match=r"frame 0 is there twice.*name the tables one by one"):
        people_in(Timeline.joined(days), leaving=False)
    apart = [Timeline.from_rows([row | {"source": f"{k}.mp4"} for row in day.rows()]) for k, day in enumerate(days)]
    assert len(people_in(Timeline.joined(apart), leaving=False).values) == 14
    seen = [Timeline.from_rows([row for row in day.rows() if row["face"] is not None]) for day in days]  # frames without faces left out
    with pytest.raises(DataError, match="is there twice"):
        people_in(Timeline.joined(seen), leaving=False)
    one, other = (planted_timeline([[(0, "happy")]], seconds=2, fps=fps, source="a.mp4") for fps in (10, 12.5))
    later = Timeline.from_rows([row | {"face": 1, "person": 7} for row in other.rows()])  # faces and people differ, times do too
    with pytest.raises(DataError, match="frame 1 is there twice"):
        people_in(Timeline.joined([one, later]), leaving=False)
    mixed = Timeline.from_rows(np.random.default_rng(0).permutation(list(days[0].rows())).tolist())
    assert len(people_in(mixed, leaving=False).values) == 5  # the order of rows says nothing


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


def test_what_is_published_tells_little_of_one_person_more():
    """Of totals to three decimals the second less the first was that person's own values, to .02; so it was, more or less, of the mean of
    several figures that say the same, each with a rounding of its own."""
    rng = np.random.default_rng(4)
    off, combined = [], []
    for seed in range(12):
        n = 22
        came, left = (People(side, "", rng.normal(0.1, 0.25, (n + 1, len(MEASURES))).clip(0, 1), 0) for side in (False, True))
        fewer = dataclasses.replace(came, values=came.values[:-1])
        two = [compare([one, left], dataclasses.replace(QUICK, seed=seed)).periods[0] for one in (fewer, came)]
        exact, *rounded = (
            (n + 1) * of(after) - n * of(before) - came.values[-1]
            for (before, after), of in [(two, lambda one: one.entering.mean)]
            + [([published(Visits(QUICK, (one,), (), 0, within=False)).periods[0] for one in two], of) for of in COPIES]
        )
        assert np.abs(exact).max() < 1e-9
        off += rounded[0].tolist()
        combined += np.mean(rounded, axis=0).tolist()
    assert np.std(off) > 0.5 * 0.16  # of values that are cut at 0
    assert np.std(combined) > 0.95 * np.std(off)


COPIES = (
    lambda one: one.entering.mean,
    lambda one: one.leaving.mean - one.difference.mean,
    lambda one: one.leaving.mean - (one.difference.low + one.difference.high) / 2,
)
"""Figures of a published period that tell the mean of those who came."""


def test_means_of_all_are_those_of_the_published_periods():
    """Else they would be a second figure of each period, with a rounding of its own."""
    parts = [people_in(visitors(0.1 * k, n=8 + k, seed=k), leaving=k % 2 == 1, period=f"day {k // 2}") for k in range(6)]
    found = compare(parts, QUICK)
    whole, *days = published(found).periods
    for told, exact, weights, values in (
        (whole.entering, found.periods[0].entering, [8, 10, 12], [one.entering.mean for one in days]),
        (whole.leaving, found.periods[0].leaving, [9, 11, 13], [one.leaving.mean for one in days]),
        (whole.difference, found.periods[0].difference, [72 / 17, 110 / 21, 156 / 25], [one.difference.mean for one in days]),
    ):
        width = exact.high - exact.low
        half = np.maximum(width / 16, 0.0005) + 1e-9  # of a step
        assert (np.abs(told.mean - np.average(values, axis=0, weights=weights)) <= half).all()
        assert (np.abs(told.mean - exact.mean) <= width / 6 + 1e-3).all()
    first = found.periods[0]
    again = dataclasses.replace(first, entering=dataclasses.replace(first.entering, mean=first.entering.mean + 0.5))
    moved = published(dataclasses.replace(found, periods=(again, *found.periods[1:]))).periods[0]
    np.testing.assert_array_equal(moved.entering.mean, whole.entering.mean)  # which nothing but the periods tells


def test_published_values_are_steps_of_their_interval_and_no_p_falls():
    means, lows, highs, ns = (np.full(len(MEASURES), value, kind) for value, kind in ((np.nan, float),) * 3 + ((9, np.int64),))
    means[:5], lows[:5], highs[:5] = [0.41234, -0.0004, 0.3, 0.2, 0.029], [0.3, -0.0008, np.nan, 0.2, 0], [0.5, 0.0001, np.nan, 0.2, 0.17]
    one = Estimate(means, lows, highs, ns)
    p = np.array([0.0504, 0.05, 0.00012345, np.nan, 0.51, 1, 0.0021, 0.2, 0.011, 1 / 5001, 0.06])
    told = published(Visits(QUICK, (Period("", one, one, one, p, (9, 9)),), (), 0, within=False)).periods[0]
    np.testing.assert_allclose(told.entering.mean[:5], [0.42, 0.0, np.nan, 0.2, 0.02], atol=1e-12)
    np.testing.assert_allclose(told.entering.low[:5], [0.3, 0.0, np.nan, 0.2, 0.0], atol=1e-12)  # .11 to .12 below the mean
    np.testing.assert_allclose(told.entering.high[:5], [0.5, 0.0, np.nan, 0.2, 0.16], atol=1e-12)
    np.testing.assert_allclose(told.p, [0.1, 0.05, 0.0002, np.nan, 1, 1, 0.005, 0.2, 0.02, 0.0002, 0.1], rtol=1e-9)


def test_too_few_people_and_wrong_settings_are_refused():
    told = r"found 3 entering and 14 leaving; wanted at least 5 people .*; --least-people \(in Python least_people\) may be 3 or more$"
    with pytest.raises(DataError, match=told):
        compare([people_in(visitors(0.5, n=3), leaving=False), people_in(visitors(0.5), leaving=True)], QUICK)
    for setting, words in (
        ({"least_people": 1}, r"^least_people is 1; wanted at least 3, so that nobody can be recognised in the figures$"),
        ({"least_seconds": -1}, r"^least_seconds is -1; wanted 0 or more$"),
        ({"rounds": 5}, r"^rounds is 5 and seed 0; wanted rounds of at least 100 and a seed of 0 or more$"),
        ({"seed": -1}, r"^rounds is 5000 and seed -1; wanted rounds of at least 100 and a seed of 0 or more$"),
    ):
        with pytest.raises(UsageError, match=words):
            VisitorSettings(**setting)
