"""Where weights files lie, and fetching one when asked. Nothing here runs by itself."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import time
import urllib.error
import urllib.request
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from mien.errors import ModelError, SinkError, UnknownName, WeightsMissing
from mien.io.whole import whole

BUNDLED = Path(__file__).parent / "weights"
CHUNK = 1 << 20
TIMEOUT_SECONDS = 30.0
"""Without a byte."""
DEADLINE_SECONDS = 1800.0
"""For a whole file."""
MOST_BYTES = 1 << 30


class Source(NamedTuple):
    """A weights file that can be fetched."""

    file: str
    url: str
    sha256: str
    licence: str


SOURCES: dict[str, Source] = {
    # The zoo's own fp32 file. Its input is fixed at 640x640, so `yunet:full` and `yunet:1280` need the bundled file.
    "yunet": Source(
        "yunet_2023mar.onnx",
        "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        "MIT",
    ),
}
"""What `mien models get NAME` can fetch; a plug-in may add to it."""


def cache_folder() -> Path | None:
    """The user's own folder for models; it need not exist yet. None for a user without a home, as in a container under another number."""
    try:
        if sys.platform == "win32":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        else:
            base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # of Path.home
        return None
    return base / "mien" / "models"


def weights_folders() -> list[Path]:
    """Where weights are looked for, first match wins: $MIEN_MODELS, the package, the user's cache."""
    named = [Path(part) for part in os.environ.get("MIEN_MODELS", "").split(os.pathsep) if part]
    return [*named, BUNDLED, *filter(None, [cache_folder()])]


def locate(file: str | Path, *, name: str = "", sha256: str | None = None, hint: str = "") -> Path:
    """The path of a weights file: `file` itself when it is a path with a folder, else the first of `weights_folders()` that has it.

    name: the model it belongs to, for the message. sha256: what the file's hash must be, checked once a file. hint: a further
    way out, put at the end of the message. Raises WeightsMissing, which names the command that gets the file where there is
    one, and ModelError for a file with another hash.
    """
    asked = Path(file)
    if asked.name != str(file):
        if not asked.is_file():
            raise WeightsMissing(f"weights {asked}: no such file")
        found = asked
    else:
        candidates = [folder / asked for folder in weights_folders()]
        here = next((path for path in candidates if path.is_file()), None)
        if here is None:
            raise WeightsMissing(_missing(asked.name, name or asked.stem, hint))
        found = here
    if sha256 is not None:
        verify(found, sha256)
    return found


def verify(path: Path, sha256: str) -> None:
    """Raise ModelError unless the file has this hash. A file that has not changed is read once only."""
    got = sha256_of(path)
    if got != sha256:
        raise ModelError(
            f"{path}: sha256 is {got[:12]}..., wanted {sha256[:12]}...; the file is damaged or another one: "
            f"delete it and install mien again, or fetch it again with `mien models get`"
        )


def fetch_weights(name: str, folder: Path | None = None) -> Path:
    """Download the weights of `name` into `folder` (default: the user's cache) and return the path of the file.

    The file gets its name only after its hash was found right; a broken download leaves nothing behind. A file that is
    there already and right is not fetched again. Raises UnknownName when there is nothing to fetch for `name`, ModelError
    when the address does not answer, answers with another file, or the folder cannot be written, or none is named and the user has none.
    """
    if name not in SOURCES:
        raise UnknownName("weights to fetch", name, SOURCES)
    return fetch_source(SOURCES[name], folder)


def fetch_source(source: Source, folder: Path | None = None) -> Path:
    """Download one weights file, as fetch_weights does."""
    if (folder := folder or cache_folder()) is None:
        raise ModelError(f"{source.file}: nowhere to put it: this user has no home; name a folder (--folder), or set HOME")
    target = folder / source.file
    if target.is_file() and sha256_of(target) == source.sha256:
        return target
    try:
        with whole(target) as part:
            try:
                got = _download(source.url, part)
            except (OSError, http.client.HTTPException) as error:  # urllib's own are OSErrors
                if isinstance(error, urllib.error.HTTPError):
                    error.close()  # it is the server's answer too
                reason = getattr(error, "reason", None) or error
                raise ModelError(f"{source.url}: cannot be fetched ({reason}); fetch it another way and put it at {target}") from error
            if got != source.sha256:
                raise ModelError(f"{source.url}: sha256 of what came is {got[:12]}..., wanted {source.sha256[:12]}...; nothing was kept")
    except SinkError as error:
        raise ModelError(f"{error}; name another folder") from error
    return target


def _download(url: str, part: Path) -> str:
    """Write what `url` gives to `part` while hashing it; returns the hash."""
    digest, size = hashlib.sha256(), 0
    deadline = time.monotonic() + DEADLINE_SECONDS
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, part.open("wb") as out:
        while chunk := answer.read1(CHUNK):  # read would wait for the whole chunk, however slowly it drips
            size += len(chunk)
            if time.monotonic() > deadline:
                raise TimeoutError(f"not here within {DEADLINE_SECONDS:g} s")
            if size > MOST_BYTES:
                raise ModelError(f"{url}: more than {MOST_BYTES:,} bytes; not a weights file of ours")
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """Hash of a file's content, hex. A file that has not changed is read once only."""
    status = path.stat()
    return _digest(path, status.st_mtime_ns, status.st_size)


def stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written anew: its time, size and number; None where there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # no such file, or no name of one
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=64)
def _digest(path: Path, mtime_ns: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _missing(file: str, name: str, hint: str) -> str:
    where = ", ".join(str(folder) for folder in weights_folders())
    ways = [todo] if (todo := without_bundled()) else []
    if name in SOURCES:
        ways.append(f"get them with `mien models get {name}`")
    if not ways:
        ways.append("install mien again, or put the file into one of these folders")
    return f"weights of {name!r} missing: no {file} in {where}; {'; or '.join(ways)}{'; ' + hint if hint else ''}"


def without_bundled() -> str:
    """What to do where mien's own weights did not come along with its code, as in a zip or a program of a packer; empty where they did."""
    if BUNDLED.is_dir():
        return ""
    return f"{BUNDLED} is no folder: install mien unzipped, and let the packer of a program take its data files along"
