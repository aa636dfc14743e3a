"""Reaction studies on made viewers whose moments are known."""

import dataclasses

import numpy as np
import pytest

from mien.errors import DataError, UsageError
from mien.study.reaction import BOUNDS, GROUP_ROUNDS, Part, ReactionSettings, react
from mien.study.synchrony import LEAST_ROUNDS
from mien.study.viewer import MEASURES, Viewer, curve
from mien.testing import planted_timeline
from mien.timeline import Timeline

VALENCE, HAPPY = MEASURES.index("valence"), MEASURES.index("p_happy")
QUICK = ReactionSettings(rounds=400, baseline=(0, 4))


def viewer(i: int, *, start: float = 0.0, laughs: bool = True, seconds: float = 20.0, fps: float = 10.0, group: str = "") -> Viewer:
    """Neutral, and happy from second 8 to 12 of the film if the viewer laughs. start: when the film begins in the recording."""
    steps = [(0.0, "neutral"), *([(start + 8, "happy"), (start + 12, "neutral")] if laughs else [])]
    table = planted_timeline([steps], seconds=start + seconds, fps=fps, noise=0.3, source=f"v{i}.mp4", seed=i)
    return Viewer(f"v{i}", table, start, group)


def test_the_moment_that_all_share_is_found_on_the_clock_of_the_film():
    found = react([viewer(i, start=0.7 * i) for i in range(8)], [Part("joke", 8, 12), Part("end", 14, 20)], QUICK)
    moment = next(one for one in found.moments if one.measure == "p_happy")
    assert (moment.start, moment.end) == (8.0, 12.0)
    assert moment.p <= 0.05
    assert moment.change > 0.5
    assert moment.departure == pytest.approx(moment.change, abs=0.05)  # from what they typically show, which is no laugh
    whole, joke, end = (one for one in found.parts if not one.group)
    assert joke.level.mean[HAPPY] > 0.6 > 0.2 > end.level.mean[HAPPY]
    assert joke.p[HAPPY] <= 0.05 < end.p[HAPPY]
    assert joke.change.low[HAPPY] > 0.5
    assert whole.part.end == 20.0
    assert np.isnan([whole.departure.mean, whole.departure.low, whole.p]).all()  # of the whole film there is no rest
    each = [np.nanmean(one.values[HAPPY, 16:24]) for one in found.curves]
    assert joke.spread[HAPPY] == pytest.approx(np.std(each, ddof=1))
    np.testing.assert_allclose(found.level.mean[HAPPY][16:24].mean(), joke.level.mean[HAPPY], atol=1e-9)


def test_each_viewer_counts_once_whatever_the_frame_rate():
    slow, fast = viewer(0, laughs=False, fps=5), viewer(1, fps=25)
    found = react([slow, fast], settings=QUICK)
    by_hand = np.mean([np.nanmean(curve(one, found.edges).values[HAPPY]) for one in (slow, fast)])
    assert found.parts[0].level.mean[HAPPY] == pytest.approx(by_hand)
    assert np.isnan(found.level.low).all()  # two are too few for an interval
    assert found.moments == ()


def test_a_curve_is_the_mean_over_time_of_sure_faces():
    whole = viewer(0)
    rows = list(whole.timeline.rows())
    for row in rows:
        row["valence"] = row["time_s"]
        row["unsure"] = 5 <= row["time_s"] < 5.8
    got = curve(Viewer("a", Timeline.from_rows(rows)), np.arange(21.0))
    assert got.values[VALENCE, 3] == pytest.approx(3.45)  # frames at 3.0 to 3.9
    assert np.isnan(got.values[VALENCE, 5])  # a fifth of the second is left
    assert got.seen == pytest.approx(19 / 20)
    assert got.unsure == pytest.approx(0.04, abs=0.002)
    uneven = Timeline.from_rows([row for row in rows if row["frame"] % 10 < 3 or row["frame"] % 10 == 9])
    assert curve(Viewer("a", uneven), np.arange(21.0)).values[VALENCE, 3] == pytest.approx((3.0 + 3.1 + 3.2 * 5 + 3.9) / 8, abs=0.06)


def test_unsmoothed_values_are_taken_where_there_are_some():
    rows = list(viewer(0).timeline.rows())
    late = [row | {"raw_valence": row["valence"], "valence": 0.0} for row in rows]
    got = curve(Viewer("a", Timeline.from_rows(late)), np.arange(21.0)).values[VALENCE]
    np.testing.assert_allclose(got, curve(Viewer("a", Timeline.from_rows(rows)), np.arange(21.0)).values[VALENCE])


def test_the_person_longest_in_sight_is_the_viewer():
    two = planted_timeline([[(0, "happy"), (3, "")], [(0, "neutral")]], seconds=10, fps=10, noise=0.1)
    got = curve(Viewer("a", two), np.arange(11.0))
    assert got.people == 2
    assert np.nanmax(got.values[HAPPY]) < 0.2


def test_who_is_in_sight_before_the_film_or_longer_elsewhere_is_not_the_viewer():
    """Somebody sets the camera up for half a minute, and stays for the film's first seconds."""
    table = planted_timeline([[(0, "sad"), (34, "")], [(0, ""), (31, "happy")]], seconds=50, fps=5, noise=0.1)
    got = curve(Viewer("a", table, start=30.0), np.arange(21.0))
    assert (got.people, got.apart) == (2, False)
    assert got.seen == pytest.approx(19 / 20)
    assert got.mean[HAPPY] > 0.6
    found = react(
        [Viewer(f"v{i}", table, start=30.0) for i in range(3)], settings=ReactionSettings(rounds=100, baseline=(1, 4), duration=20)
    )
    assert np.nanmax(abs(found.change.mean[HAPPY])) < 0.2  # the baseline is of the same person
    nobody = curve(Viewer("a", table, start=30.0), np.arange(3.0) - 20, person=got.person)
    assert np.isnan(nobody.values).all()


def test_one_person_with_several_numbers_is_told_as_such():
    parted = planted_timeline(
        [[(0, "neutral"), (7, "")], [(0, ""), (7, "neutral"), (14, "")], [(0, ""), (14, "neutral")]], seconds=20, fps=5
    )
    found = react([viewer(0), viewer(1), Viewer("p", parted)], settings=ReactionSettings(rounds=100))
    assert found.left_out[0].why.endswith(
        "its 3 persons were never in sight together and may be one who was lost and found again (see --reentry of mien analyze)"
    )


def test_a_short_last_step_counts_for_its_time():
    rows = [row | {"valence": float(row["time_s"] >= 20)} for row in viewer(0, seconds=20.4).timeline.rows()]
    table = Timeline.from_rows(rows)
    found = react([Viewer(f"v{i}", table) for i in range(3)], settings=ReactionSettings(rounds=100, step=5.0))
    assert found.curves[0].mean[VALENCE] == pytest.approx(0.4 / 20.4, abs=0.006)
    assert found.change.mean[VALENCE, 0] == pytest.approx(-0.4 / 20.4, abs=0.006)


def test_viewers_who_cannot_count_are_named():
    away = Viewer("away", planted_timeline([[(0, "neutral"), (6, "")]], seconds=20, fps=10))
    nobody = Viewer("nobody", planted_timeline([[(0, "")]], seconds=20, fps=10))
    both = Timeline.from_rows([*viewer(1).timeline.rows(), *viewer(2).timeline.rows()])
    late = Viewer("late", planted_timeline([[(0, ""), (5, "neutral")]], seconds=20, fps=10))
    found = react([viewer(i) for i in range(3)] + [away, nobody, late, Viewer("both", both)], settings=QUICK)
    assert [one.name for one in found.curves] == ["v0", "v1", "v2"]
    why = {one.name: one.why for one in found.left_out}
    assert why["away"] == "a sure face in 30 % of the film; wanted 50 %"
    assert why["nobody"] == "no face was found during the film"
    assert why["late"] == "a sure face in 0 % of the baseline; wanted 50 %"
    assert "several recordings" in why["both"]


def test_a_recording_that_has_nothing_of_the_film_is_told_as_such():
    """And not that nobody is seen in it, which nobody looked at."""
    settings = ReactionSettings(rounds=100, duration=10)
    late = [dataclasses.replace(viewer(9), name=name, start=start) for name, start in (("over", 99), ("before", -40))]
    found = react([viewer(0), viewer(1), *late], settings=settings)
    assert {one.name: one.why for one in found.left_out} == {
        "over": "the recording covers 0 s of the film: start 99 s, recording from 0 to 20 s",
        "before": "the recording covers 0 s of the film: start -40 s, recording from 0 to 20 s",
    }


def test_why_somebody_unsure_does_not_count():
    def unsure(name: str, below: float) -> Viewer:
        return Viewer(name, Timeline.from_rows([row | {"unsure": row["time_s"] < below} for row in viewer(0).timeline.rows()]))

    found = react([viewer(0), viewer(1), unsure("some", 2.5), unsure("never", 99)], settings=dataclasses.replace(QUICK, least_coverage=0))
    assert {one.name: one.why for one in found.left_out} == {
        "some": "a sure face in 37 % of the baseline; wanted 50 %",  # 1.5 s of 4
        "never": "no step of the film has a sure face for half of its time",
    }
    none = react([viewer(0), unsure("never", 99)], settings=ReactionSettings(rounds=100, least_coverage=0))
    assert none.left_out[0].reason.key == "never_sure"


def test_a_person_twice_in_a_frame_is_no_viewer():
    """Else times would not ascend, and the steps' values would be wrong."""
    rows = list(viewer(2).timeline.rows())
    found = react([viewer(0), viewer(1), Viewer("twice", Timeline.from_rows([*rows, *rows[50:60]]))], settings=QUICK)
    assert [one.why for one in found.left_out] == ["a person is twice in one frame; wanted a table with one row a person and frame"]


def test_curves_of_groups_are_those_of_their_viewers_alone():
    viewers, joke = [viewer(i, laughs=i % 2 == 0, group="ab"[i % 2]) for i in range(8)], [Part("joke", 8, 12)]
    found = react(viewers, joke, QUICK)
    alone = react(viewers[1::2], joke, QUICK)
    assert [one.name for one in found.groups] == ["a", "b"]
    for name in ("level", "change"):
        for estimate in ("mean", "low", "high", "n"):
            np.testing.assert_array_equal(getattr(getattr(found.groups[1], name), estimate), getattr(getattr(alone, name), estimate))
    part, own = found.parts[-1], alone.parts[1]
    assert (part.group, part.part.name, own.part.name) == ("b", "joke", "joke")
    np.testing.assert_allclose(part.departure.mean, own.departure.mean)  # from what they show, though the others laugh
    assert react(viewers[:2], settings=QUICK).groups[0].level.n.max() == 1
    assert react([viewer(0)], settings=QUICK).groups == ()


def test_curves_of_groups_are_drawn_with_fewer_resamples():
    viewers = [viewer(i, seconds=4.0, laughs=False, group="ab"[i % 2]) for i in range(8)]
    many, few = (ReactionSettings(rounds=rounds) for rounds in (GROUP_ROUNDS + 500, GROUP_ROUNDS))
    np.testing.assert_array_equal(react(viewers, settings=many).groups[0].level.low, react(viewers[::2], settings=few).level.low)


def test_turns_that_were_made_are_told(monkeypatch):
    monkeypatch.setattr("mien.study.synchrony.MOST_WORK", 1000)
    found = react([viewer(i) for i in range(4)], settings=ReactionSettings(rounds=900))
    assert found.turns == LEAST_ROUNDS
    assert min(one.p for one in found.moments) >= 1 / (LEAST_ROUNDS + 1)
    few, short = react([viewer(0), viewer(1)], settings=QUICK), react([*map(viewer, range(4))], settings=ReactionSettings(step=20))
    assert (few.turns, short.turns) == (0, 0)  # nothing was tested


def test_groups_are_compared():
    found = react([viewer(i, laughs=i % 2 == 0, group="ab"[i % 2]) for i in range(12)], [Part("joke", 8, 12)], QUICK)
    contrast = next(one for one in found.contrasts if one.part.name == "joke")
    assert contrast.difference.low[HAPPY] > 0.4
    assert contrast.p[HAPPY] <= 0.05
    assert {one.group for one in found.parts} == {"", "a", "b"}


def test_groups_that_differ_in_what_changes_alone_are_told_by_it():
    """Each viewer has a level of their own, far apart; one group laughs at the joke."""

    def of(i: int) -> Viewer:
        own = viewer(i, laughs=i % 2 == 0, group="ab"[i % 2])
        return Viewer(
            own.name,
            Timeline.from_rows([row | {"p_happy": 0.3 * row["p_happy"] + 0.2 * (i // 2 % 4)} for row in own.timeline.rows()]),
            group=own.group,
        )

    found = react([of(i) for i in range(16)], [Part("joke", 8, 12)], QUICK)
    contrast = next(one for one in found.contrasts if one.part.name == "joke")
    assert contrast.change.low[HAPPY] > 0.1
    assert contrast.change_p[HAPPY] <= 0.05 < contrast.p[HAPPY]
    three = react([viewer(i, laughs=i % 3 == 0, group="abc"[i % 3]) for i in range(12)], [Part("joke", 8, 12)], QUICK)
    pair = next(one for one in three.contrasts if (one.part.name, one.first, one.second) == ("joke", "a", "b"))
    both = [viewer(i, laughs=i % 3 == 0, group="abc"[i % 3]) for i in range(12) if i % 3 < 2]
    alone = next(one for one in react(both, [Part("joke", 8, 12)], QUICK).contrasts if one.part.name == "joke")
    np.testing.assert_allclose(pair.p, np.minimum(3 * alone.p, 1))  # three pairs


def test_a_shared_fall_is_a_fall_though_it_stays_above_the_baseline():
    def of(i: int) -> Viewer:
        rows = [
            row | {"valence": 0.0 if row["time_s"] < 4 else 0.2 if 10 <= row["time_s"] < 13 else 0.5} for row in viewer(i).timeline.rows()
        ]
        noise = np.random.default_rng(i).normal(0, 0.05, len(rows))
        return Viewer(
            f"v{i}", Timeline.from_rows([row | {"valence": row["valence"] + x} for row, x in zip(rows, noise, strict=True)]), start=4
        )

    found = react([of(i) for i in range(8)], [Part("dip", 6, 9)], ReactionSettings(rounds=400, baseline=(-4, 0)))
    moment = next(one for one in found.moments if one.measure == "valence" and one.start <= 6 < one.end)
    dip = next(one for one in found.parts if one.part.name == "dip")
    assert moment.p <= 0.05
    assert dip.p[VALENCE] <= 0.05
    assert moment.change == pytest.approx(0.2, abs=0.05)
    assert moment.departure < -0.15
    assert dip.change.mean[VALENCE] > 0 > dip.departure.high[VALENCE]


def leaving(i: int, *, at: float, group: str = "") -> Viewer:
    """Neutral, and happy from second 10 to the end at 20; the recording ends at some second."""
    table = planted_timeline([[(0.0, "neutral"), (10.0, "happy")]], seconds=20, fps=10, noise=0.3, source=f"v{i}.mp4", seed=i)
    return Viewer(f"v{i}", Timeline.from_rows([row for row in table.rows() if row["time_s"] < at]), group=group)


def test_recordings_that_end_early_make_no_difference_between_groups_that_react_alike():
    """Of b most recordings end when everybody begins to smile: their own means hold the calm half alone."""
    viewers = [leaving(i, at=11.0 if i % 2 and i > 4 else 20.0, group="ab"[i % 2]) for i in range(20)]
    parts = [Part("calm", 0, 10)]
    found = react(viewers, parts, ReactionSettings(rounds=400, duration=20))
    complete = react([leaving(i, at=20.0, group="ab"[i % 2]) for i in range(20)], parts, ReactionSettings(rounds=400, duration=20))
    for one, whole in zip(found.parts, complete.parts, strict=True):
        assert one.level.mean[HAPPY] == pytest.approx(whole.level.mean[HAPPY], abs=0.01), (one.part, one.group)
        assert (one.change.mean[HAPPY], one.change.n[HAPPY]) == pytest.approx(
            (whole.change.mean[HAPPY], whole.change.n[HAPPY]), abs=0.01, nan_ok=True
        )
    film, calm = found.contrasts
    assert abs(film.difference.mean[HAPPY]) < 0.02
    assert abs(calm.change.mean[HAPPY]) < 0.02
    assert film.p.min() > 0.05
    assert calm.change_p.min() > 0.05
    alike = {one.name: one.mean[HAPPY] for one in complete.curves}
    assert max(abs(one.mean[HAPPY] - alike[one.name]) for one in found.curves) < 0.05
    short = next(one for one in found.curves if one.seen < 0.6)
    assert np.nanmean(short.values[HAPPY]) < 0.15  # which their own mean would be
    np.testing.assert_allclose(found.change.mean[HAPPY], complete.change.mean[HAPPY], atol=0.02)


def test_a_difference_of_groups_is_found_though_recordings_end_early():
    def of(i: int) -> Viewer:
        one = leaving(i, at=11.0 if i % 2 and i > 8 else 20.0, group="ab"[i % 2])
        return Viewer(
            one.name,
            Timeline.from_rows([row | {"p_happy": row["p_happy"] + 0.1 * (i % 2)} for row in one.timeline.rows()]),
            group=one.group,
        )

    found = react([of(i) for i in range(20)], settings=ReactionSettings(rounds=400, duration=20))
    assert found.contrasts[0].difference.mean[HAPPY] == pytest.approx(-0.1, abs=0.01)
    assert found.contrasts[0].p[HAPPY] <= 0.05


def test_what_one_of_five_saw_is_not_taken_for_what_all_would_have_shown():
    found = react([leaving(i, at=20.0 if i == 1 else 10.0) for i in range(5)], settings=ReactionSettings(rounds=400, duration=20))
    calm = [np.nanmean(one.values[HAPPY, :20]) for one in found.curves]
    np.testing.assert_allclose([one.mean[HAPPY] for one in found.curves], calm, atol=1e-9)
    assert found.parts[0].level.mean[HAPPY] == pytest.approx(np.mean(calm))
    three = react([leaving(i, at=20.0 if i < 3 else 10.0) for i in range(5)], settings=ReactionSettings(rounds=400, duration=20))
    assert three.parts[0].level.mean[HAPPY] == pytest.approx(np.mean([np.nanmean(one.values[HAPPY]) for one in three.curves[:3]]), abs=0.03)


def test_what_is_put_in_stays_within_what_can_be():
    """Who leaves is happy from the start, and those who stay begin to smile after that: the sums lie beyond 1."""

    def of(i: int) -> Viewer:
        steps = [(0.0, "happy")] if i > 4 else [(0.0, "neutral"), (10.0, "happy")]
        rows = planted_timeline([steps], seconds=20, fps=10, noise=0.3, source=f"v{i}.mp4", seed=i).rows()
        kept = [row for row in rows if row["time_s"] < (20 if i < 5 else 11)]
        return Viewer(f"v{i}", Timeline.from_rows(kept), group="ab"[i > 4])

    found = react([of(i) for i in range(10)], settings=ReactionSettings(rounds=200, duration=20))
    means = np.stack([one.mean for one in found.curves])
    assert means[5:, HAPPY].min() > 0.95  # far beyond 1 without the cut
    np.testing.assert_allclose(means[:, 2:].sum(axis=1), 1, atol=1e-3)
    for level, members in zip([one.level for one in found.parts], (slice(None), slice(5), slice(5, None)), strict=True):
        np.testing.assert_allclose(level.mean, means[members].mean(axis=0), atol=1e-12)
        for lower, upper in ((level.low, level.mean), (level.mean, level.high), (BOUNDS[0], level.low), (level.high, BOUNDS[1])):
            assert (lower <= upper + 1e-12).all()


def test_the_curve_of_changes_is_as_unsure_as_the_change_of_a_part():
    """Of one step, which all saw: where the second half, which changes count from too, was seen by few."""
    viewers = [leaving(i, at=20.0 if i % 3 == 0 else 10.0, group="ab"[i % 2]) for i in range(12)]
    found = react(viewers, [Part("step", 5.0, 5.5)], ReactionSettings(rounds=400, duration=20))
    for name in ("mean", "low", "high"):
        np.testing.assert_allclose(getattr(found.change, name)[:, 10], getattr(found.parts[1].change, name), atol=1e-9)
        for one, part in zip(found.groups, found.parts[3::2], strict=True):  # others move it too, which is put in otherwise
            np.testing.assert_allclose(getattr(one.change, name)[:, 10], getattr(part.change, name), atol=1e-9 if name == "mean" else 0.02)


def test_groups_that_saw_nothing_in_common_are_not_compared():
    def half(i: int) -> Viewer:
        one = leaving(i, at=20.0, group="ab"[i % 2])
        kept = [row for row in one.timeline.rows() if (row["time_s"] < 10) == (i % 2 == 0)]
        return dataclasses.replace(one, timeline=Timeline.from_rows(kept))

    viewers = [half(i) for i in range(12)]
    apart = react(viewers, [Part("middle", 5, 15)], ReactionSettings(rounds=200, duration=20)).contrasts
    for one in apart:
        assert np.isnan([one.difference.mean, one.difference.low, one.p, one.change.mean, one.change_p]).all()
    both = [dataclasses.replace(leaving(i, at=20.0, group="ab"[i % 2]), name=f"w{i}") for i in (20, 21, 22)]
    linked = react([*viewers, *both], settings=ReactionSettings(rounds=200, duration=20)).contrasts[0]
    assert abs(linked.difference.mean[HAPPY]) < 0.05  # of the halves themselves it is .6
    assert linked.p.min() > 0.05


def test_the_order_of_viewers_moves_nothing():
    viewers = [viewer(i, laughs=i < 6, group="ab"[i > 5]) for i in range(9)] + [viewer(20, laughs=False, seconds=13, group="b")]
    parts = [Part("joke", 8, 12)]
    settings = dataclasses.replace(QUICK, rounds=150)  # of 210 ways to part the groups
    one, other = react(viewers, parts, settings), react(viewers[::-1], parts, settings)
    assert [own.name for own in one.curves] == [own.name for own in other.curves[::-1]]  # which stay as they came
    for name, own in {own.name: own for own in one.curves}.items():
        np.testing.assert_array_equal(own.mean, next(twin.mean for twin in other.curves if twin.name == name))
    for estimate in ("mean", "low", "high"):
        np.testing.assert_array_equal(getattr(one.level, estimate), getattr(other.level, estimate))
        np.testing.assert_array_equal(getattr(one.change, estimate), getattr(other.change, estimate))
    assert [moment.p for moment in one.moments] == [moment.p for moment in other.moments]
    twins = {(part.part.name, part.group): part for part in other.parts}
    for part in one.parts:
        twin = twins[part.part.name, part.group]
        for own, its in ((part.level, twin.level), (part.change, twin.change), (part.departure, twin.departure)):
            np.testing.assert_array_equal([own.mean, own.low, own.high], [its.mean, its.low, its.high])
        np.testing.assert_array_equal(part.p, twin.p)
    for contrast, twin in zip(one.contrasts, other.contrasts, strict=True):
        assert (contrast.first, contrast.second) == (twin.second, twin.first)
        np.testing.assert_array_equal([contrast.p, contrast.change_p], [twin.p, twin.change_p])
        np.testing.assert_allclose(contrast.difference.mean, -twin.difference.mean, atol=1e-12)


def test_changes_from_the_mean_over_the_film_where_there_is_no_baseline():
    found = react([viewer(i) for i in range(6)], settings=ReactionSettings(rounds=200))
    np.testing.assert_allclose(np.nanmean(found.change.mean, axis=1), 0, atol=1e-9)
    assert np.isnan(found.parts[0].change.mean).all()
    before = react([viewer(i, start=5) for i in range(6)], settings=ReactionSettings(rounds=200, baseline=(-4, 0)))
    assert before.parts[0].change.mean[HAPPY] == pytest.approx(0.66 * 4 / 20, abs=0.03)


def test_the_film_is_as_long_as_half_of_the_recordings_and_the_seed_decides():
    viewers = [viewer(0, seconds=10), viewer(1, seconds=20), viewer(2, seconds=24)]
    found = react(viewers, settings=QUICK)
    assert found.edges[-1] == 20.0
    again = react(viewers, settings=QUICK)
    assert np.array_equal(found.level.low, again.level.low, equal_nan=True)


@pytest.mark.parametrize(
    ("parts", "settings", "words"),
    [
        ([Part("x", 5, 5)], {}, "part x: 5 to 5 s; wanted an end after its start"),
        ([Part("x", 5, 50)], {}, "part x: 5 to 50 s; wanted it within 0 to 20 s of the film"),
        ([Part("x", 1, 2), Part("x", 2, 3)], {}, "part x: named twice"),
        ([], {"step": 0}, "wanted a step above 0"),
        ([], {"duration": 0.1}, "a duration of a step or more"),
        ([], {"baseline": (3, 3)}, "an end after its beginning"),
        ([], {"rounds": 5}, "at least 100"),
        ([], {"seed": -1}, "seed -1; wanted rounds of at least 100 and a seed of 0 or more"),
    ],
)
def test_what_makes_no_study_is_refused(parts, settings, words):
    with pytest.raises(UsageError, match=words):
        react([viewer(0), viewer(1)], parts, ReactionSettings(**settings))


def test_a_start_behind_the_recordings_and_tables_without_times_make_no_study():
    late = [dataclasses.replace(viewer(i), start=500.0) for i in range(3)]
    words = r"^start: the film begins at 500 s of the recordings, and half of them end by 20 s; wanted a start before their end$"
    with pytest.raises(UsageError, match=words):
        react(late, settings=QUICK)
    empty = [Viewer(f"v{i}", Timeline.from_rows([])) for i in range(3)]
    with pytest.raises(DataError, match=r"^no table has two frames at different times; wanted recordings, or what mien analyze wrote"):
        react(empty, settings=QUICK)


def test_viewers_none_of_whom_counts_make_no_study():
    with pytest.raises(DataError, match="no viewer counts: v0: a sure face in 33 % of the film"):
        react([viewer(0), viewer(1)], [], ReactionSettings(least_coverage=1.0, duration=60.0))


def test_the_film_may_end_within_a_step():
    found = react([viewer(i) for i in range(3)], [Part("end", 18, 19.3)], ReactionSettings(rounds=100, duration=19.3))
    assert np.isnan(found.parts[0].p).all()  # the whole film is like no rest
    assert np.isfinite(found.parts[1].p).all()
    assert found.edges[[-2, -1]].tolist() == [19.0, 19.3]
    assert np.isfinite(found.parts[1].level.mean[HAPPY])


def test_faces_without_numbers_cannot_be_one_viewer():
    rows = [row | {"person": None} for row in planted_timeline([[(0, "happy")], [(0, "sad")]], seconds=20, fps=5).rows()]
    found = react([viewer(0), viewer(1), Viewer("mixed", Timeline.from_rows(rows))], settings=QUICK)
    assert [one.why for one in found.left_out] == [
        "several faces in a frame, and no numbers of persons; wanted a table of faces that were followed"
    ]


def test_what_is_covered_of_the_film_begins_with_the_first_frame():
    rows = [row for row in viewer(0).timeline.rows() if row["time_s"] >= 8]
    assert curve(Viewer("late", Timeline.from_rows(rows)), np.arange(21.0)).length == pytest.approx(12)


def test_no_viewers_or_two_of_one_name_are_refused():
    with pytest.raises(UsageError, match="no viewers"):
        react([])
    with pytest.raises(UsageError, match="viewer v0: named twice"):
        react([viewer(0), viewer(0)])
