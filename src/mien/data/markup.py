"""Pieces of HTML and SVG for the pages of a data set: one file each, nothing from the network. All text is escaped here.

Built like the report pages (mien.report), from which nothing can be taken here: they lie above the data.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from mien.data.readers.report import Problem
from mien.labels import PALETTES

COLOURS = PALETTES["tol"] | {"neutral": "#9aa3ab"}  # the palette's own is for pictures, and cannot be seen on a white page
SERIES = ("#2f6fb2", "#e08a3c", "#4f9d69", "#8a8f98")
"""Of train, val, test and no split; one hue each, and different in lightness."""
LIMITS = (
    "The pictures are sorted by the expression that somebody, or a program, said a face shows. That is not what a person feels, and labels "
    "are often wrong."
)
LISTED = 20
"""Lines of a list before `and N more`."""
STYLE = """
:root{--ink:#1d2329;--soft:#5d6772;--line:#d9dee4;--paper:#fff;--card:#f6f7f9;--link:#2f6f8f;--warn:#8a5200;--warnbg:#fff6e5}
@media screen and (prefers-color-scheme:dark){:root{
--ink:#e6e9ec;--soft:#9aa5b1;--line:#3a424b;--paper:#15191d;--card:#1e242a;--link:#7fc0dd;--warn:#f0b95b;--warnbg:#2e2616}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--paper);max-width:1140px;
margin:0 auto;padding:24px}
h1{font-size:26px;line-height:1.2;margin:0 0 6px;overflow-wrap:anywhere}
h2{font-size:19px;margin:40px 0 8px;border-bottom:1px solid var(--line);padding-bottom:4px}
h3{font-size:15px;margin:18px 0 6px}
p{margin:6px 0 10px;max-width:75ch}.soft{color:var(--soft)}nav{margin:12px 0 4px;display:flex;flex-wrap:wrap;gap:4px 16px}
.limits{border-left:3px solid var(--link);padding-left:14px}
a{color:var(--link)}nav a,nav b{padding:2px 4px;margin:0 -4px;min-width:24px}
li{overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:14px 0;padding:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:8px 14px;min-width:110px}
.tiles b{display:block;font-size:21px;font-weight:600;font-variant-numeric:tabular-nums}
.tiles span{color:var(--soft);font-size:13px}
table{border-collapse:collapse;margin:8px 0;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:3px 12px;border-bottom:1px solid var(--line);text-align:right;font-weight:400}
th:first-child{text-align:left}thead th{color:var(--soft);font-weight:500}
.row{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start}.scroll{overflow-x:auto}
figure{margin:0;width:96px}
figure img,.gap{width:96px;height:96px;object-fit:contain;image-rendering:pixelated;background:var(--card);display:block;border-radius:3px}
figcaption{font-size:11px;line-height:1.3;color:var(--soft);overflow-wrap:anywhere;margin-top:2px}
.pair{display:flex;flex-wrap:wrap;gap:2px 4px;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:6px;
width:210px}
.pair p{margin:0;font-size:12px;width:100%}
.warn{background:var(--warnbg);color:var(--warn);border-radius:6px;padding:8px 12px;max-width:none}
svg{max-width:100%;height:auto;display:block}svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .soft{fill:var(--soft)}
svg line{stroke:var(--line)}
.key{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;margin:4px 0}
.key i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:5px}
@media print{
body{padding:0;font-size:12px;-webkit-print-color-adjust:exact;print-color-adjust:exact}
nav{display:none}.scroll{overflow:visible}h2{margin-top:24px}
figure,.pair,.tiles li,.warn,tr,svg{break-inside:avoid}
h1,h2,h3,thead,.key,h2 + p,h3 + p{break-after:avoid}
/* A flex box leaves its heading behind when its first line goes to the next page; lines of text do not. */
.row{display:block}.row > *{display:inline-block;vertical-align:top;margin:0 8px 8px 0}.row > .pair{display:inline-flex}
}
"""


def page(title: str, body: str, *, lead: str = "", heading: str = "") -> str:
    """A whole page. title and heading (the title, if empty) are escaped; lead, below the heading, and body are markup."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';img-src data:;style-src 'unsafe-inline'\">"
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><header><h1>{escape(heading or title)}</h1>"
        f'<p class="limits soft">{LIMITS}</p>{lead}</header><main>{body}</main></body></html>\n'
    )


def tiles(figures: Iterable[tuple[str, str]]) -> str:
    """Figures with a name below each."""
    items = "".join(f"<li><b>{escape(n)}</b><span>{escape(what)}</span></li>" for what, n in figures)
    return f'<ul class="tiles">{items}</ul>'


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first column names its rows, the others are figures. caption: what is read out before it."""
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(number(row[0]))}</th>'
        + "".join(f"<td>{escape(number(cell))}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )  # fmt: skip
    name = escape(caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table><caption>{name}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def listed(title: str, lines: Sequence[str]) -> str:
    """The first LISTED lines under a heading, and how many more there are."""
    if not lines:
        return f"<h3>{escape(title)}: none</h3>"
    more = f"<li>and {len(lines) - LISTED:,} more</li>" if len(lines) > LISTED else ""
    return f"<h3>{escape(title)}</h3><ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines[:LISTED]) + more + "</ul>"


def left_out(problems: Sequence[Problem]) -> str:
    """What reading a data set could not take, a list for each kind."""
    parts = []
    for kind, count in Counter(problem.kind for problem in problems).items():
        own = [problem for problem in problems if problem.kind == kind]
        lines = [why if why.startswith(item) else f"{item}: {why}" for _, item, why in own]
        parts.append(listed(f"Left out on reading, {kind} ({count:,})", lines))
    return "".join(parts)


def number(value: object) -> str:
    """12,345 for a whole number, else the value as text."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def share(part: int, whole: int) -> str:
    """`12.3 %`."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def figure(picture: bytes | None, caption: str, *, hint: str = "", kind: str = "jpeg") -> str:
    """A picture with a line below; without bytes a gap in its place."""
    source = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}" if picture else ""
    image = f'<img alt="" loading="lazy" src="{source}">' if source else '<div class="gap"></div>'
    return f'<figure title="{escape(hint or caption)}">{image}<figcaption>{escape(caption)}</figcaption></figure>'


def row(parts: Iterable[str]) -> str:
    """Figures or pairs side by side."""
    return f'<div class="row">{"".join(parts)}</div>'


def key(names: Iterable[tuple[str, str]]) -> str:
    """What colours mean."""
    return (
        '<div class="key">'
        + "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in names)
        + "</div>"
    )


def bars(title: str, names: Sequence[str], series: Sequence[tuple[str, str, Sequence[int]]]) -> str:
    """Groups of horizontal bars as SVG. title: what is read out for it. series: name, colour, and a value for each of `names`."""
    step, left, width = 16, 120, 760
    top = max((value for _, _, values in series for value in values), default=0) or 1
    parts: list[str] = []
    y = 0
    for k, name in enumerate(names):
        height = step * len(series)
        parts.append(f'<text x="{left - 8}" y="{y + height / 2 + 4:.0f}" text-anchor="end">{escape(name)}</text>')
        for j, (what, colour, values) in enumerate(series):
            length = (width - left - 90) * values[k] / top
            at = y + j * step
            parts.append(
                f'<g><title>{escape(f"{name}, {what}: {values[k]:,}")}</title><rect x="{left}" y="{at + 1}" width="{length:.1f}" '
                f'height="{step - 3}" rx="2" fill="{colour}"/>'
                f'<text class="soft" x="{left + length + 6:.1f}" y="{at + 12}">{values[k]:,}</text></g>'
            )
        y += height + 8
    size = f'viewBox="0 0 {width} {max(y, 1)}" width="{width}"'
    return f'<svg {size} role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def scatter(points: Iterable[tuple[float, float, str]]) -> str:
    """Valence to the right, arousal upwards, -1..1 each, as SVG. points: valence, arousal, colour."""
    side, edge = 460, 36
    room = side - 2 * edge

    def at(value: float) -> float:
        return edge + room * (value + 1) / 2

    parts = [f'<rect x="{edge}" y="{edge}" width="{room}" height="{room}" fill="none" stroke="var(--line)"/>']
    for tick in (-1, -0.5, 0, 0.5, 1):
        x = at(tick)
        parts.append(f'<line x1="{x}" y1="{edge}" x2="{x}" y2="{side - edge}"/><line x1="{edge}" y1="{x}" x2="{side - edge}" y2="{x}"/>')
        parts.append(f'<text class="soft" x="{x}" y="{side - edge + 16}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text class="soft" x="{edge - 6}" y="{side - x + 4}" text-anchor="end">{tick:g}</text>')
    parts += [f'<circle cx="{at(v):.1f}" cy="{side - at(a):.1f}" r="2" fill="{colour}" fill-opacity=".6"/>' for v, a, colour in points]
    parts.append(f'<text x="{side / 2}" y="{side - 4}" text-anchor="middle">valence</text>')
    parts.append(f'<text x="12" y="{side / 2}" text-anchor="middle" transform="rotate(-90 12 {side / 2})">arousal</text>')
    size = f'viewBox="0 0 {side} {side}" width="{side}"'
    return f'<svg {size} role="img" aria-label="Valence and arousal of the pictures">{"".join(parts)}</svg>'


def colour_of(label: str) -> str:
    """The colour of an emotion, grey for anything else."""
    return COLOURS.get(label, "#8a8f98")
