"""Between a thread that captures and one that works: the newest frame wins, so that nothing ever lags behind the camera."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mien.io.events import Failure, Notice
from mien.types import Image

STEP_SECONDS = 1.0
"""A source's own timestamps this far from the time of arrival are not believed."""
SMALLEST_STEP = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A captured frame whose pixels are made only if it is looked at."""

    image: Callable[[], Image]
    index: int
    """Number among the captured frames, from 0."""
    time: float
    """Seconds since the first."""


Item: TypeAlias = Shot | Notice | Failure


class Newest:
    """A queue of events with room for a single shot: a new one takes the place of one that nobody took."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._items: deque[Item] = deque()
        self._ended = False
        self.dropped = 0
        """Shots that were never taken because a newer one came."""

    def put(self, shot: Shot) -> None:
        """Offer a shot instead of the one that waits, if one does."""
        with self._ready:
            for item in self._items:
                if isinstance(item, Shot):
                    self._items.remove(item)
                    self.dropped += 1
                    break
            self._items.append(shot)
            self._ready.notify_all()

    def put_when_free(self, shot: Shot) -> None:
        """Offer a shot once the one before it was taken, or at once when it is over."""
        with self._ready:
            self._ready.wait_for(lambda: self._ended or not any(isinstance(item, Shot) for item in self._items))
            self._items.append(shot)
            self._ready.notify_all()

    def tell(self, event: Notice | Failure) -> None:
        """Add an event; none is lost, and their order is kept."""
        with self._ready:
            self._items.append(event)
            self._ready.notify_all()

    def end(self) -> None:
        """Nothing more will come, or is wanted."""
        with self._ready:
            self._ended = True
            self._ready.notify_all()

    @property
    def ended(self) -> bool:
        """Whether `end` was called and all was taken."""
        with self._ready:
            return self._ended and not self._items

    def take(self, seconds: float) -> Item | None:
        """The next event or the newest shot; None if there was none for some seconds, or it is over."""
        with self._ready:
            self._ready.wait_for(lambda: self._items or self._ended, seconds)
            item = self._items.popleft() if self._items else None
            self._ready.notify_all()
            return item


class Rate:
    """How often something happens, a second, over the last seconds; 0 when it has stopped. clock: seconds, monotonic."""

    def __init__(self, seconds: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._first: float | None = None
        self._ticks: deque[float] = deque()

    def tick(self) -> None:
        """It happened."""
        now = self._clock()
        if self._first is None:
            self._first = now  # from here on intervals are counted: the first has none before it
        else:
            self._ticks.append(now)
        self._forget(now)

    @property
    def value(self) -> float:
        """Times a second."""
        if self._first is None:
            return 0.0
        now = self._clock()
        self._forget(now)
        span = min(self._seconds, now - self._first)
        return len(self._ticks) / span if span > 0 else 0.0

    def _forget(self, now: float) -> None:
        while self._ticks and self._ticks[0] <= now - self._seconds:
            self._ticks.popleft()


class FileClock:
    """Seconds of a file that is played, by its own timestamps, however fast; where they begin anew, as in joined streams, time goes on."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._last: float | None = None
        self._step = 0.0

    def at(self, stamp: float) -> float:
        """Time of a frame whose timestamp is this, seconds on the file's own clock."""
        time = stamp + self._offset
        if self._last is not None:
            if time < self._last - STEP_SECONDS:
                self._offset += self._last + self._step - time
                time = stamp + self._offset
            self._step = max(time - self._last, 0.0)
        self._last = time
        return time


class LiveClock:
    """Seconds since the first frame, ever increasing: the source's own timestamps while they keep step with arrival, else arrival.

    A network delivers in fits and starts, which its timestamps do not show; but after a reconnection they begin anew, and
    some sources invent them.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._offset: float | None = None
        self._last = -SMALLEST_STEP

    def at(self, stamp: float | None, arrived: float) -> float:
        """Time of a frame. stamp: the source's own, seconds, or None; arrived: seconds of a monotonic clock."""
        if self._began is None:
            self._began = arrived
        elapsed = now = arrived - self._began
        if stamp is not None:
            if self._offset is None or abs(stamp + self._offset - elapsed) > STEP_SECONDS:
                self._offset = elapsed - stamp
            now = stamp + self._offset
        self._last = max(now, self._last + SMALLEST_STEP)
        return self._last

    def restart(self) -> None:
        """The source's timestamps begin anew; time goes on."""
        self._offset = None
