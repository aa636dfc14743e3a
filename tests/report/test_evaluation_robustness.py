"""The part of the page about pictures made worse."""

import re
from dataclasses import replace

import pytest

from mien.evaluate.robustness import robustness
from mien.evaluate.run import evaluate, evaluate_both
from mien.report.evaluation import as_page
from mien.report.evaluation_charts import Curve, level_chart
from mien.report.evaluation_robustness import robustness_html
from mien.report.sections import percent, text
from mien.testing import FakeDetector, FakeRecogniser
from mien.types import Faces
from tests.report.test_evaluation import labelled, parsed

BLIND = FakeDetector(Faces.none())


def with_robustness(found, data, kinds=("all",), rounds=20):
    said = robustness(FakeRecogniser(), BLIND, data, labels="fer7", faces=found.faces, kinds=kinds, rounds=rounds).to_json()
    return replace(found, figures=found.figures | {"robustness": said})


def test_the_page_has_a_chart_a_kind_and_one_folded_table() -> None:
    data = labelled()
    page = as_page(with_robustness(evaluate(FakeRecogniser(), BLIND, data, labels="fer7", faces="crop", rounds=20), data), data)
    found = parsed(page)
    part = page[page.index("<h2>Robustness</h2>") :].split("</section>")[0]
    assert part.count("<svg") == 6
    assert part.count("<polygon") == 6
    assert part.count("<details>") == part.count("<table") == 1
    assert part.count("<tr>") == 1 + 4 + 7 + 6 + 7 + 9 + 9  # the crops have 48 px
    assert "Simulated: the flat picture is turned" in part
    assert "yaw (simulated)" in part
    assert "83.3\xa0% right" in part  # 20 of 24
    assert "Each picture is a ready-made face" in part
    assert "?" not in part
    assert "script" not in {tag for tag, _ in found.seen}


def test_without_it_there_is_no_such_part() -> None:
    data = labelled()
    assert "Robustness" not in as_page(evaluate(FakeRecogniser(), BLIND, data, labels="fer7", faces="crop", rounds=0), data)


def test_two_models_share_the_charts() -> None:
    data = labelled()
    one, other, compared = evaluate_both(
        FakeRecogniser(), FakeRecogniser(confidence=0.5), BLIND, data, labels="fer7", faces="crop", rounds=20
    )
    one, other = with_robustness(one, data, ["jpeg"]), with_robustness(other, data, ["jpeg"])
    page = as_page(one, data, against=other, comparison=compared)
    parsed(page)
    part = page[page.index("<h2>Robustness</h2>") :].split("</section>")[0]
    assert part.count("<svg") == 1
    assert part.count('class="band second"') == 1
    assert part.count("<circle") == 12
    assert "fake (2): accuracy" in part


def test_faces_that_are_not_found_are_told_and_sizes_that_there_are_none_of() -> None:
    data = labelled(6)
    found = evaluate(FakeRecogniser(), BLIND, data, labels="fer7", faces="detect", rounds=0)
    part = robustness_html([("m", with_robustness(found, data, ["size", "blur"], rounds=0).figures["robustness"])], faces="detect")
    parsed(part)
    assert "no longer found counts as wrong" in part
    assert "No face found: in 100.0\xa0% at 48\xa0px, 100.0" in part
    assert "<polygon" not in part
    assert "shaded" not in part
    tiny = {"size": {"unit": "px", "what": "Size.", "simulated": False, "levels": []}}
    said = with_robustness(found, data, ["jpeg"]).figures["robustness"]
    assert "Face size: no face is large enough" in robustness_html([("m", said | {"kinds": said["kinds"] | tiny})], faces="detect")


def test_levels_stand_where_they_belong() -> None:
    hints = ("a", "b", "c")
    curve = Curve((64, 32, 16), (0.8, 0.8, 0.4), ((0.7, 0.9), (0.7, 0.9), (float("nan"),) * 2), hints, 0.8)
    chart = level_chart("size, px", [curve], bottom=0.4, top=0.8 + 0.2, doubling=True)
    parsed(chart)
    (x64, y64), (x32, y32), (x16, y16) = [tuple(map(float, dot)) for dot in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', chart)]
    assert x64 - x32 == pytest.approx(x32 - x16, abs=0.11)  # equal steps for equal ratios
    assert y64 == y32 < y16
    floor = max(float(y) for y in re.findall(r'y1="([\d.]+)" x2="[\d.]+" y2="\1" class="grid"', chart))
    assert y16 == pytest.approx(floor, abs=0.1)
    band = re.search(r'<polygon points="([^"]+)" class="band"', chart)
    assert len(band[1].split()) == 4  # two levels with intervals
    ideal = re.search(r'y1="([\d.]+)" x2="[\d.]+" y2="\1" class="ideal"', chart)
    assert float(ideal[1]) == y64
    even = level_chart("stops", [Curve((-1, 0, 3), (0.5,) * 3, ((0.4, 0.6),) * 3, hints, 0.5)], bottom=0, top=1)
    x = [float(found) for found in re.findall(r'<circle cx="([\d.]+)"', even)]
    assert (x[2] - x[1]) / (x[1] - x[0]) == pytest.approx(3, abs=0.02)
    assert ">−1<" in even
    assert "<circle" in level_chart("one", [Curve((16,), (0.5,), ((0.4, 0.6),), ("a",), 0.5)], bottom=0, top=1, doubling=True)


def test_shares_in_hints_keep_their_space() -> None:
    assert text(percent(0.989)) == "98.9\u00a0%"
    assert text("a\x07b") == "a?b"
