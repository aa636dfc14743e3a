"""The server: its parts put together, and what becomes of their errors."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from mien import __version__
from mien.errors import MienError
from mien.web import answers, gate, live, pages, pictures, sessions, upload, videos
from mien.web.analyzers import Analyzers
from mien.web.faults import CODES, answer, refusal
from mien.web.guard import Guard
from mien.web.mounted import own_path
from mien.web.openapi import documented
from mien.web.service import service_of
from mien.web.settings import ServeSettings

log = logging.getLogger("mien")

SMALL = 64_000
"""Bytes of a request that carries neither picture nor video."""
PARTS = (pages, pictures, videos, live, sessions, upload)
ABOUT = """Reads facial expressions: pictures, videos and cameras in; faces, nine emotion probabilities, valence and arousal out.

mien says which expression a face shows, not what a person feels. Nothing that is sent here is kept, but the results of videos for a
while, and sessions that are recorded on purpose."""


def create_app(settings: ServeSettings | None = None) -> FastAPI:
    """An ASGI app with the web pages and the API, for `uvicorn` or any other ASGI server, or to be mounted below a path of another app.

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
        root_path_in_servers=False,  # documented() says where it is
        responses={"default": {"model": answers.Fault, "description": "What went wrong, on one line."}},
    )
    app.state.settings, app.state.analyzers = settings, analyzers
    for part in PARTS:
        app.include_router(part.router)
    app.mount("/static", _Static(directory=str(files("mien.web").joinpath("static"))))
    app.mount("/api/docs/static", StaticFiles(directory=_swagger()))
    app.add_exception_handler(MienError, _told)
    app.add_exception_handler(HTTPException, _told_http)
    app.add_exception_handler(RequestValidationError, _told_validation)
    app.add_exception_handler(WebSocketRequestValidationError, _told_socket)  # type: ignore[arg-type]  # of a WebSocket, not a Request
    app.openapi = partial(documented, app, token=bool(settings.token))  # type: ignore[method-assign]  # as FastAPI's own documentation has it
    picture, video = int(settings.max_picture_mb * 1e6), int(settings.max_upload_mb * 1e6)
    limits = {"/api/pictures": picture, "/upload": picture, gate.PATH: video, "": SMALL}
    app.add_middleware(gate.Gate)
    app.add_middleware(Guard, hosts=settings.hosts, token=settings.token, limits=limits, language=settings.language)
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
    jobs = service_of(app).jobs
    try:
        yield
    finally:
        del app.state.service
        await anyio.to_thread.run_sync(jobs.close)


def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, MienError)
    return answer(error, f"{request.method} {request.url.path}")


def _told_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status, text, headers = error.status_code, str(error.detail), dict(error.headers or {})
    if status == 405:
        # Starlette names those of the first route of a path; older ones name none for files.
        headers["Allow"] = _allowed(request) or headers.get("Allow", "GET, HEAD")
        text = f"{request.method} is not for {request.url.path}; allowed: {headers['Allow']}"
    if isinstance(error.__cause__, OSError):  # where a form is put on the disk as it comes
        log.error("%s %s: %s", request.method, request.url.path, error.__cause__)
        status, text = 507, "the server has no room for this request; its log says why"
    if status == 404:
        text = f"nothing is at {request.url.path}"
    return refusal(status, text, headers)


def _allowed(request: Request) -> str:
    """The methods of all routes of a path; empty where there is none, as for files."""
    if isinstance(request.scope.get("endpoint"), StaticFiles):
        return ""
    path = own_path(request.scope)
    routes = (route for part in PARTS for route in part.router.routes if isinstance(route, Route) and route.path_regex.match(path))
    return ", ".join(sorted({method for route in routes for method in route.methods or ()}))


def _told_validation(request: Request, error: Exception) -> Response:
    """What is missing or of the wrong kind in a request, on one line."""
    assert isinstance(error, RequestValidationError)
    return refusal(400, _line(error.errors()))


async def _told_socket(socket: WebSocket, error: WebSocketRequestValidationError) -> None:
    """The same to a camera, which would see nothing of an answer to its handshake."""
    await socket.accept()
    await socket.send_json({"error": _line(error.errors()), "code": CODES[400]})
    await socket.close(1008)


def _line(errors: Sequence[Any]) -> str:
    parts = []
    for one in errors:
        place, text = ".".join(str(part) for part in one["loc"][1:] if isinstance(part, str)), str(one["msg"])
        if one["type"] == "json_invalid":
            place, text = "body", "this is no JSON"
        elif "UploadFile" in text:
            text = "wanted a file: multipart form data with a file name"
        parts.append(f"{place or one['loc'][0]}: {text[:1].lower() + text[1:]}")
    return "; ".join(parts)
