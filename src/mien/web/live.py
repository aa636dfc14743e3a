"""`/api/live`: frames of somebody's camera in by WebSocket, faces out, people followed and smoothed as in a video."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from mien.errors import MienError, SourceTooLarge, UsageError
from mien.io.images import ImageLimits, decode
from mien.io.sources import Event
from mien.io.span import VideoSpan
from mien.pipeline import Analyzed, Analyzer
from mien.types import Frame, Image, Result
from mien.web.faults import Idle, Told, code, told
from mien.web.pictures import faces
from mien.web.recording import Recording, recording
from mien.web.service import Served, Service, Wanted

router = APIRouter()

LARGEST = ImageLimits(max_pixels=4_000_000, max_bytes=5_000_000)
"""Of one frame."""
SOURCE = "camera"
IDLE_SECONDS = 60.0
"""Without a frame for so long, a connection is closed: it may hold a place that somebody else waits for."""

CAMERAS_FULL = "cameras_full"
"""Code of the error of a connection for which there is no place."""
ORDERLY = (1000, 1001, 1012)
"""Codes of connections that were closed on purpose: by who watched, by leaving the page, by ending this server. 1005, closed without a
code, is what a server may also be told of a connection that was lost (uvicorn 0.54 is)."""
NO_CODE = 1005
LAST_SECONDS = 5.0
"""How long is waited for what the other side said when it went."""


class Feed:
    """Frames that come one by one through an Analyzer, which takes them from an iterator. For one thread at a time."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._next: Frame | None = None
        self._index = 0
        self._began = time.monotonic()
        self._results = analyzer.run(self._frames(), batch=1)

    def result(self, image: Image) -> Result:
        """What the next frame shows; its time is that of its arrival, in seconds since the first."""
        now = time.monotonic()
        if not self._index:
            self._began = now
        self._next = Frame(image, index=self._index, time=now - self._began, source=SOURCE, stream=True)
        self._index += 1
        item = next(self._results)
        assert isinstance(item, Analyzed)
        return item.result

    def close(self) -> None:
        """Let go of the models' state."""
        self._results.close()

    def _frames(self) -> Iterator[Event]:
        while True:
            frame, self._next = self._next, None
            assert frame is not None, "asked for a frame before there is one"
            yield frame


@router.websocket("/api/live")
async def live(
    socket: WebSocket,
    service: Served,
    wanted: Annotated[Wanted, Depends()],
    session: Annotated[str, Query(max_length=200)] = "",
    every: float = 0.5,
) -> None:
    """Send a picture as a binary message, get a text message with the faces, send the next. Errors come as {"error": ..., "code": ...}."""
    await socket.accept()
    try:
        service.cameras.acquire_on_behalf_of_nowait(socket)
    except anyio.WouldBlock:
        full = f"{service.settings.most_cameras} cameras are watched already; try again later"
        await socket.send_json({"error": full, "code": CAMERAS_FULL})
        await socket.close(1013)
        return
    try:
        stack = ExitStack()
        try:
            await _serve(socket, service, wanted, session, every, stack)
        finally:
            with anyio.CancelScope(shield=True):  # what was recorded is written even when the server is stopped
                await anyio.to_thread.run_sync(stack.close)
    except WebSocketDisconnect:
        return
    except MienError as error:
        await _end(socket, told(error, f"WebSocket {socket.url.path}"))
    finally:
        service.cameras.release_on_behalf_of(socket)


async def _serve(socket: WebSocket, service: Service, wanted: Wanted, session: str, every: float, stack: ExitStack) -> None:
    analyzer = await service.analyzer(wanted)
    span = VideoSpan(every=every)
    feed = stack.enter_context(closing(Feed(analyzer)))
    if not session:
        await _answer_all(socket, service, feed, None)
        return
    begin = partial(recording, service.settings, analyzer, session, span)
    # In a thread that it shares with nobody: who waits for a store that is locked holds up no other request.
    recorded = stack.enter_context(await anyio.to_thread.run_sync(begin, limiter=anyio.CapacityLimiter(1)))
    try:
        await _answer_all(socket, service, feed, recorded)
    except WebSocketDisconnect as gone:
        recorded.finished = await _code(socket, gone) in ORDERLY
        raise


async def _code(socket: WebSocket, gone: WebSocketDisconnect) -> int:
    """With which code the other side went. Where an answer was on its way then, its sending has failed as over a connection that is lost
    (1006), and what the other side said waits behind its frames."""
    with anyio.move_on_after(LAST_SECONDS):
        while socket.client_state is WebSocketState.CONNECTED:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return message.get("code") or NO_CODE
    return gone.code


async def _answer_all(socket: WebSocket, service: Service, feed: Feed, recorded: Recording | None) -> None:
    """Answer frame by frame, until the other side goes. Raises WebSocketDisconnect, UsageError."""
    while True:
        data = await _received(socket)
        began = time.perf_counter()
        try:
            image = (await service.work(partial(decode, data, name="frame", limits=LARGEST))).image
        except SourceTooLarge as error:
            most = f"{LARGEST.max_pixels / 1e6:g} megapixels and {LARGEST.max_bytes / 1e6:g} MB"
            large = f"frame: larger than a frame of a camera may be here, {most}; send smaller ones"
            await socket.send_json({"error": large, "code": code(error)})
            continue
        except MienError as error:
            await socket.send_json({"error": str(error), "code": code(error)})
            continue
        result = await service.work(partial(_step, feed, image, recorded))
        width, height = result.size
        milliseconds = round((time.perf_counter() - began) * 1000, 1)
        answer: dict[str, Any] = {"frame": result.index, "time_s": round(result.time, 6), "width": width, "height": height}
        answer |= {"faces": faces(result), "ms": milliseconds}
        if recorded is not None and recorded.failed is not None:
            answer |= {"not_recorded": recorded.failed.error, "not_recorded_code": recorded.failed.code}
        await socket.send_json(answer)


def _step(feed: Feed, image: Image, recorded: Recording | None) -> Result:
    """One frame: what it shows, recorded where that is wanted."""
    result = feed.result(image)
    if recorded is not None:
        recorded.take(Frame(image, source=SOURCE), result)
    return result


async def _received(socket: WebSocket) -> bytes:
    """The next binary message. Raises WebSocketDisconnect, UsageError for another kind of message and for none in a long time."""
    with anyio.move_on_after(IDLE_SECONDS):
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or NO_CODE)
        data = message.get("bytes")
        if data is None:
            raise UsageError("found a text message; wanted a picture (JPEG, PNG, WebP) as a binary one")
        return bytes(data)
    raise Idle(f"no frame came for {IDLE_SECONDS:g} seconds; connect again to go on")


async def _end(socket: WebSocket, why: Told) -> None:
    """Say why, and close; the other side may have gone meanwhile."""
    try:
        await socket.send_json(why.as_dict())
        await socket.close(1008)
    except (WebSocketDisconnect, RuntimeError):
        return
