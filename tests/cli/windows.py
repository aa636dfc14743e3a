"""A window that is none, for tests of what is shown."""

import time

import numpy as np


class FakeWindow:
    """A window that is closed after some pictures; each takes `seconds` to show. `waits` counts the keys that were waited for."""

    def __init__(self, most: int = 10**9, seconds: float = 0.0) -> None:
        self.pictures: list[np.ndarray] = []
        self.closed, self.waits, self._most, self._seconds = False, 0, most, seconds

    def show(self, image: np.ndarray) -> None:
        self.pictures.append(image)
        time.sleep(self._seconds)
        self.closed = len(self.pictures) >= self._most

    def poll(self) -> None:
        return None

    def wait(self) -> str:
        self.waits += 1
        return " "

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> "FakeWindow":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
