"""Files that are written: refused before the work starts if they cannot be, and written by one run at a time."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from mien.errors import SinkError
from mien.io.whole import beside, whole, writing
from mien.sinks.locks import is_current, lock_of, locked, open_lock, unlock


class Claim:
    """A file that this run alone may write: an advisory lock, which other runs of mien respect. Two that write one file mix their bytes.

    A process that dies leaves none, see mien.sinks.locks. Pipes and devices are for all, and so is every file where there can be no
    such locks: see `alone`.
    """

    def __init__(self, path: Path) -> None:
        self._path = self._real = path
        self._lock: BinaryIO | None = None
        self._made = False

    @property
    def alone(self) -> bool:
        """Whether the claim keeps other runs away; without one, or where there can be no locks, nobody knows who else writes."""
        return self._lock is not None

    def take(self) -> bool:
        """Keep other runs from the file until `drop`; what is in it stays. It and its folder are made if there is none.

        Returns whether the file was there already. Raises SinkError when it cannot be written, or another run has it.
        """
        with writing(self._path):
            while self._lock is None:
                self._real = real = Path(os.path.realpath(self._path))  # of a link, dangling or not, the file that it stands for
                real.parent.mkdir(parents=True, exist_ok=True)
                self._made = not real.exists()
                if not self._made and not real.is_file():  # opening a named pipe would wait for its reader
                    break
                carrier = open_lock(real)
                if carrier is None:
                    real.open("ab").close()
                    break
                with ExitStack() as opened:
                    lock = opened.enter_context(carrier)
                    got = locked(lock)
                    if got is False:
                        raise SinkError(f"{self._path}: another run is writing it; wait for its end, or name another file")
                    opened.callback(unlock, lock)
                    if got is None:
                        real.open("ab").close()
                        break
                    if is_current(lock_of(real), lock):  # else the run that had it has just renamed or deleted it
                        real.open("ab").close()
                        self._lock = lock
                        opened.pop_all()
        return not self._made

    def drop(self) -> None:
        """Let others have it. A file that was made for the claim and is still empty goes."""
        lock, self._lock = self._lock, None
        made, self._made = self._made, False
        with suppress(OSError):  # it may have another name by now; and Windows deletes nothing that is open
            if made and (lock is None or is_current(lock_of(self._real), lock)) and self._real.stat().st_size == 0:
                self._real.unlink()  # before the lock goes, or it could be another run's by now
        if lock is not None:
            unlock(lock)


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
