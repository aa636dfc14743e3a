"""The section of a page that says how its numbers were made."""

import dataclasses
import re
from html import unescape

import pytest

from mien.io.span import VideoSpan
from mien.models.recogniser import RUNTIMES as KNOWN
from mien.options import AnalyzeOptions
from mien.provenance import Provenance
from mien.report.how_read import FACES, FRAMES, RUNTIMES, TIME, UNSURE
from mien.report.page import page
from mien.report.words import words
from mien.track.options import TrackOptions
from mien.unsure import RULES, UnsureRules
from tests.report.tables import row, timeline, two_people

NO_MATTER = {"threads", "batch"}
"""Options that no number depends on."""


def section(rows=None, how=None, **options):
    """The note and the settings of a page, name -> value, with the bold in asterisks."""
    html = page(timeline(two_people() if rows is None else rows), title="t", how=how, **options)
    inside = re.search(r'<section id="how-read"><details>(.*?)</details></section>', html, re.DOTALL)[1]
    cells = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td></tr>', inside)
    told = {unescape(name): unescape(value.replace("<b>", "*").replace("</b>", "*")) for name, value in cells}
    assert len(told) == len(cells), "two settings of one name"
    return unescape(re.search(r'<p class="note">(.*?)</p>', inside)[1]), told


def test_every_option_has_its_place_and_its_words():
    named = [one.name for one in (*FACES, *FRAMES, *TIME, *UNSURE)]
    assert sorted(named) == sorted(Provenance.of(AnalyzeOptions()).flat().keys() - NO_MATTER)
    assert words("en").keys() == words("ru").keys() >= {f"how_{name}" for name in named}


def test_a_run_by_default_says_all_of_it_and_nothing_is_bold():
    note, told = section(how=Provenance.of(AnalyzeOptions()))
    assert note.startswith("What the numbers depend on")
    assert not any("*" in value for value in told.values())
    assert told["face detector"] == "yunet"
    assert told["frames that are read"] == "all"
    assert told["smoothing of values"] == "1-euro filter"
    assert told["its time constant at rest"] == f"{TrackOptions().smooth_seconds:g} s"
    assert told["a top probability below"] == f"{UnsureRules().min_confidence:g}"
    assert told["neutral span of differences"] == "none"
    assert len(told) == 1 + len((*FACES, *FRAMES, *TIME, *UNSURE)) - 2  # the version beside them; every and stride are one; as_video is off


def test_what_was_changed_is_bold_with_the_default_behind_it():
    options = AnalyzeOptions(
        model="/home/me/fake.onnx",
        detector="mtcnn",
        affect="adfes2011",
        min_score=0.8,
        unsure=UnsureRules(min_confidence=0.9, max_yaw=180),
        track=TrackOptions(smooth="ema", smooth_seconds=3, reentry_seconds=60, detect_every=3, baseline=(0, 2.5)),
    )
    rows = [one | {"affect_from": "adfes2011"} for one in two_people()]
    _, told = section(rows, Provenance.of(options, VideoSpan(every=0.5, start=0.5, stop=2), turn=180))
    assert {name: value for name, value in told.items() if "*" in value} == {
        "model": "*fake* (default: base)",  # by the name that it has in the rows, not by where its file lies
        "face detector": "*mtcnn* (default: yunet)",
        "lowest detection score": "*0.8* (default: what the detector finds)",
        "valence and arousal from": "*the probabilities, by the anchors adfes2011* (default: the model)",
        "turned clockwise by": "*180°* (default: no)",
        "frames that are read": "*one each 0.5 s* (default: all)",
        "from": "*0.5 s* (default: the beginning)",
        "to": "*2 s* (default: the end)",
        "frames searched for faces": "*one in 3* (default: all)",
        "smoothing of values": "*exponential* (default: 1-euro filter)",
        "its time constant at rest": "*3 s* (default: 0.25 s)",
        "who left is known again by looks for": "*60 s* (default: never)",
        "neutral span of differences": "*0–2.5 s* (default: none)",
        "a turn to a side above": "*not judged by it* (default: 50°)",
        "a top probability below": "*0.9* (default: 0.45)",
    }
    assert "its cutoff grows by" not in told  # the other filter's


@pytest.mark.parametrize(
    ("model", "of_rows", "told"),
    [
        ("base", "base", "base"),
        ("/home/somebody/m.onnx", "base", "*base (m.onnx)* (default: base)"),  # a card may be called as the default is
        ("/home/somebody/m.onnx:openvino", "base", "*base (m.onnx), by OpenVINO* (default: base)"),
        ("/home/somebody/base", "base", "*base (./base)* (default: base)"),
        ("base:openvino", "base", "*base, by OpenVINO* (default: base)"),
        ("base:onnxruntime", "base", "*base, by ONNX Runtime* (default: base)"),
        ("/home/somebody/m.onnx", "mine", "*mine* (default: base)"),
        ("/home/somebody/m.onnx:openvino", "mine", "*mine, by OpenVINO* (default: base)"),
        ("/home/somebody/m.onnx", None, "*m.onnx* (default: base)"),  # no face, and so no row that names the model
        ("/home/somebody/m.onnx:openvino", None, "*m.onnx, by OpenVINO* (default: base)"),
    ],
)
def test_the_model_is_told_from_the_default_and_not_by_where_it_lies(model, of_rows, told):
    rows = [one | {"model": of_rows or ""} for one in ([row("a.jpg", 0, 0.0)] if of_rows is None else two_people())]
    how = Provenance.of(AnalyzeOptions(model=model, detector="haar:/home/somebody/f.xml"))
    found = section(rows, how)[1]
    assert found["model"] == told
    assert found["face detector"] == "*haar:f.xml* (default: yunet)"
    assert "somebody" not in page(timeline(rows), title="t", how=how)


def test_every_runtime_has_a_name():
    assert RUNTIMES.keys() == {f":{one}" for one in KNOWN}


def test_in_russian():
    how = Provenance.of(AnalyzeOptions(track=TrackOptions(smooth="none")), VideoSpan(stride=2))
    note, told = section(how=how, language="ru")
    assert note.startswith("От чего зависят числа")
    assert told["сглаживание значений"] == "*нет* (обычно: фильтр 1-euro)"
    assert told["взяты кадры"] == "*один из 2* (обычно: все)"
    assert told["оценка детектора не выше"] == "0,78"
    assert not any("постоянная времени" in name for name in told)


def test_what_does_nothing_is_left_out():
    _, told = section(how=Provenance.of(AnalyzeOptions(track=TrackOptions(follow=False))))
    assert told["people followed"] == "*no* (default: yes)"
    assert not told.keys() & {"smoothing of values", "its time constant at rest", "who is out of sight keeps the number for"}
    _, told = section([row("a.jpg", 0, 0.0, "happy")], Provenance.of(AnalyzeOptions(unsure=RULES["never"])))
    assert not told.keys() & {"people followed", "frames that are read", "from"}  # pictures have no time
    assert told["turned clockwise by"] == "no"
    assert told["a shorter side below"] == "*not judged by it* (default: 20 pixels)"


def test_a_baseline_that_only_the_page_has():
    _, told = section(how=Provenance.of(AnalyzeOptions()), baseline=(0, 1))
    assert told["neutral span of differences"] == "*0–1 s* (default: none)"


def test_a_table_alone_tells_what_its_columns_tell():
    rows = two_people()
    note, told = section(rows)
    assert note.startswith("This page was made of the table alone")
    of = {"version of mien": "not in the table", "model": "fake", "valence and arousal from": "the model, which learnt them from fake"}
    assert told == {**of, "people followed": "yes", "smoothed over time": "no"}
    _, told = section([one | {"raw_valence": 0.1, "delta_valence": 0.2} for one in rows])
    assert told["smoothed over time"].startswith("yes")
    assert told["neutral span of differences"].startswith("in delta_…")
    note, told = section([row("a.jpg", 0, 0.0, "happy", affect_from="crowd")], language="ru")
    assert note.startswith("Страница сделана по одной таблице")
    assert told == {
        "версия mien": "в таблице нет",
        "модель": "fake",
        "валентность и возбуждение": "из вероятностей, по опорным точкам crowd",
    }
    assert section([row("a.jpg", 0, 0.0)])[1] == {"version of mien": "not in the table", "model": "fake"}


def test_a_session_of_an_earlier_mien_tells_what_it_has():
    options = dataclasses.asdict(AnalyzeOptions())  # without how the video was read
    _, told = section(how=Provenance(options, "0.0.9"))
    assert told["version of mien"] == "0.0.9"
    assert told["face detector"] == "yunet"
    assert not told.keys() & {"frames that are read", "from", "to", "turned clockwise by"}
    assert section(how=Provenance({}, "0.0.9"))[1] == {"version of mien": "0.0.9"}


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", None, True, [], [1, 2, 3], {"x": 1}, 10**400, float("nan"), "\udcff\x1b"])
def test_options_of_others_may_be_anything(value):
    flat = Provenance.of(AnalyzeOptions()).flat()
    made = dict.fromkeys(flat, value) | {"unsure": value, "track": {"smooth": value, "baseline": value}}
    html = page(timeline(two_people()), title="t", how=Provenance(made, str(value)))
    assert "<script>alert" not in html
    assert "How it was read" in html
