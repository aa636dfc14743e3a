"""Locks on files, which go with the process that holds them: on the file itself, or where that would be in its writer's way, beside it."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def lock_of(path: Path) -> Path:
    """The file that carries the lock of a file: itself. On Windows, where a file that is open can be neither renamed nor deleted, and no
    other handle can write what is locked, one beside it, by whatever capitals its name is written. Names that differ in more, as in how an
    accent is spelt, are two files there.
    """
    if sys.platform != "win32":
        return path
    alike = "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in path.name)  # as NTFS has it: letter by letter
    return path.with_name(f".mien-{hashlib.sha256(alike.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.lock")


def open_lock(path: Path) -> BinaryIO | None:
    """The open file that carries the lock of a file; None where none can be made beside it, though the file itself may be written.

    Raises OSError where the file itself cannot be opened.
    """
    carrier = lock_of(path)
    try:
        return carrier.open("ab")
    except OSError:
        if carrier == path:
            raise
        return None


def locked(file: BinaryIO) -> bool | None:
    """Lock an open file: False when another has it, None where the file system has no locks."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        except OSError:
            return None
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def is_current(path: Path, file: BinaryIO) -> bool:
    """Whether a name still leads to the open file that was found under it, and not to a newer one, or none."""
    if sys.platform == "win32":  # it cannot lose it
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def unlock(file: BinaryIO) -> None:
    """Let go of what `locked` locked. A file that was made for the lock alone goes, unless another run has opened it by now."""
    if sys.platform != "win32":
        file.close()
        return
    import msvcrt

    with suppress(OSError):  # there was no lock, on a file system without them
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    file.close()
    with suppress(OSError):
        Path(file.name).unlink()
