"""The page in a browser, with no network: charts drawn, rows unpacked, nothing asked for, no complaint."""

import base64
import io
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image

from mien.options import AnalyzeOptions
from mien.provenance import Provenance
from mien.report.page import write_page
from mien.report.reaction import write_reaction_page
from mien.study.reaction import react
from mien.study.reaction_result import ReactionSettings
from mien.study.viewer import Viewer
from mien.testing import planted_timeline
from tests.report.tables import Elements, row, timeline, two_people

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=8000",
)  # fmt: skip


@pytest.fixture
def opened(tmp_path):
    if CHROMIUM is None:
        pytest.skip("no Chromium here to open the page in")

    def call(rows, **options):
        path = tmp_path / "page.html"
        write_page(timeline(rows), path, title="t", **options)
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,1000", "--dump-dom", path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    return call


def test_a_video_page_draws_its_charts_and_shows_its_rows(opened):
    evil = "<script>alert(1)<br>.mp4"
    dom, complaints = opened([*two_people(evil), row("b.jpg", 0, 0.0, "sad")], baseline=(0, 1))
    assert complaints == []
    assert 'data-ready="yes"' in dom.split(">", 2)[1]
    assert dom.count('class="main-svg"') >= 9
    words = Elements(dom).words
    assert "Rows 1–25 of 149" in words
    assert words.count(evil) >= 25  # cells of the table
    assert "<script>alert" not in dom


def test_a_folder_of_pictures(opened):
    dom, complaints = opened([row(f"{k}.jpg", 0, 0.0, "happy" if k % 2 else "fear") for k in range(8)])
    assert complaints == []
    assert 'data-ready="yes"' in dom
    assert "Rows 1–8 of 8" in Elements(dom).words


@pytest.fixture
def browser(tmp_path):
    pytest.importorskip("websockets")
    from tests.web.browser import Browser

    with Browser(tmp_path / "profile", camera=tmp_path / "none") as browser:
        yield browser


def show(browser, path, width=1280):
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.ask("Page.navigate", url=path.as_uri())
    browser.until("document.documentElement?.dataset.ready === 'yes'")


def test_nothing_on_a_chart_leaves_the_page_or_stops_the_tab_key(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline(two_people()), path, title="t", baseline=(0, 1))
    show(browser, path)
    assert browser.run("document.querySelectorAll('.main-svg').length") >= 9
    assert browser.run("document.querySelectorAll('.modebar-btn, .plot a, .plot button, .plot [tabindex]').length") == 0
    assert browser.run("[...document.querySelectorAll('a')].map((link) => link.getAttribute('href')).join()") == "#all-rows"
    assert browser.run("document.querySelector('.plot')._context.plotlyServerURL") == ""
    assert browser.run("document.querySelectorAll('.plot')[0]._context.showSendToCloud") is False
    shown = "[...document.querySelectorAll('figure[data-chart]')].filter((one) => !one.hidden)"
    assert browser.run(f"{shown}.every((one) => one.querySelectorAll('button').length === 1 && one.querySelector('button').offsetParent)")


def test_how_it_was_read_opens_at_a_click_and_for_the_printer(browser, tmp_path):
    path = tmp_path / "page.html"
    how = Provenance.of(AnalyzeOptions(detector="mtcnn"))
    write_page(timeline(two_people()), path, title="t", how=how)
    show(browser, path, width=390)
    is_open, shown = "document.querySelector('#how-read details').open", "document.querySelector('#how-read').innerText.includes('mtcnn')"
    assert (browser.run(is_open), browser.run(shown)) == (False, False)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert (browser.run(is_open), browser.run(shown)) == (True, True)
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run(is_open) is False
    browser.run("document.querySelector('#how-read summary').click()")
    assert (browser.run(is_open), browser.run(shown)) == (True, True)
    fits = "(one) => one.scrollWidth <= one.clientWidth"
    assert browser.run(f"[document.documentElement, ...document.querySelectorAll('#how-read .scroll')].every({fits})")
    browser.run("dispatchEvent(new Event('beforeprint')), dispatchEvent(new Event('afterprint'))")
    assert browser.run(is_open) is True  # as the reader left it
    browser.run("document.querySelector('#how-read summary').click()")
    browser.run("dispatchEvent(new Event('beforeprint')), dispatchEvent(new Event('beforeprint')), dispatchEvent(new Event('afterprint'))")
    assert browser.run(is_open) is False
    assert browser.complaints == []


def test_what_is_folded_is_printed_without_a_script_too(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline(two_people()), path, title="t", how=Provenance.of(AnalyzeOptions(detector="mtcnn")))
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    browser.ask("Page.navigate", url=path.as_uri())
    browser.until("document.readyState === 'complete' && document.querySelector('#how-read td')")
    shown = "[...document.querySelectorAll('#how-read td')].some((one) => one.checkVisibility({contentVisibilityAuto: true}))"
    assert browser.run(shown) is False
    browser.ask("Emulation.setEmulatedMedia", media="print")
    browser.until(shown)
    assert browser.run("document.querySelector('#how-read td').getBoundingClientRect().height") > 0


def test_a_chart_becomes_a_picture(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline(two_people()), path, title="t")
    show(browser, path)
    browser.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "saved"))
    browser.run("document.querySelector('figure[data-chart=lines] button').click()")
    from tests.web.browser import wait_for

    saved = tmp_path / "saved" / "lines.png"
    wait_for(lambda: saved.exists() and saved.read_bytes().endswith(b"IEND\xaeB`\x82"))  # it is there before it is whole
    with Image.open(saved) as picture:
        assert picture.width == 2 * browser.run("document.querySelector('figure[data-chart=lines] .plot').clientWidth")
        assert picture.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)  # a ground of its own
    assert browser.complaints == []


def test_names_are_shown_letter_by_letter(browser, tmp_path):
    names = ["a<i>tal<br>x.mp4", "&lt;b.mp4", "$x^2$"]
    path = tmp_path / "page.html"
    write_page(timeline([one for name in names for one in two_people(name, 10)]), path, title="t")
    show(browser, path)
    told = browser.run("[...document.querySelectorAll('figure[data-chart=strip] .ytick text')].map((one) => one.textContent)")
    assert {one.removesuffix(", person 0") for one in told if one.endswith("0")} == set(names)
    assert browser.complaints == []  # plotly would look for MathJax


@pytest.mark.parametrize("width", [320, 1024, 1440])
def test_the_longest_word_has_room_in_its_tile(browser, tmp_path, width):
    rows = [row("a.mp4", k, k / 10, "uncertain", person=0) for k in range(20)]
    path = tmp_path / "page.html"
    write_page(timeline(rows), path, title="t", language="ru")
    show(browser, path, width)
    tiles = browser.run(
        "[...document.querySelectorAll('.tiles b')].map((b) => [b.textContent, b.scrollWidth, b.parentElement.clientWidth])"
    )
    assert "неопределенность" in [word for word, *_ in tiles]
    assert [tile for tile in tiles if tile[1] > tile[2]] == []
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_russian_page_has_russian_charts_and_prints_no_empty_section(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline(two_people()), path, title="t", language="ru")
    show(browser, path)
    ticks = browser.run("[...document.querySelectorAll('figure[data-chart=affect] .ytick')].map((one) => one.textContent)")
    assert "−0,5" in ticks
    assert not [tick for tick in ticks if "." in tick]
    assert browser.run("getComputedStyle(document.getElementById('all-rows')).display") == "block"
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert browser.run("getComputedStyle(document.getElementById('all-rows')).display") == "none"


def test_a_row_without_a_face_has_no_empty_heading(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline([row("a.jpg", 0, 0.0)]), path, title="t")
    show(browser, path)
    assert browser.run("document.querySelectorAll('#rows tbody tr').length") == 1
    assert browser.run("[...document.querySelectorAll('th')].filter((one) => !one.textContent).length") == 0


def darkness_at_the_right(browser, selector):
    """How much darker the last pixels of a box are than its ground, above its first line of text."""
    box = f"document.querySelector('{selector}')"
    browser.run(f"{box}.scrollIntoView({{block: 'center'}})")
    x, y = browser.run(f"(({{right, top}}) => [right, top])({box}.getBoundingClientRect())")
    shot = browser.ask("Page.captureScreenshot", format="png")["data"]
    with Image.open(io.BytesIO(base64.b64decode(shot))) as picture:
        grey = np.asarray(picture.convert("L"), float)[round(y) + 1 : round(y) + 4, : round(x)]
    return grey[:, -40:-20].mean() - grey[:, -3:].mean()


def test_what_is_moved_sideways_has_a_shadow_where_there_is_more(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline(two_people()), path, title="t")
    show(browser, path, width=360)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert darkness_at_the_right(browser, ".scroll:has(#episodes)") > 20
    browser.run("document.querySelector('.scroll:has(#episodes)').scrollLeft = 9999")
    assert darkness_at_the_right(browser, ".scroll:has(#episodes)") < 2
    show(browser, path)
    assert darkness_at_the_right(browser, ".scroll:has(#episodes)") < 2


def test_a_film_on_a_phone_shows_that_its_charts_go_on(browser, tmp_path):
    viewers = [
        Viewer(f"v{i}", planted_timeline([[(0, "neutral"), (4, "happy")]], seconds=8, fps=5, source=f"{i}", seed=i)) for i in range(2)
    ]
    path = tmp_path / "film.html"
    write_reaction_page(react(viewers, settings=ReactionSettings(rounds=100)), path, title="t")
    browser.ask("Emulation.setDeviceMetricsOverride", width=360, height=900, deviceScaleFactor=1, mobile=False)
    browser.ask("Page.navigate", url=path.as_uri())
    browser.until("document.readyState === 'complete' && document.querySelector('figure.wide')")
    assert darkness_at_the_right(browser, "figure.wide") > 20


def test_heads_out_of_sight_leave_no_blank_above_the_others(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline(two_people()), path, title="t")
    show(browser, path, width=360)
    heads = browser.run("[...document.querySelectorAll('section:not([hidden]) .scroll thead')].map((one) => one.offsetHeight)")
    assert len(heads) >= 4
    assert max(heads) < 45  # one line


def test_tiles_and_words_fill_a_printed_page_and_do_not_leave_its_sections(browser, tmp_path):
    path = tmp_path / "page.html"
    write_page(timeline(two_people()), path, title="t")
    show(browser, path, width=720)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    browser.ask("Emulation.setEmulatedMedia", media="print")
    tops = browser.run("[...document.querySelectorAll('[data-scope=\"0\"] .tiles li')].map((one) => one.offsetTop)")
    assert [tops.count(top) for top in sorted(set(tops))] == [4, 3]
    right = "(selector) => document.querySelector(selector).getBoundingClientRect().right"
    assert browser.run(f"['.limits', 'h1', 'section .note'].every((one) => ({right})(one) <= ({right})('section'))")
    assert browser.run("getComputedStyle(document.querySelector('figure[data-chart]')).display") == "block"  # as a grid it left its heading


def test_a_long_name_is_cut_where_it_does_not_tell_files_apart(browser, tmp_path):
    path = tmp_path / "page.html"
    names = ["photo_of_the_team_at_the_seaside_1.jpg", "photo_of_the_team_at_the_seaside_2.jpg"]
    alike = [f"photo_of_the_team_{k}_at_the_great_wide_open_seaside.jpg" for k in range(2)]
    rows = [row(f"/home/me/{name}", 0, 0.0, "happy", face=face) for name in [*names, *alike] for face in (0, 1)]
    write_page(timeline(rows), path, title="t")
    for width in (360, 1280):
        show(browser, path, width)
        cells = browser.run(
            "[...document.querySelectorAll('#rows tbody tr')].map(({cells: [source, face]}) =>"
            "[source.innerText, source.title, face.innerText, source.scrollWidth <= source.clientWidth])"
        )
        shown = [*(f"photo_of_the_te…_seaside_{k}.jpg" for k in (1, 2)), *alike]
        assert cells == [[shown[i // 2], [*names, *alike][i // 2], str(i % 2), True] for i in range(8)]
    assert browser.complaints == []
