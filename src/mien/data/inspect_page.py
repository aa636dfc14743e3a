"""The page of an inspection: one HTML file with all its pictures in it."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np

from mien.data import markup as m
from mien.data.inspect import BLURRED, NO_LABEL, SHOWN, Inspection
from mien.io.whole import whole
from mien.types import Image

SIZES = 20
"""Sizes that have a row of their own."""


def write_page(found: Inspection, path: str | Path) -> None:
    """Write the page of an inspection; it opens without a network. The name never stands for a half-written file. Raises SinkError."""
    with whole(Path(path)) as new:
        new.write_text(as_page(found), encoding="utf-8")


def as_page(found: Inspection) -> str:
    """The page of an inspection as text."""
    sections = {
        "Classes": _classes(found),
        "Samples": _samples(found),
        "Mean faces": _means(found),
        "Sizes": _sizes(found),
        "Duplicates": _duplicates(found),
        "Label conflicts": _conflicts(found),
        "Suspicious labels": _suspicious(found),
        "Valence and arousal": _affect(found),
        "Odd pictures": _odd(found),
        "Not read, not known": _unread(found),
    }
    links = "".join(f'<a href="#s{k}">{escape(title)}</a>' for k, title in enumerate(sections))
    body = "".join(f'<h2 id="s{k}">{escape(title)}</h2>{text}' for k, (title, text) in enumerate(sections.items()))
    lead = f'{_head(found)}<nav aria-label="Parts of this page">{links}</nav>'
    return m.page(f"{found.name}: inspection", body, lead=lead, heading=found.name)


def _head(found: Inspection) -> str:
    near, same = found.copies.near, found.copies.same
    arange = np.arange(len(found))
    figures = [
        ("pictures", f"{len(found):,}"),
        ("classes", f"{sum(name != 'no label' for name in found.labels)}"),
        ("copies by pixels", f"{int((same != arange).sum()):,}"),
        ("near-duplicate pairs", f"{len(near):,}"),
        ("with a conflicting label", f"{int(found.conflicting.sum()):,}"),
        ("suspicious labels", "–" if found.suspicious is None else f"{len(found.suspicious):,}"),
        ("not readable", f"{len(found.failures):,}"),
    ]
    return m.tiles(figures)


def _split_name(name: str) -> str:
    return name or "no split"


def _colour_of_split(name: str) -> str:
    return m.SERIES[("train", "val", "test", "").index(name)]


def _classes(found: Inspection) -> str:
    counts = found.counts
    series = [(_split_name(s), _colour_of_split(s), counts[k].tolist()) for k, s in enumerate(found.splits)]
    rows = [[label, *counts[:, k].tolist(), int(counts[:, k].sum())] for k, label in enumerate(found.labels)]
    rows.append(["all", *counts.sum(axis=1).tolist(), int(counts.sum())])
    told = counts[:, [k for k, name in enumerate(found.labels) if name != NO_LABEL]].sum(axis=0)
    ratio = f"<p>The largest class has {told.max() / told.min():.1f} times the pictures of the smallest.</p>" if len(told) > 1 else ""
    return (
        m.key((name, colour) for name, colour, _ in series)
        + m.bars("Pictures of each class", found.labels, series)
        + ratio
        + m.table("Pictures of each class", ["class", *map(_split_name, found.splits), "all"], rows)
    )


def _samples(found: Inspection) -> str:
    parts = []
    for label, positions in found.samples.items():
        parts.append(f"<h3>{escape(label)}</h3>" + m.row(_picture(found, i) for i in positions))
    return '<p class="soft">Drawn at random, the same ones each time.</p>' + "".join(parts)


def _picture(found: Inspection, position: int, caption: str = "") -> str:
    return m.figure(found.thumbs.get(position), caption or _short(found.ids[position]), hint=found.ids[position])


def _short(name: str) -> str:
    return name if len(name) <= 30 else "…" + name[-29:]


def _means(found: Inspection) -> str:
    faces = (
        m.figure(_png(mean), f"{label}, {int((found.label == k).sum()):,}", kind="png")
        for k, (label, mean) in enumerate(zip(found.labels, found.means, strict=True))
    )
    text = "The mean of all pictures of a class, grey at 48x48. The sharper it is, the more alike the faces lie in their frames."
    return f'<p class="soft">{text}</p>' + m.row(faces)


def _png(grey: Image) -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", grey)[1])


def _sizes(found: Inspection) -> str:
    total = sum(count for _, _, count in found.sizes)
    if not total:
        return "<p>No picture could be read.</p>"
    rows = [[f"{w} x {h}", count, m.share(count, total)] for w, h, count in found.sizes[:SIZES]]
    if more := found.sizes[SIZES:]:
        rows.append([f"{len(more):,} other sizes", sum(c for *_, c in more), m.share(sum(c for *_, c in more), total)])
    sides = np.array([min(w, h) for w, h, _ in found.sizes])
    counts = np.array([c for *_, c in found.sizes])
    steps = list(pairwise([0, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 1 << 40]))
    names = [f"under {b}" if not a else f"{a} or more" if b > 1 << 30 else f"{a} to {b - 1}" for a, b in steps]
    values = [int(counts[(sides >= a) & (sides < b)].sum()) for a, b in steps]
    there = [k for k, value in enumerate(values) if value]
    chart = m.bars("Pictures by their shorter side", [names[k] for k in there], [("pictures", m.SERIES[0], [values[k] for k in there])])
    return "<h3>Shorter side in pixels</h3>" + chart + m.table("Pictures of each size", ["size", "pictures", "share"], rows)


def _duplicates(found: Inspection) -> str:
    near = found.copies.near
    n = np.arange(len(found))
    splits = [_split_name(s) for s in found.splits]
    rows = [[splits[k], *found.across[k].tolist(), int(found.elsewhere[k]), int((found.split == k).sum())] for k in range(len(splits))]
    head = ["pictures of", *(f"with a duplicate in {s}" for s in splits), "in any other split", "pictures"]
    warn = (
        '<p class="warn">Pictures of one split have duplicates in another: a model trained on the one and tested on the other is '
        "tested on pictures it has seen. Leave them out of training, or split with <code>mien data split</code>.</p>"
        if found.elsewhere.any()
        else ""
    )
    text = (
        f"<p>{int((found.same_bytes != n).sum()):,} pictures are byte by byte copies of one before them, "
        f"{int((found.copies.same != n).sum()):,} have the same pixels, and {len(near):,} pairs are nearly the same picture (alike at "
        "24x24, plain or mirrored, and in fine detail once one is laid over the other; where the labels differ in nearly all of it); "
        f"{int(near.mirrored.sum()):,} of the pairs are mirror images. Among them are takes that follow each other: look at the pairs "
        "below before you delete anything.</p>"
    )
    parts = [warn, text, m.table("Duplicates across splits", head, rows)]
    apart = [p for p in found.pairs if found.split[p[0]] != found.split[p[1]]]
    within = [p for p in found.pairs if found.split[p[0]] == found.split[p[1]]]
    for title, pairs in (("Near duplicates across splits", apart), ("Near duplicates within a split", within)):
        if pairs:
            parts.append(f"<h3>{title}</h3>" + m.row(_pair(found, a, b, f"{s:.3f}{', mirrored' if f else ''}") for a, b, s, f in pairs))
    return "".join(parts)


def _pair(found: Inspection, a: int, b: int, text: str) -> str:
    pictures = "".join(_picture(found, i, f"{_where(found, i)} {_short(found.ids[i])}") for i in (a, b))
    return f'<div class="pair"><p>{escape(text)}</p>{pictures}</div>'


def _where(found: Inspection, position: int) -> str:
    return f"{found.splits[found.split[position]]} {found.labels[found.label[position]]}".strip() + ","


def _conflicts(found: Inspection) -> str:
    total = int(found.conflicting.sum())
    if not total:
        return "<p>No picture has a duplicate with another label.</p>"
    text = f"<p>{total:,} pictures have a duplicate with another label. The most alike:</p>"
    return text + m.row(_pair(found, a, b, f"{found.labels[found.label[a]]} or {found.labels[found.label[b]]}") for a, b in found.conflicts)


def _suspicious(found: Inspection) -> str:
    judged = found.suspicious
    if judged is None:
        return f"<p>Labels were not judged: {escape(found.unjudged)}.</p>"
    text = (
        f"<p>{len(judged):,} labels ({m.share(len(judged), len(found))}) are contradicted by a model that was fitted without the picture "
        "(confident learning, Northcutt et al. 2021). That is a reason to look, not a verdict: faces that show little, or more "
        "than one expression, come first as well. The lowest margins:</p>"
    )
    known = [k for k, name in enumerate(found.labels) if name != NO_LABEL]
    rows = [
        [found.labels[k], *(int(judged.joint[k, j]) for j in known), int((judged.given == k).sum())] for k in known if judged.joint[k].any()
    ]
    shown = zip(judged.where[:SHOWN], judged.given, judged.suggested, judged.margin, strict=False)
    gallery = m.row(
        _picture(found, int(i), f"{found.labels[g]}, rather {found.labels[s]} ({margin:.2f}) {_short(found.ids[i])}")
        for i, g, s, margin in shown
    )
    head = ["label", *(f"model: {found.labels[k]}" for k in known), "suspicious"]
    return text + gallery + "<h3>Confident answers by label</h3>" + m.table("Confident answers by label", head, rows)


def _affect(found: Inspection) -> str:
    if not len(found.affect):
        one = sum(found.affect_from.values())
        return f"<p>No picture has valence and arousal{f'; {one:,} have one of them' if one else ''}.</p>"
    total = sum(found.affect_from.values())
    sources = "; ".join(f"{name or 'origin not noted'}: {count:,}" for name, count in found.affect_from.items())
    points = ((float(v), float(a), m.colour_of(found.labels[int(k)])) for v, a, k in found.affect)
    there = np.unique(found.affect[:, 2]).astype(int)
    names = m.key((found.labels[k], m.colour_of(found.labels[k])) for k in there)
    drawn = f", of which {len(found.affect):,} are drawn" if len(found.affect) < total else ""
    return f"<p>{total:,} pictures have them{drawn}. From {escape(sources)}.</p>" + names + m.scatter(points)


def _odd(found: Inspection) -> str:
    kinds = {
        "constant": (found.constant, "one grey value all over"),
        "tiny": (found.tiny, "shorter side too small"),
        "blurred": (found.blurred, f"hardly any fine detail at 48x48 (mien is unsure of faces below {BLURRED})"),
    }
    return "".join(
        f"<h3>{name}: {len(at):,}</h3><p class=soft>{escape(why)}</p>" + m.row(_picture(found, int(i)) for i in at[:SHOWN])
        for name, (at, why) in kinds.items()
    )


def _unread(found: Inspection) -> str:
    failures = m.listed("Pictures that cannot be read", [f"{f.source}: {f.error}" for f in found.failures])
    notes = m.listed("Notes of the manifest", [f"{note}: {count:,}" for note, count in found.notes.items()])
    without = int((found.label == found.labels.index(NO_LABEL)).sum()) if NO_LABEL in found.labels else 0
    return f"<p>{without:,} pictures have no label that mien knows.</p>{failures}{m.left_out(found.problems)}{notes}"
