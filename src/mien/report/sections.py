"""What pages are built of, as HTML: text, tables, tiles. None of it needs a script."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from mien.io.names import printable

NONE = "–"
MOST_NAMED = 10
"""Sources that a sentence names."""
Words = dict[str, str]


def text(value: object) -> str:
    """A value that may stand anywhere in HTML; control characters become `?`, and spaces that do not break stay what they are."""
    return escape("\u00a0".join(map(printable, str(value).split("\u00a0"))))


def percent(share: float, digits: int = 1) -> str:
    """`12.3 %`, or a dash where there is none."""
    return NONE if math.isnan(share) else f"{100 * share:.{digits}f}\u00a0%"


def number(value: float, digits: int = 2) -> str:
    """A number with some decimals, or a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}"


def count(n: int, words: Words) -> str:
    """A whole number, with the thousands apart as the page's language has them."""
    return f"{n:,}".replace(",", words["thousands"])


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, marks: Sequence[str] = (), name: str = "") -> str:
    """An HTML table: the first cell of each row is its heading. head and cells: HTML already. marks: attributes of each row."""
    lines = []
    for i, row in enumerate(rows):
        mark = f" {marks[i]}" if marks else ""
        lines.append(f'<tr{mark}><th scope="row">{row[0]}</th>' + "".join(f"<td>{value}</td>" for value in row[1:]) + "</tr>")
    # A column without a name holds what the others say in figures already, drawn: an empty heading would only be read out as one.
    heads = "".join(f'<th scope="col">{value}</th>' if value else "<td></td>" for value in head)
    body = "".join(lines)
    own = f' id="{name}"' if name else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table{own}><caption>{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def tiles(rows: Iterable[tuple[str, str, str]]) -> str:
    """Large figures side by side, each with its name and a remark. All HTML already."""
    items = "".join(f"<li><b>{value}</b><span>{what}</span><small>{more}</small></li>" for value, what, more in rows)
    return f'<ul class="tiles">{items}</ul>'


def listed(names: Sequence[str], words: Words, *, of: int | None = None, most: int = MOST_NAMED) -> str:
    """The first names with commas between, and how many more there are. of: how many there are in all, where not all are in `names`."""
    more = (len(names) if of is None else of) - min(len(names), most)
    return ", ".join(names[:most]) + (f" {words['and_more'].format(n=count(more, words))}" if more else "")
