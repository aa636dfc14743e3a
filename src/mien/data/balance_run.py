"""The work of `mien.data.balance.balance`: faces counted, rows held out, pictures kept and made. Goes on where a journal says."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mien.data.balance_plan import BalanceOptions, ClassReport, plan
from mien.data.generate import Maker, Written, picture_name
from mien.data.heldout import hold_out, kin
from mien.data.journal import Journal
from mien.data.manifest import GENERATED, Manifest
from mien.data.split import ties
from mien.io.prefetch import prefetched
from mien.io.whole import whole
from mien.types import Bools, Ints

Progress = Callable[[str, int, int], None]
"""Called with the stage (check, keep, generate), the number done and the total."""
Dropped = tuple[str, str, str]
"""id, label and reason of a picture that is not in the result."""
SEVERAL, UNLABELLED, UNREADABLE = "several faces", "no label", "cannot be read"
REASONS = {-1: UNREADABLE, 0: "no face", 1: ""}
COPY, PERSON = "copy or child of a picture of val or test", "no split, and its person is in val or test"


@dataclass(eq=False)
class Run:
    """One balancing."""

    manifest: Manifest
    out: Path
    options: BalanceOptions
    maker: Maker
    workers: int
    journal: Journal
    progress: Progress
    dropped: list[Dropped] = field(default_factory=list)

    @property
    def _ahead(self) -> int:
        return self.workers if self.workers > 1 else 0  # one worker is this thread

    def go(self) -> tuple[Manifest, dict[str, ClassReport]]:
        """All of it: the balanced rows and what became of each class."""
        labels, splits = self.manifest["label"], self.manifest["split"]
        ours = (splits == "train") | (splits == "")
        usable, tied = self._usable(np.flatnonzero(ours), np.flatnonzero(~ours))
        counts = {label: int((labels[usable] == label).sum()) for label in sorted(set(labels[ours]) - {""})}
        shares = plan(counts, self.options.smote_value, self.options.modify_coef)
        kept, held = self._chosen(usable, tied, {label: share.kept for label, share in shares.items()})
        found = Counter(labels[ours].tolist())
        classes = {
            label: ClassReport(found[label], counts[label], share.kept, int(held[kept[label]].sum()), share.generated)
            for label, share in shares.items()
        }
        rows = np.sort(np.concatenate([*kept.values(), np.zeros(0, np.int64)]))
        parts = [self._kept(rows, held)]
        for label, report in classes.items():
            parts.append(self._generated(label, report, kept[label][~held[kept[label]]], classes))
        return Manifest.concat([*parts, self.manifest.where(~ours)]), classes

    def _usable(self, ours: Ints, aside: Ints) -> tuple[Ints, Ints]:
        """Rows with a label and exactly one face; and for every row a number that pictures share which are to be on one side."""
        ids, labels, splits = self.manifest["id"], self.manifest["label"], self.manifest["split"]
        hashes = self.manifest["sha256"].copy()
        reasons: dict[int, str] = {int(i): UNLABELLED for i in ours if not labels[i]}
        rows = [int(i) for i in ours if labels[i]]
        for number, (row, seen) in enumerate(zip(rows, self._remembered("whole face", rows, self.maker.look), strict=True)):
            faces, hashes[row] = seen
            reasons[row] = REASONS.get(faces, SEVERAL)
            self.progress("check", number + 1, len(rows))
        for row in aside:
            hashes[row] = hashes[row] or self.maker.hash_of(int(row))
        groups = kin(ids, self.manifest["parent"], hashes, self.manifest["path"])
        tied = ties(self.manifest, groups)  # also by person, as mien data split ties them
        outside, known = np.isin(groups, groups[aside]), np.isin(tied, tied[aside]) & (splits == "")
        for row in rows:
            reasons[row] = reasons[row] or (COPY if outside[row] else PERSON if known[row] else "")
        self.dropped += [(str(ids[row]), str(labels[row]), reason) for row, reason in sorted(reasons.items()) if reason]
        return np.array([row for row in rows if not reasons[row]], np.int64), tied

    def _remembered(self, kind: str, rows: list[int], work: Callable[[int], Any]) -> Iterator[Any]:
        """Results of the work on each row, in order; from the journal where they are in it, and noted there where not."""
        known = [self.journal.found.get(f"{kind} {row}") for row in rows]
        jobs = (partial(work, row) if old is None else partial(_same, old) for row, old in zip(rows, known, strict=True))
        for row, old, seen in zip(rows, known, prefetched(jobs, ahead=self._ahead), strict=True):
            if old is None:
                self.journal.note(f"{kind} {row}", seen)
            yield seen

    def _chosen(self, usable: Ints, tied: Ints, kept: dict[str, int]) -> tuple[dict[str, Ints], Bools]:
        """The rows that are kept of each class, ascending, and which rows of all are held out: of those without a split, and not tied to
        a row of train."""
        labels, splits = self.manifest["label"], self.manifest["split"]
        rng = np.random.default_rng([self.options.seed, 0])
        drawn = {label: rng.permutation(usable[labels[usable] == label])[:count] for label, count in kept.items()}
        everyone = np.sort(np.concatenate([*drawn.values(), np.zeros(0, np.int64)]))
        free = everyone[(splits[everyone] == "") & ~np.isin(tied[everyone], tied[everyone[splits[everyone] == "train"]])]
        _, codes = np.unique(labels[free].astype(str), return_inverse=True)
        held = np.zeros(len(labels), np.bool_)
        held[free[hold_out(codes, tied[free], self.options.train_part, seed=self.options.seed)]] = True
        return {label: np.sort(rows) for label, rows in drawn.items()}, held

    def _kept(self, rows: Ints, held: Bools) -> Manifest:
        split = np.where(held[rows], "val", "train").astype(object)
        part = self.manifest.where(rows).with_columns(split=split)
        if not self.options.copies:
            return part
        paths = [self._path(int(row), str(side), self.maker.suffix_of(int(row))) for row, side in zip(rows, split, strict=True)]
        jobs = (partial(self._copied, int(row), path) for row, path in zip(rows, paths, strict=True))
        facts = []
        for number, fact in enumerate(prefetched(jobs, ahead=self._ahead)):
            facts.append(fact)
            self.progress("keep", number + 1, len(rows))
        return Manifest(part.columns | _file_columns(paths, facts))

    def _copied(self, row: int, path: Path) -> Written:
        data, fact = self.maker.copy(row)
        if not holds(path, fact.sha256):
            _write(path, data)
        return fact

    def _generated(self, label: str, report: ClassReport, parents: Ints, classes: dict[str, ClassReport]) -> Manifest:
        """New pictures of one class: every original is tried in turn, again and again, until there are enough or none gives any more."""
        done, total = sum(r.generated for r in classes.values()), sum(r.wanted for r in classes.values())
        made: list[tuple[int, Path, str, Written]] = []
        failures = dict.fromkeys(parents.tolist(), 0)
        active = np.random.default_rng([self.options.seed, 1, _number(label)]).permutation(parents).tolist()
        turn = 0
        while len(made) < report.wanted and active:
            for row, fact in self._turn(active, turn):
                report.tries += 1
                failures[row] = 0 if fact else failures[row] + 1
                if fact:
                    made.append(
                        (row, self._path(row, "train", f".g{turn}{self.options.suffix}"), f"{self.manifest['id'][row]}#g{turn}", fact)
                    )
                    self.progress("generate", done + len(made), total)
                    if len(made) == report.wanted:
                        break
            report.given_up += sum(failures[row] >= self.options.tries for row in active)
            active = [row for row in active if failures[row] < self.options.tries]
            turn += 1
        report.generated = len(made)
        rows = np.array([row for row, _, _, _ in made], np.int64)
        own = {"id": [name for _, _, name, _ in made], "parent": self.manifest["id"][rows], "split": ["train"] * len(made)}
        note = {"note": [f"{GENERATED}: {self.maker.name}"] * len(made)}
        files = _file_columns([path for _, path, _, _ in made], [fact for _, _, _, fact in made])
        return Manifest(self.manifest.where(rows).columns | own | note | files)

    def _turn(self, rows: list[int], turn: int) -> Iterator[tuple[int, Written | None]]:
        """One try of each row, in order: the row, and what was written or None. Files are written here, so none is written too many."""
        known = [self.journal.found.get(f"try {row} {turn}", ()) for row in rows]
        paths = [self._path(row, "train", f".g{turn}{self.options.suffix}") for row in rows]
        sure = [old is None or (old != () and holds(path, old[0])) for old, path in zip(known, paths, strict=True)]
        jobs = (partial(_same, None) if ok else partial(self.maker.attempt, row, turn) for row, ok in zip(rows, sure, strict=True))
        results = zip(rows, known, paths, sure, prefetched(jobs, ahead=self._ahead), strict=True)
        for row, old, path, ok, result in results:
            if ok:
                yield row, Written(*old) if old else None
                continue
            if result:
                _write(path, result[0])
            if old == ():
                self.journal.note(f"try {row} {turn}", result and result[1])
            yield row, result[1] if result else None

    def _path(self, row: int, split: str, ending: str) -> Path:
        name = picture_name(row, str(self.manifest["path"][row] or self.manifest["id"][row]))
        return self.out / split / str(self.manifest["label"][row]) / f"{name}{ending}"


def _same(value: Any) -> Any:
    return value


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def _write(path: Path, data: bytes) -> None:
    """A file that appears whole. Not forced to the disk one by one, which takes 20 times as long: a later run looks at what it holds."""
    with whole(path, durable=False) as part:
        part.write_bytes(data)


def holds(path: Path, sha256: str) -> bool:
    """Whether a file is there and has these contents."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _file_columns(paths: list[Path], facts: list[Written]) -> dict[str, Any]:
    return {
        "path": [str(path.absolute()) for path in paths],
        "sha256": [fact.sha256 for fact in facts],
        "width": [fact.width for fact in facts],
        "height": [fact.height for fact in facts],
    }
