"""Which pictures of a data set go, and why.

Rules, each chosen by name; a picture goes by the first that meets it, in this order:

- `unreadable`: cannot be decoded. Always on.
- `constant`: one grey value all over.
- `tiny`: the shorter side has fewer pixels than `tiny`.
- `blurred`: a lower share of fine detail at 48x48 than `blurred`.
- `faceless`: the detector finds no face.
- `multi`: it finds more than one.
- `duplicate`: the same picture, or nearly (mien.data.duplicates, mien.data.detail), as one that stays. Of copies the one in test
  stays, else in val, else in train, so that held-out sets stay as they were published; then one with a label, then the first. Pictures
  that go by another rule come last, so that they take no good one with them.

A face detector finds upright frontal faces best. Cleaning by it makes a set easier than the world: look at what share of each class
went before you use it, and never clean a test set by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.detail import near_duplicates
from mien.data.duplicates import THRESHOLD, copies
from mien.data.facecount import count_faces, framing
from mien.data.inspect import BLURRED, TINY
from mien.data.manifest import Manifest
from mien.data.measures import label_codes, measure
from mien.data.readers.report import Progress, silent
from mien.errors import UnknownName, UsageError
from mien.types import Bools, Detector, Floats, Ints

RULES = ("unreadable", "constant", "tiny", "blurred", "faceless", "multi", "duplicate")
MEASURED, LOOKED = {"constant", "tiny", "blurred", "duplicate"}, {"faceless", "multi"}


@dataclass(frozen=True, slots=True)
class Plan:
    """By what pictures go."""

    rules: tuple[str, ...] = ()
    """Names of RULES."""
    detector: str = "yunet"
    """Name of what looks for faces, where a rule asks for that."""
    frame: str = "border"
    """How pictures are put before it, a name of facecount.FRAMINGS."""
    tiny: int = TINY
    """Pixels of the shorter side."""
    blurred: float = BLURRED
    """Share of fine detail, 0..1."""
    threshold: float = THRESHOLD
    """Correlation from which two pictures look alike."""

    @property
    def looks(self) -> bool:
        """Whether a rule asks for a face detector."""
        return bool(LOOKED & set(self.rules))


PRESETS: dict[str, Plan] = {"r4": Plan(("faceless",), "haar:r4", "r4")}
"""Of earlier projects. R4: 48x48 in the middle of a 150x150 canvas of grey 200, Haar's default cascade, scale 1.3, 5 neighbours; faceless
pictures go."""


def planned(
    rules: Sequence[str] = (), *, preset: str | None = None, detector: str = "", frame: str = "",
    tiny: int = TINY, blurred: float = BLURRED, threshold: float = THRESHOLD,
) -> Plan:  # fmt: skip
    """A plan: rules, detector and frame as given, else the preset's, else the default.

    Raises UnknownName for a preset that there is not, UsageError where there are no rules.
    """
    if preset is not None and preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    base = Plan() if preset is None else PRESETS[preset]
    plan = Plan(tuple(rules) or base.rules, detector or base.detector, frame or base.frame, tiny, blurred, threshold)
    if not plan.rules:
        raise UsageError(f"wanted rules: --rules with some of {', '.join(RULES[1:])}, or --preset {', '.join(PRESETS)}")
    return plan


@dataclass(frozen=True, slots=True, eq=False)
class Cleaning:
    """What becomes of n pictures."""

    rules: tuple[str, ...]
    """Those by which pictures went, in the order of RULES."""
    hits: dict[str, Bools]
    """Rule -> pictures that it meets, bool (n,); also of rules that were not chosen, where they came for free."""
    faces: Ints
    """int64 (n,): faces found; -1 where it was not looked or the picture cannot be read."""
    values: dict[str, Floats]
    """`tiny`: shorter side in pixels; `blurred`: share of fine detail; float32 (n,), where measured."""
    copy_of: Ints
    """int64 (n,): position of the picture that stays in place of this one, -1 for none."""

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def keep(self) -> Bools:
        """bool (n,): pictures that stay."""
        return np.asarray(self.reason < 0)

    @property
    def reason(self) -> Ints:
        """int64 (n,): position in `rules` of the first that a picture meets, -1 for one that stays."""
        out = np.full(len(self), -1, np.int64)
        for k in reversed(range(len(self.rules))):
            out[self.hits[self.rules[k]]] = k
        return out


def clean(
    manifest: Manifest,
    rules: Sequence[str],
    detector: Detector | None = None,
    *,
    frame: str = "border",
    name: str = "detector",
    tiny: int = TINY,
    blurred: float = BLURRED,
    threshold: float = THRESHOLD,
    threads: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Cleaning:
    """Which pictures go by the chosen rules (names of RULES, see above). Nothing is deleted: `manifest.where(cleaning.keep)` stays.

    detector: for `faceless` and `multi`, called by several threads at once; frame: how pictures are put before it, a name of
    facecount.FRAMINGS (`border` for ready-made crops, `plain` for photos). name: what the detector is called in the cache. tiny: pixels;
    blurred: share of fine detail; threshold: correlation from which two pictures look alike, and may be duplicates. cache: a folder of
    results, by which an interrupted call goes on.
    Raises UnknownName for a rule or frame, UsageError for a rule whose detector is missing.
    """
    for rule in rules:
        if rule not in RULES:
            raise UnknownName("rule", rule, RULES)
    framing(frame)
    chosen = set(rules)
    if chosen & LOOKED and detector is None:
        raise UsageError(f"rules {', '.join(sorted(chosen & LOOKED))} need a detector; wanted one, such as yunet")
    n = len(manifest)
    hits: dict[str, Bools] = {}
    values: dict[str, Floats] = {}
    faces, copy_of = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    unreadable = np.zeros(n, np.bool_)
    if detector is not None and chosen & LOOKED:
        with progress(n) as done:
            faces = count_faces(manifest, detector, frame=frame, name=name, threads=threads, cache=cache, progress=done)
        unreadable = faces < 0
        hits |= {"faceless": faces == 0, "multi": faces > 1}
    if chosen & MEASURED or not chosen & LOOKED:
        with progress(n) as done:
            found = measure(manifest, threads=threads, cache=cache, progress=done)
        unreadable = ~found.readable
        values = {"tiny": found.size.min(axis=1).astype(np.float32), "blurred": found.sharpness}
        hits["constant"] = found.readable & (found.span == 0)
        hits["tiny"] = found.readable & (values["tiny"] < tiny)
        hits["blurred"] = found.readable & ~hits["constant"] & (np.nan_to_num(found.sharpness, nan=1) < blurred)
    hits["unreadable"] = unreadable
    if "duplicate" in chosen:
        bad = np.any([hits[rule] for rule in chosen - {"duplicate"} | {"unreadable"}], axis=0)
        with progress(n) as done:
            alike = copies(found.pixels, found.small, threshold, progress=done)
        with progress(n) as done:
            codes = label_codes(manifest)
            twice = near_duplicates(alike, found.faces, found.size.min(axis=1), codes, threads=threads, progress=done)
        copy_of = twice.spare(_dearest(manifest, bad))
        hits["duplicate"] = copy_of >= 0
    kept = tuple(rule for rule in RULES if rule in chosen | {"unreadable"})
    return Cleaning(kept, {rule: hits[rule] for rule in RULES if rule in hits}, faces, values, copy_of)


def _dearest(manifest: Manifest, bad: Bools) -> Ints:
    """Positions in the order in which pictures are kept rather than their copies."""
    rank = {"test": 0, "val": 1, "train": 2}
    split = np.array([rank.get(name, 3) for name in manifest["split"].tolist()], np.int64)
    bare = np.array([label == "" for label in manifest["label"].tolist()], np.bool_)
    return np.lexsort((bare, split, bad))


def shares(manifest: Manifest, cleaning: Cleaning) -> list[dict[str, Any]]:
    """Of each class, and of all: label, pictures, kept, gone, share_gone (0..1), and how many went by each rule."""
    labels = manifest["label"].astype(str)
    reason = cleaning.reason
    rows: list[dict[str, Any]] = []
    for label in (*manifest.counts(), None):
        of = reason if label is None else reason[labels == label]
        gone = int((of >= 0).sum())
        figures: dict[str, Any] = {
            "pictures": len(of),
            "kept": len(of) - gone,
            "gone": gone,
            "share_gone": round(gone / max(len(of), 1), 4),
        }
        by_rule = {rule: int((of == k).sum()) for k, rule in enumerate(cleaning.rules)}
        rows.append({"label": "all" if label is None else label or "no label"} | figures | by_rule)
    return rows
