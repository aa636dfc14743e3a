"""Codes of emotions, by each data set's own table."""

from collections import Counter
from collections.abc import Iterable

import pytest

from mien.data.codes import Codes, codes_of, shifted
from mien.errors import UnknownName
from mien.labels import FIRST_CODES, LABEL_SETS

FER = {0: "anger", 1: "disgust", 2: "fear", 3: "happy", 4: "sad", 5: "surprise", 6: "neutral"}
RAF = {1: "surprise", 2: "fear", 3: "disgust", 4: "happy", 5: "sad", 6: "anger", 7: "neutral"}  # its README


@pytest.mark.parametrize(("labels", "table"), [("fer7", FER), ("rafdb7", RAF)])
def test_codes_and_names(labels: str, table: dict[int, str]) -> None:
    codes = Codes(labels)
    for code, name in table.items():
        assert [codes.label(text) for text in (str(code), f"{code}.0", f" {code} ", name, name.title())] == [name] * 5
    assert [codes.label(text) for text in ("8", "-1", "1.5", "nan", "inf", "", "bored")] == [None] * 7
    assert codes.why_not("8") == f"emotion '8'; wanted {min(table)}..{max(table)}, or a name"
    assert Codes().label("3") is None
    assert Codes().label("3_happy") == "happy"
    assert "mien data import --labels" in Codes().why_not("3")
    assert Codes().why_not("bored") == "labelled 'bored', which is no emotion"
    with pytest.raises(UnknownName):
        Codes("raf")


def test_codes_that_are_counted_from_elsewhere_are_told() -> None:
    def told(codes: Iterable[int], labels: str) -> str:
        return shifted(Counter(codes), labels)

    assert told([*range(1, 8), 7], "fer7") == (
        "codes 1..7 found, 7 in 2 of 8 rows; fer7 has 0..6; counted from 1? Take 1 from each; if not, mend these rows"
    )
    assert told([1, 8], "ferplus8")  # of two classes half the rows are no slips
    assert told(range(7), "rafdb7") == (
        "codes 0..6 found, 0 in 1 of 7 rows; rafdb7 has 1..7; counted from 0? Add 1 to each; if not, mend these rows"
    )
    for fine in ((), (1, 2), range(7), (0, 7), (6,), (-1, 3), (3, 9)):  # a wrong code beside the first one is a wrong code
        assert told(fine, "fer7") == ""
    for fine in (range(1, 8), (0, 7), (1, 8)):
        assert told(fine, "rafdb7") == ""


def test_a_stray_code_is_no_other_count() -> None:
    """It may be that the first class is missing: then one wrong row must not shift all the others."""
    assert shifted({1: 500, 3: 499, 7: 1}, "fer7") == ""
    assert shifted({1: 500, 3: 400, 7: 100}, "fer7")  # too many for slips
    assert shifted({1: 200, 2: 200, 3: 200, 5: 399, 7: 1}, "fer7")  # most of the classes are there, but not the first
    assert shifted({1: 200, 2: 200, 3: 200, 7: 200, 9: 200}, "fer7") == ""  # counted from 1 there is no 9
    assert shifted({1: 10, 3: 10, 8: 10}, "affectnet8") == ""  # its none of the eight
    assert shifted({0: 1, 2: 500, 3: 499}, "rafdb7") == ""


def test_first_codes_are_of_sets_there_are() -> None:
    assert set(FIRST_CODES) <= set(LABEL_SETS)
    assert {name: len(codes_of(name)) for name in LABEL_SETS} == {name: len(labels) for name, labels in LABEL_SETS.items()}
