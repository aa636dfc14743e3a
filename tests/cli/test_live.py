"""`mien live`: what it records, shows and says, and how it ends."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from pyarrow import parquet

pytest.importorskip("av")

from mien.io import camera
from mien.testing import planted_picture
from mien.timeline import Timeline
from tests.cli.conftest import FAKES, Said
from tests.cli.windows import FakeWindow
from tests.io.clips import clip as stamped_clip
from tests.io.streams import clip, mjpeg
from tests.report.tables import Elements, data_of

Mien = Callable[..., Said]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own, no screen, no proxy, quick tries to connect again."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(camera, "FIRST_WAIT", 0.02)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def scene(emotion: str | None = "happy") -> np.ndarray:
    faces = [((60, 50, 160, 150), emotion)] if emotion else []
    return planted_picture(faces, size=(320, 240))[0]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1.2 s at 30 frames a second: a happy face, then nobody."""
    return clip(
        tmp_path_factory.mktemp("films") / "film.mp4",
        [scene()] * 27 + [scene(None)] * 9,
        [i / 30 for i in range(36)],
    )


def rows(path: str | Path) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_film_is_watched_as_if_it_were_a_camera(mien: Mien, film: Path) -> None:
    said = mien("live", film, "-o", "x.csv", *FAKES)
    assert (said.code, said.out) == (0, "")
    found = rows("x.csv")
    numbers = [int(row["frame"]) for row in found]
    assert [float(row["time_s"]) for row in found] == pytest.approx([number / 30 for number in numbers], abs=0.001)
    assert {row["person"] for row in found if row["face"]} == {"0"}
    assert {row["emotion"] for row in found if row["face"]} == {"happy"}
    assert found[-1]["face"] == ""  # nobody is there at the end, and the frame has its row
    assert "raw_p_happy" in found[0]
    line = re.fullmatch(
        rf"{re.escape(str(film))}: (\d+) frames in 1\.\d s \((\d+\.\d)/s\), (\d+) dropped, (\d+) faces? -> x\.csv\n", said.err
    )
    assert line, said.err
    assert int(line[1]) == len(found)
    assert int(line[1]) + int(line[3]) == 36
    assert int(line[4]) == sum(row["face"] != "" for row in found)
    assert [path.name for path in Path().iterdir()] == ["x.csv"]  # no frames, and without a screen no page


def test_the_rule_of_r3_with_scores_that_it_is_not_made_for_is_told(mien: Mien, film: Path) -> None:
    told = "mien: every face with a detection score up to 0.99 is unsure, the rule of r3 for MTCNN's scores; those of fake may all be lower"
    assert mien("live", film, "--for", "0.2", "--unsure-rules", "r3", *FAKES).err.startswith(told)
    assert told not in mien("live", film, "--for", "0.2", *FAKES).err


def test_samples_of_every_face_each_half_second(mien: Mien, film: Path) -> None:
    """R4's record: a sample every 0.5 s of every face."""
    said = mien("live", film, "-o", "x.csv", "--every", "0.5", *FAKES)
    assert said.code == 0
    assert [float(row["time_s"]) for row in rows("x.csv")] == pytest.approx([0, 0.5, 1.0], abs=0.04)


def test_a_film_keeps_the_sound_of_what_was_watched(mien: Mien, tmp_path: Path) -> None:
    """Also where nothing comes behind the only sample; and none of what comes behind the end."""
    av = pytest.importorskip("av")
    source = stamped_clip(tmp_path / "film.mp4", 25, sound="aac")
    for words, end in (([], 1.0), (["--every", "20"], 1.0), (["--for", "0.4"], 0.4), (["--every", "20", "--for", "0.4"], 0.4)):
        assert mien("live", source, "-o", "x.mp4", *words, *FAKES).code == 0
        with av.open("x.mp4") as film:
            kept = film.streams.audio[0]
            assert float(kept.duration * kept.time_base) == pytest.approx(end, abs=0.07), words


def test_without_outputs_rows_go_to_a_stdout_that_is_no_terminal(mien: Mien, film: Path) -> None:
    said = mien("live", film, "--for", "0.2", "--quiet", *FAKES)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith('{"source": ')
    assert '"frame": 0' in said.out.splitlines()[0]


def test_it_ends_after_so_many_seconds(mien: Mien, film: Path) -> None:
    assert mien("live", film, "-o", "x.csv", "--for", "0.4", *FAKES).code == 0
    assert max(float(row["time_s"]) for row in rows("x.csv")) < 0.4


def test_a_missing_device_is_one_line(mien: Mien, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mien.io import devices

    monkeypatch.setattr(devices, "LINUX", tmp_path / "none")
    said = mien("live", "7", "-o", "x.csv", *FAKES)
    assert said == (1, "", "mien: camera 7: no such device; there is none on this computer\n")
    assert not Path("x.csv").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--for", "0"], "--for is 0"),
        (["--read-timeout", "0"], "--read-timeout is 0"),
        (["--read-timeout", "nan"], "--read-timeout is nan"),
        (["--every", "-1"], "every"),
        (["--anonymize", "--min-score", "0.5"], "--anonymize"),
        (["--anonymize", "--detect-every", "2"], "--anonymize"),
        (["--baseline", "3"], "--baseline"),
        (["--colour", "blue"], "colour"),
        (["-o", "x.xyz"], "x.xyz"),
    ],
)
def test_wrong_usage_is_said_before_anything_starts(mien: Mien, film: Path, words: list[str], why: str) -> None:
    said = mien("live", film, *words, *FAKES)
    assert said.code == 2
    assert why in said.err
    assert said.err.count("\n") == 1


def test_a_film_is_not_overwritten(mien: Mien, film: Path) -> None:
    before = film.read_bytes()
    assert mien("live", film, "-o", film, *FAKES).code != 0
    assert film.read_bytes() == before


def test_a_source_that_breaks_is_told_and_its_rows_stay(mien: Mien, monkeypatch: pytest.MonkeyPatch) -> None:
    with mjpeg(scene()) as server:
        from mien.cli import live_talk

        count = live_talk.LiveTalk.done

        def done(talk, result, stats):  # type: ignore[no-untyped-def]
            count(talk, result, stats)
            if talk.frames == 5:
                server.cut()

        monkeypatch.setattr(live_talk.LiveTalk, "done", done)
        said = mien("live", server.url, "-o", "x.csv", "--give-up", "0.05", "--reconnect", "0.03", *FAKES)
    assert said.code == 3
    assert f"mien: {server.url}: connection lost" in said.err
    assert "given up" in said.err
    assert len(rows("x.csv")) >= 5


def test_a_source_that_is_not_there_yet_is_waited_for_as_long_as_is_asked(mien: Mien) -> None:
    with mjpeg(scene()) as server:
        server.cut()
        first, waited = (
            mien("live", server.url, "-o", "x.csv", *words, *FAKES) for words in ([], ["--give-up", "0.05", "--reconnect", "0.03"])
        )
    assert (first.code, first.err) == (1, f"mien: {server.url}: connection refused\n")
    assert waited.code == 1
    assert f"mien: {server.url}: not there yet (connection refused); trying again in 0.0 s\n" in waited.err
    assert re.search(r"not there in [\d.]+ s \(connection refused\); given up\n", waited.err)


def test_a_slow_stream_is_waited_for_as_long_as_is_asked(mien: Mien, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default a frame may take 5 s, and a connection 10 s."""
    waits: list[tuple[float, float]] = []

    def gone(url: str, *, connect_seconds: float, read_seconds: float) -> Iterator[None]:
        waits.append((connect_seconds, read_seconds))
        yield from ()

    monkeypatch.setattr(camera, "stream_frames", gone)
    for words in ([], ["--read-timeout", "7.5"], ["--read-timeout", "30"]):
        assert mien("live", "rtsp://127.0.0.1/", *words, *FAKES).code == 1
    assert waits == [(10, 5), (10, 7.5), (30, 30)]


def test_a_stream_that_is_too_slow_names_the_option(mien: Mien, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.cli import live_talk

    with mjpeg(scene()) as server:
        monkeypatch.setattr(live_talk.LiveTalk, "done", lambda talk, result, stats: server.stalled.set())
        said = mien("live", server.url, "-o", "x.csv", "--read-timeout", "0.3", "--give-up", "0.1", "--reconnect", "0.2", *FAKES)
    assert f"mien: {server.url}: connection lost (nothing came for 0.3 s; " in said.err
    assert "--read-timeout" in said.err


def test_a_picture_is_no_live_source(mien: Mien) -> None:
    Pillow.fromarray(scene()).save("my photo.jpg")
    said = mien("live", "my photo.jpg", *FAKES)
    assert said == (
        1,
        "",
        "mien: my photo.jpg: a JPEG picture, wanted a camera, video or stream; for pictures: mien analyze 'my photo.jpg'\n",
    )


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Callable[..., FakeWindow], list[str]]]:
    """A screen: what it is called with is the window that opens; and the pages that the browser was asked to show."""
    import webbrowser

    from mien import window

    pages: list[str] = []

    def use(made: FakeWindow) -> FakeWindow:
        monkeypatch.setattr(window, "open_window", lambda title: made)
        return made

    monkeypatch.setattr(window, "has_screen", lambda: True)
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(pages.append(url)) or True)
    return use, pages


def test_closing_the_window_ends_it_and_opens_the_page(mien: Mien, film: Path, screen) -> None:  # type: ignore[no-untyped-def]
    use, pages = screen
    window = use(FakeWindow(most=4))
    said = mien("live", film, "-o", "x.csv", *FAKES)
    assert said.code == 0
    assert len(window.pictures) == 4
    assert len(rows("x.csv")) == 4
    (page,) = Path().glob("mien-live-*.html")
    assert pages == [page.resolve().as_uri()]
    assert page.name in said.err
    text = page.read_text("utf-8")
    assert "happy" in text
    assert film.name in text


def test_a_named_page_is_the_one_that_opens(mien: Mien, film: Path, screen) -> None:  # type: ignore[no-untyped-def]
    use, pages = screen
    use(FakeWindow(most=2))
    assert mien("live", film, "-o", "page.html", *FAKES).code == 0
    assert pages == [Path("page.html").resolve().as_uri()]
    assert list(Path().iterdir()) == [Path("page.html")]


def test_the_page_of_a_long_run_has_some_of_its_frames_and_says_so(mien: Mien, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.sinks import page

    monkeypatch.setattr(page, "LIVE_ROWS", 8)
    monkeypatch.setattr(page, "BLOCK", 4)
    assert mien("live", film, "-o", "page.html", "-o", "x.csv", *FAKES).code == 0
    text, frames = Path("page.html").read_text("utf-8"), len({row["frame"] for row in rows("x.csv")})
    assert f"of its {frames} frames one in " in text
    assert data_of(text)["scopes"][0]["summary"]["frames"] <= 12 < frames


def test_language_and_scale_reach_every_page(mien: Mien, film: Path, screen) -> None:  # type: ignore[no-untyped-def]
    use, _ = screen
    for output in (["-o", "page.html"], []):
        use(FakeWindow(most=3))
        assert mien("live", film, *output, "--language", "ru", "--affect-scale", "seven", *FAKES).code == 0
    pages = [path.read_text("utf-8") for path in (Path("page.html"), *Path().glob("mien-live-*.html"))]
    assert len(pages) == 2
    assert all('<html lang="ru">' in page and data_of(page)["affect_scale"] == "seven" for page in pages)
    assert [data_of(page)["title"].partition(",")[0] for page in pages] == [film.name, film.name]


def test_no_page_and_no_show(mien: Mien, film: Path, screen) -> None:  # type: ignore[no-untyped-def]
    use, pages = screen
    window = use(FakeWindow())
    assert mien("live", film, "-o", "x.csv", "--no-page", "--no-show", "--for", "0.2", *FAKES).code == 0
    assert (window.pictures, pages) == ([], [])
    assert list(Path().iterdir()) == [Path("x.csv")]


def test_on_the_screen_every_frame_while_samples_are_recorded(mien: Mien, film: Path, screen) -> None:  # type: ignore[no-untyped-def]
    use, _ = screen
    window = use(FakeWindow())
    assert mien("live", film, "-o", "x.csv", "--every", "0.5", "--no-page", *FAKES).code == 0
    assert [float(row["time_s"]) for row in rows("x.csv")] == pytest.approx([0, 0.5, 1.0], abs=0.2)
    assert len(window.pictures) > 3


def test_the_shown_frame_rate_is_measured_and_not_the_files(mien: Mien, film: Path, screen, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """R1 showed the file's nominal one, here 30."""
    from mien import watch

    notes: list[str] = []
    monkeypatch.setattr(watch, "note", lambda image, text, corner: notes.append(text) or image)
    use, _ = screen
    window = use(FakeWindow(seconds=0.1))
    assert mien("live", film, "-o", "x.csv", "--no-page", *FAKES).code == 0
    assert len(notes) == len(window.pictures) - 1  # of a single frame there is no rate
    rates = [float(re.fullmatch(r"(\d+\.\d) fps", text)[1]) for text in notes]  # type: ignore[index]
    assert max(rates) <= 10
    assert min(rates) > 0


def test_no_face_found_is_on_the_screen(mien: Mien, tmp_path: Path, screen) -> None:  # type: ignore[no-untyped-def]
    from mien.testing import make_result
    from mien.vision.draw import draw

    use, _ = screen
    window = use(FakeWindow(most=1))
    empty = clip(tmp_path / "empty.mp4", [scene(None)] * 3, [0, 0.1, 0.2])
    assert mien("live", empty, "-o", "x.csv", "--no-page", *FAKES).code == 0
    wanted = draw(scene(None), make_result([], size=(320, 240)))  # which tests/vision says has the words
    assert (wanted != scene(None)).any()
    assert np.abs(window.pictures[0].astype(int) - wanted).mean() < 3


def test_a_session_is_recorded_in_the_store(mien: Mien, film: Path, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    from mien.store import open_store

    said = mien("live", film, "--session", "monday", "--store", tmp_path / "s.db", "-o", "x.csv", "--for", "0.5", *FAKES)
    assert said.code == 0, said.err
    store = open_store(str(tmp_path / "s.db"))
    assert said.err.rstrip().endswith(f"; its page: mien report monday --store {tmp_path / 's.db'}")
    timeline = store.timeline("monday")
    assert timeline["frame"].tolist() == [int(row["frame"]) for row in rows("x.csv")]
    assert timeline["emotion"].tolist() == [row["emotion"] for row in rows("x.csv")]


def test_how_it_was_watched_is_told_by_session_table_and_page(mien: Mien, film: Path, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    store = ["--store", tmp_path / "s.db"]
    reading = ["--every", "0.5", "--for", "1", "--turn", "180", "--smooth", "ema"]
    said = mien("live", film, "--session", "monday", *store, *reading, "-o", "x.parquet", "-o", "x.html", *FAKES)
    assert said.code == 0, said.err
    options = json.loads(mien("sessions", "show", "monday", "--json", *store).out)["options"]
    assert [options[name] for name in ("every", "stop", "turn")] == [0.5, 1, 180]
    assert json.loads(parquet.read_schema("x.parquet").metadata[b"mien"])["options"] == options
    words = " ".join(" ".join(Elements(Path("x.html").read_text("utf-8")).words).split())
    assert "frames that are read one each 0.5 s (default: all)" in words
    assert "turned clockwise by 180° (default: no)" in words
    assert "smoothing of values exponential (default: 1-euro filter)" in words


def test_a_camera_that_is_not_there_leaves_no_session(mien: Mien, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which would be the newest of its name, and empty."""
    pytest.importorskip("sqlalchemy")
    from mien.io import devices
    from mien.store import open_store

    words = ["--session", "shop", "--store", tmp_path / "s.db", *FAKES]
    assert mien("live", film, "--for", "0.2", *words).code == 0
    monkeypatch.setattr(devices, "LINUX", tmp_path / "none")
    for more in ([], ["--baseline", "0:1"]):
        assert mien("live", "7", *words, *more) == (1, "", "mien: camera 7: no such device; there is none on this computer\n")
    assert mien("analyze", tmp_path / "none.jpg", *words).code == 1
    assert [session.frame_count > 0 for session in open_store(str(tmp_path / "s.db")).sessions()] == [True]
    said = mien("live", film, "--session", "123", "--store", tmp_path / "s.db", *FAKES)
    assert (said.code, said.err.count("\n")) == (2, 1)  # a name that is none is told before anything starts


def test_no_page_is_named_where_none_is_wanted_or_one_was_written(mien: Mien, film: Path, tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy")
    for words in (["--no-page"], ["-o", "x.html"]):
        said = mien("live", film, "--session", "monday", "--store", tmp_path / "s.db", "--for", "0.2", *words, *FAKES)
        assert (said.code, "mien report" in said.err) == (0, False)


def test_the_command_of_the_page_holds_no_password() -> None:
    from mien.cli.live import _report

    assert _report("shop window", None) == "mien report 'shop window'"
    assert _report("shop", "postgresql://ann:geheim@host/db") == "mien report shop --store postgresql://ann@host/db"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_session_cleanly(start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, number: int) -> None:
    """Ctrl-C is how a session ends: exit code 0, and every file is whole."""
    with mjpeg(scene()) as server:
        url = server.url.replace("http://", "http://user:geheim@")
        process = start("live", url, "-o", tmp_path / "x.csv", "-o", tmp_path / "x.parquet", "-o", tmp_path / "x.html", "--no-show")
        end = time.monotonic() + 60
        while not (tmp_path / "x.csv").exists() or len((tmp_path / "x.csv").read_bytes().splitlines()) < 10:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out == b""
    table, parquet = Timeline.read(tmp_path / "x.csv"), Timeline.read(tmp_path / "x.parquet")
    assert len(table) == len(parquet) >= 9
    began, line = err.decode().splitlines()
    assert re.fullmatch(rf"mien: {re.escape(server.url)}: 0 s is \d{{4}}-\d\d-\d\dT[\d:]{{8}}\.\d{{3}}Z by this machine's clock", began)
    assert line.startswith(f"{server.url}: {len(table)} frames in ")
    page = (tmp_path / "x.html").read_text("utf-8")
    assert page.rstrip().endswith("</html>")
    assert all("geheim" not in text for text in (began, line, page, (tmp_path / "x.csv").read_text("utf-8")))
    assert not list(tmp_path.glob("*.part"))


def test_a_camera_that_hangs_upside_down(mien: Mien, tmp_path: Path) -> None:
    film = clip(tmp_path / "film.mp4", [np.ascontiguousarray(np.rot90(scene(), 2))] * 5, [i / 30 for i in range(5)])
    assert mien("live", film, "--turn", "180", "-o", "seen.csv", *FAKES).code == 0
    assert all(abs(float(row["x1"]) - 60) < 5 and abs(float(row["y1"]) - 50) < 5 for row in rows("seen.csv"))
