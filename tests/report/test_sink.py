import base64
import csv
import gzip
import re
from dataclasses import replace

import numpy as np
import pytest

from mien.errors import SourceUnreadable
from mien.sinks.baseline import after_baseline
from mien.sinks.page import BLOCK, HtmlSink
from mien.testing import FakeDetector, FakeRecogniser, make_result, planted_picture
from mien.timeline import Timeline
from mien.types import Frame
from tests.report.tables import Elements, csv_file, data_of, row, timeline, two_people


def rows_of(path):
    return gzip.decompress(base64.b64decode(Elements(path.read_text("utf-8")).script("mien-rows")))


def test_results_become_a_page(tmp_path):
    from mien.pipeline import Analyzer

    analyzer = Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
    image, _ = planted_picture([((40, 30, 140, 130), "happy"), ((200, 200, 300, 300), "sad")])
    target = tmp_path / "out.html"
    with HtmlSink(target) as sink:
        for name in ("one.png", "two.png"):
            frame = Frame(image, source=name)
            sink.write(frame, analyzer.frames([frame])[0])
        assert not target.exists()
    found = data_of(target.read_text("utf-8"))["scopes"][0]["summary"]
    assert {e["emotion"]: e["faces"] for e in found["emotions"] if e["faces"]} == {"happy": 2, "sad": 2}
    assert sink.what == str(target)
    assert data_of(target.read_text("utf-8"))["table"]["file"] == "out.csv"


def test_the_page_has_the_rows_of_the_csv_beside_it(tmp_path):
    rows = two_people(frames=BLOCK)  # several blocks
    with HtmlSink(tmp_path / "a.html") as sink:
        for start in range(0, len(rows), 7):
            sink.add(rows[start : start + 7])
    assert rows_of(tmp_path / "a.html") == csv_file(tmp_path / "a.csv", rows).read_bytes()


def test_an_interrupted_run_has_a_page_that_says_so(tmp_path):
    target = tmp_path / "a.html"

    def run():
        with HtmlSink(target) as sink:
            sink.add(two_people(frames=20))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    words = " ".join(Elements(target.read_text("utf-8")).words)
    assert "interrupted" in words
    assert data_of(target.read_text("utf-8"))["scopes"][0]["summary"]["frames"] == 20


def test_what_could_not_be_read_is_named_and_why(tmp_path):
    with HtmlSink(tmp_path / "a.html", language="ru") as sink:
        sink.failed("films/<b>.mp4", SourceUnreadable("films/<b>.mp4: an empty file"))
        sink.failed("https://u:geheim@x.org/c.jpg?t=geheim", SourceUnreadable("https://x.org/c.jpg?…: refused"))
        sink.add(two_people(frames=5))
    html = (tmp_path / "a.html").read_text("utf-8")
    assert "Не удалось прочитать совсем или до конца: <b>.mp4 (an empty file), c.jpg?… (refused)." in " ".join(Elements(html).words)
    assert "<b>.mp4" not in re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert "geheim" not in html


def test_a_thousand_failures_stay_one_sentence(tmp_path):
    with after_baseline(HtmlSink(tmp_path / "a.html"), (0, 1)) as sink:
        for k in range(1000):
            sink.failed(f"{k}.mp4", SourceUnreadable(f"{k}.mp4: damaged"))
        sink.write(Frame(np.zeros((1, 1, 3), np.uint8)), make_result(["happy"]))
    words = " ".join(Elements((tmp_path / "a.html").read_text("utf-8")).words)
    assert "not to the end: 0.mp4 (damaged), 1.mp4 (damaged)" in words
    assert "9.mp4 (damaged) and 990 more." in words
    assert "10.mp4" not in words


def test_a_run_without_rows_replaces_nothing(tmp_path):
    target = tmp_path / "a.html"
    target.write_text("before")
    with HtmlSink(target) as sink:
        pass
    assert target.read_text() == "before"
    assert sink.what == ""


def test_blocks_are_joined_though_only_some_have_raw_values():
    first, second = timeline([row("a", 0, 0.0)]), timeline([row("a", 1, 0.1, "happy") | {"raw_valence": 0.5}])
    whole = Timeline.joined([first, second])
    assert whole["frame"].tolist() == [0, 1]
    assert np.isnan(whole["raw_valence"][0])
    assert whole["raw_valence"][1] == 0.5
    assert next(whole.rows())["unsure"] is None


def test_title_and_language_are_passed_on(tmp_path):
    with HtmlSink(tmp_path / "a.html", title="Опыт", language="ru") as sink:
        sink.add(two_people(frames=5))
    assert "<h1>Опыт</h1>" in (tmp_path / "a.html").read_text("utf-8")
    with HtmlSink(tmp_path / "b.html") as sink:
        sink.add(two_people("films/clip.mp4", frames=5))
    assert "<h1>clip.mp4</h1>" in (tmp_path / "b.html").read_text("utf-8")


def test_a_page_of_several_sources_is_not_titled_as_if_it_were_of_the_first(tmp_path):
    with HtmlSink(tmp_path / "a.html") as sink:
        for name in ("b.jpg", "a.jpg", "c.jpg", "a.jpg"):
            sink.add(two_people(f"photos/{name}", frames=1))
    assert "<h1>b.jpg and 2 more</h1>" in (tmp_path / "a.html").read_text("utf-8")


def test_a_run_of_days_is_thinned_evenly_and_says_so(tmp_path):
    """One of two people is happy for the first third of eight minutes and sad after it; memory holds some thousand rows of 24,000."""
    frames = 12_000
    with HtmlSink(tmp_path / "a.html", most_rows=3 * BLOCK) as sink, HtmlSink(tmp_path / "all.html") as every:
        for k in range(frames):
            shown = make_result(["happy" if k < frames / 3 else "sad", "neutral"], source="camera 0")
            shown = replace(shown, index=k, time=k / 25, faces=replace(shown.faces, ids=np.array([0, 1])))
            for one in (sink, every):
                one.write(Frame(np.zeros((1, 1, 3), np.uint8), source="camera 0", stream=True), shown)
            assert sum(map(len, sink._blocks)) + len(sink._rows) <= 4 * BLOCK
    thinned, whole = (data_of((tmp_path / name).read_text("utf-8")) for name in ("a.html", "all.html"))
    few, many = (found["scopes"][0]["summary"] for found in (thinned, whole))
    assert few["frames"] * 2 == few["faces"] == thinned["table"]["of"]
    n = round(frames / few["frames"])
    assert n & (n - 1) == 0  # a power of two
    kept = csv.DictReader(rows_of(tmp_path / "a.html").decode().splitlines())
    assert sorted({int(one["frame"]) for one in kept}) == list(range(0, frames, n))
    assert f"of its 12,000 frames one in {n} is on this page" in " ".join(Elements((tmp_path / "a.html").read_text("utf-8")).words)
    assert "is on this page" not in (tmp_path / "all.html").read_text("utf-8")
    assert few["people"] == many["people"] == 2
    assert few["duration"] == pytest.approx(frames / 25, abs=1)
    shares = [{one["emotion"]: one["time_share"] for one in found["emotions"]} for found in (few, many)]
    assert shares[0]["happy"] == pytest.approx(1 / 6, abs=0.002)
    assert shares[0] == pytest.approx(shares[1], abs=0.002)
