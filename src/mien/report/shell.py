"""What the pages without a script have in common: head, style, title, sections, foot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from string import Template

from mien import __version__
from mien.report.colours import themes
from mien.report.sections import text

PALETTE = "tol"


def document(
    title: str, meta: str, parts: Iterable[tuple[str, str]], *, notes: str = "", css: str = "",
    colours: Mapping[str, Mapping[str, str]] | None = None, made: datetime | None = None, language: str = "en",
) -> str:  # fmt: skip
    """A whole HTML page that loads nothing and runs nothing.

    meta: a line under the title, text. parts: headings, text, and what stands under them, HTML. notes: HTML below `meta`.
    css: rules of its own. colours: more variables of its style, for the themes light and dark. made: its date; now, if None.
    language: in which all of that is.
    """
    when = (made or datetime.now().astimezone()).strftime("%Y-%m-%d %H:%M %Z").strip()
    body = "".join(f"<section><h2>{text(heading)}</h2>{content}</section>" for heading, content in parts)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f'<meta name="generator" content="mien {__version__}"><title>{text(title)}</title><link rel="icon" href="data:,">'
        f"<style>{style(colours or {})}{resource('evaluation.css')}{css}</style></head><body><header><h1>{text(title)}</h1>"
        f'<p class="meta">{text(meta)}</p>{notes}</header>'
        f"<main>{body}</main><footer><p>mien {__version__}, {text(when)}</p></footer></body></html>\n"
    )


def style(colours: Mapping[str, Mapping[str, str]]) -> str:
    """The style of all pages, with the colours of both themes, and those given, as variables."""
    both = {
        theme: " ".join(f"--{name}: {colour};" for name, colour in {**own, **colours.get(theme, {})}.items())
        for theme, own in themes(PALETTE).items()
    }
    return Template(resource("page.css")).substitute(both)


def resource(name: str) -> str:
    """A text file that lies beside this one."""
    return files("mien.report").joinpath(name).read_text("utf-8")
