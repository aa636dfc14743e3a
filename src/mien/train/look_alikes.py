"""Which pictures of a data set look alike, so that none is held out while another one of them is learnt."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from mien.data.duplicates import THRESHOLD, alike
from mien.data.manifest import Manifest
from mien.data.measures import measure
from mien.io.whole import whole
from mien.train.row_cache import readable
from mien.train.telling import Counter, Say
from mien.types import Ints


def look_alikes(manifest: Manifest, folder: Path, *, threads: int, say: Say, progress: Counter) -> Ints:
    """Group of each row, int64 (n,): one for pictures that look alike, mirrored or not, as `mien data split` has it (data.duplicates).

    One that cannot be read is a group of its own. manifest: with the sha256 of every picture that can be read. folder: the groups are kept
    there under the pictures' hash, for the next training on them: 28,700 pictures of FER-2013 take half a minute of two cores, and ten
    times as many well over half an hour, since all are compared with all. They are looked for anew where one can be read by now that could
    not be: a disk may have been away.
    Raises SinkError where the folder cannot be written to.
    """
    hashes = "\n".join([str(THRESHOLD), *manifest["sha256"].astype(str).tolist()])
    path = folder / f"look-alikes-{hashlib.sha256(hashes.encode()).hexdigest()[:12]}.npz"
    if path.exists():
        with np.load(path) as kept:
            groups: Ints = kept["groups"]
            unread = np.flatnonzero(~kept["readable"]).tolist()
        if not any(readable(manifest, i) for i in unread):
            return groups
    n = len(manifest)
    say(f"looking for look-alikes among {n} pictures, which are held out together")
    with progress(n, "pictures measured") as done:
        found = measure(manifest, threads=threads, progress=done)
    with progress(n, "pictures compared") as done:
        groups = alike(found.pixels, found.small, progress=done)
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, groups=groups, readable=found.readable)
    return groups
