"""Moments of several measures as the stretches of time that a reader counts."""

from itertools import permutations

from mien.report.shared import together, with_beside
from mien.study.reaction_result import Moment
from mien.study.viewer import MEASURES


def moment(measure: str, start: float, end: float, *, p: float = 0.01, departure: float = 0.1) -> Moment:
    return Moment(measure, start, end, departure, departure, p)


def spans(moments: list[Moment]) -> list[tuple[float, float, int]]:
    return [(one.start, one.end, len(one.moments)) for one in together(moments)]


def test_no_moments():
    assert together([]) == []


def test_a_laugh_and_a_sad_scene_are_two_moments_whatever_goes_up_and_down_in_them():
    laugh = [moment(name, 12, 16.5 if name == "p_sad" else 16, p=0.001) for name in MEASURES]
    sad = [moment("valence", 25, 28, p=0.002), moment("p_happy", 25.5, 27)]
    found = together([*laugh, *sad])
    assert [(one.start, one.end, len(one.moments), one.p) for one in found] == [(12, 16.5, len(MEASURES), 0.001), (25, 28, 2, 0.002)]


def test_one_that_follows_upon_another_is_a_moment_of_its_own():
    assert spans([moment("p_happy", 0, 4), moment("p_sad", 3.5, 8)]) == [(0, 4, 1), (3.5, 8, 1)]
    assert spans([moment("p_happy", 0, 4), moment("p_happy", 4, 8)]) == [(0, 4, 1), (4, 8, 1)]


def test_one_that_lies_in_two_makes_them_one_in_whatever_order_they_come():
    three = [moment("p_happy", 0, 4), moment("p_sad", 3.5, 8), moment("arousal", 2, 6)]
    for order in permutations(three):
        assert spans(list(order)) == [(0, 8, 3)]


def test_what_is_less_sure_and_lies_in_a_moment_is_no_moment_of_its_own():
    """Nor does it make one of two, or their times longer."""
    shared = together([moment("p_happy", 0, 4), moment("p_sad", 3.5, 8)])
    both, first, alone, near = (
        moment("arousal", 2, 6, p=0.1),
        moment("valence", 0, 3, p=0.2),
        moment("p_sad", 12, 14, p=0.15),
        moment("p_happy", 12, 13, p=0.1),
    )
    found = with_beside(shared, [both, first, alone, near])
    assert [(one.start, one.end, one.p, one.beside) for one in found] == [
        (0, 4, 0.01, (both, first)),
        (3.5, 8, 0.01, ()),
        (12, 14, 0.1, ()),
    ]


def test_the_surest_comes_first_and_of_those_alike_the_earliest():
    found = together([moment("p_sad", 20, 24, p=0.04), moment("p_happy", 9, 12), moment("valence", 2, 4), moment("arousal", 9, 11, p=0.2)])
    assert [(one.start, one.p) for one in found] == [(2, 0.01), (9, 0.01), (20, 0.04)]
