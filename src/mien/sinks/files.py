"""Files that are written: refused before the work starts if they cannot be, and written by one run at a time."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from mien.errors import SinkError
from mien.io.whole import beside, whole, writing


class Claim:
    """A file that this run alone may write: an advisory lock, which other runs of mien respect. Two that write one file mix their bytes.

    It lies on the file itself, so that a process that dies leaves none. Pipes and devices are for all, and so is every file where the
    system has no such locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._made = False

    def take(self) -> bool:
        """Keep other runs from the file until `drop`; what is in it stays. It and its folder are made if there is none.

        Returns whether the file was there already. Raises SinkError when it cannot be written, or another run has it.
        """
        with writing(self._path):
            while self._file is None:
                real = Path(os.path.realpath(self._path))  # of a link, dangling or not, the file that it stands for
                real.parent.mkdir(parents=True, exist_ok=True)
                self._made = not real.exists()
                if not self._made and not real.is_file():  # opening a named pipe would wait for its reader
                    break
                with ExitStack() as opened:
                    file = opened.enter_context(real.open("ab"))
                    if not _locked(file):
                        raise SinkError(f"{self._path}: another run is writing it; wait for its end, or name another file")
                    if _leads_to(real, file):  # else the run that had it has just renamed or deleted it
                        self._file = file
                        opened.pop_all()
        if sys.platform == "win32":  # where a file that is open can be neither renamed nor deleted, and nothing is locked
            self.drop()
        return not self._made

    def drop(self) -> None:
        """Let others have it. A file that was made for the claim and is still empty goes."""
        if self._file is None:
            return
        file, self._file = self._file, None
        empty = self._made and os.fstat(file.fileno()).st_size == 0
        if sys.platform == "win32":
            file.close()
        if empty:  # before the lock goes, or it could be another run's by now
            Path(file.name).unlink(missing_ok=True)
        file.close()


def _locked(file: BinaryIO) -> bool:
    """Lock an open file; false when another has it."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _leads_to(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def prepare(path: Path) -> bool:
    """Make the folder of a file that will be written and try whether it can be; leaves no trace of the file.

    Returns whether a file is there already, which will be replaced. Raises SinkError.
    """
    claim = Claim(path)
    there = claim.take()
    claim.drop()
    return there


def prepare_folder(folder: Path) -> None:
    """Make a folder and try whether files can be written into it. Raises SinkError."""
    with writing(folder):
        if folder.exists() and not folder.is_dir():
            raise SinkError(f"{folder}: cannot be written (a file, wanted a folder)")
        folder.mkdir(parents=True, exist_ok=True)
        probe = beside(folder / "probe")
        probe.touch()
        probe.unlink()


def replace(path: Path, data: bytes) -> None:
    """Write a whole file: the name never stands for a part. Raises SinkError."""
    with whole(path, durable=False) as part:
        part.write_bytes(data)
