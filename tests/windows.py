"""Windows as far as files differ there, on Linux: another name of the platform, its locks, and files that are open, which stay."""

import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest


class Locks(ModuleType):
    """What mien takes of msvcrt, made of Unix's."""

    LK_UNLCK, LK_NBLCK = 0, 2

    def locking(self, file: int, mode: int, size: int) -> None:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_UN if mode == self.LK_UNLCK else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None


def as_windows(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Let modules think that they run there, and refuse to delete or to replace a file that is open. Skips where that cannot be seen."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("which files are open can be seen on Linux only")
    for module in modules:
        monkeypatch.setattr(f"{module}.sys", SimpleNamespace(platform="win32", exc_info=sys.exc_info))
    monkeypatch.setitem(sys.modules, "msvcrt", Locks("msvcrt"))
    unlink, replace = os.unlink, os.replace

    def refused(path: Path) -> None:
        if is_open(path):
            raise PermissionError(13, "The process cannot access the file because it is being used by another process", str(path))

    def unlinked(path: Path, missing_ok: bool = False) -> None:
        refused(path)
        if path.exists() or not missing_ok:
            unlink(path)

    def replaced(path: Path, target: Path) -> Path:
        refused(path)
        refused(target)
        replace(path, target)
        return Path(target)

    monkeypatch.setattr(Path, "unlink", unlinked)
    monkeypatch.setattr(Path, "replace", replaced)


def is_open(path: Path) -> bool:
    """Whether this process has a file open."""
    if not path.exists():
        return False
    for number in Path("/proc/self/fd").iterdir():
        try:
            if os.path.samestat(number.stat(), path.stat()):
                return True
        except OSError:  # closed meanwhile
            continue
    return False
