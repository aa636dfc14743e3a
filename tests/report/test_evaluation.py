"""The page of an evaluation: whole, safe, and without a script or anything from outside."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mien.data.labelled import Labelled
from mien.errors import SinkError, SourceUnreadable
from mien.evaluate.metrics import Judged
from mien.evaluate.run import evaluate, evaluate_both
from mien.report.colours import THEMES
from mien.report.evaluation import as_page, write_evaluation
from mien.report.evaluation_charts import affect_chart, confusion_table, coverage_chart, interval_bar, reliability_chart
from mien.report.evaluation_mosaic import SHOWN, mosaics
from mien.testing import DARKEST, STEP, FakeDetector, FakeRecogniser
from mien.types import Faces, Image

LABELS = ("anger", "happy", "sad")
GREYS = {"anger": DARKEST, "happy": DARKEST + 4 * STEP, "sad": DARKEST + 6 * STEP}
VOID = {"meta", "link", "img", "br"}


def labelled(n: int = 24, *, broken: int = -1, affect: bool = True, labels: bool = True) -> Labelled:
    """Pictures of three emotions; every fifth shows another one than its label says."""

    def reader(i: int):
        def read() -> Image:
            if i == broken:
                raise SourceUnreadable("one: no picture")
            return np.full((48, 48, 3), GREYS[LABELS[(i + (i % 5 == 4)) % 3]], np.uint8)

        return read

    truth = np.linspace(-1, 1, 2 * n).reshape(n, 2).astype(np.float32)
    return Labelled(
        "<set> & co", LABELS, np.arange(n) % 3 if labels else np.full(n, -1), tuple(f"<{i}>.png" for i in range(n)),
        tuple(reader(i) for i in range(n)), truth if affect else None,
        {"label '<x>': not in the label set": 2},
        {"subject": np.array([f"<p{i % 4}>" for i in range(n)], object), "source": np.full(n, "", object)},
    )  # fmt: skip


class Balanced(HTMLParser):
    """Checks that every element is closed in its turn, and collects what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(page: str) -> Balanced:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    return parser


def judge(data: Labelled, **more):
    return evaluate(FakeRecogniser(), FakeDetector(Faces.none()), data, labels="fer7", faces="crop", rounds=20, **more)


def test_the_page_has_all_parts_and_nothing_from_outside() -> None:
    data = labelled()
    page = as_page(judge(data, slice_by=["subject", "brightness"]), data)
    found = parsed(page)
    for heading in ("At a glance", "By emotion", "Confusion matrix", "Confidence", "Parts of the data", "Valence and arousal", "Pictures"):
        assert f"<h2>{heading}</h2>" in page
    assert not {"script", "iframe", "object"} & {tag for tag, _ in found.seen}
    assert "default-src 'none'" in page
    links = [value for _, attrs in found.seen for name, value in attrs.items() if name in ("src", "href")]
    assert links
    assert all(str(value).startswith("data:") for value in links)
    assert "url(" not in page
    assert "@import" not in page
    assert "<b>83.3\xa0%</b><span>Accuracy</span>" in page  # 20 of 24
    assert "4 people, each with all their pictures" in page
    assert "not what a person feels" in page


def test_names_cannot_break_out() -> None:
    data = labelled()
    page = as_page(judge(data, slice_by=["subject"]), data)
    assert "&lt;set&gt; &amp; co" in page
    assert "&lt;p0&gt;" in page
    assert not re.search(r"<(set|p0|x|\d+)>", page)


def test_two_models_stand_side_by_side() -> None:
    data = labelled(broken=3)
    one, other, compared = evaluate_both(
        FakeRecogniser(), FakeRecogniser(confidence=0.5), FakeDetector(Faces.none()), data, labels="fer7", faces="crop", rounds=20
    )
    page = as_page(one, data, against=other, comparison=compared)
    parsed(page)
    assert "<h2>fake and fake (2) on the same pictures</h2>" in page
    assert "exact p = 1" in page
    assert "cannot be read" in page


def test_parts_that_there_is_nothing_for_are_not_there(tmp_path: Path) -> None:
    data = labelled(affect=False)
    assert "Valence and arousal" not in as_page(judge(data), data)
    data = labelled(labels=False)
    page = as_page(judge(data), data)
    parsed(page)
    assert "Confusion matrix" not in page
    assert "<h2>Pictures</h2>" not in page
    assert "percentile bootstrap" in page
    page = as_page(judge(data, slice_by=["subject"]), data)
    parsed(page)
    assert "<h2>Parts of the data</h2>" in page
    assert "<caption>arousal by subject</caption>" in page
    assert "macro-F1" not in page
    write_evaluation(judge(data), data, tmp_path / "a" / "page.html")
    assert (tmp_path / "a" / "page.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    (tmp_path / "file").write_text("x")
    with pytest.raises(SinkError):
        write_evaluation(judge(data), data, tmp_path / "file" / "page.html")


def test_mosaics_show_every_label_and_the_surest_mistakes() -> None:
    rng = np.random.default_rng(0)
    probs = rng.dirichlet(np.ones(3), 300).astype(np.float32)
    probs[:5] = np.nan
    judged = Judged(probs, np.repeat([0, 1, 2], [200, 90, 10]), LABELS)
    right, wrong, sure = mosaics(judged)
    assert all(judged.right[list(right.rows)])
    assert not any(judged.right[list(wrong.rows)])
    assert np.bincount(judged.true[list(right.rows)]).min() >= 2
    assert len(set(right.rows)) == len(right.rows) == SHOWN
    mistakes = judged.confidence[~judged.right & judged.answered]
    assert judged.confidence[list(sure.rows)].tolist() == sorted(mistakes.tolist(), reverse=True)[:SHOWN]
    assert mosaics(judged) == [right, wrong, sure]
    perfect = Judged(np.eye(3, dtype=np.float32), np.arange(3), LABELS)
    assert [mosaic.title for mosaic in mosaics(perfect)] == ["Right"]


def test_charts_put_values_where_they_belong() -> None:
    bins = [{"n": 0, "confidence": float("nan"), "accuracy": float("nan")}, {"n": 9, "confidence": 0.5, "accuracy": 1.0}]
    chart = reliability_chart(bins)
    dots = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', chart)
    assert len(dots) == 1
    grid = [float(x) for x in re.findall(r'<line x1="([\d.]+)" y1="12.0" x2="\1"', chart)]
    assert float(dots[0][0]) == pytest.approx((grid[0] + grid[-1]) / 2, abs=0.1)
    assert float(dots[0][1]) == 12
    assert coverage_chart([("a", {"1": 0.5, "0.5": 0.9}), ("b", {"1": 0.6, "0.5": 0.7})]).count("<circle") == 4
    missing = np.array([0.1, np.nan, 0.3], np.float32)
    assert affect_chart("valence", missing, np.zeros(3, np.float32)).count("<circle") == 2
    assert affect_chart("valence", np.zeros(9000, np.float32), np.zeros(9000, np.float32)).count("<circle") == 4000
    assert interval_bar(float("nan"), 0.5, 0.6) == ""
    table = confusion_table(["a", "b"], [[3, 1], [0, 0]], [0, 2])
    assert "75.0\xa0%" in table
    assert "no face" in table
    parsed(table)


def test_each_cell_of_the_confusion_matrix_can_be_read() -> None:
    """Every share in both colours and themes, mixed here with numpy and judged by WCAG's words."""
    for right in (True, False):
        for part in range(1, 101):
            counts = [[part, 100 - part], [0, 0]] if right else [[100 - part, part], [0, 0]]
            cell = re.findall(r"<td[^>]*>", confusion_table(["a", "b"], counts, [0, 0]))[0 if right else 1]
            name, strength = re.findall(r"var\(--(\w+)\) (\d+)%", cell)[0]
            assert name == ("accent" if right else "other")
            assert int(strength) == pytest.approx(10 * part**0.5, abs=0.51)
            for theme in ("light", "dark"):
                colour, surface = (np.array(list(bytes.fromhex(THEMES[theme][one][1:]))) for one in (name, "surface"))
                mixed = np.rint(colour * int(strength) / 100 + surface * (1 - int(strength) / 100))
                written = np.array(list(bytes.fromhex(re.findall(rf"--{theme}: #(\w+)", cell)[0])))
                low, high = sorted(light(one) for one in (mixed, written))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (theme, name, part)


def light(colour: np.ndarray) -> float:
    """WCAG 2.1's relative luminance of red, green, blue in 0..255."""
    share = colour / 255
    linear = np.where(share <= 0.03928, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
