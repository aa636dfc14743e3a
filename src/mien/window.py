"""A window for pictures: OpenCV's where this OpenCV has windows, else Tk's; None where there is no screen."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import time
from abc import abstractmethod
from collections import deque
from types import TracebackType
from typing import Any, Protocol, Self

from mien.types import Image

log = logging.getLogger("mien")

QUIT_KEYS = ("escape", "q", "Q", "й", "Й")
"""Esc and q, which on a Russian keyboard is й: they close the window, as its own button does."""
SHARE_OF_SCREEN = 0.9
POLL_SECONDS = 0.02


class Window(Protocol):
    """A window on the screen. All its methods are to be called in the thread that opened it, and none but `wait` blocks."""

    closed: bool = False
    """Whether it was closed: by Esc, q, its button or `close`."""

    @abstractmethod
    def show(self, image: Image) -> str | None:
        """Show a picture, uint8 (H, W, 3) RGB, instead of the one before; gives a key that was pressed, as `poll` does."""

    @abstractmethod
    def poll(self) -> str | None:
        """Let the window react; a key that was pressed: a character, `escape` or the system's name of it; None if none was."""

    @abstractmethod
    def close(self) -> None:
        """Take it off the screen; nothing if it is closed."""

    def wait(self) -> str | None:
        """Wait until a key is pressed, which is given, or the window is closed."""
        while not self.closed:
            key = self.poll()
            if key is not None:
                return key
            time.sleep(POLL_SECONDS)
        return None

    def _pressed(self, key: str) -> str:
        if key in QUIT_KEYS:
            self.close()
        return key

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /) -> None:
        self.close()


def open_window(title: str = "mien") -> Window | None:
    """A window, or None and a line in the log where there can be none: no screen, or neither OpenCV with windows nor Tk."""
    if not has_screen():
        log.info("there is no screen: nothing is shown")
        return None
    import cv2

    if cv2.currentUIFramework():
        try:
            return CvWindow(title)
        except cv2.error as error:
            log.info("OpenCV opens no window (%s); Tk is tried", error)
    try:
        import tkinter
    except ImportError:
        log.info("this OpenCV has no windows and this Python no Tk: nothing is shown; opencv-python has windows")
        return None
    try:
        return TkWindow(title)
    except tkinter.TclError as error:
        log.info("no window can be opened: nothing is shown (%s)", error)
        return None


def has_screen() -> bool:
    """Whether there is something to show windows on."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class CvWindow(Window):
    """OpenCV's window. Raises cv2.error when it has none."""

    def __init__(self, title: str) -> None:
        import cv2

        self._title = title
        cv2.namedWindow(title, cv2.WINDOW_AUTOSIZE)

    def show(self, image: Image) -> str | None:
        """Show a picture."""
        import cv2

        if self.closed:
            return None
        cv2.imshow(self._title, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        return self.poll()

    def poll(self) -> str | None:
        """A key, if one was pressed."""
        import cv2

        if self.closed:
            return None
        code = int(cv2.waitKey(1))
        if code >= 0:
            code &= 0xFF
            return self._pressed("escape" if code == 27 else chr(code))
        try:
            visible = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # under Qt, once there is no window at all
            visible = False
        if not visible:
            self.closed = True
        return None

    def close(self) -> None:
        """Take it off the screen."""
        import cv2

        if not self.closed:
            self.closed = True
            with contextlib.suppress(cv2.error):  # its button was quicker
                cv2.destroyWindow(self._title)
            cv2.waitKey(1)


class TkWindow(Window):
    """Tk's window. Raises TclError when it cannot be opened. A picture that is larger than the screen is shown smaller."""

    def __init__(self, title: str) -> None:
        import tkinter

        self._root: Any = tkinter.Tk(className="mien")
        self._root.title(title)
        self._root.configure(background="black")
        self._root.resizable(width=False, height=False)
        self._label: Any = tkinter.Label(self._root, borderwidth=0, background="black")
        self._label.pack()
        self._photo: Any = None
        self._keys: deque[str] = deque()
        self._root.bind("<Key>", self._key)
        self._root.protocol("WM_DELETE_WINDOW", self.close)
        self._room = (self._root.winfo_screenwidth() * SHARE_OF_SCREEN, self._root.winfo_screenheight() * SHARE_OF_SCREEN)

    def show(self, image: Image) -> str | None:
        """Show a picture."""
        if self.closed:
            return None
        from PIL import Image as Pillow
        from PIL import ImageTk

        picture = Pillow.fromarray(_fitted(image, *self._room))
        if self._photo is None or (self._photo.width(), self._photo.height()) != picture.size:
            self._photo = ImageTk.PhotoImage(picture, master=self._root)
            self._label.configure(image=self._photo)
        else:
            self._photo.paste(picture)
        return self.poll()

    def poll(self) -> str | None:
        """A key, if one was pressed."""
        import tkinter

        if self.closed:
            return None
        with contextlib.suppress(tkinter.TclError):  # the screen went away, or the window in the middle of it
            self._root.update()
            return self._pressed(self._keys.popleft()) if self._keys else None
        self.close()
        return None

    def close(self) -> None:
        """Take it off the screen."""
        import tkinter

        if self.closed:
            return
        self.closed = True
        with contextlib.suppress(tkinter.TclError):
            self._root.destroy()
        # Tk's objects hold one another in circles. If the circles were left to be collected whenever and in whichever thread
        # that happens to be, Tcl would end the process: "async handler deleted by the wrong thread".
        self._root = self._label = self._photo = None
        gc.collect()

    def _key(self, event: Any) -> None:
        self._keys.append("escape" if event.keysym == "Escape" else event.char or event.keysym)


def _fitted(image: Image, width: float, height: float) -> Image:
    """The picture, no larger than some pixels."""
    import cv2
    import numpy as np

    share = min(width / image.shape[1], height / image.shape[0])
    if share >= 1:
        return image
    size = (max(1, int(image.shape[1] * share)), max(1, int(image.shape[0] * share)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
