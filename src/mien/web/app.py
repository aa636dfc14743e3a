"""The server: its parts put together, and what becomes of their errors."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from mien import __version__
from mien.errors import ExtraMissing, MienError, SinkError, SourceError, UnknownName, UsageError
from mien.web import live, pages, pictures, sessions, upload, videos
from mien.web.analyzers import Analyzers
from mien.web.guard import Guard
from mien.web.jobs import Full, Jobs, Unknown
from mien.web.service import AT_ONCE, Service
from mien.web.settings import ServeSettings

log = logging.getLogger("mien")

SWEEP_SECONDS = 30.0
STATUS: tuple[tuple[type[MienError], int], ...] = (
    (Unknown, 404),
    (Full, 503),
    (UsageError, 400),
    (UnknownName, 400),
    (SourceError, 422),
    (ExtraMissing, 501),
    (SinkError, 507),
)
"""Kind of error -> status; the first that fits. All others are 500."""
ABOUT = """Reads facial expressions: pictures, videos and cameras in; faces, nine emotion probabilities, valence and arousal out.

mien says which expression a face shows, not what a person feels. Nothing that is sent here is kept, but the results of videos for a
while, and sessions that are recorded on purpose."""


def create_app(settings: ServeSettings | None = None) -> FastAPI:
    """An ASGI app with the web pages and the API, for `uvicorn` or any other ASGI server.

    Models are loaded here, so that a wrong name is told at once: raises UnknownName, WeightsMissing.
    """
    settings = settings or ServeSettings()
    analyzers = Analyzers(settings.options)
    analyzers.get()
    app = FastAPI(
        title="mien",
        version=__version__,
        description=ABOUT,
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.settings, app.state.analyzers = settings, analyzers
    for part in (pages, pictures, videos, live, sessions, upload):
        app.include_router(part.router)
    app.mount("/static", _Static(directory=str(files("mien.web").joinpath("static"))))
    app.mount("/api/docs/static", StaticFiles(directory=_swagger()))
    app.add_exception_handler(MienError, _told)
    app.add_exception_handler(HTTPException, _told_http)
    app.add_exception_handler(RequestValidationError, _told_validation)
    app.add_exception_handler(Exception, _told_fault)
    picture, video = int(settings.max_picture_mb * 1e6), int(settings.max_upload_mb * 1e6)
    app.add_middleware(Guard, hosts=settings.hosts, token=settings.token, limits={"": picture, "/api/videos": video})
    return app


def _swagger() -> Path:
    """Where the files of the API's documentation are; FastAPI's own page asks for them on the internet."""
    import fastapi_offline

    return Path(fastapi_offline.__file__).parent / "static"


class _Static(StaticFiles):
    """Files of the web app, asked for anew after an upgrade."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        answer = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        answer.headers["Cache-Control"] = "no-cache"
        return answer


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Jobs begin with the server, and go with it."""
    settings: ServeSettings = app.state.settings
    jobs = Jobs(keep_seconds=settings.keep_minutes * 60, most=settings.most_jobs)
    limiter, cameras = anyio.CapacityLimiter(AT_ONCE), anyio.CapacityLimiter(settings.most_cameras)
    app.state.service = Service(settings, app.state.analyzers, jobs, limiter, cameras)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_sweep, jobs)
            yield
            tasks.cancel_scope.cancel()
    finally:
        await anyio.to_thread.run_sync(jobs.close)


async def _sweep(jobs: Jobs) -> None:
    while True:
        await anyio.sleep(SWEEP_SECONDS)
        await anyio.to_thread.run_sync(jobs.sweep)


def _told(request: Request, error: Exception) -> Response:
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"error": str(error)}, status, headers={"Retry-After": "60"} if status == 503 else None)


def _told_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    allowed = f"; allowed: {error.headers['Allow']}" if error.headers and "Allow" in error.headers else ""
    detail = {404: f"nothing is at {request.url.path}", 405: f"{request.method} is not for {request.url.path}{allowed}"}
    text = detail.get(error.status_code, str(error.detail))
    return JSONResponse({"error": text}, error.status_code, headers=error.headers)


def _told_validation(request: Request, error: Exception) -> Response:
    """What is missing or of the wrong kind in a request, on one line."""
    assert isinstance(error, RequestValidationError)
    parts = [f"{'.'.join(map(str, one['loc'][1:])) or one['loc'][0]}: {one['msg'][:1].lower()}{one['msg'][1:]}" for one in error.errors()]
    return JSONResponse({"error": "; ".join(parts)}, 400)


def _told_fault(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"{type(error).__name__}; this is a fault in mien or in a plug-in, and the server's log says where"}, 500)
