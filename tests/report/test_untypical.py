"""A film in which a third or more is shared says so, and moments whose change goes the other way show it."""

import re
from dataclasses import replace

import pytest

from mien.report.reaction import reaction_page
from mien.study.reaction import react
from mien.study.reaction_result import Moment, Reaction, ReactionSettings
from mien.study.viewer import Viewer
from mien.testing import planted_timeline
from tests.report.tables import Elements


def film(laugh: float, *, baseline: tuple[float, float] | None = (0.0, 4.0)) -> Reaction:
    """Eight viewers of 20 seconds who laugh from some time to the end."""
    steps = [(0.0, "neutral"), (laugh, "happy")]
    viewers = [Viewer(f"v{i}", planted_timeline([steps], seconds=20, fps=5, noise=0.3, source=f"{i}", seed=i)) for i in range(8)]
    return react(viewers, settings=ReactionSettings(rounds=200, baseline=baseline))


def said(html: str) -> str:
    page = Elements(re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return re.sub(r"\s+", " ", " ".join(page.words))


def test_a_cheerful_last_two_fifths_are_told_and_make_no_moment_elsewhere():
    found = film(12)
    sure = [one for one in found.moments if one.p <= 0.05]
    assert {(one.start, one.end) for one in sure if one.measure in ("valence", "p_happy")} == {(12.0, 20.0)}
    assert all(one.start >= 12 for one in sure)
    told = said(reaction_page(found, title="t"))
    assert re.search(r"share of the film: valence \(40 %\), arousal \(\d\d %\), .*happy \(40 %\)", told)
    assert "Look at the mean changes from the baseline as well" in told
    assert "--baseline" not in told


@pytest.mark.parametrize(("language", "advice"), [("en", "at rest (--baseline)"), ("ru", "спокойны (--baseline)")])
def test_without_a_baseline_one_is_advised(language: str, advice: str):
    assert advice in said(reaction_page(film(12, baseline=None), title="t", language=language))


def test_of_a_short_laugh_nothing_is_told():
    told = said(reaction_page(film(16), title="t"))
    assert "what they typically do (measure" not in told
    assert "small print" not in told


def test_a_change_that_goes_the_other_way_stands_beside_the_departure():
    found = film(16)
    against = Moment("p_happy", 0.0, 4.0, 0.115, -0.199, 0.003)
    html = reaction_page(replace(found, moments=(*found.moments, against)), title="t")
    assert "<small>change\u00a0−0.199</small>" in html
    told = said(html)
    assert told.count("change −") == 1
    assert "the mean change from the baseline, told where it goes the other way than the departure" in told
    beside = "среднее изменение от исходного уровня там, где оно направлено не туда"
    assert beside in said(reaction_page(replace(found, moments=(against,)), title="t", language="ru"))
