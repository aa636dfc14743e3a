"""The window: on a real screen, if a virtual one can be had; and without one."""

import logging
import shutil
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest

from mien.window import CvWindow, open_window


@pytest.fixture(scope="module")
def screen():
    """A virtual screen of 640 x 480."""
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("no virtual screen here: Xvfb and xdotool are needed")
    pytest.importorskip("tkinter")
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    number = process.stdout.readline().decode().strip()
    if not number:
        pytest.skip("Xvfb does not start here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", f":{number}")
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        yield f":{number}"
    process.terminate()
    process.wait(30)
    process.stdout.close()


@pytest.fixture
def opened(screen):
    made = open_window("mien: test")
    assert made is not None
    yield made
    made.close()


def seen(window, image):
    """What the screen shows once the picture is there, uint8 (480, 640, 3)."""
    from PIL import ImageGrab

    end = time.monotonic() + 30
    while True:
        window.show(image)
        grabbed = np.asarray(ImageGrab.grab().convert("RGB"))
        if grabbed.any() or time.monotonic() > end:
            return grabbed


def press(window, key):
    """Press a key over the window, which without a window manager has the focus then; the first one that the window tells of."""
    subprocess.run(["xdotool", "mousemove", "20", "20", "key", key], check=True, timeout=30)
    return window.wait()


def picture(width=200, height=100):
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2] = (255, 0, 0)
    image[:, width // 2 :] = (0, 0, 255)
    return image


def test_a_picture_is_on_the_screen_in_its_colours_and_size(opened):
    grabbed = seen(opened, picture())
    rows, columns = np.flatnonzero(grabbed.any(axis=(1, 2))), np.flatnonzero(grabbed.any(axis=(0, 2)))
    assert (len(rows), len(columns)) == (100, 200)
    assert grabbed[rows[50], columns[50]].tolist() == [255, 0, 0]
    assert grabbed[rows[50], columns[150]].tolist() == [0, 0, 255]


def test_a_large_picture_is_shown_smaller(opened):
    grabbed = seen(opened, picture(2000, 1000))
    columns = np.flatnonzero(grabbed.any(axis=(0, 2)))
    assert 500 < len(columns) < 640


def test_pictures_of_other_sizes_may_follow(opened):
    for width in (200, 300, 100):
        opened.show(picture(width))
    assert not opened.closed


@pytest.mark.parametrize(("key", "name"), [("q", "q"), ("Escape", "escape")])
def test_esc_and_q_close_it(opened, key, name):
    seen(opened, picture())
    assert press(opened, key) == name
    assert opened.closed
    assert opened.show(picture()) is None  # and it stays closed
    assert opened.poll() is None
    assert opened.wait() is None
    opened.close()


def test_other_keys_are_told_and_close_nothing(opened):
    seen(opened, picture())
    assert press(opened, "n") == "n"
    assert not opened.closed


def test_its_button_closes_it(opened):
    opened.show(picture())
    root = opened._root
    root.tk.call(root.protocol("WM_DELETE_WINDOW"))  # what the window manager's message does; there is none on this screen
    assert opened.closed


def test_polling_never_waits(opened):
    assert [opened.poll() for _ in range(100)] == [None] * 100


def test_a_closed_window_may_be_forgotten_in_any_thread(screen):
    """Tcl ends the process when its objects are collected elsewhere than where they were made, unless none are left."""
    program = (
        "import gc, threading, numpy as np; from mien.window import open_window\n"
        "w = open_window(); w.show(np.zeros((9, 9, 3), np.uint8)); w.close(); gc.disable(); del w\n"
        "t = threading.Thread(target=gc.collect); t.start(); t.join(); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")


@pytest.fixture
def no_screen(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


def test_without_a_screen_there_is_none_and_one_line_says_so(no_screen, caplog):
    with caplog.at_level(logging.INFO, "mien"):
        assert open_window() is None
    assert [record.message for record in caplog.records] == ["there is no screen: nothing is shown"]


def test_a_screen_that_is_not_there_is_none_too(no_screen, monkeypatch, caplog):
    pytest.importorskip("tkinter")
    monkeypatch.setenv("DISPLAY", ":9999")
    with caplog.at_level(logging.INFO, "mien"):
        assert open_window() is None
    assert len(caplog.records) == 1
    assert caplog.records[0].message.startswith("no window can be opened")


def test_without_tk_the_line_says_what_would_help(no_screen, monkeypatch, caplog):
    monkeypatch.setenv("DISPLAY", ":9999")
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with caplog.at_level(logging.INFO, "mien"):
        assert open_window() is None
    assert "opencv-python has windows" in caplog.text


class CvWindows:
    """An OpenCV with windows, and somebody who presses keys; -1 is no key, and the window is gone when all are pressed."""

    def __init__(self, monkeypatch, keys=()):
        self.keys, self.shown, self.open = list(keys), [], []
        monkeypatch.setenv("DISPLAY", ":9999")
        for name in ("namedWindow", "imshow", "waitKey", "getWindowProperty", "destroyWindow"):
            monkeypatch.setattr(cv2, name, getattr(self, name))
        monkeypatch.setattr(cv2, "currentUIFramework", lambda: "QT5")

    def namedWindow(self, title, flags):  # noqa: N802
        self.open.append(title)

    def imshow(self, title, image):
        self.shown.append(image)

    def waitKey(self, delay):  # noqa: N802
        assert delay == 1
        return self.keys.pop(0) if self.keys else -1

    def getWindowProperty(self, title, what):  # noqa: N802
        if not self.keys:
            raise cv2.error("NULL guiReceiver")
        return 1.0

    def destroyWindow(self, title):  # noqa: N802
        self.open.remove(title)


def test_opencvs_windows_are_taken_where_it_has_them(monkeypatch):
    windows = CvWindows(monkeypatch, [-1, ord("n"), 27, -1])
    with open_window("title") as window:
        assert isinstance(window, CvWindow)
        assert [window.show(picture()) for _ in range(3)] == [None, "n", "escape"]
        assert window.closed
        assert window.show(picture()) is None
    assert windows.open == []
    assert len(windows.shown) == 3
    assert windows.shown[0][0, 0].tolist() == [0, 0, 255]  # BGR at the edge


def test_opencvs_window_closed_with_the_mouse_is_closed(monkeypatch):
    CvWindows(monkeypatch)
    window = open_window()
    assert window.wait() is None
    assert window.closed


def test_an_opencv_that_opens_none_leaves_it_to_tk(no_screen, monkeypatch, caplog):
    windows = CvWindows(monkeypatch)

    def refuse(title, flags):
        raise cv2.error("no plug-in")

    monkeypatch.setattr(cv2, "namedWindow", refuse)
    monkeypatch.setitem(sys.modules, "tkinter", None)
    with caplog.at_level(logging.INFO, "mien"):
        assert open_window() is None
    assert windows.open == []
    assert "Tk is tried" in caplog.text
