"""Where a study keeps the tables of its recordings, so that none of them takes the place of what was read of another recording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, count
from pathlib import Path
from unicodedata import normalize

from mien.io.names import folded
from mien.io.whole import growing
from mien.study.plan import Recording
from mien.study.read import fingerprint, is_table

DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *", re.IGNORECASE)
"""Names that Windows has for its devices, whatever ending follows a point behind them."""


def row_files(folder: Path, recordings: Sequence[Recording]) -> dict[str, Path]:
    """Viewer -> table in the folder, of those whose input is none itself.

    It is called like the viewer, as every file system can have it, with a number behind it where that name is taken: by another viewer, by
    a table that is an input of this study, or by any file that is not known to be what was read of the same recording, unchanged since
    (read.fingerprint). So a recording that is read again finds its own.
    """
    found: dict[str, Path] = {}
    inputs = {path for one in recordings for path in (Path(one.file), Path(one.file).resolve())}  # a link, and what it leads to
    taken = {_stem(path) for path in inputs if path.parent.resolve() == folder.resolve()}
    for one in recordings:
        if is_table(one.file):
            continue
        own = fingerprint(one.file).encode()
        plain = "".join(c if c.isalnum() or c in "-_. " else "_" for c in normalize("NFC", one.viewer))[:60].strip(" .") or "viewer"
        if DEVICE.fullmatch(plain.partition(".")[0]):
            plain = f"_{plain}"
        for name in chain([plain], (f"{plain}-{k}" for k in count(2))):
            path = folder / f"{name}.parquet"
            if folded(name) not in taken and not any(_is_another(there, own) for there in (path, growing(path))):
                break
        taken.add(folded(name))
        found[one.viewer] = path
    return found


def replaced(files: Sequence[Path]) -> list[str]:
    """Names of those tables that are there already, and of what an interrupted run left of them."""
    return [there.name for path in files for there in (path, growing(path)) if there.exists()]


def others(folder: Path, own: Sequence[Path]) -> list[str]:
    """Names of tables in a folder that are none of these."""
    known = {path.resolve() for path in own}
    return sorted(path.name for path in folder.glob("*.parquet") if path.resolve() not in known)


def _stem(path: Path) -> str:
    """A table's name, whole or not, as other files of its folder cannot have it too."""
    return folded(Path(path.name.removesuffix(".part")).stem)


def _is_another(table: Path, own: bytes) -> bool:
    """Whether a file is there that does not say that it is of the recording with this fingerprint, or b"", of which none is. Of a `.part`
    that nothing can be read from, nothing is lost."""
    if not table.exists():
        return False
    footer = _footer(table)
    return (table.suffix != ".part" or footer != b"") and (not own or own not in footer)


def _footer(table: Path) -> bytes:
    """The end of a Parquet file, which has its metadata; b"" of any other file. The rest of a table takes a thousand times as long."""
    try:
        with table.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 8))
            length, mark = int.from_bytes(file.read(4), "little"), file.read()
            if mark != b"PAR1" or length > size - 8:
                return b""
            file.seek(size - 8 - length)
            return file.read(length)
    except OSError:
        return b""
