"""How many viewers showed an expression: by hand, and against SciPy's interval."""

import numpy as np
import pytest
from scipy.stats import binomtest

from mien.errors import UsageError
from mien.labels import EMOTIONS
from mien.study.frames import Frames
from mien.study.reach import Reach, Showed, at_rest, reach
from mien.study.reaction import Part, ReactionSettings, react
from mien.study.viewer import Viewer
from mien.testing import planted_timeline

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")
NOBODY = np.zeros((9, len(EMOTIONS)), np.bool_)


def frames(happy: list[float], *, lasts: float = 0.5, begin: float = 0.0) -> Frames:
    """The probability of happy in frames of so many seconds, NaN where the face was not seen; the rest of it is sad's."""
    probs = np.zeros((len(happy), len(EMOTIONS)))
    probs[:, HAPPY], probs[:, SAD] = happy, 1 - np.array(happy)
    seen, times = np.isfinite(happy), begin + lasts * np.arange(len(happy))
    return Frames(times[seen], np.full(seen.sum(), lasts), probs[seen])


def counted(viewers: list[Frames], start: float, end: float, *, least_seconds: float = 1.0) -> Reach:
    return reach(Showed.of(viewers, start, end, least_p=0.5, least_seconds=least_seconds), NOBODY[: len(viewers)])


def test_who_showed_it_long_enough_counts_and_who_was_not_seen_does_not():
    nan = np.nan
    shown = [
        frames([0.5, 0.2, 0.5, 0.1]),  # twice half a second: a second together
        frames([0.9, 0.2, 0.4, 0.1]),  # half a second
        frames([0.9, 0.9, nan, nan]),  # seen in half of the part, and long enough
        frames([0.9, nan, nan, nan]),  # seen in a quarter: is not counted
        frames([0.1, 0.1, nan, 0.2]),
    ]
    found = counted(shown, 0, 2)
    assert (found.n.tolist(), found.viewers[HAPPY], found.viewers[SAD]) == ([4] * 9, 2, 3)
    assert found.share[HAPPY] == 0.5
    for k in (HAPPY, SAD, EMOTIONS.index("fear")):
        by_scipy = binomtest(int(found.viewers[k]), 4).proportion_ci(method="wilson")
        assert (found.low[k], found.high[k]) == pytest.approx((by_scipy.low, by_scipy.high), abs=1e-6)


def test_only_the_time_within_the_part_counts():
    shown = [frames([0.9, 0.9, 0.1, 0.1])]
    assert [int(counted(shown, start, 2).viewers[HAPPY]) for start in (0.0, 0.1)] == [1, 0]


def test_of_a_part_that_is_shorter_or_less_seen_all_of_it_is_wanted():
    assert [int(counted([frames(row)], 0.25, 0.75).viewers[HAPPY]) for row in ([0.9, 0.9], [0.9, 0.1])] == [1, 0]
    assert [int(counted([frames([*row, np.nan])], 0, 1.5, least_seconds=1.2).viewers[HAPPY]) for row in ([0.9, 0.9], [0.9, 0.1])] == [1, 0]


def test_without_viewers_there_is_no_share():
    found = counted([frames([np.nan, np.nan])], 0, 1)
    assert (found.n.sum(), found.viewers.sum()) == (0, 0)
    assert np.isnan([found.share, found.low, found.high]).all()


def test_who_showed_it_at_rest_does_not_count_for_it():
    viewers = [frames([0.1, 0.1, 0.9, 0.9]), frames([0.9, 0.9, 0.9, 0.9]), frames([0.1, 0.1, 0.1, 0.1]), frames([0.9, 0.9, np.nan, np.nan])]
    rest = at_rest(Showed.of(viewers, 0, 1, least_p=0.5, least_seconds=1.0))
    found = reach(Showed.of(viewers, 1, 2, least_p=0.5, least_seconds=1.0), rest)
    assert (found.n[HAPPY], found.at_rest[HAPPY], found.viewers[HAPPY]) == (2, 1, 1)  # the last one was not seen
    assert (found.n[SAD], found.at_rest[SAD], found.viewers[SAD]) == (1, 2, 0)
    assert (found.n + found.at_rest).tolist() == [3] * 9
    assert not at_rest(Showed(np.ones(2, np.bool_), np.ones((2, 9), np.bool_)))[:, EMOTIONS.index("neutral")].any()


def laughing(i: int, *laughs: tuple[float, float], group: str = "", rest: str = "neutral") -> Viewer:
    """From when to when."""
    steps = [(0.0, rest), *((at, what) for start, end in laughs for at, what in ((start, "happy"), (end, rest)))]
    return Viewer(f"v{i}", planted_timeline([steps], seconds=16, fps=10, noise=0.1, source=f"v{i}.mp4", seed=i), group=group)


def test_a_study_has_it_of_each_part_and_group():
    viewers = [laughing(i, *([(8, 10)] if i < 3 else []), group="laughing" if i < 3 else "calm") for i in range(5)]
    settings = ReactionSettings(rounds=100, reach_seconds=1.5)
    found = {(one.part.name, one.group): one.reach for one in react(viewers, [Part("joke", 7, 11), Part("end", 11, 16)], settings).parts}
    assert {key: int(one.viewers[HAPPY]) for key, one in found.items() if one.viewers[HAPPY]} == {
        ("whole film", ""): 3, ("joke", ""): 3, ("whole film", "laughing"): 3, ("joke", "laughing"): 3,
    }  # fmt: skip
    assert {key: int(one.n[HAPPY]) for key, one in found.items() if key[0] == "end"} == {
        ("end", ""): 5, ("end", "laughing"): 3, ("end", "calm"): 2,
    }  # fmt: skip
    longer = react(viewers, settings=ReactionSettings(rounds=100, reach_seconds=3))
    assert longer.parts[0].reach.viewers[HAPPY] == 0


@pytest.mark.parametrize("step", [0.5, 1.0, 2.0, 5.0])
def test_it_does_not_depend_on_the_steps(step: float):
    """A laugh of 1.6 s within a step of 5, and parts as short as a frame."""
    viewers = [laughing(i, (10.2, 11.8)) for i in range(4)]
    parts = [Part("laugh", 10, 12), Part("before", 9.9, 10.0), Part("first half", 10.2, 10.3), Part("late", 11.3, 16)]
    found = {one.part.name: int(one.reach.viewers[HAPPY]) for one in react(viewers, parts, ReactionSettings(rounds=100, step=step)).parts}
    assert found == {"whole film": 4, "laugh": 4, "before": 0, "first half": 4, "late": 0}


def test_with_a_baseline_a_study_leaves_out_who_shows_it_at_rest():
    """Faces that read as sad all along, as some do at rest."""
    viewers = [laughing(i, (8, 10), rest="sad" if i < 2 else "neutral", group="ab"[i % 2]) for i in range(6)]
    parts = [Part("rest", 0, 4), Part("joke", 7, 11)]
    without, found = (react(viewers, parts, ReactionSettings(rounds=100, baseline=span)).parts for span in (None, (0, 4)))
    assert {int(one.reach.viewers[SAD]) for one in without if not one.group} == {2}
    told = [
        (int(one.reach.n[k]), int(one.reach.at_rest[k]), int(one.reach.viewers[k])) for one in found if not one.group for k in (SAD, HAPPY)
    ]
    assert told == [(4, 2, 0), (6, 0, 6), (4, 2, 0), (6, 0, 0), (4, 2, 0), (6, 0, 6)]
    assert [int(one.reach.at_rest[SAD]) for one in found if one.group] == [1] * 6


@pytest.mark.parametrize("given", [{"reach_p": 0.0}, {"reach_p": 1.2}, {"reach_seconds": 0.0}, {"reach_seconds": float("inf")}])
def test_settings_that_no_study_can_have_are_refused(given):
    with pytest.raises(UsageError, match="reach_p"):
        ReactionSettings(**given)
