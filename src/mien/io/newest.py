"""Between a thread that captures and one that works: the newest frame wins, so that nothing ever lags behind the camera."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mien.io.events import Failure, Notice
from mien.types import Image

BEHIND_SECONDS = 2.0
"""Timestamps that fall behind the time of arrival by this much more, little by little, are laid anew."""
INVENTED_SECONDS = 60.0
"""Those that do so twice within this time were invented: none is believed before the next connection."""
STEADY_FRAMES = 5
"""A stall is one that comes behind so many frames in step, or every frame of a slow source would come after one."""
WAITED_SECONDS = 2.0
"""The first frame of a connection may have waited so long: FFmpeg looks at 1 s and some frames more before it gives any."""
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


class LiveClock:
    """Seconds since the first frame, ever increasing: the source's own timestamps, laid where they never run ahead of arrival.

    A network delivers in fits and starts, which its timestamps do not show: of a stall only the arrival is late, and what was
    looked at before the first frame comes in one burst. But after a reconnection they begin anew, and some sources invent them.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self._offset: float | None = None
        self._late = self._least_late = self._elapsed = 0.0
        """Seconds by which the last frame came later than its timestamp says, the least since they were laid or a stall; when it came."""
        self._steady = 0
        """Frames in a row whose timestamps went on at least half as fast as they came."""
        self._fell = -math.inf
        """When timestamps were last found to fall behind, without a stall since."""
        self._believed = True
        self._last = -SMALLEST_STEP

    def at(self, stamp: float | None, arrived: float, opened: float | None = None) -> float:
        """Time of a frame.

        stamp: the source's own, seconds, or None; arrived: seconds of a monotonic clock; opened: of the same, when its connection began,
        since when the first frame may have waited; None where none waits.
        """
        came = arrived if stamp is None or opened is None else max(opened, arrived - WAITED_SECONDS)
        if self._began is None:
            self._began = came
        elapsed = now = arrived - self._began
        if stamp is not None and self._believed:
            if self._offset is None:
                self._offset, self._steady = came - self._began - stamp, 0
                self._late = self._least_late = arrived - came
            elif self._is_wrong(stamp + self._offset, elapsed):
                self._offset, self._late, self._least_late = elapsed - stamp, 0.0, 0.0
            now = min(stamp + self._offset, elapsed)
        self._elapsed = elapsed
        self._last = max(now, self._last + SMALLEST_STEP)
        return self._last

    def restart(self) -> None:
        """The source's timestamps begin anew; time goes on."""
        self._offset, self._fell, self._believed = None, -math.inf, True

    def _is_wrong(self, time: float, elapsed: float) -> bool:
        """Whether timestamps are to be laid anew: they went back, are ahead of arrival, or fall behind it more and more.

        That of a frame which is late after many in step is right: the network, or FFmpeg, held it back while the stream stalled.
        """
        late = elapsed - time
        grown, took = late - self._late, elapsed - self._elapsed
        stalled = grown > BEHIND_SECONDS and self._steady >= STEADY_FRAMES
        self._late, self._least_late = late, late if stalled else min(self._least_late, late)
        self._steady = self._steady + 1 if grown <= took / 2 else 0
        if stalled:
            self._fell = -math.inf
        if late > self._least_late + BEHIND_SECONDS:
            self._believed, self._fell = elapsed - self._fell > INVENTED_SECONDS, elapsed
            return True
        return time < self._last or late < 0
