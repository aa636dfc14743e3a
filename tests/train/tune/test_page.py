"""The page of a search: its numbers are those of trials.csv, and it opens with the network off."""

import csv
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from mien.train.tune.page import as_page, write_page
from mien.train.tune.space import parse_space
from tests.train.tune.objectives import bowl, picky
from tests.train.tune.searching import search

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=4000",
)  # fmt: skip
VOID = {"meta", "link", "img", "br"}


class Parsed(HTMLParser):
    """Tables as lists of rows of words, titles of dots, and all that is referred to."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tables, self.dots, self.tags, self.links = [], [], [], set(), []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        self.tags.add(tag)
        self.links += [value for name, value in own.items() if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, words):
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += words
        if self.open[-2:] == ["circle", "title"]:
            self.dots.append(words)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return search(picky, tmp_path_factory.mktemp("search") / "of <heads>", 9)


def test_its_numbers_are_those_of_the_csv(found):
    page = as_page(found)
    parsed = Parsed(page)
    with (found.folder / "trials.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    head, *shown = parsed.tables[-1]
    assert head[:3] == ["trial", "outcome", "val_loss"]
    assert len(shown) == len(rows) == 9
    for cells, row in zip(shown, rows, strict=True):
        assert cells[0] == row["trial"]
        assert cells[1] == {"pruned": "cut short"}.get(row["state"], row["state"])
        assert cells[2] == (f"{float(row['val_loss']):.6g}" if row["val_loss"] else "–")
        assert cells[3] == row["epochs_run"]
        assert cells[5:8] == [row["head.units"], row["head.activation"], f"{float(row['rate']):.4g}"]
        assert cells[8] == row["reason"]
    best = min((row for row in rows if row["state"] == "complete"), key=lambda row: float(row["val_loss"]))
    assert f"<b>{float(best['val_loss']):.6g}</b><span>val_loss</span><small>the best, of trial {best['trial']}</small>" in page
    ended = [row for row in rows if row["val_loss"]]
    assert len(parsed.dots) == 4 * len(ended)  # the history, and one chart for each of three settings
    for row in ended:
        assert sum(dot.startswith(f"trial {row['trial']}: val_loss {float(row['val_loss']):.6g}") for dot in parsed.dots) == 4


def test_it_needs_nothing_from_outside_and_no_name_breaks_out(found):
    page = as_page(found, notes=("<b>note</b>",))
    parsed = Parsed(page)
    assert not {"script", "iframe", "object", "b>note"} & parsed.tags
    assert all(link.startswith("data:") for link in parsed.links)
    assert "default-src 'none'" in page
    assert "url(" not in page
    assert "Search of of &lt;heads&gt;" in page
    assert "&lt;b&gt;note&lt;/b&gt;" in page


def test_importances_are_drawn_as_they_are(found):
    page = as_page(found)
    assert sum(found.importance.values()) == pytest.approx(1)
    for name, share in found.importance.items():
        assert f'class="axis">{name}</text>' in page
        assert f"{100 * share:.1f}\u00a0%</text>" in page


def test_a_search_of_one_trial_and_one_of_none_have_a_page(tmp_path):
    one = search(bowl, tmp_path / "a", 1, space=parse_space("[space]\nhead.units = {low = 8, high = 8}", "x.toml"))
    page = as_page(one)
    Parsed(page)
    assert "Two complete trials" in page
    assert "All settings together" not in page

    def fails(config, folder, watch):
        raise ValueError("no")

    none = search(fails, tmp_path / "b", 2)
    page = as_page(none)
    Parsed(page)
    assert "History" not in page
    assert none.best is None
    assert not (tmp_path / "b" / "best.toml").exists()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here to open the page in")
def test_it_opens_in_a_browser_without_a_complaint(found, tmp_path):
    path = tmp_path / "index.html"
    write_page(found, path)
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    assert done.stdout.count("<circle") == as_page(found).count("<circle")
