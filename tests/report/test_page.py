import base64
import csv
import gzip
import hashlib
import io
import re
import statistics
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from mien.errors import SinkError, UnknownName
from mien.labels import EMOTIONS
from mien.report import contents
from mien.report.embed import pack
from mien.report.page import page, write_page
from mien.report.words import form_of
from mien.table import DELTA_COLUMNS
from mien.timeline import Timeline
from tests.report.tables import Elements, csv_file, data_of, row, timeline, two_people

PLOTLY_SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
ROOT = Path(__file__).parents[2]


def made(rows, **options):
    return page(timeline(rows), **{"title": "A run", **options})


def test_plotly_is_the_published_file_with_its_licence():
    code = files("mien.report").joinpath("vendor/plotly-basic.min.js").read_bytes()
    assert hashlib.sha256(code).hexdigest() == PLOTLY_SHA256
    assert b"Licensed under the MIT license" in code[:300]
    notice = (ROOT / "NOTICE").read_text("utf-8")
    version = re.search(rb"plotly.js \(basic - minified\) v([\d.]+)", code)[1].decode()
    assert PLOTLY_SHA256 in notice
    assert f"plotly.js-basic-dist-min {version}" in notice


def test_numbers_on_the_page_are_those_of_the_csv(tmp_path):
    path = csv_file(tmp_path / "t.csv", two_people(frames=900))
    data = data_of(page(Timeline.read(path), title="t"))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    faces = [r for r in rows if r["face"] != ""]
    parts = {None: faces, 0: [r for r in faces if r["person"] == "0"], 1: [r for r in faces if r["person"] == "1"]}
    assert [scope["person"] for scope in data["scopes"]] == list(parts)
    for scope in data["scopes"]:
        own = parts[scope["person"]]
        sure = [r for r in own if r["unsure"] == "false"]
        found = scope["summary"]
        assert (found["faces"], found["unsure"]) == (len(own), len(own) - len(sure))
        assert {e["emotion"]: e["faces"] for e in found["emotions"]} == {name: sum(r["emotion"] == name for r in own) for name in EMOTIONS}
        for name in ("valence", "arousal"):
            values = [float(r[name]) for r in sure]
            assert found[name]["mean"] == pytest.approx(statistics.mean(values), abs=1e-5)  # times in the table are rounded
            assert found[name]["median"] == pytest.approx(statistics.median(values), abs=1e-3)
    assert data["scopes"][0]["summary"]["rows"] == len(rows)
    assert data["rates"][0]["frames"] == len({r["frame"] for r in rows}) == 900
    assert data["rates"][0]["per_second"] == pytest.approx(30, abs=1e-3)
    assert [(p["person"], p["faces"]) for p in data["people"]] == [(0, len(parts[0])), (1, len(parts[1]))]


def test_lines_on_the_page_are_means_of_the_csv(tmp_path):
    path = csv_file(tmp_path / "t.csv", two_people(frames=900))
    with path.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["face"] != "" and r["unsure"] == "false"]
    traces = data_of(page(Timeline.read(path), title="t"))["scopes"][0]["charts"]["lines"]["figure"]["data"]
    width = 30 / 600  # a frame and a half
    for trace in (t for t in traces if t["mode"] == "lines"):
        column = trace["legendgroup"]
        assert len(trace["y"]) == 600
        for k in range(0, 600, 37):
            seconds = [min(float(r["time_s"]) + 1 / 30, (k + 1) * width) - max(float(r["time_s"]), k * width) for r in rows]
            there = [(float(r[column]), part) for r, part in zip(rows, seconds, strict=True) if part > 1e-4]
            assert trace["y"][k] == (pytest.approx(statistics.fmean(*zip(*there, strict=True)), abs=2e-4) if there else None)
            assert trace["x"][k] == pytest.approx((k + 0.5) * width, abs=1e-3)


def test_figures_shown_as_text_are_the_same_numbers():
    words = " ".join(" ".join(Elements(made(two_people())).words).split())
    faces = [r for r in two_people() if r["face"] is not None]
    happy = sum(r["emotion"] == "happy" for r in faces)
    assert f"happy {happy} {100 * happy / len(faces):.1f} % 0" in words
    assert "90 frames" in words
    assert "not what a person feels" in words


def test_the_packed_rows_are_the_csv(tmp_path):
    path = csv_file(tmp_path / "t.csv", two_people())
    html = page(Timeline.read(path), title="t", table="t.csv")
    assert gzip.decompress(base64.b64decode(Elements(html).script("mien-rows"))) == path.read_bytes()
    assert data_of(html)["table"] | {"short": None} == {"rows": 148, "of": 148, "every": 1, "file": "t.csv", "short": None}


def test_a_page_asks_for_nothing_and_runs_its_own_scripts_only():
    elements = Elements(made(two_people()))
    links = [(tag, value) for tag, name, value in elements.attributes if name in ("src", "href", "srcset", "action")]
    assert links == [("link", "data:,"), ("a", "#all-rows")]
    policy = next(v for _, n, v in elements.attributes if n == "content" and v and "default-src" in v)
    assert "default-src 'none'" in policy
    code = [text for attrs, text in elements.scripts if "type" not in attrs]
    assert len(code) == 2
    hashes = re.findall(r"'sha256-([^']+)'", policy)
    assert hashes == [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in code]


EVIL = "<script>alert(1)</script>.mp4"
EVIL_NAME = "<script>alert(1)<br>.mp4"
"""Of a file: without a folder."""


@pytest.mark.parametrize("where", ["source", "title", "notes", "model", "emotion", "reasons", "table"])
def test_no_name_breaks_out_of_the_page(where):
    rows, options = two_people(EVIL if where == "source" else "a.mp4"), {}
    if where in ("model", "emotion", "reasons"):
        rows = [r | {where: EVIL, "unsure": where == "reasons"} if r["face"] is not None else r for r in rows]
    else:
        options = {"title": {"title": EVIL}, "notes": {"notes": [EVIL]}, "table": {"table": EVIL}}.get(where, {})
    html = made(rows, **options)
    kinds = [(attrs.get("type"), attrs.get("id")) for attrs, _ in Elements(html).scripts]
    assert kinds == [("application/json", "mien-data"), ("text/plain", "mien-rows"), (None, None), (None, None)]
    outside = html.replace(files("mien.report").joinpath("vendor/plotly-basic.min.js").read_text("utf-8"), "")
    assert "<script>alert" not in outside
    assert data_of(html)["scopes"]


def test_a_source_keeps_its_name_in_the_rows_and_in_what_the_script_compares():
    rows = [*two_people(EVIL_NAME), *two_people("b.mp4", 30)]
    html = made(rows)
    scopes = data_of(html)["scopes"]
    assert [scope["source"] for scope in scopes] == [None, EVIL_NAME, "b.mp4", EVIL_NAME, EVIL_NAME, "b.mp4", "b.mp4"]
    assert {r["source"] for r in rows_in(html)} == {EVIL_NAME, "b.mp4"}


def rows_in(html):
    """The rows that a page carries."""
    text = gzip.decompress(base64.b64decode(Elements(html).script("mien-rows"))).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_page_does_not_say_where_files_lie():
    """Neither what is shown, nor what is carried; the table keeps the path that it was given."""
    names = ["/home/anna/films/1/clip.mp4", "/home/anna/films/2/clip.mp4", r"C:\Users\anna\party.mp4"]
    rows = [*(r for name in names for r in two_people(name, 20)), row("/home/anna/in.jpg", 0, 0.0)]
    table = timeline(rows)
    html = page(table, title="t", table="/home/anna/t.csv")
    carried = rows_in(html)
    assert list(dict.fromkeys(r["source"] for r in carried)) == ["1/clip.mp4", "2/clip.mp4", "party.mp4", "in.jpg"]
    assert [r["x1"] for r in carried] == ["" if r["x1"] is None else str(r["x1"]) for r in rows]
    assert {scope["source"] for scope in data_of(html)["scopes"]} == {None, "1/clip.mp4", "2/clip.mp4", "party.mp4"}
    assert {one["source"] for kind in ("people", "rates", "episodes") for one in data_of(html)[kind]} <= {r["source"] for r in carried}
    assert "anna" not in html
    assert set(table["source"].tolist()) == {*names, "/home/anna/in.jpg"}


def test_the_table_of_rows_tells_the_faces_of_a_picture_apart():
    pictures = [row("a.jpg", 0, 0.0, "happy"), row("a.jpg", 0, 0.0, "sad", face=1), row("b.jpg", 0, 0.0)]
    assert data_of(made(pictures))["table"]["short"][:3] == ["source", "face", "emotion"]
    assert data_of(made(two_people()))["table"]["short"][:4] == ["frame", "time_s", "person", "emotion"]
    nobody_followed = [row("a.mp4", k, k / 30, "sad", face=face) for k in range(30) for face in (0, 1)]
    assert data_of(made(nobody_followed))["table"]["short"][:4] == ["frame", "time_s", "person", "face"]


def test_shares_in_the_ring_are_written_as_in_the_table():
    rows = [row(f"{k}.jpg", 0, 0.0, "happy" if k < 3 else "sad") for k in range(49)]
    for language, happy in (("en", "6.1\u00a0%"), ("ru", "6,1\u00a0%")):
        html = made(rows, language=language)
        ring = data_of(html)["scopes"][0]["charts"]["shares"]["figure"]["data"][0]
        assert happy in ring["text"]
        assert "percent" not in str(ring)  # plotly's own, with three figures and no space
        assert happy in Elements(html).words


@pytest.mark.parametrize(("faces", "step"), [(2, 1), (10, 1), (40, None)])
def test_there_are_no_half_faces_on_an_axis(faces, step):
    rows = [row(f"{k}.jpg", 0, 0.0, "happy", unsure=True, reasons="blur") for k in range(faces)]
    charts = data_of(made(rows))["scopes"][0]["charts"]
    axes = charts["reasons"]["figure"]["layout"]["xaxis"], charts["counts"]["figure"]["layout"]["yaxis"]
    assert [axis.get("dtick") for axis in axes] == [step, step]


def test_a_usual_step_between_two_numbers_is_told_as_it_is():
    rows = [row("a.mp4", -(-12 * k // 5), -(-12 * k // 5) / 24, "happy", person=0) for k in range(200)]
    words = " ".join(" ".join(Elements(made(rows)).words).split())
    assert re.search(r" 24\.00 279 of 479 2\.4 0 ", words)


def test_recordings_with_clocks_of_their_own_are_not_mixed():
    data = data_of(made([*two_people("a.mp4"), *two_people("b.mp4", 30)]))
    assert "lines" not in data["scopes"][0]["charts"]
    assert all("lines" in scope["charts"] for scope in data["scopes"][1:])
    assert data["scopes"][0]["summary"]["duration"] == pytest.approx(4.0, abs=1e-3)


def test_one_person_alone_needs_no_chooser():
    html = made([row("a", i, i / 10, "happy", person=0) for i in range(20)])
    assert len(data_of(html)["scopes"]) == 1
    assert 'id="chooser"' not in html


def test_a_crowd_is_cut_and_told():
    rows = [row("a", i, i / 10, "happy", person=k, face=k) for i in range(4) for k in range(40)]
    html = made(rows)
    data = data_of(html)
    assert len(data["scopes"]) == 1 + 24
    assert "of 40" in data["scopes"][0]["charts"]["strip"]["note"]
    assert len(data["people"]) == 40


def test_pictures_have_no_time_axis():
    rows = [row("a.jpg", 0, 0.0, "happy"), row("a.jpg", 0, 0.0, "sad", face=1, unsure=True, reasons="size"), row("b.jpg", 0, 0.0)]
    html = made(rows)
    data = data_of(html)
    assert set(data["scopes"][0]["charts"]) == {"counts", "shares", "plane", "reasons"}
    assert data["rates"] == data["people"] == data["episodes"] == []
    words = " ".join(Elements(html).words)
    assert "pictures" in words
    assert "share of time" not in words
    assert "time_s" not in data["table"]["short"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "nothing was analysed"),
        ([row("a.jpg", 0, 0.0)], "No face was found"),
        ([row("a.mp4", i, i / 30) for i in range(30)], "No face was found"),
        ([row("a.jpg", 0, 0.0, "happy", unsure=True, reasons="blur")], "blurred"),
        ([row("a.jpg", 0, 0.0, "happy", valence=None, arousal=None)], "happy"),
        ([row("a.jpg", 0, None, "happy", score=None, x1=None)], "happy"),
        ([row("a.mp4", i, i / 30, "happy") for i in range(30)], "Emotions over time"),
        ([row("a.mp4", i, i / 30, "happy", person=0, unsure=True, reasons="pose") for i in range(30)], "turned away"),
    ],
    ids=["no rows", "no face", "video without a face", "unsure", "no affect", "no time", "nobody followed", "all unsure"],
)
def test_every_kind_of_run_has_a_page(rows, said):
    html = made(rows)
    assert said in " ".join(Elements(html).words) or said in str(data_of(html)["scopes"])
    assert data_of(html)["scopes"][0]["summary"]["rows"] == len(rows)


def test_a_baseline_takes_off_each_persons_own_median():
    rows = [r | ({"valence": 0.5 if r["person"] else -0.5} if r["face"] is not None else {}) for r in two_people()]
    plain, changed = data_of(made(rows)), data_of(made(rows, baseline=(0, 1)))
    assert "change" not in plain["scopes"][0]["charts"]
    line = changed["scopes"][0]["charts"]["change_affect"]["figure"]["data"][0]
    assert {y for y in line["y"] if y is not None} == {0}
    assert "0 to 1 s" in changed["scopes"][0]["charts"]["change"]["note"]
    text = gzip.decompress(base64.b64decode(Elements(made(rows, baseline=(0, 1))).script("mien-rows"))).decode()
    assert "delta_" not in text.splitlines()[0]  # the rows stay those of the CSV


def test_delta_columns_of_the_run_are_drawn_without_asking():
    rows = [r | dict.fromkeys(DELTA_COLUMNS, 0.25) if r["person"] == 0 else r for r in two_people()]
    chart = data_of(made(rows))["scopes"][0]["charts"]["change"]["figure"]
    assert {y for t in chart["data"] if t["legendgroup"] == "delta_p_happy" for y in t["y"]} == {0.25, None}


def test_the_page_in_russian():
    html = made(two_people(), language="ru")
    words = " ".join(Elements(html).words)
    assert "Эмоции во времени" in words
    assert "радость" in words
    assert '<html lang="ru">' in html
    with pytest.raises(UnknownName, match="there are: en, ru"):
        made(two_people(), language="xx")


def figures_of(html):
    """All numbers that a page writes outside of its script."""
    told = " ".join(Elements(re.sub(r"<style>.*?</style>|<footer>.*?</footer>", "", html, flags=re.DOTALL)).words)
    return re.findall(r"[+−-]?\d[\d:,.\u00a0]*\d|[+−-]\d", told)


def test_figures_are_those_of_the_language():
    rows = [row("a.mp4", k, k / 25, "happy", person=0, valence=-0.25) for k in range(12345)]
    english, russian = made(rows, baseline=(0, 3)), made(rows, baseline=(0, 3), language="ru")
    assert {"12,345", "−0.25", "100.0", "8:13.8"} <= set(figures_of(english))
    assert {"12\u00a0345", "−0,25", "100,0", "8:13,8"} <= set(figures_of(russian))
    assert [one for one in figures_of(russian) if "." in one.replace("1..1", "") or "-" in one] == []
    for html, signs in ((english, ".,"), (russian, ",\u00a0")):
        for chart in data_of(html)["scopes"][0]["charts"].values():
            assert chart["figure"]["layout"]["separators"] == signs
            decimals = re.findall(r"\d([.,])\d", f"{chart['note']} {chart['alt']}".replace("−1..1", ""))
            assert set(decimals) <= set(signs)


def test_faces_are_read_surely_and_are_not_sure_of_themselves():
    from mien.report.study_words import study_words

    for sentence in study_words("ru").values():
        assert not re.search(r"(?i)неуверенн|уверен\b|уверенны[ейхм]", sentence), sentence


def test_how_many_are_shown_agrees_with_its_number():
    rows = [row("a", i, i / 10, "happy", person=k, face=k) for i in range(2) for k in range(40)]
    note = data_of(made(rows, language="ru"))["scopes"][0]["charts"]["strip"]["note"]
    assert "Показаны 24 человека из 40" in note
    few = [row("a", i, i / 10, "happy", person=k, face=k) for i in range(2) for k in range(21)]
    assert "по всему времени 21 человека" in " ".join(Elements(made(few, language="ru")).words)


def test_words_in_a_strip_have_the_ink_of_their_colour():
    traces = data_of(made(two_people()))["scopes"][0]["charts"]["strip"]["figure"]["data"]
    assert {t["marker"]["color"]: t["insidetextfont"]["color"] for t in traces if any(t["text"])} == {
        f"${name}": f"$on_{name}" for name in ("happy", "sad")
    }


def test_what_needs_the_script_is_hidden_until_it_runs():
    html = re.sub(r"<script.*?</script>", "", made(two_people(), baseline=(0, 1)), flags=re.DOTALL)
    shown = re.findall(r"<section>(.*?)</section>", html, flags=re.DOTALL)
    assert all("<table" in one or 'class="tiles"' in one for one in shown)
    assert len(re.findall(r"<section[^>]* hidden", html)) == 4  # over time, change, plane, rows


def test_valence_and_arousal_on_the_scale_of_seven():
    rows = [row("a", k, k / 10, "happy", person=0, valence=0.5, arousal=-1 / 3) for k in range(20)]
    unit, seven = made(rows, baseline=(0, 1)), made(rows, baseline=(0, 1), affect_scale="seven")
    plain, words = (" ".join(" ".join(Elements(html).words).split()) for html in (unit, seven))
    assert "+0.50 mean valence, −1..1 over time median +0.50" in plain
    assert "5.50 mean valence, 1..7 over time median 5.50" in words
    assert "on a scale of 1..7" in words
    assert "happy 5.50 3.00 0.0 %" in words  # the person
    assert "valence, 1..7, sure faces 5.500 5.500 5.500 5.500" in words
    assert "−1..1" not in words
    data, charts = data_of(seven), data_of(seven)["scopes"][0]["charts"]
    assert data["affect_scale"] == "seven"
    assert data["scopes"][0]["summary"] == data_of(unit)["scopes"][0]["summary"]  # what is carried is on -1..1
    lines, plane, change = (charts[name]["figure"] for name in ("affect", "plane", "change_affect"))
    assert [set(trace["y"]) for trace in lines["data"]] == [{5.5}, {3.0}]
    assert lines["layout"]["yaxis"]["range"] == pytest.approx([0.85, 7.15])
    assert {(x, y) for x, y in zip(plane["data"][0]["x"], plane["data"][0]["y"], strict=True)} == {(5.5, 3.0)}
    assert plane["layout"]["xaxis"]["range"] == plane["layout"]["yaxis"]["range"] == [1, 7]
    assert plane["layout"]["xaxis"]["title"]["text"] == "valence, 1..7"
    assert plane["layout"]["xaxis"]["hoverformat"] == ".2f"
    assert set(change["data"][0]["y"]) == {0}
    assert "mean valence 5.50, mean arousal 3.00 on a scale of 1..7" in charts["affect"]["alt"]
    with pytest.raises(UnknownName, match="there are: seven, unit"):
        made(rows, affect_scale="five")


def test_changes_are_three_times_as_far_on_the_scale_of_seven():
    rows = [row("a", k, k / 10, "happy", person=0, valence=0.0 if k < 10 else 0.4) for k in range(20)]
    chart = data_of(made(rows, baseline=(0, 1), affect_scale="seven"))["scopes"][0]["charts"]["change_affect"]["figure"]
    assert set(chart["data"][0]["y"]) == {0.0, 1.2}
    assert chart["layout"]["yaxis"]["range"] == pytest.approx([-3.15, 3.15])


def test_no_change_is_cut_off():
    rows = [row("a", k, k / 10, "happy", person=0, valence=-0.8 if k < 10 else 0.9) for k in range(20)]
    for scale, half in (("unit", 1), ("seven", 3)):
        chart = data_of(made(rows, baseline=(0, 1), affect_scale=scale))["scopes"][0]["charts"]["change_affect"]["figure"]
        low, high = chart["layout"]["yaxis"]["range"]
        assert max(chart["data"][0]["y"]) == pytest.approx(1.7 * half)
        assert low == -high < -1.7 * half


def test_scales_are_those_of_the_captions():
    from mien.report.scale import SCALES
    from mien.vision import style

    assert tuple(SCALES) == style.SCALES


def test_the_most_frequent_emotion_has_its_own_share():
    rows = [row("a", k, k / 10, "anger", person=0, unsure=True, reasons="blur") for k in range(6)]
    rows += [row("a", 6 + k, 0.6 + k / 10, "happy" if k else "sad", person=0) for k in range(4)]
    assert "happy most frequent 75.0 % of the time of sure faces" in " ".join(" ".join(Elements(made(rows)).words).split())
    pictures = [row(f"{k}.jpg", 0, 0.0, "happy" if k else "sad", unsure=True, reasons="blur") for k in range(4)]
    assert "happy most frequent 75.0 % of the faces, all of them unsure" in " ".join(" ".join(Elements(made(pictures)).words).split())


def test_a_long_recording_does_not_hide_the_others():
    rows = [row("long.mp4", k, k / 10, "happy", person=0, valence=0.8) for k in range(90)]
    rows += [row("short.mp4", k, k / 10, "sad", person=0, valence=-0.2) for k in range(10)]
    words = " ".join(" ".join(Elements(made(rows)).words).split())
    assert "+0.70 mean valence, −1..1 over all time of 2 persons median +0.80 mean of 2 persons' means: +0.30" in words
    assert "who is seen longer weighs more" in words
    alone = " ".join(" ".join(Elements(made(rows[:90])).words).split())
    assert "persons' means" not in alone
    assert "who is seen longer" not in alone


def test_recordings_without_a_face_are_named():
    rows = [*two_people("a.mp4", 30), *(row("films/<i>.mp4", k, k / 10) for k in range(5))]
    html = made(rows)
    assert "No face was found in: <i>.mp4." in " ".join(Elements(html).words)
    assert "<i>.mp4" not in re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    many = [*two_people("a.mp4", 30), *(row(f"{k}.jpg", 0, 0.0) for k in range(1000))]
    assert "6.jpg, 7.jpg, 8.jpg, 9.jpg and 990 more." in " ".join(Elements(made(many)).words)
    assert "No face was found in" not in made(two_people())


def test_both_languages_say_the_same_things():
    from mien.report.words import words

    assert set(words("en")) == set(words("ru"))
    for key, sentence in words("en").items():
        assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", words("ru")[key])), key


def test_rows_that_do_not_fit_are_thinned_and_told(monkeypatch):
    table = timeline(two_people(frames=2000))
    whole = len(pack(table).text)
    monkeypatch.setattr(contents, "pack", lambda timeline: pack(timeline, most=whole // 4))
    html = page(table, title="t", table="runs/t.csv")
    every = data_of(html)["table"]["every"]
    assert every >= 4
    words = " ".join(Elements(html).words)
    assert f"every {every}th frame" in words
    assert "the file t.csv" in words
    assert "runs/" not in html
    assert data_of(html)["table"]["file"] == f"t-every-{every}.csv"
    assert data_of(html)["scopes"][0]["summary"]["rows"] == len(table)


def test_an_hour_stays_under_ten_megabytes():
    n = 108_000
    rng = np.random.default_rng(0)
    base = timeline(two_people(frames=4)).where(np.zeros(n, np.int64) + 1)
    base.columns["frame"], base.columns["time_s"] = np.arange(n), np.round(np.arange(n) / 30, 6)
    base.columns["unsure"] = np.zeros(n, np.bool_)
    base.columns["person"] = np.arange(n) // 4500
    for name in ("valence", "arousal", *(f"p_{name}" for name in EMOTIONS)):  # noise packs worst
        base.columns[name] = np.round(rng.uniform(0, 1, n), 6)
    html = page(base, title="an hour")
    assert len(html.encode()) < 10_000_000
    assert data_of(html)["table"]["rows"] < n == data_of(html)["table"]["of"]


def test_it_says_when_and_with_what_it_was_made():
    html = made(two_people(), made=datetime(2026, 5, 4, 10, 20, tzinfo=UTC))
    words = " ".join(Elements(html).words)
    assert "2026-05-04 10:20 UTC" in words
    assert "model fake" in words


def test_every_chart_has_words_for_those_who_cannot_see_it():
    for scope in data_of(made(two_people(), baseline=(0, 1)))["scopes"]:
        assert {"lines", "affect", "strip", "counts", "shares", "plane", "reasons", "quality", "change"} - {"reasons"} <= set(
            scope["charts"]
        )
        assert all(len(chart["alt"]) > 10 for chart in scope["charts"].values())


def test_the_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "deep" / "page.html"
    write_page(timeline(two_people()), target, title="t")
    before = target.read_bytes()
    assert before.endswith(b"</html>\n")
    assert [p.name for p in target.parent.iterdir()] == ["page.html"]

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SinkError, match="No space left"):
        write_page(timeline([]), target, title="other")
    assert target.read_bytes() == before
    assert [p.name for p in target.parent.iterdir()] == ["page.html"]


def test_what_is_counted_agrees_with_its_number() -> None:
    assert [form_of(n, "person|persons") for n in (0, 1, 2, 21)] == ["persons", "person", "persons", "persons"]
    forms = "кадр|кадра|кадров"
    assert [form_of(n, forms) for n in (1, 2, 4, 5, 11, 12, 14, 21, 22, 100, 101, 111, 112, 1_003)] == [
        "кадр", "кадра", "кадра", "кадров", "кадров", "кадров", "кадров", "кадр", "кадра", "кадров", "кадр", "кадров", "кадров", "кадра",
    ]  # fmt: skip
    assert form_of(1, "кадров: {n}") == form_of(5, "кадров: {n}") == "кадров: {n}"


def test_a_single_face_of_a_single_picture_is_singular() -> None:
    words = " ".join(" ".join(Elements(made([row("a.jpg", 0, 0.0, "happy")])).words).split())
    assert "1 picture without a face: 0.0 % 1 face unsure: 0.0 %" in words
    film = [row("a.mp4", k, k / 10, "happy", person=0) for k in range(21)]
    words = " ".join(" ".join(Elements(made(film)).words).split())
    assert "21 frames without a face: 0.0 % 21 faces unsure: 0.0 % 1 person" in words
    words = " ".join(" ".join(Elements(made(film, language="ru")).words).split())
    assert "21 кадр без лица: 0,0 % 21 лицо ненадёжно: 0,0 % 1 человек" in words
