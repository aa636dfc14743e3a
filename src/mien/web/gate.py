"""Uploads of videos: refused before they are sent where there is no place for them, and not too many at the same time."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from mien.web.faults import Full, SendingFull, answer
from mien.web.mounted import own_path
from mien.web.service import TRANSFERS, service_of

PATH = "/api/videos"


class Gate:
    """ASGI middleware. What reads a form reads all of it, to the disk, before the route is asked; so this asks the jobs first."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._under_way = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no upload, and uploads that have a place."""
        if scope["type"] != "http" or scope["method"] != "POST" or own_path(scope) != PATH:
            await self._app(scope, receive, send)
            return
        try:
            if self._under_way >= TRANSFERS:
                raise SendingFull(f"{self._under_way} videos are being sent at the moment; try again later")
            service_of(scope["app"]).jobs.refuse_if_full()
        except Full as error:
            await answer(error, f"POST {PATH}")(scope, receive, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1
