"""R0's balancing, which it called SMOTE: classes cut to a size, and filled up to it with augmented pictures.

    rows of a manifest -> faces counted -> plan -> kept, some of them held out -> new ones, their faces counted -> OUT/manifest.parquet

True SMOTE, which puts new vectors between old ones, is `mien.data.smote`; weights and a balanced sampler, which need nothing new at
all, are `mien.data.weights`.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mien.data.balance_plan import BalanceOptions, ClassReport, Share, plan
from mien.data.balance_run import Dropped, Progress, Run, holds
from mien.data.generate import Maker, name_of
from mien.data.journal import Journal
from mien.data.manifest import Manifest
from mien.data.readers.folders import read_folder
from mien.data.readers.report import Report
from mien.data.recipes import Augment, Recipe, recipe
from mien.errors import DataError
from mien.io.whole import whole
from mien.types import Detector

__all__ = ["SMOTE", "BalanceOptions", "Balanced", "ClassReport", "Share", "balance", "plan"]

MANIFEST, REPORT, DROPPED, JOURNAL = "manifest.parquet", "balance.json", "dropped.csv", "balance.journal"
"""Files of the folder that a balanced set is written to."""
DROPPED_HEAD = ("id", "label", "reason")


@dataclass(frozen=True, slots=True, eq=False)
class Balanced:
    """A balanced data set."""

    manifest: Manifest
    """Kept, held out and generated rows, and those of val and test as they were. Generated ones have a `parent`."""
    classes: dict[str, ClassReport]
    dropped: list[Dropped]
    """id, label and reason of every picture that was dropped."""

    def to_json(self) -> dict[str, Any]:
        """Counts by class and by reason."""
        return {
            "classes": {label: asdict(report) | {"missing": report.missing} for label, report in self.classes.items()},
            "dropped": dict(sorted(Counter(reason for _, _, reason in self.dropped).items())),
        }


def balance(
    manifest: Manifest,
    out: Path,
    options: BalanceOptions | None = None,
    *,
    gen_model: str | Recipe | Augment = "r0",
    detector: str | Detector = "yunet",
    workers: int = 1,
    progress: Progress = lambda stage, done, total: None,
) -> Balanced:
    """Cut and fill the classes of a manifest by R0's rule into a folder: OUT/SPLIT/LABEL/*, manifest.parquet, dropped.csv, balance.json.

    Rows of split `train` and those without a split take part. Pictures without exactly one face are dropped first. Of those without a
    split a share of `train_part` is held out: with a picture all of its person, its copies and its children. One that is tied so to a
    row of train stays in train; one whose person is in val or test is dropped. Look-alikes are not looked for, as `split` does.

    Only what is not held out is augmented: no generated picture descends from a held-out one, nor from an exact copy of one; its
    `parent`, and the start of its file's name, say from which it does. A generated picture is kept when exactly one face is found in it.
    An original that fails this `tries` times in a row is given up, so it always ends; what is `missing` then is in the report.

    The same seed gives the same files, whatever the number of workers. Run again after an interruption it goes on, to the same result.

    gen_model: a recipe, its name, or any callable (uint8 (H, W, 3) RGB, numpy Generator) -> picture, uint8 or floats 0..255.
    detector: a name or a callable. Both are called by as many threads at once as there are workers.
    Raises DataError when `out` holds other work, UnknownName, UsageError, SinkError.
    """
    options = options or BalanceOptions()
    make = recipe(gen_model) if isinstance(gen_model, str) else gen_model
    work = _fingerprint(manifest, options, make, detector)
    if (earlier := _finished(out, work)) is not None:
        return earlier
    if isinstance(detector, str):
        from mien.models.detectors.registry import detector as detector_by_name

        detector = detector_by_name(detector, threads=1 if workers > 1 else 0)
    journal = Journal(out / JOURNAL, work)
    try:
        run = Run(manifest, out, options, Maker(manifest, options, make, detector), workers, journal, progress)
        rows, classes = run.go()
        balanced = Balanced(rows, classes, run.dropped)
        _write(balanced, out, work)
    except BaseException:
        journal.close()
        raise
    journal.close(finished=True)
    return balanced


class SMOTE:
    """R0's balancing of a folder with a folder per emotion, under R0's names; see `balance`, which it calls.

    >>> made = SMOTE("faces", "balanced", smote_value=5000, gen_model="r0")   # doctest: +SKIP
    >>> made.go().classes["disgust"].generated                                # doctest: +SKIP
    4564

    path_folder_train_data: a folder for each emotion.
    path_save_imgs: where train/EMOTION/* and val/EMOTION/* are written.
    smote_value: pictures a class is cut to or filled up to.
    gen_model: a recipe, its name, or a callable (picture, numpy Generator) -> picture.
    face_detector: a detector's name, or a callable that gives Faces.
    IMAGE_SIZE: side of the square that all pictures are brought to.
    train_part: share of the originals that is held out; they are never augmented.
    modify_coef: share of what lacks that is made.

    `go` raises SourceMissing for a folder that is not there, SourceUnreadable for a file, DataError for one without folders of emotions,
    and what `balance` raises.
    """

    def __init__(
        self,
        path_folder_train_data: str | os.PathLike[str],
        path_save_imgs: str | os.PathLike[str],
        smote_value: int = 5000,
        gen_model: str | Recipe | Augment = "r0",
        face_detector: str | Detector = "yunet",
        IMAGE_SIZE: int = 224,  # noqa: N803
        train_part: float = 0.15,
        modify_coef: float = 1,
        *,
        seed: int = 0,
        workers: int = 1,
    ) -> None:
        self.source, self.out = Path(path_folder_train_data), Path(path_save_imgs)
        self.options = BalanceOptions(smote_value, modify_coef, train_part, IMAGE_SIZE, seed=seed)
        self.gen_model, self.face_detector, self.workers = gen_model, face_detector, workers
        self.report: Report | None = None
        """Once it ran: folders and files that could not be taken."""

    def go(self, progress: Progress = lambda stage, done, total: None) -> Balanced:
        """Do it; what was done before is not done again."""
        manifest, self.report = read_folder(self.source)
        return balance(
            manifest,
            self.out,
            self.options,
            gen_model=self.gen_model,
            detector=self.face_detector,
            workers=self.workers,
            progress=progress,
        )

    __call__ = go


def _fingerprint(manifest: Manifest, options: BalanceOptions, make: Augment, detector: str | Detector) -> str:
    """Tells whether a folder holds the same work: settings, rows, and what makes and checks the pictures."""
    digest = hashlib.sha256()
    named = detector if isinstance(detector, str) else name_of(detector)
    steps = str(make) if isinstance(make, Recipe) else ""
    digest.update(json.dumps([asdict(options), name_of(make), steps, named]).encode())
    for column in ("id", "path", "sha256", "label", "split", "parent", "source", "subject"):
        digest.update("\0".join(manifest[column].tolist()).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _finished(out: Path, work: str) -> Balanced | None:
    """The result of the same work if it is done and its lists and pictures are all there as they were written; else it is done again.

    Raises DataError if `out` holds the result of other work.
    """
    report = out / REPORT
    if not report.exists():
        return None
    try:
        found = json.loads(report.read_text("utf-8"))
        same = found["work"] == work
        classes = {
            label: ClassReport(**{name: value for name, value in row.items() if name != "missing"})
            for label, row in found["classes"].items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{report}: not a report of balancing ({error}); give another folder or empty this one") from error
    if not same:
        raise DataError(f"{out}: holds a set balanced from other pictures or with other settings; give another folder or empty this one")
    if not ((out / DROPPED).is_file() and (out / MANIFEST).is_file()):
        return None
    dropped = _read_dropped(out / DROPPED)
    manifest = Manifest.read(out / MANIFEST)
    own = f"{out.absolute()}{os.sep}"
    files = ((str(path), str(digest)) for path, digest in zip(manifest["path"], manifest["sha256"], strict=True))
    whole_set = all(holds(Path(path), digest) for path, digest in files if path.startswith(own))
    return Balanced(manifest, classes, dropped) if whole_set else None


def _read_dropped(path: Path) -> list[Dropped]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            head, *rows = [*csv.reader(file)] or [[]]
        if tuple(head) != DROPPED_HEAD:
            raise ValueError(f"found columns {', '.join(head) or 'none'}; wanted {', '.join(DROPPED_HEAD)}")
        return [(name, label, reason) for name, label, reason in rows]
    except (ValueError, csv.Error) as error:
        raise DataError(
            f"{path}: not the list of dropped pictures that was written here ({error}); remove it, and it is made again"
        ) from error


def _write(balanced: Balanced, out: Path, work: str) -> None:
    """Manifest and lists; the report last, since it stands for the whole."""
    balanced.manifest.write(out / MANIFEST)
    with whole(out / DROPPED) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(DROPPED_HEAD)
        writer.writerows(balanced.dropped)
    with whole(out / REPORT) as part:
        part.write_text(json.dumps({"work": work} | balanced.to_json(), indent=1) + "\n", "utf-8")
