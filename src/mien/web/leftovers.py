"""What servers left that were killed: uploads of people who were told that nothing stays."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from pathlib import Path
from tempfile import gettempdir

from mien.errors import SinkError
from mien.sinks.files import Claim

PREFIX, CLAIM = "mien-serve-", "running"
YOUNG_SECONDS = 60.0


def erase_leftovers() -> None:
    """Erase the folders of servers that were killed.

    A server that runs holds a lock on its folder; one whose folder is younger than a minute may be about to take it. On a file system
    without locks nobody can tell, and nothing is erased. What another user made is left alone, and so is a link.
    """
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        try:
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or not _is_ours(found) or time.time() - found.st_mtime < YOUNG_SECONDS:
                continue
            claim = Claim(folder / CLAIM)
            claim.take()
            ended = claim.alone
            claim.drop()
        except (OSError, SinkError):  # somebody else's
            continue
        if ended:
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or found.st_uid == os.getuid()  # on Windows each user has a temporary folder
