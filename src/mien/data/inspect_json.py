"""An inspection as numbers and lists for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mien.data.inspect import Inspection
    from mien.types import Ints


def as_json(found: Inspection) -> dict[str, Any]:
    """Everything but the pictures."""
    near, same = found.copies.near, found.copies.same
    ids = found.ids
    return {
        "name": found.name,
        "pictures": len(found),
        "unreadable": [{"id": failure.source, "why": str(failure.error)} for failure in found.failures],
        "problems": [problem._asdict() for problem in found.problems],
        "notes": found.notes,
        "labels": list(found.labels),
        "splits": list(found.splits),
        "counts": found.counts.tolist(),
        "sizes": [{"width": w, "height": h, "pictures": count} for w, h, count in found.sizes],
        "duplicates": {
            "same_bytes": _sets(ids, found.same_bytes),
            "same_pixels": _sets(ids, same),
            "near": [
                {"first": ids[a], "second": ids[b], "similarity": round(float(s), 4), "mirrored": bool(m)}
                for a, b, s, m in zip(near.first, near.second, near.similarity, near.mirrored, strict=True)
            ],
            "in_split_with_duplicate_in": found.across.tolist(),
            "in_split_with_duplicate_in_another": found.elsewhere.tolist(),
        },
        "conflicting": [ids[i] for i in np.flatnonzero(found.conflicting)],
        "suspicious": None
        if found.suspicious is None
        else [
            {"id": ids[i], "label": found.labels[g], "suggested": found.labels[s], "margin": round(float(m), 4)}
            for i, g, s, m in zip(
                found.suspicious.where, found.suspicious.given, found.suspicious.suggested, found.suspicious.margin, strict=True
            )
        ],
        "affect": found.affect_from,
        **{name: [ids[i] for i in getattr(found, name)] for name in ("constant", "tiny", "blurred")},
    }


def _sets(ids: tuple[str, ...], first: Ints) -> list[list[str]]:
    """Sets of more than one, as lists of ids."""
    order = np.argsort(first, kind="stable")
    starts = np.flatnonzero(np.diff(first[order], prepend=-1))
    return [[ids[i] for i in part] for part in np.split(order, starts[1:]) if len(part) > 1]
