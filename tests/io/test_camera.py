"""Cameras, streams and files as live sources."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("av")

from tests.io.clips import clip as stamped_clip
from tests.io.clips import number_on
from tests.io.streams import clip, mjpeg, transport

from mien.errors import SourceMissing, SourceRefused, SourceUnreadable, UsageError
from mien.io import camera as live_module
from mien.io import devices
from mien.io.camera import Live, open_live
from mien.io.events import Failure, Notice
from mien.io.grabs import Grab
from mien.io.video import read_video
from mien.types import Frame

SECRET = "geheim"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No proxy between here and the loopback; no long wait before the first try."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(live_module, "FIRST_WAIT", 0.02)


def grey(value: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


class Cameras:
    """Stands for cv2.VideoCapture: each camera gives the pictures that wait here, or none for a None, and else takes its time."""

    def __init__(self, *there: int) -> None:
        self.there, self.over = set(there), False
        self.pictures: list[np.ndarray | None] = []
        self.opened: list[tuple[int, int]] = []
        self.asked: dict[int, float] = {}
        self.released = 0

    def __call__(self, number: int, backend: int) -> "FakeCamera":
        self.opened.append((number, backend))
        return FakeCamera(self, is_open=number in self.there)

    @contextmanager
    def watched(self, spec: int | str, **settings) -> Iterator[Live]:
        with open_live(spec, **settings) as live:
            try:
                yield live
            finally:
                self.over = True
        self.over = False


class FakeCamera:
    def __init__(self, all_of_them: Cameras, *, is_open: bool) -> None:
        self.all, self.is_open = all_of_them, is_open

    def isOpened(self):  # noqa: N802
        return self.is_open

    def set(self, what, value):
        self.all.asked[what] = value

    def read(self):
        while not self.all.pictures and not self.all.over:
            time.sleep(0.001)
        picture = self.all.pictures.pop(0) if self.all.pictures else None
        return (picture is not None), picture

    def release(self):
        self.all.released += 1


@pytest.fixture
def cameras(monkeypatch, tmp_path) -> Cameras:
    """Cameras 0 and 3, in a Linux that lists them."""
    for number, name in ((0, "Front camera"), (3, "USB microscope")):
        folder = tmp_path / "video4linux" / f"video{number}"
        folder.mkdir(parents=True)
        (folder / "name").write_text(name + "\n")
        (folder / "index").write_text("0\n")
    (tmp_path / "video4linux" / "video1").mkdir()
    (tmp_path / "video4linux" / "video1" / "index").write_text("1\n")  # the same camera's metadata
    made = Cameras(0, 3)
    monkeypatch.setattr(devices, "LINUX", tmp_path / "video4linux")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(cv2, "VideoCapture", made)
    return made


@pytest.mark.parametrize("spec", [3, "3", "/dev/video3"])
def test_the_device_number_is_honoured(cameras, spec):
    """R1 and R4 ignored it."""
    cameras.pictures.append(grey(7))
    with cameras.watched(spec) as live:
        frame = next(iter(live))
    assert cameras.opened == [(3, cv2.CAP_V4L2)]
    assert (frame.source, frame.index, frame.time, frame.stream) == ("camera 3", 0, 0.0, True)
    assert cameras.released == 1


def test_a_missing_device_is_one_failure_that_lists_those_there_are(cameras, capfd):
    with cameras.watched(5) as live:
        (failure,) = live
    assert isinstance(failure.error, SourceMissing)
    assert str(failure.error) == "camera 5: no such device; there are: 0 (Front camera), 3 (USB microscope)"
    assert capfd.readouterr() == ("", "")


def test_a_device_that_is_there_and_does_not_open_says_what_may_be_wrong(cameras):
    cameras.there.clear()
    with cameras.watched(0) as live:
        (failure,) = live
    assert "cannot be opened; is it in use" in str(failure.error)


def test_without_any_camera_it_says_so(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(devices, "LINUX", tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    with open_live(9) as live:
        (failure,) = live
    assert str(failure.error) == "camera 9: no such device; there is none on this computer"
    assert capfd.readouterr() == ("", "")  # OpenCV says nothing of its own


@pytest.mark.parametrize(
    ("platform", "backend", "found", "tried"),
    [("win32", cv2.CAP_DSHOW, ["0", "3"], range(6)), ("darwin", cv2.CAP_AVFOUNDATION, ["0"], range(2))],
)
def test_where_the_system_has_no_list_the_numbers_are_tried(cameras, monkeypatch, platform, backend, found, tried):
    """On macOS there are no gaps between them, so the first that does not open is the last."""
    monkeypatch.setattr(sys, "platform", platform)
    assert [str(camera) for camera in devices.cameras()] == found
    assert cameras.opened == [(number, backend) for number in tried]


@pytest.mark.parametrize(("platform", "place"), [("win32", "Settings > Privacy & security"), ("darwin", "System Settings > Privacy")])
def test_where_privacy_settings_may_hide_all_cameras_they_are_named(cameras, monkeypatch, platform, place):
    monkeypatch.setattr(sys, "platform", platform)
    cameras.there.clear()
    with cameras.watched(0) as live:
        (failure,) = live
    assert str(failure.error).startswith(
        f"camera 0: cannot be opened; none opens: not there, in use by another program, or not allowed ({place}"
    )


@pytest.mark.parametrize(
    ("platform", "number", "said"),
    [
        ("win32", 2, "camera 2: cannot be opened; not there, or in use by another program; there are: 1, 3"),
        ("darwin", 0, "camera 0: cannot be opened; is it in use by another program, or are you not allowed to (on Linux: group video)?"),
    ],
)
def test_where_one_in_use_looks_like_one_that_is_not_there_both_are_said(cameras, monkeypatch, platform, number, said):
    """On macOS a camera 1 opens: there is a camera 0, then."""
    monkeypatch.setattr(sys, "platform", platform)
    cameras.there = {1, 3}
    with cameras.watched(number) as live:
        (failure,) = live
    assert str(failure.error) == said


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_while_a_camera_is_waited_for_no_other_is_opened(cameras, monkeypatch, platform):
    """Their lights would go on and off."""
    monkeypatch.setattr(sys, "platform", platform)
    with cameras.watched(5, give_up=0.2, reconnect=0.05) as live:
        *notices, failure = live
    numbers = [number for number, _ in cameras.opened if number != devices.NOWHERE]
    tries = numbers.index(0)  # the others are for the last message
    assert tries >= 3
    assert numbers == [5] * tries + list(range(6 if platform == "win32" else 2))
    assert notices[0].message == "not there yet (cannot be opened); trying again in 0.0 s"
    assert re.search(r"not there in 0\.\d s \(.*there are: 0.*\); given up", str(failure.error))


class Mac(Cameras):
    """Stands for AVFoundation as OpenCV uses it: who is not allowed to use cameras is asked about it, if in the main thread, and that
    attempt fails; what goes wrong is printed past Python.
    """

    answers = 3
    """Attempts after which the question has been answered, with yes."""
    status = 0
    """1: the administrator forbids cameras, and nobody is asked."""

    def __init__(self, *there: int) -> None:
        super().__init__(*there)
        self.asked_times = 0

    def __call__(self, number: int, backend: int) -> FakeCamera:
        if self.asked_times < self.answers:
            os.write(2, f"OpenCV: not authorized to capture video (status {self.status}), requesting...\n".encode())
            self.asked_times += threading.current_thread() is threading.main_thread()
            return FakeCamera(self, is_open=False)
        made = super().__call__(number, backend)
        os.write(2, b"" if made.is_open else b"OpenCV: out device of bound (0-0): 1\nOpenCV: camera failed to properly initialize!\n")
        return made


@pytest.fixture
def mac(monkeypatch) -> Mac:
    """Camera 0, in a macOS that has not yet asked whether this program may use it."""
    made = Mac(0)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(cv2, "VideoCapture", made)
    monkeypatch.setattr(devices, "AGAIN_SECONDS", 0.0)
    return made


def test_macos_asks_in_the_main_thread_before_another_one_captures(mac, capfd, caplog):
    mac.pictures.append(grey(7))
    with mac.watched(0) as live:
        frame = next(iter(live))
    assert frame.image[0, 0, 0] == 7
    assert mac.asked_times == 3
    assert [number for number, _ in mac.opened] == [devices.NOWHERE, 0]  # no camera is opened for the question
    assert caplog.messages == ["mien: waiting for your answer to the system's question whether this program may use the camera"]
    assert capfd.readouterr() == ("", "")


def test_what_the_administrator_forbids_is_not_waited_for(mac, monkeypatch, caplog):
    monkeypatch.setattr(mac, "answers", 10**9)
    monkeypatch.setattr(mac, "status", 1)
    with mac.watched(0) as live:
        (failure,) = live
    assert mac.asked_times == 1
    assert "not allowed (System Settings" in str(failure.error)
    assert not caplog.messages


def assert_by_opencv(said) -> None:
    """What the thread that captures has it print cannot be withheld from the whole process's stderr, but is all there is."""
    assert said.out == ""
    assert all(line.startswith("OpenCV: ") for line in said.err.splitlines())


def test_a_question_that_nobody_answers_is_not_waited_for_without_end(mac, monkeypatch, capfd):
    monkeypatch.setattr(mac, "answers", 10**9)
    monkeypatch.setattr(devices, "ANSWER_SECONDS", 0.05)
    with mac.watched(0) as live:
        (failure,) = live
    assert "not allowed (System Settings > Privacy & Security > Camera)" in str(failure.error)
    assert_by_opencv(capfd.readouterr())


def test_a_number_that_is_not_there_on_macos_is_one_line(mac, monkeypatch, capfd):
    monkeypatch.setattr(mac, "answers", 0)
    with mac.watched(1) as live:
        (failure,) = live
    assert str(failure.error) == "camera 1: no such device; there are: 0"
    assert_by_opencv(capfd.readouterr())


def test_the_newest_frame_wins(cameras):
    """However slow the work on a frame is, the next one is the newest: nothing lags."""
    cameras.pictures += [grey(value) for value in range(10)]
    with cameras.watched(0) as live:
        events = iter(live)
        until(lambda: live.stats.captured == 10)
        frame = next(events)
        assert (frame.index, int(frame.image[0, 0, 0])) == (9, 9)
        cameras.pictures += [grey(value) for value in range(10, 30)]
        until(lambda: live.stats.captured == 30)
        frame = next(events)
        assert (frame.index, int(frame.image[0, 0, 0])) == (29, 29)
        stats = live.stats
    assert (stats.captured, stats.shown, stats.dropped, stats.reconnects) == (30, 2, 28, 0)


def test_a_camera_says_what_the_clock_showed_at_its_first_frame(cameras, film):
    with cameras.watched(0) as live:
        assert live.began is None
        before = datetime.now(UTC)
        cameras.pictures += [grey(1)]
        first = next(iter(live))
        after = datetime.now(UTC)
        time.sleep(0.1)
        cameras.pictures += [grey(2)]
        second = next(iter(live))
        assert before <= live.began + timedelta(seconds=first.time) <= after
        assert live.began + timedelta(seconds=second.time) >= after + timedelta(seconds=0.09)
    with open_live(film) as live:
        next(iter(live))
        assert live.began is None  # when it was filmed is not known


def test_colours_are_rgb_and_a_grey_camera_is_rgb_too(cameras):
    blue_green_red = np.zeros((4, 6, 3), np.uint8)
    blue_green_red[...] = (1, 2, 3)
    cameras.pictures.append(blue_green_red)
    with cameras.watched(0) as live:
        events = iter(live)
        assert next(events).image[0, 0].tolist() == [3, 2, 1]
        cameras.pictures.append(np.full((4, 6), 5, np.uint8))
        image = next(events).image
    assert (image.shape, image.dtype, image[0, 0].tolist()) == ((4, 6, 3), np.uint8, [5, 5, 5])


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_camera_that_does_not_hang_upright_is_turned(cameras, degrees):
    upright = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    cameras.pictures.append(np.rot90(upright, degrees // 90)[..., ::-1].copy())
    with cameras.watched(0, turn=degrees) as live:
        frame = next(iter(live))
    assert np.array_equal(frame.image, upright)


def test_streams_and_files_are_turned(film):
    images = []
    for degrees in (0, 270):
        with open_live(film, turn=degrees, real_time=False) as live:
            images.append(next(iter(live)).image)
        with mjpeg(grey(40)) as server, open_live(server.url, turn=degrees) as live:
            assert next(iter(live)).size == ((64, 48) if degrees == 0 else (48, 64))
    assert np.array_equal(images[1], np.rot90(images[0], 1))


def test_the_camera_is_asked_for_a_size(cameras):
    cameras.pictures.append(grey(0))
    with cameras.watched(0, width=1280, height=720, fps=30) as live:
        next(iter(live))
    assert cameras.asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert cameras.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 720
    assert cameras.asked[cv2.CAP_PROP_FPS] == 30
    cameras.asked.clear()
    cameras.pictures.append(grey(0))
    with cameras.watched(0) as live:
        next(iter(live))
    assert cv2.CAP_PROP_FRAME_WIDTH not in cameras.asked


def test_a_camera_that_is_unplugged_comes_back(cameras):
    cameras.pictures += [grey(1), None, grey(2)]  # a single failing read is nothing
    with cameras.watched(0) as live:
        events = iter(live)
        until(lambda: live.stats.captured == 2)
        assert next(events).index == 1
        cameras.pictures += [None] * devices.MISSES
        lost = next(events)
        cameras.pictures.append(grey(3))
        again = next(events)
        frame = next(events)
    assert isinstance(lost, Notice)
    assert lost.message.startswith("connection lost (gives no frames; is it unplugged")
    assert isinstance(again, Notice)
    assert again.message.startswith("connected again after ")
    assert (frame.index, live.stats.reconnects, len(cameras.opened)) == (2, 1, 2)
    assert frame.time > 0


def source(frames: Callable[[], Iterator[Grab]], **settings) -> Live:
    settings = {"every": None, "longest_wait": 10.0, "give_up": None, "idle": None} | settings
    return Live("source", frames, **settings)


def one_frame_then_nothing() -> Callable[[], Iterator[Grab]]:
    first = [True]

    def frames():
        if not first:
            raise SourceUnreadable("source: connection refused")
        first.clear()
        yield Grab(lambda: grey(0), None)

    return frames


def test_waits_between_tries_double_up_to_the_longest(monkeypatch):
    monkeypatch.setattr(live_module, "FIRST_WAIT", 0.5)
    live, waits, events = source(one_frame_then_nothing()), [], []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 8:
            raise InterruptedError("that will do")

    monkeypatch.setattr(live._wake, "wait", wait)
    with live, pytest.raises(InterruptedError):
        events.extend(live)  # keeps what came before the error
    frame, *notices = events
    assert isinstance(frame, Frame)
    assert waits == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert [notice.message for notice in notices[:2]] == [
        "connection lost; trying again in 0.5 s",
        "still gone (connection refused); trying again in 1 s",
    ]
    assert len(notices) <= 6  # once the wait is as long as it gets, nothing is said any more


def test_after_a_connection_that_held_the_waits_begin_anew(monkeypatch):
    now, held, waits = [0.0], iter([1, 4, 4.9, 5, 1, 1]), []  # seconds that each connection holds
    monkeypatch.setattr(live_module, "FIRST_WAIT", 0.5)
    monkeypatch.setattr(live_module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def frames():
        yield Grab(lambda: grey(0), None)
        now[0] += next(held)
        raise SourceUnreadable("source: connection reset")

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 6:
            raise InterruptedError("that will do")

    live = source(frames)
    monkeypatch.setattr(live._wake, "wait", wait)
    with live, pytest.raises(InterruptedError):
        list(live)
    assert waits == [0.5, 1, 2, 0.5, 1, 2]


def test_a_source_that_is_gone_for_too_long_is_given_up():
    with source(one_frame_then_nothing(), give_up=0.05, longest_wait=0.02) as live:
        events = list(live)
    assert isinstance(events[-1], Failure)
    assert "given up" in str(events[-1].error)


def late(tries: int) -> Callable[[], Iterator[Grab]]:
    """A source that is there from the so-and-so-many-th try on."""
    failures = iter(range(tries - 1))

    def frames():
        if next(failures, None) is not None:
            raise SourceUnreadable("source: connection refused")
        yield Grab(lambda: grey(0), None)
        raise ZeroDivisionError("that will do")

    return frames


def test_a_source_that_starts_later_is_waited_for_where_it_is_said_how_long():
    """After a power cut a computer may be up before the camera."""
    events: list[object] = []
    with source(late(3), give_up=60, longest_wait=0.03) as live, pytest.raises(ZeroDivisionError):
        events.extend(live)
    *notices, frame = events
    assert isinstance(frame, Frame)
    assert [notice.message.partition(" after")[0] for notice in notices] == [
        "not there yet (connection refused); trying again in 0.0 s",
        "still not there (connection refused); trying again in 0.0 s",
        "connected",
    ]
    assert live.stats.reconnects == 0
    with source(late(3)) as live:  # without a word about it the name may be wrong
        (failure,) = live
    assert str(failure.error) == "source: connection refused"


def test_what_is_lost_after_a_late_start_is_lost_for_the_first_time(monkeypatch):
    monkeypatch.setattr(live_module, "FIRST_WAIT", 0.5)
    script, waits = iter("----+" + "+" * 3), []

    def frames():
        step = next(script, None)
        if step == "+":
            yield Grab(lambda: grey(0), None)
        raise SourceUnreadable("source: gone") if step else ZeroDivisionError("that will do")

    live, events = source(frames, give_up=60), []
    monkeypatch.setattr(live._wake, "wait", waits.append)
    with live, pytest.raises(ZeroDivisionError):
        events.extend(live)
    lost = [event.message.partition(" (")[0] for event in events if isinstance(event, Notice) and "lost" in event.message]
    assert lost == ["connection lost", "connection lost 2 times in a row", "connection lost 4 times in a row"]
    assert waits[:5] == [0.5, 1, 2, 4, 0.5]


def test_it_is_given_up_when_it_was_said(monkeypatch):
    """However long the next wait would be: 0.5, 1, 2, 4 and 8 s are more than 10."""
    now = [0.0]
    monkeypatch.setattr(live_module, "FIRST_WAIT", 0.5)
    monkeypatch.setattr(live_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    for frames, what in ((late(10**6), "not there in"), (one_frame_then_nothing(), "gone for")):
        live, waits = source(frames, give_up=10), []

        def wait(seconds, waits=waits):
            waits.append(seconds)
            now[0] += seconds

        monkeypatch.setattr(live._wake, "wait", wait)
        with live:
            *_, failure = live
        assert waits == [0.5, 1, 2, 4, 2.5]
        assert f"{what} 10 s" in str(failure.error)


def test_a_source_that_never_comes_is_given_up_with_the_cause():
    with source(late(10**6), give_up=0.05, longest_wait=0.02) as live:
        *_, failure = live
    assert re.fullmatch(r"source: not there in 0\.\d s \(connection refused\); given up", str(failure.error))


def test_what_no_time_mends_is_not_waited_for():
    with open_live("gopher://example.org/", give_up=60) as live:
        (failure,) = live
    assert isinstance(failure.error, SourceRefused)


@pytest.mark.parametrize(("status", "tried"), [(401, False), (403, False), (404, True)])
def test_a_password_that_is_refused_is_not_tried_again(status, tried):
    """Many cameras lock an account after some tries; of a server that starts, the stream may come later."""
    with answering(status) as (url, asked), open_live(url.replace("//", f"//user:{SECRET}@"), give_up=0.3, reconnect=0.02) as live:
        events = list(live)
    failure = events[-1]
    assert (len(events) > 1) == tried
    assert isinstance(failure.error, SourceUnreadable if tried else SourceRefused)
    if not tried:
        assert len(asked) <= 2  # without the password, and with it
        assert str(failure.error).startswith(f"{url}: server returned {status} ")
        assert str(failure.error).endswith("; are the user and the password in the address right?")


@contextmanager
def answering(status: int) -> Iterator[tuple[str, list[str]]]:
    """The address of a server that answers so, and the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", "Basic realm=x")
            self.end_headers()

        def log_message(self, *args):
            """Nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/x", asked
    finally:
        server.shutdown()
        server.server_close()


def test_no_wait_means_no_second_try():
    with source(one_frame_then_nothing(), longest_wait=None) as live:
        assert [type(event) for event in live] == [Frame]


def test_a_failure_of_the_capture_thread_ends_the_run_with_its_cause():
    def frames():
        yield Grab(lambda: grey(0), None)
        raise ZeroDivisionError("a fault")

    with source(frames) as live, pytest.raises(ZeroDivisionError, match="a fault"):
        list(live)


def test_stop_ends_it_and_idle_is_called_while_nothing_comes():
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections and never says a word
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        live = open_live(url, connect_seconds=0.5)
        live.idle = live.stop
        with live:
            assert list(live) == []


def test_it_is_opened_by_with():
    with pytest.raises(UsageError, match="with open_live"):
        next(iter(open_live(0)))


def test_it_is_watched_once(film):
    with open_live(film, real_time=False) as live:
        list(live)
    with pytest.raises(UsageError, match="call open_live again"), live:
        pass


def test_losses_that_follow_each_other_are_a_handful_of_lines(monkeypatch):
    """As of a stream that gives a frame in 7 s: two lines for each frame, for days."""
    monkeypatch.setattr(live_module, "FIRST_WAIT", 0.0)
    connections = iter(range(100))

    def frames():
        yield Grab(lambda: grey(0), None)
        if next(connections) == 99:
            raise ZeroDivisionError("that will do")
        raise SourceUnreadable("source: nothing came")

    events: list[object] = []
    with source(frames) as live, pytest.raises(ZeroDivisionError):
        events.extend(live)
    said = [event.message for event in events if isinstance(event, Notice)]
    lost = [message for message in said if "lost" in message]
    assert lost[0] == "connection lost (nothing came); trying again in 0.0 s"
    assert [int(message.split()[2]) for message in lost[1:]] == [2, 4, 8, 16, 32, 64]
    assert [message.startswith("connected again") for message in said] == [False, True] * 7  # each loss that is told has its end
    assert live.stats.reconnects == 99


def test_a_loss_after_a_long_time_is_told_again(monkeypatch):
    now, held = [0.0], iter([1, 1, 1, live_module.CALM_SECONDS, 1, 1])
    monkeypatch.setattr(live_module, "FIRST_WAIT", 0.0)
    monkeypatch.setattr(live_module, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def frames():
        if (seconds := next(held, None)) is None:
            raise ZeroDivisionError("that will do")
        yield Grab(lambda: grey(0), None)
        now[0] += seconds
        raise SourceUnreadable("source: gone")

    events: list[object] = []
    with source(frames) as live, pytest.raises(ZeroDivisionError):
        events.extend(live)
    lost = [event.message.partition(" (")[0] for event in events if isinstance(event, Notice) and "lost" in event.message]
    assert lost == ["connection lost", "connection lost 2 times in a row", "connection lost", "connection lost 2 times in a row"]


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        (-1, {}),
        (0, {"every": 0}),
        (0, {"give_up": 0}),
        (0, {"reconnect": -1}),
        (0, {"width": -5}),
        (0, {"read_seconds": 0}),
        (0, {"turn": 45}),
    ],
)
def test_numbers_that_make_no_sense_are_refused_at_the_call(spec, settings):
    with pytest.raises(UsageError):
        open_live(spec, **settings)


def test_a_stream_that_starts_later_is_there_when_it_does():
    with mjpeg(grey(40)) as server:
        server.cut()
        with open_live(server.url, reconnect=0.1, give_up=30) as live:
            seen = []
            for event in live:
                seen.append(event)
                if len(seen) == 1:
                    server.start()
                if isinstance(event, Frame):
                    break
    assert [type(event) for event in (seen[0], *seen[-2:])] == [Notice, Notice, Frame]
    assert seen[0].message == "not there yet (connection refused); trying again in 0.0 s"
    assert seen[-2].message.startswith("connected after ")


def test_a_stream_that_is_cut_comes_back():
    with mjpeg(grey(40)) as server, open_live(server.url, reconnect=0.1) as live:
        frames, notices = [], []
        for event in live:
            if isinstance(event, Frame):
                frames.append(event)
            else:
                notices.append(event.message)
            if len(frames) == 5 and not notices:
                server.cut()
            elif notices and server._server is None:
                server.show(grey(200))
                server.start()
            if frames and frames[-1].image.mean() > 150:
                break
    assert notices[0].startswith("connection lost")
    assert notices[-1].startswith("connected again after ")
    assert live.stats.reconnects == 1
    assert live.stats.captured >= len(frames)
    times, numbers = [frame.time for frame in frames], [frame.index for frame in frames]
    assert (times[0] == 0) == (numbers[0] == 0)
    assert (np.diff(times) > 0).all()
    assert (np.diff(numbers) >= 1).all()
    assert abs(float(frames[0].image.mean()) - 40) < 3


def test_a_stream_that_stalls_counts_as_lost():
    with mjpeg(grey(40)) as server, open_live(server.url, read_seconds=0.3, reconnect=0.1) as live:
        for event in live:
            if isinstance(event, Frame):
                server.stalled.set()
            else:
                break
    assert isinstance(event, Notice)
    slow = "a slower stream needs a longer read_seconds, in mien live --read-timeout"
    assert event.message == f"connection lost (nothing came for 0.3 s; {slow}); trying again in 0.0 s"


def test_a_stream_that_ends_has_ended():
    """Not an input/output error; and where nothing came of it, as of a host that is not there, it did not end."""
    with mjpeg(grey(40)) as server, open_live(server.url, reconnect=0.1) as live:
        events = iter(live)
        next(events)
        server.cut()
        assert next(event for event in events if isinstance(event, Notice)).message == "connection lost (it ended); trying again in 0.0 s"
    with transport(seconds=0) as url, open_live(url) as live:
        (failure,) = live
    assert str(failure.error) == f"{url}: nothing came; is the address right, and the camera on?"


def test_a_transport_stream_has_its_own_steps_from_the_first_frame_on():
    """What FFmpeg looked at before comes in a burst; then, when the stream stands still, what it had held back."""
    with transport(seconds=3, fps=20, then_stalls=True) as url, open_live(url, read_seconds=1, reconnect=0.1) as live:
        frames: list[list[Frame]] = [[]]
        for event in live:
            if isinstance(event, Frame):
                frames[-1].append(event)
            elif event.message.startswith("connection lost"):
                frames.append([])
            if len(frames) == 3:
                break
    assert [connection[-1].index for connection in frames[:2]] == [59, 119]
    for connection in frames[:2]:
        times, numbers = np.array([frame.time for frame in connection]), np.array([frame.index for frame in connection])
        assert times - times[0] == pytest.approx((numbers - numbers[0]) / 20, abs=0.02)
    assert frames[1][0].time > frames[0][-1].time


def test_a_password_is_never_shown(capfd):
    with mjpeg(grey(40)) as server:
        secret = server.url.replace("http://", f"http://user:{SECRET}@") + f"?token={SECRET}"
        with open_live(secret, reconnect=0.02, give_up=0.1) as live:
            events = []
            for event in live:
                events.append(event)
                server.cut()
    said = " ".join(
        str(getattr(event, "source", "")) + str(getattr(event, "message", "")) + str(getattr(event, "error", "")) for event in events
    )
    assert isinstance(events[-1], Failure)
    assert SECRET not in said + live.source + live._thread.name + "".join(capfd.readouterr())
    assert "127.0.0.1" in said


def test_nobody_there_is_one_failure_without_the_password(capfd):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for scheme in ("http", "rtsp"):
        with open_live(f"{scheme}://user:{SECRET}@127.0.0.1:{port}/x") as live:
            (failure,) = live
        assert str(failure.error) == f"{scheme}://127.0.0.1:{port}/x: connection refused"
    assert capfd.readouterr() == ("", "")


def test_what_is_no_stream_is_refused():
    with open_live("gopher://example.org/") as live:
        (failure,) = live
    assert isinstance(failure.error, SourceRefused)
    assert "rtsp://" in str(failure.error)


def test_a_page_that_is_no_video_is_one_failure():
    with mjpeg(grey(0)) as server:
        server._jpeg = b"<html>not a picture</html>"
        with open_live(server.url, connect_seconds=1) as live:
            (failure,) = live
    assert isinstance(failure.error, SourceUnreadable)


TIMES = [0.0, 0.05, 0.1, 0.15, 0.25, 0.4, 0.45, 0.5]


@pytest.fixture
def film(tmp_path) -> Path:
    """Eight frames at uneven times over half a second."""
    return clip(tmp_path / "film.mp4", [grey(40 + 20 * i) for i in range(8)], TIMES)


def test_a_file_is_played_in_real_time_with_its_own_times(film):
    began = time.monotonic()
    with open_live(film) as live:
        frames = list(live)
    took = time.monotonic() - began
    assert took >= 0.45  # a file that is read as fast as it can be takes a hundredth of it
    assert frames[0].index == 0
    assert [frame.time for frame in frames] == pytest.approx([TIMES[frame.index] for frame in frames], abs=0.0015)
    assert all(frame.stream and frame.source == str(film) for frame in frames)
    assert [abs(int(frame.image.mean()) - 40 - 20 * frame.index) <= 3 for frame in frames] == [True] * len(frames)
    assert live.stats.shown + live.stats.dropped == 8


def played(path: Path) -> tuple[list[tuple[int, float]], list[str]]:
    """Numbers and times of a file that is played as a camera, without waiting, and what was said."""
    with open_live(path, real_time=False) as live:
        events = list(live)
    frames = [event for event in events if isinstance(event, Frame)]
    return [(frame.index, frame.time) for frame in frames], [str(event.error) for event in events if isinstance(event, Failure)]


@pytest.mark.parametrize(
    ("name", "made"),
    [("a.h264", {"file_format": "h264"}), ("a.avi", {"bframes": 2}), ("a.mp4", {"bframes": 3}), ("a.ts", {"bframes": 2})],
)
def test_a_file_has_the_times_that_analyze_gives_it(tmp_path, name, made):
    """Raw H.264 holds none and was played as fast as it could be; AVI has those of decoding, which is in another order."""
    path = stamped_clip(tmp_path / name, 30, **made)
    with open_live(path, real_time=False) as live:
        assert [number_on(frame.image) for frame in live] == list(range(30))
    assert played(path) == ([(n, pytest.approx(n / 25, abs=1e-5)) for n in range(30)], [])
    assert played(path)[0] == [(frame.index, frame.time) for frame in read_video(path, source="x")]


def test_a_file_whose_timestamps_jump_is_played_on(tmp_path):
    """It stood still for as long as the jump was."""
    path = clip(tmp_path / "jump.ts", [grey(40)] * 20, [n / 20 + (1000 if n >= 10 else 0) for n in range(20)])
    began = time.monotonic()
    with open_live(path) as live:
        frames = list(live)
    assert 0.8 < time.monotonic() - began < 20
    assert frames[-1].time == pytest.approx(1000.95, abs=0.01)


def test_a_file_that_stands_still_is_played_at_its_own_pace(tmp_path):
    """It was played on at once, as a stream whose timestamps jump, and its first frame gave way to the second."""
    path = clip(tmp_path / "slides.mp4", [grey(40), grey(80), grey(120)], [0.0, 6.0, 6.5])
    began = time.monotonic()
    with open_live(path) as live:
        frames = list(live)
    assert 6.4 < time.monotonic() - began < 20
    assert [frame.time for frame in frames] == pytest.approx([0, 6, 6.5], abs=0.01)


def test_what_is_wrong_with_a_file_is_told_at_its_end(tmp_path):
    path = stamped_clip(tmp_path / "a.mkv", 60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    frames, said = played(path)
    assert 20 < len(frames) < 60
    assert said == [str(event.error) for event in read_video(path, source=str(path)) if isinstance(event, Failure)]
    assert "broken after" in said[0]


def test_a_file_whose_clock_begins_anew_goes_on(tmp_path):
    """Joined streams, as recorders write them: read as a video and played as a camera they have the same times."""
    one = clip(tmp_path / "1.ts", [np.full((48, 64, 3), 3 * n, np.uint8) for n in range(40)], [n / 20 for n in range(40)]).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one + one)
    times = [at for _, at in played(joined)[0]]
    read = [frame.time for frame in read_video(joined, source="x") if isinstance(frame, Frame)]
    assert times == read
    assert times[-1] > 3.8


def test_a_file_drops_frames_for_who_is_slow(film):
    with open_live(film) as live:
        events = iter(live)
        first = next(events)
        live._thread.join(30)  # work that lasts as long as the film
        rest = list(events)
    assert [frame.index for frame in rest] == [7]
    assert live.stats.dropped == 7 - first.index - 1


def test_without_real_time_nothing_is_dropped(film):
    with open_live(film, real_time=False) as live:
        frames = list(live)
    assert [frame.index for frame in frames] == list(range(8))
    assert [frame.time for frame in frames] == pytest.approx(TIMES, abs=0.0015)
    assert live.stats.dropped == 0


def test_samples_are_the_first_frames_of_their_interval(film):
    with open_live(film, real_time=False, every=0.2) as live:
        assert [frame.index for frame in live] == [0, 4, 5]
    assert live.stats.captured == 8
    assert live.stats.dropped == 0


def test_files_that_cannot_be_played_are_one_failure(tmp_path, film):
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "cut.mp4").write_bytes(film.read_bytes()[:200])
    for name, error in (
        ("gone.mp4", SourceMissing),
        ("text.mp4", SourceUnreadable),
        ("empty.mp4", SourceUnreadable),
        ("cut.mp4", SourceUnreadable),
    ):
        with open_live(tmp_path / name) as live:
            (failure,) = live
        assert isinstance(failure.error, error)
        assert name in str(failure.error)
        assert "\n" not in str(failure.error)


def test_what_is_there_and_no_file_is_told_as_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    wanted = "wanted the number of a camera, a video file or a URL"
    too_long = "no such file" if sys.version_info >= (3, 14) else "cannot be read (File name too long)"  # by what Path.is_file says
    for spec, said in (
        (tmp_path, f"{tmp_path}: a folder; {wanted}; for what is in it: mien analyze {tmp_path}"),
        (tmp_path / "pipe", f"{tmp_path}/pipe: a named pipe; {wanted}"),
        ("/dev/null", f"/dev/null: a device, but no camera; {wanted}"),
        ("-", f"-: standard input cannot be watched; {wanted}; for a video from a pipe: mien analyze -"),
        ("", f"an empty name; {wanted}"),
        ("a" * 5000, f"{'a' * 5000}: {too_long}; {wanted}"),
        ("none.mp4", f"none.mp4: no such file; {wanted}"),
    ):
        with open_live(spec) as live:
            (failure,) = live
        assert str(failure.error) == said


def test_without_pyav_it_says_what_to_install(film, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    for spec in (film, "http://127.0.0.1/"):
        with open_live(spec) as live:
            (failure,) = live
        assert 'pip install ".[video]" in a checkout of mien' in str(failure.error)


@pytest.fixture(scope="module")
def rtsp() -> Iterator[Callable[[int], tuple[subprocess.Popen[str], int]]]:
    """Start an RTSP camera on a port, 0 for any, and give its process and port."""
    program = Path(__file__).parent / "rtsp_server.py"
    python = next((path for path in ("/usr/bin/python3", shutil.which("python3")) if path and Path(path).exists()), None)
    running = []

    def start(port: int) -> tuple[subprocess.Popen[str], int]:
        if python is None:
            pytest.skip("no system Python for an RTSP server")
        process = subprocess.Popen([python, str(program), str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(process)
        line = process.stdout.readline().strip()
        if not line.isdecimal() or line == "-1":
            pytest.skip("no RTSP server here; on Debian: gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good")
        return process, int(line)

    yield start
    for process in running:
        process.kill()
        process.wait(30)
        process.stdout.close()


def test_an_rtsp_camera_that_goes_away_comes_back(rtsp):
    process, port = rtsp(0)
    frames, notices = [], []
    with open_live(f"rtsp://user:{SECRET}@127.0.0.1:{port}/cam", reconnect=0.2) as live:
        for event in live:
            if isinstance(event, Frame):
                frames.append(event)
            else:
                assert isinstance(event, Notice), event
                notices.append(event.message)
            if len(frames) == 10 and not notices and process.poll() is None:
                process.kill()
                process.wait(30)
            elif len(notices) == 1 and process.poll() is not None:
                process, _ = rtsp(port)
            if len(notices) > 1 and notices[-1].startswith("connected again"):
                break
    assert notices[0].startswith("connection lost")
    assert frames[0].image.shape == (240, 320, 3)
    # The camera's own clock, not the network's: 25 frames a second are 0.04 s apart, or a multiple where some were dropped.
    steps = np.diff([frame.time for frame in frames[1:10]]) / 0.04
    assert steps == pytest.approx(np.rint(steps), abs=0.06)
    assert SECRET not in " ".join(notices) + frames[0].source
