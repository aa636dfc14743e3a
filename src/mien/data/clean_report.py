"""What went in a cleaning and why, for eyes and for programs: lists as CSV, galleries as HTML, and a page that leads to them."""

from __future__ import annotations

import csv
import math
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from mien.data import markup as m
from mien.data.clean import LOOKED, Cleaning, shares
from mien.data.inspect import thumbs
from mien.data.manifest import Manifest
from mien.data.readers.report import FAILED, Report, write_problems
from mien.io.whole import whole
from mien.types import Ints

SHEET = 1000
"""Pictures on one page of a gallery."""
UNEVEN, BY_CHANCE = 1.5, 0.01
"""A class that loses this many times the share of the set is pointed out, unless chance alone would give so many in any class of one set in
a hundred."""
MANY = 0.2
"""Duplicates are pointed out when more than this share of the set goes as such, or when more of them have another label than what stays.
Of FER-2013, full of copies, 10 % go, 7 % of these for a picture with another label."""
PROBLEMS = "problems.csv"
COLUMNS = ("id", "path", "label", "split", "detail", "went")
WARNING = (
    "A face detector finds upright, frontal, well-lit faces best. What it misses is not worse data: turned heads, hands at the face and "
    "some expressions go more often than others, so that a cleaned set is easier than the world. Do not clean a test set by it."
)


def write_report(
    manifest: Manifest, cleaning: Cleaning, folder: str | Path, *, title: str = "cleaning", how: str = "", problems: Report | None = None
) -> None:
    """Write `RULE.csv` for every rule that was tested, galleries `RULE-1.html` ... and `index.html` into a folder.

    A list has all pictures that a rule meets; its column `went` names the rule by which a picture went, empty where it stays.
    how: a line on how the pictures were judged. problems: what could not be taken into the manifest, or be read again: on the page, and
    in `problems.csv`. No file is seen half-written. Raises SinkError.
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
    problems = problems or Report("")
    if problems.problems:
        write_problems([problems], folder / PROBLEMS)
    else:
        (folder / PROBLEMS).unlink(missing_ok=True)  # of an earlier run
    with whole(folder / "index.html") as new:
        new.write_text(_index(manifest, cleaning, links, title, how, problems), encoding="utf-8")


def uneven(manifest: Manifest, cleaning: Cleaning) -> list[str]:
    """Labels of which a markedly larger share went than of all, and more than by chance."""
    *classes, everything = shares(manifest, cleaning)
    gone, n = everything["gone"], everything["pictures"]
    return [
        row["label"]
        for row in classes
        if row["gone"] * n > UNEVEN * gone * row["pictures"] and _at_least(row["gone"], row["pictures"], gone, n) < BY_CHANCE / len(classes)
    ]


def _at_least(k: int, of: int, gone: int, n: int) -> float:
    """How likely `of` pictures have k or more of those gone, if these were drawn at random from all n: a hypergeometric tail."""
    term = math.exp(_ln_choices(gone, k) + _ln_choices(n - gone, of - k) - _ln_choices(n, of))
    total = 0.0
    for i in range(k, min(of, gone) + 1):
        total += term
        term *= (of - i) * (gone - i) / ((i + 1) * (n - gone - of + i + 1))
    return total


def _ln_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


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
    links = "".join(f"<b>{k + 1}</b>" if name == path.name else f'<a href="{escape(name)}">{k + 1}</a>' for k, name in enumerate(pages))
    lead = f'<nav aria-label="Pages of this gallery"><a href="index.html">back</a>{links}</nav>'
    with whole(path) as new:
        new.write_text(m.page(title, m.row(figures), lead=lead), encoding="utf-8")


def _index(manifest: Manifest, cleaning: Cleaning, links: dict[str, list[str]], title: str, how: str, problems: Report) -> str:
    rows = shares(manifest, cleaning)
    head = ["class", "pictures", "kept", "gone", "share gone", *(f"by {rule}" for rule in cleaning.rules)]
    cells = [
        [r["label"], *(r[name] for name in ("pictures", "kept", "gone")), f"{100 * r['share_gone']:.1f} %"]
        + [r[rule] for rule in cleaning.rules]
        for r in rows
    ]
    classes = rows[:-1]
    chart = m.bars(
        "Pictures of each class that stay and that go",
        [r["label"] for r in classes],
        [("kept", m.SERIES[2], [r["kept"] for r in classes]), ("gone", m.SERIES[1], [r["gone"] for r in classes])],
    )
    gone = int((~cleaning.keep).sum())
    text = f"<p>{len(cleaning) - gone:,} of {len(cleaning):,} pictures stay, {gone:,} go. {escape(how)}</p>"
    key = m.key((("kept", m.SERIES[2]), ("gone", m.SERIES[1])))
    by_class = f"<h2>By class</h2>{key}{chart}{m.table('Pictures that stay and that go, by class', head, cells)}"
    body = f"{by_class}<h2>By rule</h2>{_by_rule(cleaning, links, rows[-1])}{_not_read(problems)}"
    return m.page(title, body, lead=f"{text}{_warnings(manifest, cleaning, problems)}")


def _by_rule(cleaning: Cleaning, links: dict[str, list[str]], everything: dict[str, Any]) -> str:
    """Of each rule how many pictures it meets, how many of them go by it, and where they are."""
    items = []
    for rule, hit in cleaning.hits.items():
        went = f"{everything[rule]:,} went by it" if rule in cleaning.rules else "not a rule of this cleaning"
        pages = ", ".join(f'<a href="{escape(name)}">{k + 1}</a>' for k, name in enumerate(links[rule]))
        gallery = f"; gallery {pages}" if pages else ""
        items.append(f'<li>{escape(rule)}: {int(hit.sum()):,} met, {went}: <a href="{rule}.csv">{rule}.csv</a>{gallery}</li>')
    first = "A picture that several rules meet went by the first of them and is counted there alone, here and in the table above."
    return f'<p class="soft">{first} The lists have all that a rule met.</p><ul>{"".join(items)}</ul>'


def _warnings(manifest: Manifest, cleaning: Cleaning, problems: Report) -> str:
    lines = [escape(WARNING)] if set(cleaning.rules) & LOOKED else []
    if names := uneven(manifest, cleaning):
        lines.append(f"More of {escape(', '.join(names))} went than of the whole set: the classes are less even than before.")
    if line := many_duplicates(manifest, cleaning):
        lines.append(f"{escape(line)}.")
    if broken := sum(problem.kind in FAILED for problem in problems.problems):
        lines.append(f'Not read, and so not kept: {broken:,}. <a href="#not-read">Which, and why.</a>')
    return "".join(f'<p class="warn">{line}</p>' for line in lines)


def _not_read(problems: Report) -> str:
    if not problems.problems:
        return ""
    note = f'Those that broke since the manifest was made are in the table above as well. All: <a href="{PROBLEMS}">{PROBLEMS}</a>'
    return f'<h2 id="not-read">Not read, not known</h2><p class="soft">{note}</p>{m.left_out(problems.problems)}'
