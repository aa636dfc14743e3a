"""Which rows of a data set a training can learn from and be judged by, with their targets, and why the others are left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from mien.data.cross_copies import noted
from mien.data.manifest import Manifest
from mien.errors import DataError
from mien.train.config import TrainConfig
from mien.train.row_targets import affect_of, classes_of, has_target, tasks_with_target
from mien.types import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Usable:
    """Rows with a target, all of one length n, and how many were left out."""

    manifest: Manifest
    labels: Ints
    """int64 (n,): position in `names`, -1 for none."""
    affect: Floats
    """float32 (n, 2): valence and arousal on -1..1, NaN for none."""
    names: tuple[str, ...]
    """The classes."""
    fit: Bools
    """bool (n,): rows to learn from; the others are to judge by."""
    left_out: dict[str, int]
    """Why -> how many rows."""

    @property
    def told(self) -> list[str]:
        """What was left out, in lines."""
        return [f"left out: {count} rows {why}" for why, count in self.left_out.items() if count]

    def refuse_one_sided(self) -> None:
        """Raise DataError where there is nothing to learn from, or to judge by."""
        if not self.fit.any() or self.fit.all():
            raise DataError(f"{int(self.fit.sum())} rows to train on and {int((~self.fit).sum())} to judge by; wanted some of each")

    def unjudged(self, tasks: Collection[str]) -> list[str]:
        """Of tasks that no row to judge by has a target of, what is to be known, in lines."""
        found = tasks_with_target(self.manifest, self.labels, self.affect)
        judged = {task: bool(which[~self.fit].any()) for task, which in found.items()}
        return [
            f"no row to judge by has a target of the task {task}: val_score leaves it out{_calibrated_by(task, judged)}"
            for task in tasks
            if not judged[task]
        ]


def usable_rows(manifest: Manifest, config: TrainConfig, held: Collection[str]) -> Usable:
    """The rows that have a target of a task; to learn from, only those without a copy or the same file in another split, and with a face.

    held: sha256 of the files that the data set itself has in val or test. Raises DataError, UsageError as row_targets does.
    """
    labels, names = classes_of(manifest, config)
    affect = affect_of(manifest, config)
    fit = np.asarray(manifest["split"] != "val")
    out = {
        "without a target": ~has_target(manifest, labels, affect, config),
        "with a copy in another split": fit & noted(manifest["note"]),
        "that the crowd called no face": fit & (np.char.find(manifest["note"].astype(str), "the crowd: not a face") >= 0),
    }
    same = fit & np.isin(manifest["sha256"].astype(str), list(held))
    out["with the same file in another split"] = same & ~np.any(list(out.values()), axis=0)
    keep = ~np.any(list(out.values()), axis=0)
    left_out = {why: int(which.sum()) for why, which in out.items()}
    return Usable(manifest.where(keep), labels[keep], affect[keep], names, fit[keep], left_out)


def _calibrated_by(task: str, judged: Mapping[str, bool]) -> str:
    """What is to be known of the temperature of a task that no row to judge by has a target of (see export.calibrated)."""
    other = {"votes": "classes", "classes": "votes"}.get(task)
    if other is None:
        return ""
    named = {"votes": "the crowd's votes", "classes": "the labels"}[other]
    return f", and its probabilities are calibrated by {named} instead" if judged[other] else ", and its probabilities are not calibrated"
