"""How many viewers showed an expression: by hand, and against SciPy's interval."""

import numpy as np
import pytest
from scipy.stats import binomtest

from mien.errors import UsageError
from mien.labels import EMOTIONS
from mien.study.reach import reach
from mien.study.reaction import Part, ReactionSettings, react
from mien.study.viewer import MEASURES, Viewer
from mien.testing import planted_timeline

HAPPY, SAD = EMOTIONS.index("happy"), EMOTIONS.index("sad")


def values(happy: list[list[float]]) -> np.ndarray:
    """A viewer a row, the probability of happy in steps; the rest of it is sad's."""
    out = np.zeros((len(happy), len(MEASURES), len(happy[0])))
    out[:, 2 + HAPPY], out[:, 2 + SAD] = happy, 1 - np.array(happy)
    out[np.isnan(happy)[:, None].repeat(len(MEASURES), 1)] = np.nan
    return out


def test_who_showed_it_long_enough_counts_and_who_was_not_seen_does_not():
    nan = np.nan
    shown = values(
        [
            [0.5, 0.2, 0.5, 0.1],  # twice half a second: a second together
            [0.9, 0.2, 0.4, 0.1],  # half a second
            [0.9, 0.9, nan, nan],  # seen in half of the part, and long enough
            [0.9, nan, nan, nan],  # seen in a quarter: is not counted
            [0.1, 0.1, nan, 0.2],
        ]
    )
    found = reach(shown, np.full(4, 0.5), least_p=0.5, least_seconds=1.0)
    assert (found.n, found.viewers[HAPPY], found.viewers[SAD]) == (4, 2, 3)
    assert found.share[HAPPY] == 0.5
    for k in (HAPPY, SAD, EMOTIONS.index("fear")):
        by_scipy = binomtest(int(found.viewers[k]), 4).proportion_ci(method="wilson")
        assert (found.low[k], found.high[k]) == pytest.approx((by_scipy.low, by_scipy.high), abs=1e-6)


def test_only_the_time_within_the_part_counts():
    shown = values([[0.9, 0.9, 0.1]])
    half = reach(shown, np.array([0.5, 0.4, 1.0]), least_p=0.5, least_seconds=1.0)  # the part begins late in the first step
    whole = reach(shown, np.array([0.5, 0.5, 1.0]), least_p=0.5, least_seconds=1.0)
    assert (half.viewers[HAPPY], whole.viewers[HAPPY]) == (0, 1)


def test_of_a_part_that_is_shorter_all_of_it_is_wanted():
    seconds = np.array([0.25, 0.25])
    found = [reach(values([row]), seconds, least_p=0.5, least_seconds=1.0).viewers[HAPPY] for row in ([0.9, 0.9], [0.9, 0.1])]
    assert found == [1, 0]


def test_without_viewers_there_is_no_share():
    found = reach(values([[np.nan, np.nan]]), np.ones(2), least_p=0.5, least_seconds=1.0)
    assert (found.n, found.viewers.sum()) == (0, 0)
    assert np.isnan([found.share, found.low, found.high]).all()


def test_a_study_has_it_of_each_part_and_group():
    def viewer(i: int, *, laughs: bool) -> Viewer:
        steps = [(0.0, "neutral"), *([(8.0, "happy"), (10.0, "neutral")] if laughs else [])]
        table = planted_timeline([steps], seconds=16, fps=10, noise=0.1, source=f"v{i}.mp4", seed=i)
        return Viewer(f"v{i}", table, group="laughing" if laughs else "calm")

    viewers = [viewer(i, laughs=i < 3) for i in range(5)]
    settings = ReactionSettings(rounds=100, reach_seconds=1.5)
    found = {(one.part.name, one.group): one.reach for one in react(viewers, [Part("joke", 7, 11), Part("end", 11, 16)], settings).parts}
    assert {key: int(one.viewers[HAPPY]) for key, one in found.items() if one.viewers[HAPPY]} == {
        ("whole film", ""): 3, ("joke", ""): 3, ("whole film", "laughing"): 3, ("joke", "laughing"): 3,
    }  # fmt: skip
    assert {key: one.n for key, one in found.items() if key[0] == "end"} == {("end", ""): 5, ("end", "laughing"): 3, ("end", "calm"): 2}
    longer = react(viewers, settings=ReactionSettings(rounds=100, reach_seconds=3))
    assert longer.parts[0].reach.viewers[HAPPY] == 0


@pytest.mark.parametrize("given", [{"reach_p": 0.0}, {"reach_p": 1.2}, {"reach_seconds": 0.0}, {"reach_seconds": float("inf")}])
def test_settings_that_no_study_can_have_are_refused(given):
    with pytest.raises(UsageError, match="reach_p"):
        ReactionSettings(**given)
