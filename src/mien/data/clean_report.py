"""What went in a cleaning and why, for eyes and for programs: lists as CSV, galleries as HTML, and a page that leads to them."""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path

import numpy as np

from mien.data import markup as m
from mien.data.clean import LOOKED, Cleaning, shares
from mien.data.inspect import thumbs
from mien.data.manifest import Manifest
from mien.io.whole import whole
from mien.types import Ints

SHEET = 1000
"""Pictures on one page of a gallery."""
UNEVEN = 1.5
"""A class that loses this many times the share of the set is pointed out."""
MANY = 0.2
"""Duplicates are pointed out when more than this share of the set goes as such, or when more of them have another label than what stays.
Of FER-2013, full of copies, 10 % go, 7 % of these for a picture with another label."""
COLUMNS = ("id", "path", "label", "split", "detail", "went")
WARNING = (
    "A face detector finds upright, frontal, well-lit faces best. What it misses is not worse data: turned heads, hands at the face and "
    "some expressions go more often than others, so that a cleaned set is easier than the world. Do not clean a test set by it."
)


def write_report(manifest: Manifest, cleaning: Cleaning, folder: str | Path, *, title: str = "cleaning", how: str = "") -> None:
    """Write `RULE.csv` for every rule that was tested, galleries `RULE-1.html` ... and `index.html` into a folder.

    A list has all pictures that a rule meets; its column `went` names the rule by which a picture went, empty where it stays.
    how: a line on how the pictures were judged. No file is seen half-written. Raises SinkError.
    """
    folder = Path(folder)
    links: dict[str, list[str]] = {}
    for rule, hit in cleaning.hits.items():
        at = _order(cleaning, rule, np.flatnonzero(hit))
        _write_list(manifest, cleaning, rule, at, folder / f"{rule}.csv")
        pages = range(0, len(at), SHEET)
        links[rule] = [f"{rule}-{k + 1}.html" for k in range(len(pages))]
        for k, start in enumerate(pages):
            _write_sheet(manifest, cleaning, rule, at[start : start + SHEET], folder / links[rule][k], links[rule], f"{title}: {rule}")
        for left in folder.glob(f"{rule}-*.html"):
            if left.name not in links[rule]:
                left.unlink(missing_ok=True)  # of an earlier run that found more
    with whole(folder / "index.html") as new:
        new.write_text(_index(manifest, cleaning, links, title, how), encoding="utf-8")


def uneven(manifest: Manifest, cleaning: Cleaning) -> list[str]:
    """Labels of which a markedly larger share went than of all."""
    rows = shares(manifest, cleaning)
    whole_share = rows[-1]["share_gone"]
    return [row["label"] for row in rows[:-1] if row["share_gone"] > UNEVEN * whole_share > 0]


def many_duplicates(manifest: Manifest, cleaning: Cleaning) -> str:
    """A line for when too much went as a duplicate to be believed: "" where it did not."""
    if "duplicate" not in cleaning.rules:
        return ""
    gone = np.flatnonzero(cleaning.reason == cleaning.rules.index("duplicate"))
    label, stays = manifest["label"][gone], manifest["label"][cleaning.copy_of[gone]]
    other = int(((label != stays) & (label != "") & (stays != "")).sum())
    if len(gone) <= MANY * len(cleaning) and other <= MANY * len(gone):
        return ""
    return (
        f"{len(gone):,} of {len(cleaning):,} pictures go as duplicates, {other:,} of them for one with another label: look at the pairs "
        "(--report), and raise --threshold if they are different pictures"
    )


def _order(cleaning: Cleaning, rule: str, at: Ints) -> Ints:
    """The worst first where there is a measure, else as they are."""
    if rule in cleaning.values:
        return np.asarray(at[np.argsort(cleaning.values[rule][at], kind="stable")])
    return at


def _detail(manifest: Manifest, cleaning: Cleaning, rule: str, position: int) -> str:
    """Number of faces, pixels, share of detail, or what a picture is a copy of."""
    if rule in LOOKED:
        return str(cleaning.faces[position])
    if rule in cleaning.values:
        return f"{cleaning.values[rule][position]:.4g}"
    return str(manifest["id"][cleaning.copy_of[position]]) if rule == "duplicate" else ""


def _went(cleaning: Cleaning, reason: Ints, position: int) -> str:
    return cleaning.rules[reason[position]] if reason[position] >= 0 else ""


def _write_list(manifest: Manifest, cleaning: Cleaning, rule: str, at: Ints, path: Path) -> None:
    reason = cleaning.reason
    with whole(path) as new, new.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for i in at.tolist():
            told = [manifest[name][i] for name in ("id", "path", "label", "split")]
            rows.writerow([*told, _detail(manifest, cleaning, rule, i), _went(cleaning, reason, i)])


def _write_sheet(manifest: Manifest, cleaning: Cleaning, rule: str, at: Ints, path: Path, pages: list[str], title: str) -> None:
    copies = rule == "duplicate"
    found = thumbs(manifest, {*at.tolist(), *(cleaning.copy_of[at].tolist() if copies else ())})
    figures = []
    for i in at.tolist():
        detail = _detail(manifest, cleaning, rule, i)
        caption = " ".join(filter(None, (str(manifest["label"][i]), "" if rule == "faceless" or copies else detail)))
        shown = m.figure(found.get(i), caption or " ", hint=f"{manifest['id'][i]} {detail}")
        if copies:
            other = int(cleaning.copy_of[i])
            stays = m.figure(found.get(other), f"{manifest['label'][other]}, stays", hint=str(manifest["id"][other]))
            shown = f'<div class="pair">{shown}{stays}</div>'
        figures.append(shown)
    links = " ".join(f"<b>{k + 1}</b>" if name == path.name else f'<a href="{escape(name)}">{k + 1}</a>' for k, name in enumerate(pages))
    body = f'<h1>{escape(title)}</h1><nav><a href="index.html">back</a> <span>{links}</span></nav>{m.row(figures)}'
    with whole(path) as new:
        new.write_text(m.page(title, body), encoding="utf-8")


def _index(manifest: Manifest, cleaning: Cleaning, links: dict[str, list[str]], title: str, how: str) -> str:
    rows = shares(manifest, cleaning)
    head = ["class", "pictures", "kept", "gone", "share gone", *(f"by {rule}" for rule in cleaning.rules)]
    cells = [
        [r["label"], *(r[name] for name in ("pictures", "kept", "gone")), f"{100 * r['share_gone']:.1f} %"]
        + [r[rule] for rule in cleaning.rules]
        for r in rows
    ]
    classes = rows[:-1]
    chart = m.bars(
        [r["label"] for r in classes],
        [("kept", m.SERIES[2], [r["kept"] for r in classes]), ("gone", m.SERIES[1], [r["gone"] for r in classes])],
    )
    items = []
    for rule, hit in cleaning.hits.items():
        chosen = "" if rule in cleaning.rules else " (not a rule of this cleaning)"
        pages = ", ".join(f'<a href="{escape(name)}">{k + 1}</a>' for k, name in enumerate(links[rule]))
        gallery = f"; gallery {pages}" if pages else ""
        items.append(f'<li>{escape(rule)}: {int(hit.sum()):,}{chosen}: <a href="{rule}.csv">{rule}.csv</a>{gallery}</li>')
    warnings = f'<p class="warn">{escape(WARNING)}</p>' if set(cleaning.rules) & LOOKED else ""
    if names := uneven(manifest, cleaning):
        warnings += (
            f'<p class="warn">More of {escape(", ".join(names))} went than of the whole set: the classes are less even than before.</p>'
        )
    if line := many_duplicates(manifest, cleaning):
        warnings += f'<p class="warn">{escape(line)}.</p>'
    gone = int((~cleaning.keep).sum())
    text = f"<p>{len(cleaning) - gone:,} of {len(cleaning):,} pictures stay, {gone:,} go. {escape(how)}</p>"
    body = f"<h1>{escape(title)}</h1>{text}{warnings}<h2>By class</h2>{m.key((('kept', m.SERIES[2]), ('gone', m.SERIES[1])))}"
    return m.page(title, f"{body}{chart}{m.table(head, cells)}<h2>By rule</h2><ul>{''.join(items)}</ul>")
