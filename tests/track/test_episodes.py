"""When each expression begins, peaks and ends."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.table import COLUMNS
from mien.testing import make_result, planted_results
from mien.timeline import Timeline
from mien.track.episodes import episodes
from mien.track.follow import Follower


def timeline_of(labels: str, *, step: float = 0.1, person: int = 0, source: str = "a.mp4", p=None) -> Timeline:
    """One row for each letter: h happy, s sad, n neutral, large: unsure; a dot is a frame without the face."""
    names = {"h": "happy", "s": "sad", "n": "neutral"}
    rows = []
    for i, letter in enumerate(labels):
        row = dict.fromkeys(COLUMNS) | {"source": source, "frame": i, "time_s": i * step}
        if letter != ".":
            row |= {"face": 0, "person": person, "emotion": names[letter.lower()], "emotion_p": 0.5 if p is None else p[i]}
            row |= {"unsure": letter.isupper(), "valence": 0.01 * i, "arousal": None}
        rows.append(row)
    return Timeline.from_rows(rows)


def spans(labels: str, **how) -> list[tuple[str, float, float]]:
    step = how.pop("step", 0.1)
    return [(e.emotion[0], round(e.start, 6), round(e.end, 6)) for e in episodes(timeline_of(labels, step=step), **how)]


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ("nnnnnhhhhh", [("n", 0, 0.5), ("h", 0.5, 1.0)]),
        ("nnnnnhnnnn", [("n", 0, 1.0)]),  # too short, and the neutral goes on around it
        ("nnnnnhhhsssss", [("n", 0, 0.5), ("h", 0.5, 0.8), ("s", 0.8, 1.3)]),
        ("nnnnnhhsssss", [("n", 0, 0.5), ("s", 0.7, 1.2)]),
        ("nnnn...nnnn", [("n", 0, 1.1)]),  # away for 0.3 s
        ("nnnn....nnnn", [("n", 0, 0.4), ("n", 0.8, 1.2)]),
        ("hh..hh", [("h", 0, 0.6)]),  # short by halves, long together
        ("hhnhhnhh", [("h", 0, 0.8)]),
        ("hhnnnnhh", [("n", 0.2, 0.6)]),
        ("hnhnhnhnhn", [("h", 0, 0.9)]),
        ("....", []),
        ("", []),
        ("h", []),
        ("NNNNNNNN", []),
        ("nnnnNNNNnnnn", [("n", 0, 0.4), ("n", 0.8, 1.2)]),
        ("nnnnNHNnnnn", [("n", 0, 1.1)]),  # unsure for 0.3 s, as away for so long
        ("nnnnHHHHhhhh", [("n", 0, 0.4), ("h", 0.8, 1.2)]),
    ],
)
def test_runs_gaps_and_blinks(labels, wanted):
    assert spans(labels) == wanted


def test_who_is_in_a_frame_twice_has_no_two_episodes_at_once():
    table = timeline_of("hhhhhsssss")
    twice = [dict(row) for row in table.rows()]
    twice.insert(5, twice[4] | {"face": 1, "emotion": "sad"})
    found = episodes(Timeline.from_rows(twice))
    assert [(e.emotion, round(e.start, 6), round(e.end, 6)) for e in found] == [("happy", 0, 0.4), ("sad", 0.4, 1.0)]


def test_without_gaps_and_shortest_length_every_run_is_one():
    assert spans("nhhn.n", min_seconds=0, gap_seconds=0) == [("n", 0, 0.1), ("h", 0.1, 0.3), ("n", 0.3, 0.4), ("n", 0.5, 0.6)]


def test_sampled_every_half_second():
    assert spans("nnhnn", step=0.5) == [("n", 0, 1.0), ("h", 1.0, 1.5), ("n", 1.5, 2.5)]
    assert spans("nn.nn", step=0.5) == [("n", 0, 1.0), ("n", 1.5, 2.5)]


def test_a_recording_of_variable_frame_rate():
    """2 s at 20 frames a second, then 8 s at 2: every frame lasts until the next."""
    found = timeline_of("n" * 40 + "h" * 16)
    found.columns["time_s"] = np.array([0.05 * k for k in range(40)] + [2 + 0.5 * k for k in range(16)])
    assert [(e.emotion, e.start, pytest.approx(e.end)) for e in episodes(found)] == [("neutral", 0, 2.0), ("happy", 2.0, 9.55)]


def test_a_person_who_is_twice_in_a_frame_has_episodes_that_do_not_overlap():
    twice = timeline_of("hhhh").where(np.array([0, 0, 1, 1, 2, 2, 3]))
    assert [(e.start, pytest.approx(e.end)) for e in episodes(twice)] == [(0, 0.4)]


def test_peak_and_mean_are_of_the_frames_that_show_it():
    (one,) = episodes(timeline_of("hhhnhh", p=[0.5, 0.6, 0.9, 0.99, 0.8, 0.7]))
    assert (one.peak_time, one.peak_p) == (pytest.approx(0.2), 0.9)
    assert one.mean_p == pytest.approx(0.7)
    assert one.mean_valence == pytest.approx(0.01 * (0 + 1 + 2 + 4 + 5) / 5)
    assert np.isnan(one.mean_arousal)  # the table has none
    assert (one.source, one.person, one.emotion) == ("a.mp4", 0, "happy")


def test_what_was_planted_is_found():
    people = [[(0, "neutral"), (2, "happy"), (4, "neutral")], [(0, ""), (1, "sad"), (3, "")]]
    for fps, late in ((30, 0.2), (4, 0.3)):
        follower = Follower()
        results = [follower.smooth(r) for r in planted_results(people, seconds=6, fps=fps, noise=0.3, flicker=0.03, seed=3)]
        found = [(e.person, e.emotion, e.start, e.end) for e in episodes(Timeline.from_results(results))]
        wanted = [(0, "neutral", 0, 2), (1, "sad", 1, 3), (0, "happy", 2, 4), (0, "neutral", 4, 6)]
        assert [f[:2] for f in found] == [w[:2] for w in wanted]
        for got, true in zip(found, wanted, strict=True):
            assert -0.01 <= got[2] - true[2] <= late
            assert abs(got[3] - true[3]) <= late


def test_people_and_sources_apart_in_any_order_of_rows():
    parts = [timeline_of("hhhh", person=1), timeline_of("ssss", person=0), timeline_of("nnnn", person=0, source="B.mp4")]
    both = Timeline({name: np.concatenate([part[name] for part in parts]) for name in COLUMNS})
    shuffled = both.where(np.random.default_rng(0).permutation(len(both)))
    found = episodes(shuffled)
    assert [(e.source, e.person, e.emotion) for e in found] == [("B.mp4", 0, "neutral"), ("a.mp4", 0, "sad"), ("a.mp4", 1, "happy")]
    assert list(map(repr, found)) == list(map(repr, episodes(both)))  # as text, where NaN is NaN


def test_pictures_have_none():
    assert episodes(Timeline.from_results([make_result(["happy"])])) == []


def test_negative_lengths_are_refused():
    with pytest.raises(UsageError, match="wanted numbers from 0 up"):
        episodes(timeline_of("hh"), gap_seconds=-1)


@settings(max_examples=100, deadline=None)
@given(st.text("hsnHN.", max_size=40), st.sampled_from([0.0, 0.1, 0.3, 0.5]), st.sampled_from([0.0, 0.1, 0.3, 0.5]))
def test_episodes_are_long_enough_apart_and_show_what_they_say(labels, shortest, gap):
    found = episodes(timeline_of(labels), min_seconds=shortest, gap_seconds=gap)
    for one in found:
        assert one.end - one.start >= shortest - 1e-6
        assert labels[round(one.start * 10)] == labels[round(one.end * 10) - 1] == labels[round(one.peak_time * 10)] == one.emotion[0]
    for one, following in itertools.pairwise(found):
        assert following.start >= one.end - 1e-9


def test_an_hour_is_no_trouble():
    assert len(episodes(timeline_of("hhhsss" * 6000))) == 12000
