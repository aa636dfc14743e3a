"""`/api/sessions` and the pages of sessions, where the server was started with them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from mien.errors import UnknownName
from mien.provenance import without_folders
from mien.report.page import page
from mien.report.sections import count
from mien.report.words import words
from mien.sinks.page import LIVE_ROWS
from mien.store import Session, Store, open_store
from mien.store.place import StoreMissing
from mien.web import answers
from mien.web.faults import Unknown
from mien.web.media import MEDIA, files_of
from mien.web.passing import Passing, disposition, passing
from mien.web.service import Served, Service
from mien.web.videos import PAGE_HEADERS

Format = Literal["csv", "jsonl", "parquet"]


def _offered(service: Served) -> None:
    if not service.settings.sessions:
        raise Unknown("this server shows no sessions; start it with --sessions")


router = APIRouter(tags=["sessions"], dependencies=[Depends(_offered)])


@router.get("/api/sessions", responses={200: {"model": list[answers.SessionInfo]}})
def sessions(service: Served) -> Response:
    """All recorded sessions, newest first, as `mien sessions list --json` prints them, without the folders of model files."""
    try:
        with open_store(service.settings.store, create=False) as store:
            return JSONResponse([_told(session) for session in store.sessions()])
    except StoreMissing:
        return JSONResponse([])


@router.get("/api/sessions/{number}", responses={200: {"model": answers.SessionInfo}})
def session(service: Served, number: int) -> Response:
    """One session."""
    with _opened(service) as store:
        return JSONResponse(_told(_found(store, number)))


@router.delete("/api/sessions/{number}", status_code=204)
def purge(service: Served, number: int) -> Response:
    """Delete a session for good: its bytes leave the store's files. A 503 says when they could not; ask again then, and they will."""
    with _opened(service) as store:
        store.purge([] if number in store.erasure_due else [_found(store, number)])
    return Response(status_code=204)


@router.get("/api/sessions/{number}/table.{kind}", response_class=Response, responses=files_of(*(f".{kind}" for kind in get_args(Format))))
async def table(request: Request, service: Served, number: int, kind: Format) -> Response:
    """The table of a session as csv, jsonl or parquet; 409 when it has no rows."""
    return await service.make(partial(_table, service, number, kind), request=request)


def _table(service: Service, number: int, kind: Format) -> Response:
    with _opened(service) as store, passing(service.jobs.folder) as folder:
        found = _found(store, number)
        path = store.export(found, folder / f"table.{kind}")
    headers = {"Content-Disposition": disposition(found.name, f".{kind}", instead=f"session-{found.id}")}
    return Passing(path, media_type=MEDIA[path.suffix], headers=headers)


@router.get("/sessions/{number}", tags=["pages"], response_class=Response, responses=files_of(".html"))
async def session_page(
    request: Request, service: Served, number: int, language: Annotated[str | None, Query(description="en or ru.")] = None
) -> Response:
    """The page of a session, as `mien report` makes it; of a very long one, of one in so many frames, which it says."""
    return await service.make(partial(_page, service, number, language or service.settings.language), request=request)


def _page(service: Service, number: int, language: str) -> Response:
    told = words(language)
    with _opened(service) as store:
        found = _found(store, number)
        every = max(1, math.ceil(found.row_count / LIVE_ROWS))  # as the page of a camera, and so that memory has an end
        timeline = store.timeline(found, every=every)
    notes = [told["every_nth"].format(frames=count(found.frame_count, told), n=count(every, told))] if every > 1 else []
    html = page(timeline, title=found.name, notes=notes, language=language, name=f"session-{found.id}", how=found.provenance)
    return HTMLResponse(html, headers=PAGE_HEADERS)


@contextmanager
def _opened(service: Served) -> Iterator[Store]:
    """The store. Raises Unknown where there is none yet."""
    try:
        store = open_store(service.settings.store, create=False)
    except StoreMissing as error:
        raise Unknown("there are no sessions yet") from error
    with store:
        yield store


def _told(session: Session) -> dict[str, Any]:
    """What is told of a session: of model files the names alone, not where they lie on the server."""
    return session.as_dict() | {"model": without_folders(session.model), "options": without_folders(session.options)}


def _found(store: Store, number: int) -> Session:
    """A session of the store. Raises Unknown."""
    try:
        return store.session(number)
    except UnknownName as error:
        raise Unknown(str(error)) from error
