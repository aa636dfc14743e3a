"""A cleaning of a data set from end to end: by a plan, with what could not be read, and what is written and told of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.clean import Cleaning, Plan, clean, shares
from mien.data.clean_report import WARNING, many_duplicates, uneven, write_report
from mien.data.manifest import Manifest
from mien.data.readers.draft import reopened
from mien.data.readers.report import Progress, Report, silent
from mien.types import Detector


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """A data set and what was found in it; nothing is written yet."""

    manifest: Manifest
    plan: Plan
    found: Cleaning
    problems: Report
    """What could not be taken into the manifest, or be read again."""

    @property
    def stays(self) -> int:
        """How many pictures stay."""
        return int(self.found.keep.sum())

    def write(self, path: Path) -> None:
        """The manifest of the pictures that stay, .parquet. Raises SinkError."""
        self.manifest.where(self.found.keep).write(path)

    def write_report(self, folder: Path, *, title: str) -> None:
        """Lists, galleries and the page that leads to them, see clean_report. Raises SinkError."""
        how = f"Faces by {self.plan.detector}, framed {self.plan.frame}." if self.plan.looks else ""
        write_report(self.manifest, self.found, folder, title=title, how=how, problems=self.problems)

    def warnings(self) -> Iterator[str]:
        """What is to be known before the pictures that stay are used."""
        if self.plan.looks:
            yield WARNING
        if names := uneven(self.manifest, self.found):
            yield f"more of {', '.join(names)} went than of the whole set"
        if line := many_duplicates(self.manifest, self.found):
            yield line

    def classes(self) -> list[dict[str, Any]]:
        """Of each class, and of all, what went (see clean.shares)."""
        return shares(self.manifest, self.found)

    def to_json(self) -> dict[str, Any]:
        """Rules, detector (None where no rule asked for one), how many pictures each rule met, and `classes`."""
        met = {rule: int(hit.sum()) for rule, hit in self.found.hits.items()}
        return {
            "rules": list(self.found.rules),
            "detector": self.plan.detector if self.plan.looks else None,
            "found": met,
            "classes": self.classes(),
        }


def run(
    plan: Plan,
    manifest: Manifest,
    problems: Report,
    detector: Detector | None = None,
    *,
    threads: int = 0,
    cache: Path | None = None,
    progress: Progress = silent,
) -> Cleaned:
    """Clean a data set by a plan, see clean. problems: of its reading; what cannot be read again is added. detector: that of the plan."""
    found = clean(
        manifest,
        plan.rules,
        detector,
        frame=plan.frame,
        name=plan.detector,
        tiny=plan.tiny,
        blurred=plan.blurred,
        threshold=plan.threshold,
        threads=threads,
        cache=cache,
        progress=progress,
    )
    reopened(manifest, np.flatnonzero(found.hits["unreadable"]).tolist(), problems)
    return Cleaned(manifest, plan, found, problems)
