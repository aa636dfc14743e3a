"""The web app's own pages, what this server is, and the API's documentation."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response

from mien import __version__
from mien.labels import CAPTIONS, EMOTIONS, PALETTES
from mien.models.registry import cards
from mien.report.words import words
from mien.unsure import REASONS
from mien.vision.style import Style
from mien.web import answers
from mien.web.service import Served

router = APIRouter(tags=["server"])

NOTE = "mien says which expression a face shows, not what a person feels."
APP_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self' ws: wss:; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
}
DOCS_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
}
"""Swagger's page starts itself by a script inside."""


@router.head("/", include_in_schema=False)
@router.get("/", include_in_schema=False)
def index() -> Response:
    """The web app."""
    return HTMLResponse(files("mien.web").joinpath("static", "index.html").read_text("utf-8"), headers=APP_HEADERS)


@router.get("/api/docs", include_in_schema=False)
def docs() -> Response:
    """The API's documentation, with all it needs from here: the server may have no network."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",  # all beside this page, since a proxy may have this server below a path
        title="mien API",
        swagger_js_url="docs/static/swagger-ui-bundle.js",
        swagger_css_url="docs/static/swagger-ui.css",
        swagger_favicon_url="../static/icon.svg",
    )
    body = bytes(page.body).replace(b"<html>", b'<html lang="en">', 1)  # FastAPI's page does not say what it is written in
    return HTMLResponse(body, headers=DOCS_HEADERS)


@router.head("/api/health", include_in_schema=False)
@router.get("/api/health", responses={200: {"model": answers.Health}})
def health() -> Response:
    """That it runs. Needs no token."""
    return JSONResponse({"status": "ok", "version": __version__})


@router.get("/api/about", responses={200: {"model": answers.About}})
def about(service: Served) -> Response:
    """What this server is, offers and allows."""
    settings = service.settings
    known = cards()
    models = [
        _named(name, f"{known[name][0].bytes / 1e6:.1f} MB" if name in known else "", i)
        for i, name in enumerate(service.analyzers.model_names())
    ]
    detectors = [_named(name, "", i) for i, name in enumerate(service.analyzers.detector_names())]
    colours = PALETTES[Style().palette]
    return JSONResponse(
        {
            "version": __version__,
            "models": models,
            "detectors": detectors,
            "affect": service.analyzers.affect_names(),
            "emotions": [
                {"name": name, "colour": colours[name], **{language: CAPTIONS[language][name] for language in CAPTIONS}}
                for name in EMOTIONS
            ],
            "reasons": {code: {language: words(language)[f"reason_{code}"] for language in CAPTIONS} for code in REASONS},
            "max_upload_mb": settings.max_upload_mb,
            "max_picture_mb": settings.max_picture_mb,
            "sessions": settings.sessions,
            "keep_minutes": settings.keep_minutes,
            "language": settings.language,
            "note": NOTE,
        }
    )


def _named(name: str, about: str, position: int) -> dict[str, Any]:
    return {"name": name, "about": about, "default": position == 0}
