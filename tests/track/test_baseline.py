"""A person's own baseline."""

import dataclasses

import numpy as np
import pytest

from mien.errors import UsageError
from mien.report.tables import person_table
from mien.study.reaction_result import ReactionSettings
from mien.table import DELTA_COLUMNS
from mien.testing import make_result, planted_results, planted_timeline
from mien.timeline import Timeline
from mien.track.baseline import BaselineCheck, BaselineGate, with_baseline
from mien.track.follow import Follower
from mien.track.options import TrackOptions
from mien.types import Result

SPAN = (0.5, 1.5)
PEOPLE = [[(0, "neutral"), (2, "happy")], [(0, "sad"), (2.5, "fear")], [(0, ""), (1.8, "anger")]]


def deltas(timeline: Timeline) -> np.ndarray:
    return np.stack([timeline[name] for name in DELTA_COLUMNS], axis=1)


def through(gate: BaselineGate, results: list[Result]) -> list[Result]:
    return [done for result in results for done in gate.push(result)] + gate.finish()


def test_the_median_of_the_span_is_taken_off():
    plain = planted_timeline(PEOPLE, noise=0.3)
    timeline = with_baseline(plain, SPAN)
    for person in (0, 1):
        own = plain.where(plain["person"] == person)
        inside = [p for p, t in zip(own["p_happy"], own["time_s"], strict=True) if SPAN[0] <= t <= SPAN[1]]
        middle = sorted(inside)[len(inside) // 2]
        assert len(inside) % 2
        assert timeline["delta_p_happy"][plain["person"] == person] == pytest.approx(own["p_happy"] - middle)
    assert np.isnan(deltas(timeline)[plain["person"] == 2]).all()  # was not there in the span
    assert plain.columns.keys() == timeline.columns.keys() - DELTA_COLUMNS.keys()


def test_both_ends_of_the_span_belong_to_it():
    results = planted_results([[(0, "neutral")]], fps=2, seconds=2.5, noise=0.3)  # at 0, 0.5, 1, 1.5 and 2 s
    table = Timeline.from_results(results)
    wanted = table["p_happy"] - table["p_happy"][[1, 2]].mean()
    for got in (with_baseline(table, (0.5, 1.0)), Timeline.from_results(through(BaselineGate((0.5, 1.0)), results))):
        assert got["delta_p_happy"] == pytest.approx(wanted, abs=3e-6)
    assert len(set(np.round(table["p_happy"], 3))) == 5
    for span in ((0.5, 0.75), (0.25, 0.5)):
        check = BaselineCheck(span)
        check.see_table(table)
        assert check.missing() == {}


def test_a_constant_bias_vanishes():
    plain = planted_timeline(PEOPLE, noise=0.3)
    rng = np.random.default_rng(0)
    biased = dict(plain.columns)
    for name in ("p_happy", "p_sad", "valence", "arousal"):
        biased[name] = plain[name] + rng.normal(size=3)[plain["person"]]
    one, two = with_baseline(plain, SPAN), with_baseline(Timeline(biased), SPAN)
    assert deltas(one) == pytest.approx(deltas(two), abs=1e-9, nan_ok=True)
    assert np.nanmax(np.abs(deltas(one))) > 0.3


def test_a_constant_bias_vanishes_on_the_whole_road():
    def run(bias) -> np.ndarray:
        follower = Follower()
        results = [follower.smooth(result) for result in planted_results(PEOPLE, noise=0.3, bias=bias)]
        return np.concatenate([result.delta[:, -2:] for result in through(BaselineGate(SPAN), results)])

    assert run([[0, 0]] * 3) == pytest.approx(run([[0.2, -0.1], [-0.3, 0.05], [0.1, 0.1]]), abs=1e-5, nan_ok=True)


def test_the_gate_and_the_table_agree():
    results = planted_results(PEOPLE, noise=0.3)
    released = through(BaselineGate(SPAN), results)
    assert [result.index for result in released] == [result.index for result in results]
    streamed = Timeline.from_results(released)
    assert deltas(streamed) == pytest.approx(deltas(with_baseline(Timeline.from_results(results), SPAN)), abs=3e-6, nan_ok=True)


def test_unsure_faces_count_for_no_baseline():
    plain = planted_results([[(0, "happy")], [(0, "sad")]], fps=10, seconds=3)
    results = []
    for result in plain:  # the first person is unsure for the second half of the span, and shows fear then; the other always
        unsure = np.array([result.time > 1, True])
        probs = result.emotions.probs.copy()
        if result.time > 1:
            probs[0] = np.roll(probs[0], 1)
        results.append(dataclasses.replace(result, emotions=dataclasses.replace(result.emotions, probs=probs, unsure=unsure)))
    released = through(BaselineGate(SPAN), results)
    assert released[0].delta[0] == pytest.approx(0, abs=1e-6)
    assert np.abs(released[-1].delta[0]).max() > 0.5  # it has differences, unsure or not
    assert all(np.isnan(result.delta[1]).all() for result in released)
    table = with_baseline(Timeline.from_results(results), SPAN)
    assert deltas(table) == pytest.approx(np.concatenate([result.delta for result in released]), abs=3e-6, nan_ok=True)


def test_who_has_no_baseline():
    results = planted_results(PEOPLE, seconds=3) + planted_results(PEOPLE[:1], seconds=3, source="b.mp4") + [make_result(["happy"])]
    for span, wanted in ((SPAN, {"planted.mp4": [2]}), ((5.0, 6.0), {"planted.mp4": [0, 1, 2], "b.mp4": [0]}), ((0.0, 2.5), {})):
        streamed, whole = BaselineCheck(span), BaselineCheck(span)
        for result in results:
            streamed.see(result)
        whole.see_table(Timeline.from_results(results))
        assert streamed.missing() == whole.missing() == wanted
        assert (whole.people("planted.mp4"), whole.people("b.mp4"), whole.people("picture.jpg")) == (3, 1, 0)
    unsure = [dataclasses.replace(r, emotions=dataclasses.replace(r.emotions, unsure=np.ones(len(r), bool))) for r in results]
    check = BaselineCheck(SPAN)
    check.see_table(Timeline.from_results(unsure))
    assert check.missing() == {"planted.mp4": [0, 1, 2], "b.mp4": [0]}


def test_the_gate_opens_when_the_span_is_over():
    gate = BaselineGate(SPAN)
    counts = [len(gate.push(result)) for result in planted_results([[(0, "neutral")]], fps=10, seconds=3)]
    assert counts == [0] * 16 + [17] + [1] * 13
    assert gate.finish() == []


def test_a_source_that_ends_before_the_span_does_has_what_there_is():
    results = planted_results([[(0, "neutral")]], fps=10, seconds=1)
    released = through(BaselineGate(SPAN), results)
    assert len(released) == 10
    assert released[0].delta[0] == pytest.approx(0, abs=1e-6)
    never = through(BaselineGate((5, 6)), results)
    assert np.isnan(never[0].delta).all()
    assert never[0].delta.shape == (1, 11)


def test_each_source_has_its_own_baseline():
    one = planted_results([[(0, "happy")]], fps=10, seconds=2, source="a.mp4")
    two = planted_results([[(0, "sad")]], fps=10, seconds=2, source="b.mp4")
    released = through(BaselineGate(SPAN), one + two)
    assert [result.source for result in released] == ["a.mp4"] * 20 + ["b.mp4"] * 20
    assert np.concatenate([result.delta for result in released]) == pytest.approx(0, abs=1e-6)
    table = with_baseline(Timeline.from_results(one + two), SPAN)
    assert deltas(table) == pytest.approx(0, abs=1e-6)


def test_two_films_of_one_name_have_their_own_baselines():
    """As two uploads of one file name: person 0 of one is not person 0 of the other."""
    first, second = (planted_results([[(0, name)]], source="video.mp4", seconds=3, noise=0.1) for name in ("happy", "sad"))
    alone = through(BaselineGate(SPAN), second)
    both = through(BaselineGate(SPAN), [*first, *second])[len(first) :]
    assert [result.delta.tolist() for result in both] == [result.delta.tolist() for result in alone]


def test_pictures_pass_in_their_turn_and_have_none():
    held, picture = planted_results([[(0, "happy")]], fps=10, seconds=0.3), make_result(["happy"])
    gate = BaselineGate(SPAN)
    assert [gate.push(result) for result in held] == [[], [], []]
    released = gate.push(picture)
    assert [result.source for result in released] == ["planted.mp4"] * 3 + ["picture.jpg"]
    assert released[-1] is picture
    assert np.isnan(deltas(with_baseline(Timeline.from_results([picture]), SPAN))).all()


def test_frames_without_faces_and_tables_without_rows():
    nobody = planted_results([[(0, "")]], fps=10, seconds=2)
    released = through(BaselineGate(SPAN), nobody)
    assert len(released) == 20
    assert released[0].delta.shape == (0, 11)
    assert np.isnan(deltas(with_baseline(Timeline.from_results(nobody), SPAN))).all()
    assert deltas(with_baseline(Timeline.from_rows([]), SPAN)).shape == (0, 11)


@pytest.mark.parametrize(
    ("span", "says"),
    [
        ((3, 0), "^baseline is from 3 to 0 s; wanted an end after its beginning, not before 0$"),
        ((-5, -2), "^baseline is from -5 to -2 s; wanted an end after its beginning, not before 0$"),
        ((1, 1), "^baseline is from 1 to 1 s; wanted an end after its beginning"),
        ((0, np.nan), "^baseline is from 0 to nan s; wanted an end after its beginning"),
        (5, "^baseline: found 5; wanted two numbers of seconds, from and to, or None$"),
        ("03", "^baseline: found '03'; wanted two numbers of seconds"),
        ((0, 1, 2), r"^baseline: found \(0, 1, 2\); wanted two numbers of seconds"),
    ],
)
def test_a_span_that_is_none_is_refused_wherever_it_is_given(span, says):
    line = planted_timeline([[(0, "neutral"), (1, "happy")]], seconds=2)
    for take in (
        lambda: with_baseline(line, span),
        lambda: person_table(line, baseline=span),
        lambda: TrackOptions(baseline=span),
        lambda: BaselineGate(span),
    ):
        with pytest.raises(UsageError, match=says):
            take()


def test_a_study_may_be_at_rest_before_the_film():
    assert ReactionSettings(baseline=(-3, 0)).baseline == (-3, 0)
    for span, says in (
        ((0, -3), "^baseline is from 0 to -3 s; wanted an end after its beginning$"),
        (5, "^baseline: found 5; wanted two numbers"),
    ):
        with pytest.raises(UsageError, match=says):
            ReactionSettings(baseline=span)
