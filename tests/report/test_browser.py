"""The page in a browser, with no network: charts drawn, rows unpacked, nothing asked for, no complaint."""

import shutil
import subprocess

import pytest

from mien.report.page import write_page
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
    evil = "<script>alert(1)</script>.mp4"
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
