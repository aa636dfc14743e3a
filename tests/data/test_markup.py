"""The style of the pages of a data set, and its pieces."""

import re
from pathlib import Path

import numpy as np
import pytest

from mien.data.markup import LISTED, STYLE, figure, left_out, page, row
from mien.data.readers.report import Problem


def test_links_and_warnings_stand_out_in_both_themes() -> None:
    pairs = ["link paper", "ink paper", "soft paper", "soft card", "warn warnbg", "link warnbg"]
    light, dark = (dict(re.findall(r"--(\w+):(#\w+)", block)) for block in STYLE.split("@media", 2)[:2])
    assert light["paper"] != dark["paper"]
    for colours in (light, dark):
        for ink, paper in map(str.split, pairs):
            assert wcag(full(colours[ink]), full(colours[paper])) >= 4.5, (ink, paper)


def full(colour: str) -> str:
    """`#fff` as `#ffffff`."""
    return colour if len(colour) == 7 else "#" + "".join(2 * letter for letter in colour[1:])


def wcag(one: str, other: str) -> float:
    """The contrast ratio by the words of WCAG 2.1."""
    lights = []
    for colour in (one, other):
        channels = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        lights.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(lights) / min(lights)


def test_a_heading_stays_with_its_pictures_on_paper(tmp_path: Path) -> None:
    """In Chromium, as printed: a flex box would leave its heading alone at the foot of a page, and a picture could be cut in two."""
    pytest.importorskip("websockets")
    from tests.web.browser import Browser

    (tmp_path / "page.html").write_text(page("set", f"<h3>sad</h3>{row([figure(None, 'a')])}"), "utf-8")
    with Browser(tmp_path / "profile", camera=tmp_path / "none") as browser:
        browser.ask("Page.navigate", url=(tmp_path / "page.html").as_uri())
        browser.until("document.readyState === 'complete' && document.querySelector('figure')")
        style = "getComputedStyle(document.querySelector(tag))"
        look = f"(tag => (({{ display, breakInside, breakAfter }}) => [display, breakInside, breakAfter])({style}))"
        assert browser.run(f"{look}('.row')")[0] == "flex"
        browser.ask("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        assert browser.run(f"{look}('.row')")[0] == "block"
        assert browser.run(f"{look}('figure')")[:2] == ["inline-block", "avoid"]
        assert browser.run(f"{look}('h3')")[2] == "avoid"
        assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"  # no ink for a dark page


def test_what_was_left_out_is_named_once_and_cut_off() -> None:
    problems = [Problem("corrupt picture", f"<{k}>.png", f"<{k}>.png: no picture") for k in range(LISTED + 3)]
    html = left_out([*problems, Problem("other file", "notes.txt", "no picture")])
    assert html.count("&lt;0&gt;.png") == 1
    assert "and 3 more" in html
    assert "notes.txt: no picture" in html
    assert "<h3>Left out on reading, other file (1)</h3>" in html
