"""McNemar's test against the binomial distribution and a published example; differences against what they are made of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.evaluate.compare import compare, mcnemar
from mien.evaluate.intervals import alone
from mien.evaluate.metrics import Judged


def answers(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    one = np.repeat([True, True, False, False], [both, first, second, neither])
    other = np.repeat([True, False, True, False], [both, first, second, neither])
    return one, other


def test_mcnemar_of_fagerland_2013() -> None:
    """Airway hyper-responsiveness before and after transplantation: 1 and 7 discordant; exact 0.070, mid-p 0.039."""
    found = mcnemar(*answers(1, 1, 7, 12))
    assert (found.only_first, found.only_second) == (1, 7)
    assert found.exact_p == pytest.approx(0.0703125)
    assert found.mid_p == pytest.approx(0.0390625)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(b: int, c: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    found = mcnemar(*answers(3, b, c, 5))
    if b + c == 0:
        assert (found.exact_p, found.mid_p) == (1, 1)
        return
    exact = stats.binomtest(b, b + c).pvalue
    assert found.exact_p == pytest.approx(exact)
    # the paper's formula (2), and what it says of n12 = n21
    seen = stats.binom.pmf(b, b + c, 0.5)
    assert found.mid_p == pytest.approx(exact - seen if b != c else 1 - seen / 2)


def test_mcnemar_of_many_is_exact_and_of_other_rows_refused() -> None:
    stats = pytest.importorskip("scipy.stats")
    assert mcnemar(*answers(0, 5000, 5300, 0)).exact_p == pytest.approx(stats.binomtest(5000, 10300).pvalue)
    with pytest.raises(UsageError, match="same pictures"):
        mcnemar(np.ones(3, bool), np.ones(4, bool))


def test_differences_and_their_intervals() -> None:
    rng = np.random.default_rng(1)
    true = rng.integers(0, 3, 300)
    sharp = np.eye(3, dtype=np.float32)[np.where(rng.random(300) < 0.8, true, (true + 1) % 3)]
    dull = np.eye(3, dtype=np.float32)[np.where(rng.random(300) < 0.6, true, (true + 1) % 3)]
    one, other = (Judged(probs, true, ("a", "b", "c")) for probs in (sharp, dull))
    found = compare(one, other, alone(300), rounds=200)
    assert found["difference"]["accuracy"] == pytest.approx(one.right.mean() - other.right.mean())
    low, high = found["difference_intervals"]["accuracy"]
    assert 0 < low < found["difference"]["accuracy"] < high
    spread = (one.right.astype(float) - other.right).std() / np.sqrt(300)
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.2)  # the normal approximation for paired rows
    assert compare(one, one, alone(300), rounds=20)["difference_intervals"]["macro_f1"] == (0, 0)
    with pytest.raises(UsageError, match="same pictures"):
        compare(one, other.where(np.arange(200)), alone(300))


def test_ratings_are_compared_on_the_pictures_for_which_both_give_them() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(-1, 1, 200).astype(np.float32)
    good, bad = (true + size * rng.standard_normal(200).astype(np.float32) for size in (0.1, 0.6))
    good[0], bad[1], true[2] = np.nan, np.nan, np.nan
    found = compare(None, None, alone(200), axes={"arousal": (good, bad, true)}, rounds=200)
    assert list(found) == ["n", "rated", "first", "second", "difference", "difference_intervals", "level"]
    assert (found["n"], found["rated"]) == (200, {"arousal": 197})
    assert list(found["difference"]) == [f"arousal_{name}" for name in ("ccc", "r", "rmse", "mae")]
    gap = np.abs(good[3:] - true[3:]).mean() - np.abs(bad[3:] - true[3:]).mean()
    assert found["difference"]["arousal_mae"] == pytest.approx(gap, abs=1e-6)
    low, high = found["difference_intervals"]["arousal_mae"]
    assert low < gap < high < 0
    one, other = (np.corrcoef(guess[3:], true[3:])[0, 1] for guess in (good, bad))
    assert (found["first"]["arousal_r"], found["second"]["arousal_r"]) == (pytest.approx(one), pytest.approx(other))
    assert found["difference"]["arousal_r"] == pytest.approx(one - other, abs=1e-6)
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(200):
        at = rng.integers(0, 200, 200)
        at = at[at > 2]
        drawn.append(np.corrcoef(good[at], true[at])[0, 1] - np.corrcoef(bad[at], true[at])[0, 1])
    assert found["difference_intervals"]["arousal_r"] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=1e-9)


def test_what_is_compared_adds_up() -> None:
    """Of the second model's answers half are missing, so that the first's own figures are of other pictures."""
    rng = np.random.default_rng(0)
    true = rng.uniform(-1, 1, 60).astype(np.float32)
    one, other = (true + 0.4 * rng.standard_normal(60).astype(np.float32) for _ in range(2))
    other[30:] = np.nan
    labels = Judged(np.eye(2, dtype=np.float32)[rng.integers(0, 2, 60)], np.arange(60) % 2, ("a", "b"))
    found = compare(labels, labels, alone(60), axes={"valence": (one, other, true)}, rounds=20)
    assert found["first"]["valence_mae"] == pytest.approx(np.abs(one[:30] - true[:30]).mean())
    assert found["rated"] == {"valence": 30}
    assert list(found["first"]) == list(found["second"]) == list(found["difference"])
    for name, gap in found["difference"].items():
        assert found["first"][name] - found["second"][name] == gap
    few = compare(None, None, alone(60), axes={"valence": (one, np.where(np.arange(60) < 9, other, np.nan), true)}, rounds=20)
    assert list(few["difference_intervals"]) == ["valence_rmse", "valence_mae"]  # nine pictures
