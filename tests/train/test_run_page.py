"""The page of a training: the numbers of the run, its settings and record, and nothing from outside."""

import dataclasses
import json
import re
from datetime import UTC, datetime

import pytest

from mien.errors import DataError, SourceMissing
from mien.train.axis import epoch_axis, value_axis
from mien.train.config import TrainConfig, changed
from mien.train.curve_svg import BOTTOM, HEIGHT, TOP, curve_chart
from mien.train.curves import as_columns, best, panels, shown
from mien.train.run_page import as_page, write_page
from tests.report.tables import Elements
from tests.train.runs import EPOCHS, rows, write_run

CONFIG = changed(TrainConfig(), {"name": "mine <b>", "epochs": 30, "smoothing": 0.1, "head.units": 64, "settings.widths": [8, 16]})
RECORD = {"seed": 7, "data": "ab" * 32, "versions": {"torch": "2.13.0", "mien": "<1>"}}


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run", rows(), config=json.loads(json.dumps(dataclasses.asdict(CONFIG))), run=RECORD)


def cells(html, name):
    """The table with a name as rows of text."""
    whole = re.search(rf'<table id="{name}">.*?</table>', html, re.DOTALL).group()
    lines = re.findall(r"<tr.*?</tr>", whole, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.DOTALL) for line in lines]


def settings(html):
    """Name -> the other cells, of the settings shown and of those folded away."""
    part = html[html.index('<div class="settings">') : html.index("Record of the run")]
    halves = []
    for half in f"{part}<details>".split("<details>")[:2]:
        found = re.findall(r'<tr><th scope="row"><code>(.*?)</code></th>(.*?)</tr>', half)
        halves.append({name: re.findall(r"<td>(.*?)</td>", more) for name, more in found})
    return halves


def test_the_table_has_the_numbers_of_the_file(run):
    head, *body = cells(as_page(run), "epochs")
    written = as_columns(rows())
    assert set(head) == set(written)
    assert len(body) == EPOCHS
    for k, line in enumerate(body):
        for name, value in zip(head, line, strict=True):
            assert float(value) == pytest.approx(written[name][k], rel=1e-5)


def test_the_dots_of_the_charts_say_and_have_the_numbers(run):
    columns = as_columns(rows())
    html = as_page(run)
    for panel in panels(columns):
        chart = curve_chart(panel, columns["epoch"], best(columns))
        assert chart in html
        across, up = epoch_axis(columns["epoch"]), value_axis(panel)
        spots = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"[^>]*><title>(.*?)</title>', chart)
        told = [(epoch, one, value) for one in panel.series for epoch, value in zip(columns["epoch"], one.values, strict=True)]
        assert len(spots) == len(told)
        left, right = float(spots[0][0]), float(spots[EPOCHS - 1][0])
        for (x, y, hint), (epoch, one, value) in zip(spots, told, strict=True):
            assert hint == f"epoch {epoch:g}, {one.name}: {shown(value, panel.kind)}"
            assert float(x) == pytest.approx(left + (right - left) * (epoch - 1) / (EPOCHS - 1), abs=0.2)
            assert across.part(epoch) < 1
            assert TOP < float(y) < HEIGHT - BOTTOM
            bottom, top = (float(re.search(rf'y1="([\d.]+)"[^>]*/><text[^>]*"end"[^>]*>{re.escape(up.label(tick))}<', chart).group(1))
                           for tick in (up.ticks[0], up.ticks[-1]))  # fmt: skip
            share = (up.part(value) - up.part(up.ticks[0])) / (up.part(up.ticks[-1]) - up.part(up.ticks[0]))
            assert float(y) == pytest.approx(bottom + share * (top - bottom), abs=0.2)


def test_glance_says_the_best_epoch_and_the_time(run):
    words = Elements(as_page(run)).words
    seconds = sum(row["seconds"] for row in rows())
    assert words[words.index("best epoch") - 1] == "20"
    assert words[words.index("validation accuracy") - 1] == f"{100 * rows()[19]['val_accuracy']:.1f} %"
    assert words[words.index("validation loss") - 1] == f"{rows()[19]['val_loss']:.4f}"
    assert words[words.index("CCC of valence") - 1] == f"{rows()[19]['val_ccc_valence']:.4f}"
    assert words[words.index("time") - 1] == f"{seconds / 60:.0f} min"
    assert words[words.index("epochs") - 1 : words.index("epochs") + 2] == ["26", "epochs", "of 30"]


def test_one_epoch_is_told_as_one(tmp_path):
    html = as_page(write_run(tmp_path / "run", rows(1)))
    assert "Figures of one epoch, as in metrics.jsonl" in html
    words = Elements(html).words
    assert words[words.index("epoch") - 1] == "1"


def test_long_numbers_have_room_beside_their_axis(tmp_path):
    """The font is 17 pixels high on a narrow screen; these characters are .62 of that wide in a wide font (DejaVu Sans)."""
    html = as_page(write_run(tmp_path / "run", [row | {"train_loss": 2.0436e11, "val_loss": 2.0437e11} for row in rows(1)]))
    found = re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="end" class="axis">(.*?)</text>', html)
    assert any("e+11" in label for _, label in found)
    for x, label in found:
        assert float(x) >= 0.62 * 17 * len(label), label
    assert "validation: 2.044e+11</title>" in html


def test_the_crowds_majority_is_a_line_of_its_own(run):
    write_run(run, [row | {"val_votes_accuracy": 0.8125} for row in rows(affect=False)])
    html = as_page(run)
    words = Elements(html).words
    assert words[words.index("accuracy on the crowd's majority") - 1] == "81.2 %"
    assert html.count("crowd&#x27;s majority: 81.2 %</title>") == EPOCHS


def test_settings_that_differ_are_shown_and_the_others_folded(run):
    different, folded = settings(as_page(run))
    assert different == {
        "name": ["mine &lt;b&gt;", "model", "Name of the model and of its run folder."],
        "epochs": ["30", "40", "Passes over the training rows, all in all."],
        "smoothing": ["0.1", "0", different["smoothing"][2]],
        "head.units": ["64", "512", different["head.units"][2]],
        "settings.widths": ["8, 16", "none", different["settings.widths"][2]],
    }
    names = {f"{at}{field.name}" for at, part in (("", CONFIG), ("head.", CONFIG.head), ("freeze.", CONFIG.freeze),
             ("settings.", CONFIG.settings)) for field in dataclasses.fields(part)} - {"head", "freeze", "settings"}  # fmt: skip
    assert set(different) | set(folded) == names
    assert folded["batch"][0] == "128"
    assert folded["rate"][0] == "0.1"


def test_a_setting_of_another_version_is_shown_as_such(run):
    (run / "config.json").write_text(json.dumps({"name": "x", "gone": [1, 2], "deep": {"er": True}}))
    different, _ = settings(as_page(run))
    assert different["gone"] == ["1, 2", "–", "not a setting of this version of mien"]
    assert different["deep.er"][0] == "true"


def test_the_record_is_there(run):
    words = Elements(as_page(run)).words
    words = words[words.index("Record of the run") :]
    for name, value in (("seed", "7"), ("data", "ab" * 32), ("versions.torch", "2.13.0"), ("versions.mien", "<1>")):
        assert words[words.index(name) + 1] == value


def test_why_validation_can_beat_training_is_said_with_the_count(run):
    html = as_page(run)
    ahead = sum(row["val_accuracy"] > row["train_accuracy"] for row in rows())
    assert 0 < ahead < EPOCHS
    assert f"Here it is in {ahead} of 26 epochs." in html
    assert html.index("Accuracy by epoch") < html.index("Validation can be better than training") < html.index("Agreement (CCC) by epoch")
    write_run(run, [rows()[0] | {"train_accuracy": 0.1, "val_accuracy": 0.2}])
    assert "Here it is in 1 of 1 epoch." in as_page(run)
    behind = [row | {"val_accuracy": 0.0} for row in rows()]
    write_run(run, behind)
    assert "Here it is in" not in as_page(run)


def test_the_page_asks_for_nothing_and_names_cannot_break_out(run):
    evil = '</style><script>alert(1)</script>"'
    write_run(run, [row | {evil: 1.0} for row in rows()], run={evil: evil})
    path = write_page(run)
    assert path == run / "report.html"
    html = path.read_text("utf-8")
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert not re.findall(r"""(?:https?:|//[a-z]|@import|url\(|src=|<link(?! rel="icon" href="data:,"))""", html)
    assert html.count("<section>") == html.count("</section>") == 5
    assert html.count("<details>") == html.count("</details>") == 2


def test_it_stands_without_settings_and_record(tmp_path):
    html = as_page(write_run(tmp_path, rows(1, affect=False)), made=datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
    assert "<h2>Settings</h2>" not in html
    assert "Record of the run" not in html
    assert "2026-01-02 03:04 UTC" in html
    assert f"<title>Training of {tmp_path.name}</title>" in html


def test_nothing_to_draw_is_said(tmp_path):
    assert "No metric of this run has a value that can be drawn." in as_page(
        write_run(tmp_path, [{"epoch": 1, "train_loss": float("nan")}])
    )


def test_long_trainings_have_lines_but_no_dots_on_them():
    columns = as_columns(rows(300))
    chart = curve_chart(panels(columns)[0], columns["epoch"], best(columns))
    assert chart.count("<circle") == 2  # the best epoch's
    assert len(re.search(r'points="(.*?)"', chart).group(1).split()) == 300


def test_what_is_missing_or_broken_is_named(tmp_path):
    with pytest.raises(SourceMissing, match=r"metrics\.jsonl: no such file"):
        write_page(tmp_path)
    write_run(tmp_path, rows(), run=[1])
    with pytest.raises(DataError, match=r"run\.json: found a JSON list, wanted an object"):
        write_page(tmp_path)
    assert not (tmp_path / "report.html").exists()
