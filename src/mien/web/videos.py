"""`/api/videos`: a video in; tables, page and annotated video out, worked on in the background."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Query, UploadFile
from fastapi.responses import FileResponse, JSONResponse, Response

from mien.hiding import refuse_half_hidden
from mien.io.pixels import check_turn
from mien.io.span import VideoSpan
from mien.web import answers
from mien.web.faults import Unknown
from mien.web.jobs import PAGE, TABLES, VIDEO, Job, Order
from mien.web.media import MEDIA, files_of
from mien.web.pictures import Drawn, Turn, unread
from mien.web.service import Addresses, Chosen, Served, Service, file_name

router = APIRouter(tags=["videos"])


@router.post("/api/videos", status_code=202, responses={202: {"model": answers.VideoJob}})
async def add_video(
    service: Served,
    address: Addresses,
    analyzer: Chosen,
    drawing: Drawn,
    file: Annotated[UploadFile, File(description="The video. It is deleted as soon as it was read.")],
    every: Annotated[float | None, Query(description="Take a frame each so many seconds instead of every frame.")] = None,
    annotated: Annotated[bool, Query(description="Make an annotated video too.")] = False,
    title: Annotated[str, Query(description="Heading of the page; the file's name if empty.", max_length=200)] = "",
    turn: Turn = 0,
) -> Response:
    """Take a video in; ask for its job until it is done, then fetch its results."""
    name, language = file_name(file.filename, "video"), drawing.language or service.settings.language
    check_turn(turn)
    drawer = drawing.drawer(language)
    hides = annotated and drawing.anonymize
    if hides:
        refuse_half_hidden(analyzer, "anonymize", streams=True)
    order = Order(
        analyzer=analyzer,
        name=name,
        span=VideoSpan(every=every, stop=service.settings.max_video_minutes * 60),
        limits=service.limits,
        drawer=drawer if annotated else None,
        hides=hides,
        language=language,
        title=title,
        turn=turn,
    )
    job = await service.transfer(partial(service.jobs.add, file.file, order))
    return JSONResponse(as_dict(service, job, address), 202, headers={"Location": address(f"/api/videos/{job.id}")})


@router.get("/api/videos/{number}", responses={200: {"model": answers.VideoJob}})
def video(service: Served, address: Addresses, number: str) -> Response:
    """How far a video is, and where its results are."""
    return JSONResponse(as_dict(service, service.jobs.get(number), address))


@router.delete("/api/videos/{number}", status_code=204)
def erase_video(service: Served, number: str) -> Response:
    """Stop it and erase all of it."""
    service.jobs.erase(number)
    return Response(status_code=204)


@router.get("/api/videos/{number}/{result}", response_class=Response, responses=files_of(".csv", ".jsonl", ".parquet", ".html", ".mp4"))
def video_result(service: Served, address: Addresses, number: str, result: str) -> Response:
    """A result: table.csv, table.jsonl, table.parquet, page.html or annotated.mp4."""
    job = service.jobs.get(number)
    path = job.result(result)
    if path is None:
        there = ", ".join(results(job, address).values()) or "none"
        raise Unknown(f"{result}: not a result of this video, or not there yet; there are: {there}")
    page = path.suffix == ".html"
    stem = job.order.name.rpartition(".")[0] or job.order.name
    return FileResponse(
        path,
        media_type=MEDIA[path.suffix],
        filename=None if page else f"{stem}{path.suffix}",
        content_disposition_type="inline" if path.suffix == ".mp4" else "attachment",
        headers=PAGE_HEADERS if page else None,
    )


PAGE_HEADERS = {"Content-Security-Policy": "frame-ancestors 'self'"}
"""Of mien's own pages, which say themselves, in a meta element, what they may load: nothing."""


def results(job: Job, address: Callable[[str], str]) -> dict[str, str]:
    """Kind -> address of what there is."""
    names = TABLES | {"page": PAGE, "video": VIDEO}
    return {kind: address(f"/api/videos/{job.id}/{name}") for kind, name in names.items() if job.result(name) is not None}


def as_dict(service: Service, job: Job, address: Callable[[str], str]) -> dict[str, Any]:
    """As `answers.VideoJob`."""
    share = min(1.0, job.seconds / job.duration) if job.duration else None
    return {
        "id": job.id,
        "name": job.order.name,
        "state": job.state,
        "frames": job.frames,
        "faces": job.faces,
        "missed": job.missed if job.order.hides else None,
        "seconds": round(job.seconds, 3),
        "duration": None if job.duration is None else round(job.duration, 3),
        "share": 1.0 if job.state == "done" else share,
        "error": job.error,
        "code": job.code,
        "failures": [unread(failure) for failure in job.failures],
        "results": results(job, address),
        "expires": service.jobs.expires(job),
    }
