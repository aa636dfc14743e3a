"""Pieces of HTML and SVG for the pages of a data set: one file each, nothing from the network. All text is escaped here."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from mien.labels import PALETTES

COLOURS = PALETTES["tol"] | {"neutral": "#9aa3ab"}  # the palette's own is for pictures, and cannot be seen on a white page
SERIES = ("#2f6fb2", "#e08a3c", "#4f9d69", "#8a8f98")
"""Of train, val, test and no split; one hue each, and different in lightness."""
STYLE = """
:root{--ink:#1d2329;--soft:#5d6772;--line:#d9dee4;--paper:#fff;--card:#f6f7f9;--warn:#9a5b00;--warnbg:#fff6e5}
@media(prefers-color-scheme:dark){:root{
--ink:#e6e9ec;--soft:#9aa5b1;--line:#3a424b;--paper:#15191d;--card:#1e242a;--warn:#f0b95b;--warnbg:#2e2616}}
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--paper);max-width:1140px;
margin:0 auto;padding:24px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:40px 0 8px;border-bottom:1px solid var(--line);padding-bottom:4px}
h3{font-size:15px;margin:18px 0 6px}
p{margin:6px 0 10px;max-width:75ch}.soft{color:var(--soft)}nav{margin:12px 0 4px;display:flex;flex-wrap:wrap;gap:4px 16px}
a{color:#2f6fb2}
.tiles{display:flex;flex-wrap:wrap;gap:10px;margin:14px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:8px 14px;min-width:110px}
.tile b{display:block;font-size:21px;font-weight:600;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
table{border-collapse:collapse;margin:8px 0;font-variant-numeric:tabular-nums}
th,td{padding:3px 12px;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:500}
.row{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start}.scroll{overflow-x:auto}
figure{margin:0;width:96px}
figure img{width:96px;height:96px;object-fit:contain;image-rendering:pixelated;background:var(--card);display:block;border-radius:3px}
figcaption{font-size:11px;line-height:1.3;color:var(--soft);overflow-wrap:anywhere;margin-top:2px}
.pair{display:flex;flex-wrap:wrap;gap:2px 4px;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:6px;
width:210px}
.pair p{margin:0;font-size:12px;width:100%}
.warn{background:var(--warnbg);color:var(--warn);border-radius:6px;padding:8px 12px;max-width:none}
svg{max-width:100%;height:auto;display:block}svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .soft{fill:var(--soft)}
svg line{stroke:var(--line)}
.key{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;margin:4px 0}
.key i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:5px}
"""


def page(title: str, body: str) -> str:
    """A whole page. title is escaped, body is markup."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';img-src data:;style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def tiles(figures: Iterable[tuple[str, str]]) -> str:
    """Figures with a name below each."""
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{escape(n)}</b><span>{escape(what)}</span></div>' for what, n in figures)
        + "</div>"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; the first column is text, the others are figures."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(number(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{cells}</tr>{lines}</table></div>'


def number(value: object) -> str:
    """12,345 for a whole number, else the value as text."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def share(part: int, whole: int) -> str:
    """`12.3 %`."""
    return f"{100 * part / whole:.1f} %" if whole else ""


def figure(picture: bytes | None, caption: str, *, hint: str = "", kind: str = "jpeg") -> str:
    """A picture with a line below; without bytes a gap in its place."""
    source = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}" if picture else ""
    image = f'<img alt="" loading="lazy" src="{source}">' if source else '<img alt="">'
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


def bars(names: Sequence[str], series: Sequence[tuple[str, str, Sequence[int]]]) -> str:
    """Groups of horizontal bars as SVG. series: name, colour, and a value for each of `names`."""
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
    return f'<svg viewBox="0 0 {width} {max(y, 1)}" width="{width}" role="img">{"".join(parts)}</svg>'


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
    return f'<svg viewBox="0 0 {side} {side}" width="{side}" role="img">{"".join(parts)}</svg>'


def colour_of(label: str) -> str:
    """The colour of an emotion, grey for anything else."""
    return COLOURS.get(label, "#8a8f98")
