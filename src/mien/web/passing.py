"""Files that are made for one answer, and erased when it was sent."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import anyio
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

UNFIT = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
"""What names of files cannot have on one system or another."""
PLAIN = frozenset("-_. ")
"""Beside ASCII letters and digits, what every browser takes as it stands in the older form of a file's name."""


@contextmanager
def passing(folder: Path) -> Iterator[Path]:
    """A new folder in another for one file, which a Passing erases; erased at once where the file cannot be made."""
    folder.mkdir(parents=True, exist_ok=True)  # who cleans the temporary folder may have taken it
    own = Path(mkdtemp(dir=folder))
    try:
        yield own
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise


class Passing(FileResponse):
    """A file in a folder of its own, sent part by part, so that memory stays flat; both are erased then, also when the client left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send and erase."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):  # also when the server is ended
                await anyio.to_thread.run_sync(shutil.rmtree, Path(self.path).parent, True)


def disposition(name: str, suffix: str, *, instead: str) -> str:
    """The header by which a download is called so, in any alphabet (RFC 6266). instead: of the name, for programs that read ASCII alone.

    >>> print(disposition("вечер", ".csv", instead="session-2"))
    attachment; filename="session-2.csv"; filename*=UTF-8''%D0%B2%D0%B5%D1%87%D0%B5%D1%80.csv
    """
    fit = name.translate(UNFIT)
    if all(c.isascii() and (c.isalnum() or c in PLAIN) for c in fit):
        return f'attachment; filename="{fit}{suffix}"'
    return f"attachment; filename=\"{instead}{suffix}\"; filename*=UTF-8''{quote(f'{fit}{suffix}', safe='')}"
