"""Which layout a path has, and its reader."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mien.data.cross_copies import Marks, noted
from mien.data.manifest import Manifest
from mien.data.npz import opened
from mien.data.readers.arrays import is_fer_npz, npz_draft
from mien.data.readers.draft import Draft, examined, report_empty, unlike
from mien.data.readers.fer_csv import FER, VOTE_COLUMNS, VOTES_FILE, fer_csv_draft, is_fer_csv, is_unlabelled
from mien.data.readers.folders import ckplus_draft, folder_draft, is_ckplus, is_jaffe, jaffe_draft
from mien.data.readers.rafdb import is_rafdb, rafdb_draft
from mien.data.readers.report import STRAY, Progress, Report, silent
from mien.data.readers.tables import AFFECTNET, affectnet_draft, csv_draft, head_of, is_affectnet
from mien.data.stores import Store
from mien.errors import DataError, MienError, SourceMissing, UsageError

FER_CODES = "fer7"
"""The label set of FER-2013's codes, and of tables in its form where nothing else is said."""
LAYOUTS = (
    "a folder per emotion, folders train/test of such, CK+, JAFFE or RAF-DB as distributed, a .csv (image_path with emotion, "
    "valence or arousal; emotion,pixels,Usage; AffectNet's), an .npz of arrays, or a manifest (.parquet)"
)


def read_any(
    path: str | Path,
    *,
    root: Path | None = None,
    votes: Path | None = None,
    duplicates: Path | None = None,
    labels: str = "",
    source: str = "",
    progress: Progress = silent,
) -> tuple[Manifest, Report]:
    """A data set of any layout that mien knows; a manifest is read as it is.

    root: folder that the paths of a CSV start from. votes, duplicates: files that go with FER-2013. labels: label set of a CSV's codes.
    source: what to call the data set; default after the path. Raises SourceMissing, DataError, UnknownName, UsageError where `duplicates`
    is no such file or says nothing of these data (see duplicates_for).
    """  # fmt: skip
    path = Path(path)
    duplicates_for([path], duplicates)
    if path.suffix.lower() == ".parquet" and path.is_file():
        return read_manifest(path, source=source)
    return examined(*draft_of(path, root=root, votes=votes, duplicates=duplicates, labels=labels, source=source), progress=progress)


def drafted(path: str | Path, *, duplicates: Path | None = None, source: str = "") -> tuple[Manifest, Report]:
    """Like read_any, but no picture is opened: hashes and sizes are not known, and of the pictures some may turn out to be none."""
    path = Path(path)
    duplicates_for([path], duplicates)
    if path.suffix.lower() == ".parquet" and path.is_file():
        return read_manifest(path, source=source)
    draft, store = draft_of(path, duplicates=duplicates, source=source)
    manifest = draft.manifest(store)
    report_empty(draft.report, draft.classes, manifest)
    return manifest, draft.report


def read_manifest(path: Path, *, source: str = "") -> tuple[Manifest, Report]:
    """A manifest, and which values of it are read as none (see Manifest.read). source: what to call it; default after the file."""
    report = Report(source or path.stem)
    return Manifest.read(path, strange=partial(report.add, STRAY)), report


def takes_duplicates(path: Path) -> bool:
    """Whether a file of FER-2013's duplicates says something of the data: they are FER-2013, or a manifest with notes from such a file.

    True also for what is not there or cannot be read: whoever reads it says why.
    """
    if not path.is_file():
        return not path.exists()
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            return bool(noted(Manifest.read(path)["note"]).any())
        return (suffix == ".npz" and is_fer_npz(path)) or (suffix == ".csv" and is_fer_csv(head_of(path).columns))
    except MienError:
        return True


def duplicates_for(paths: Sequence[Path], duplicates: Path | None) -> list[Path | None]:
    """What `read_any` is to be given as `duplicates` for each of several data sets: the file, or None where it says nothing of them.

    Other data may come in FER-2013's form: of several such files those get it that have as many rows as it marks, if any has.
    Raises UsageError where there is no such file, or where it says nothing of any of them: a leak that was to be closed would stay.
    """
    if duplicates is None or not paths:
        return [None] * len(paths)
    marks = Marks(duplicates)
    takes = [takes_duplicates(path) for path in paths]
    if not any(takes):
        raise UsageError(
            f"duplicates: {', '.join(map(str, paths))}: no rows that {duplicates} could mark; wanted FER-2013 as .npz or .csv, "
            "or a manifest that mien data import --duplicates made of it"
        )
    if sum(takes) > 1:
        fit = [one and _rows_if_fer(path) in (None, len(marks.duplicate)) for path, one in zip(paths, takes, strict=True)]
        takes = fit if any(fit) else takes  # else the first says what is wrong
    return [duplicates if one else None for one in takes]


def refuse_to_recode(paths: Sequence[Path], labels: str) -> None:
    """Raise UsageError where a label set is given for several data sets of which some, not all, have FER-2013's form.

    That form has codes of its own, fer7: what is meant for other tables would give each of its pictures another label, in silence.
    """
    fer = [path for path in paths if path.suffix.lower() == ".csv" and path.is_file() and is_fer_csv(head_of(path).columns)]
    if labels not in ("", FER_CODES) and 0 < len(fer) < len(paths):
        raise UsageError(
            f"labels: found {labels}, which would be taken for the codes of {fer[0]} too; its form is FER-2013's, whose are {FER_CODES}; "
            f"import it apart (with --labels if its codes are {labels}), and then the manifests together"
        )


def _rows_if_fer(path: Path) -> int | None:
    """How many rows a file in FER-2013's form has; None for a manifest, and for what is not there."""
    if path.suffix.lower() == ".npz" and path.is_file():
        with opened(path) as file:
            return len(file["emotion"])
    if path.suffix.lower() == ".csv" and path.is_file():
        with path.open("rb") as file:
            return sum(1 for line in file if line.strip()) - 1
    return None


def sources_of(paths: Sequence[Path], source: str = "") -> list[str]:
    """What `read_any` is to be given as `source` for each of several data sets, so that no two have the same.

    source: what all are called; default what each is called alone, or after its file where several would be called alike.
    """
    alone = [source or _source(path) for path in paths]
    return unlike([name if source or alone.count(name) == 1 else _stem(path) for path, name in zip(paths, alone, strict=True)])


def _source(path: Path) -> str:
    """What a data set is called where nothing else is said."""
    if path.suffix.lower() == ".csv" and path.is_file():
        try:
            head = set(head_of(path).columns)
        except MienError:  # whoever reads it says why
            return path.stem
        return FER if is_fer_csv(head) else AFFECTNET if is_affectnet(head) else path.stem
    return _stem(path)


def _stem(path: Path) -> str:
    return path.resolve().name if path.is_dir() else path.stem


def draft_of(
    path: Path, *, root: Path | None = None, votes: Path | None = None, duplicates: Path | None = None, labels: str = "", source: str = ""
) -> tuple[Draft, Store | None]:
    """The rows of a data set of any layout, and where its pictures are; none is opened."""
    if path.is_dir():
        if is_ckplus(path):
            return ckplus_draft(path, source=source), None
        if is_rafdb(path):
            return rafdb_draft(path, source=source), None
        return (jaffe_draft if is_jaffe(path) else folder_draft)(path, source=source), None
    if not path.exists():
        raise SourceMissing(f"{path}: no such file or folder; wanted {LAYOUTS}")
    if path.suffix.lower() == ".npz":
        return npz_draft(path, duplicates=duplicates, source=source)
    if path.suffix.lower() == ".csv":
        head = set(head_of(path).columns)
        if is_fer_csv(head):
            return fer_csv_draft(path, votes=votes, duplicates=duplicates, labels=labels or FER_CODES, source=source or FER)
        if is_affectnet(head):
            return affectnet_draft(path, root=root, source=source)
        if is_unlabelled(head):
            raise DataError(
                f"{path}: pixels without emotions, as a competition's test set has them: nothing to learn from or judge by; "
                f"mien submit MODEL {path} -o answers.csv answers them"
            )
        if head >= set(VOTE_COLUMNS):
            raise DataError(
                f"{path}: FER+'s votes, which have no pictures; give FER-2013's fer2013.csv and this as votes ({VOTES_FILE} beside it)"
            )
        return csv_draft(path, root=root, labels=labels, source=source), None
    raise DataError(f"{path}: wanted {LAYOUTS}")
