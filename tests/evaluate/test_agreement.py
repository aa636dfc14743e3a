"""Agreement of two raters."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.evaluate.agreement import kappa

NAMES = ("happy", "sad", "neutral", "smile")


@settings(deadline=None)  # scikit-learn takes a second to load
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=60))
def test_kappa_is_that_of_scikit_learn_and_the_same_both_ways(pairs: list[tuple[str, str]]) -> None:
    theirs = pytest.importorskip("sklearn.metrics")
    one, other = ([pair[k] for pair in pairs] for k in range(2))
    if len({*one, *other}) > 1:
        assert kappa(one, other) == pytest.approx(theirs.cohen_kappa_score(one, other))
        assert kappa(one, other) == pytest.approx(kappa(other, one))
    else:
        assert math.isnan(kappa(one, other))


def test_by_hand_and_what_is_no_pair() -> None:
    # three of four alike; by chance .5 * .75 + .5 * .25
    assert kappa(["a", "a", "b", "b"], ["a", "a", "b", "a"]) == pytest.approx((0.75 - 0.5) / (1 - 0.5))
    assert math.isnan(kappa([], []))
    with pytest.raises(UsageError, match="found 1 and 2 names"):
        kappa(["a"], ["a", "b"])
    with pytest.raises(UsageError, match="found nan among the names; leave out"):
        kappa(["a", float("nan")], ["a", "b"])
