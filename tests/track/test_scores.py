"""IDF1 and the CLEAR MOT counts, by hand and against every choice of numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.types import Faces
from tests.track.scores import score_tracks

PLACES = {"a": 0, "b": 100, "c": 200}


def at(*where: tuple[str, int]) -> Faces:
    """Faces at named places with numbers; a place with an apostrophe is half a face further."""
    boxes = [[PLACES[p[0]] + 20 * p.count("'"), 0, PLACES[p[0]] + 20 * p.count("'") + 50, 50] for p, _ in where]
    n = len(where)
    return Faces(np.array(boxes, np.float32).reshape(n, 4), np.ones(n), np.zeros((n, 5, 2)), np.array([i for _, i in where], np.int64))


def test_the_truth_itself_is_perfect():
    frames = [at(("a", 0), ("b", 1)), at(("a", 1), ("b", 0)), at()]
    score = score_tracks(zip(frames, frames, strict=True))
    assert (score.idf1, score.mota, score.switches, score.missed, score.false) == (1, 1, 0, 0, 0)
    assert (score.frames, score.faces, score.people, score.numbers) == (3, 4, 2, 2)


def test_a_number_that_changes_once():
    """Ten frames, the number changes after six: IDTP 6, IDFP 4, IDFN 4 (Ristani et al. 2016)."""
    score = score_tracks((at(("a", 0)), at(("a", 7 if i < 6 else 8))) for i in range(10))
    assert score.idf1 == pytest.approx(2 * 6 / (2 * 6 + 4 + 4))
    assert (score.switches, score.mota, score.numbers) == (1, pytest.approx(0.9), 2)


def test_numbers_that_are_swapped():
    frames = [(at(("a", 0), ("b", 1)), at(("a", 5), ("b", 6)) if i < 7 else at(("a", 6), ("b", 5))) for i in range(10)]
    score = score_tracks(frames)
    assert (score.switches, score.idf1) == (2, pytest.approx(0.7))


def test_misses_and_false_boxes():
    frames = [(at(("a", 0)), at(("a", 0))), (at(("a", 0)), at()), (at(("a", 0)), at(("c", 0))), (at(), at(("b", 3)))]
    score = score_tracks(frames)
    assert (score.found, score.missed, score.false) == (1, 2, 2)
    assert score.mota == pytest.approx(1 - 4 / 3)
    assert score.idf1 == pytest.approx(2 * 1 / (3 + 3))


def test_a_pair_stays_together_while_it_overlaps_enough():
    """The box of number 1 lies nearer, but 0 still overlaps by half: no switch (Bernardin & Stiefelhagen 2008)."""
    shifted = at(("a", 0))
    half = Faces(shifted.boxes + [10, 0, 10, 0], shifted.scores, shifted.points, shifted.ids)
    both = Faces(np.concatenate([half.boxes, shifted.boxes]), np.ones(2), np.zeros((2, 5, 2)), np.array([0, 1]))
    score = score_tracks([(at(("a", 0)), shifted), (at(("a", 0)), both)])
    assert (score.switches, score.false) == (0, 1)


def test_after_a_gap_the_old_number_is_no_switch_and_a_new_one_is():
    gap = [(at(("a", 0)), at(("a", 0))), (at(), at())]
    assert score_tracks([*gap, (at(("a", 0)), at(("a", 0)))]).switches == 0
    assert score_tracks([*gap, (at(("a", 0)), at(("a", 1)))]).switches == 1


def test_nothing_at_all():
    score = score_tracks([])
    assert score.frames == 0
    assert np.isnan(score.idf1)
    assert np.isnan(score.mota)


numbers = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3).filter(lambda d: len(set(d.values())) == len(d))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8))
def test_idf1_is_the_best_of_all_ways_to_name_people(frames):
    score = score_tracks((at(*true.items()), at(*given.items())) for true, given in frames)
    best = max(
        sum(given.get(place) == name[person] for true, given in frames for place, person in true.items())
        for name in itertools.permutations(range(3))
    )
    total = sum(len(true) + len(given) for true, given in frames)
    assert score.id_true == best
    if total:
        assert score.idf1 == pytest.approx(2 * best / total)
