"""What the parts of a server share, and how a request gets at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Annotated, TypeVar

import anyio
from fastapi import Depends, Query
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request

from mien.io.images import ImageLimits
from mien.io.names import printable
from mien.pipeline import Analyzer
from mien.sinks.whole_table import FORMULA
from mien.web.analyzers import Analyzers
from mien.web.jobs import Jobs
from mien.web.mounted import address
from mien.web.settings import ServeSettings

T = TypeVar("T")

AT_ONCE = 2
"""Analyses at the same time; each uses as many threads as its networks are given."""
SESSIONS = 1
"""Tables and pages of sessions that are made at the same time; each takes the processor, and a page much memory, for many seconds."""
TRANSFERS = 8
"""Pictures that are fetched and videos that are stored at the same time, which mostly wait for others."""
CLIENT_LEFT = 499
"""Of an answer that nobody waits for, in the server's log; nginx has it so."""
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request may choose; None is what the server was started with."""

    model: Annotated[str | None, Query(description="Recogniser, one of `models` in /api/about.")] = None
    detector: Annotated[str | None, Query(description="Face detector, one of `detectors` in /api/about.")] = None
    affect: Annotated[
        str | None,
        Query(description="Where valence and arousal come from, one of `affect` in /api/about: model, none, or a set of anchors."),
    ] = None


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """The state of one server."""

    settings: ServeSettings
    analyzers: Analyzers
    jobs: Jobs
    limiter: anyio.CapacityLimiter
    transfers: anyio.CapacityLimiter
    made: anyio.CapacityLimiter
    cameras: anyio.CapacityLimiter

    @property
    def limits(self) -> ImageLimits:
        """The largest picture."""
        return ImageLimits(max_pixels=self.settings.max_picture_pixels, max_bytes=int(self.settings.max_picture_mb * 1e6))

    async def work(self, what: Callable[[], T], *, request: Request | None = None) -> T:
        """Do something that takes the processor, in a thread, when it is its turn.

        request: whom it is for. Raises HTTPException, and does nothing, when its client has left by then.
        """
        return await _in_turn(what, self.limiter, request)

    async def transfer(self, what: Callable[[], T], *, request: Request | None = None) -> T:
        """The same for something that waits for the network or a disk."""
        return await _in_turn(what, self.transfers, request)

    async def make(self, what: Callable[[], T], *, request: Request) -> T:
        """The same for a table or a page of a session."""
        return await _in_turn(what, self.made, request)

    async def analyzer(self, wanted: Wanted) -> Analyzer:
        """The loaded models that a request asks for. Raises UnknownName, WeightsMissing."""
        return await self.work(partial(self.analyzers.get, model=wanted.model, detector=wanted.detector, affect=wanted.affect))


async def _in_turn(what: Callable[[], T], limiter: anyio.CapacityLimiter, request: Request | None) -> T:
    async with limiter:
        if request is not None and await request.is_disconnected():
            raise HTTPException(CLIENT_LEFT, "the client has left")
        return await anyio.to_thread.run_sync(what, limiter=anyio.CapacityLimiter(1))  # its turn has come: no second line


def service_of(app: Starlette) -> Service:
    """The state of an app, made when it is first wanted: of one that is mounted in another program nobody tells that it begins.

    For the thread of the event loop. Who has it closed takes it off the app.
    """
    if not hasattr(app.state, "service"):
        settings: ServeSettings = app.state.settings
        jobs = Jobs(keep_seconds=settings.keep_minutes * 60, most=settings.most_jobs, most_results=settings.most_results)
        at_once, transfers, made, cameras = map(anyio.CapacityLimiter, (AT_ONCE, TRANSFERS, SESSIONS, settings.most_cameras))
        app.state.service = Service(settings, app.state.analyzers, jobs, at_once, transfers, made, cameras)
    service: Service = app.state.service
    return service


async def _service(connection: HTTPConnection) -> Service:
    return service_of(connection.app)


Served = Annotated[Service, Depends(_service)]


async def _addresses(connection: HTTPConnection) -> Callable[[str], str]:
    return partial(address, connection.scope)


Addresses = Annotated[Callable[[str], str], Depends(_addresses)]
"""Gives the address of a path here, as the one who asks sees it."""


async def _analyzer(service: Served, wanted: Annotated[Wanted, Depends()]) -> Analyzer:
    return await service.analyzer(wanted)


Chosen = Annotated[Analyzer, Depends(_analyzer)]


def file_name(given: str | None, default: str) -> str:
    """What an upload is called: its name without folders, on one line, not endless, and not to be taken for a formula by the spreadsheet
    in which somebody opens the table."""
    name = printable(PurePath((given or "").replace("\\", "/")).name).strip()
    if name.startswith(FORMULA):
        name = f"_{name}"
    return (name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…") or default
