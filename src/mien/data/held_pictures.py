"""What is held out of a data set, so that no picture added for training is one of its pictures or shows one of its people."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from mien.data.duplicates import pixel_hash
from mien.data.manifest import Manifest, absolute
from mien.data.readers.report import HELD_OUT, Progress, Report, silent
from mien.errors import MienError
from mien.io.images import decode
from mien.io.prefetch import prefetched

AHEAD = 4
HELD = ("val", "test")


class HeldOut:
    """The pictures of val and test of a manifest, and by what another picture is known to be of them.

    Known by: the bytes; the decoded pixels; the file, or the id where the picture is no file; the parent of either; the person within a
    source. The pictures held out are opened once, here; one that cannot be read is known by the rest.
    """

    def __init__(self, base: Manifest, *, progress: Progress = silent) -> None:
        held = base.where(np.isin(base["split"].astype(str), HELD))
        self._known: dict[tuple[str, ...], str] = {}
        with progress(len(held)) as done:
            for i, prints in enumerate(_fingerprints(held)):
                told = f"{held['id'][i]} of {held['split'][i]}"
                signs: list[tuple[str, ...]] = [("picture", held["sha256"][i]), ("own", held["id"][i])]
                signs += [*prints, *_names(held, i), *_person(held, i)]
                for sign in signs:
                    self._known.setdefault(sign, told)
                done(i + 1)

    def without(self, extras: Manifest, report: Report, *, progress: Progress = silent) -> Manifest:
        """The pictures that are not of those held out; of each other one the report says why it is not among them."""
        kept: list[int] = []
        with progress(len(extras)) as done:
            for i, prints in enumerate(_fingerprints(extras) if self._known else ()):
                where = str(extras["path"][i] or extras["id"][i])
                same = self._first([*prints, *_names(extras, i), *_children(extras, i, alone=not prints)])
                person = self._first(_person(extras, i))
                if same or person:
                    report.add(HELD_OUT, where, f"the same picture as {same}" if same else f"shows the person of {person}")
                else:
                    kept.append(i)
                done(i + 1)
        return extras.where(kept) if self._known else extras

    def _first(self, signs: Iterable[tuple[str, ...]]) -> str:
        return next((self._known[sign] for sign in signs if sign in self._known), "")


def _fingerprints(manifest: Manifest) -> Iterator[list[tuple[str, str]]]:
    """Of each picture the hash of its bytes and that of its pixels, as far as it can be read."""
    return prefetched((partial(_fingerprint, manifest, i) for i in range(len(manifest))), ahead=AHEAD)


def _fingerprint(manifest: Manifest, position: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    try:
        data = manifest.bytes_of(position)
        found.append(("picture", hashlib.sha256(data).hexdigest()))
        found.append(("pixels", pixel_hash(decode(data, name=str(manifest["id"][position])).image)))
    except MienError:
        pass  # whoever takes the picture says what is wrong with it
    return found


def _names(manifest: Manifest, position: int) -> list[tuple[str, str]]:
    """The file and the parent, as others may name them."""
    path, parent = absolute(str(manifest["path"][position])), str(manifest["parent"][position])
    return [("name", name) for name in (path, parent) if name]


def _children(manifest: Manifest, position: int, *, alone: bool) -> list[tuple[str, str]]:
    """By what a picture is the child or the parent of one held out. alone: it cannot be read, so that its id has to do: the pictures of
    two data sets may have the same ids."""
    own, parent = str(manifest["id"][position]), str(manifest["parent"][position])
    return [("name", own)] + ([("own", parent)] if parent else []) + ([("own", own)] if alone else [])


def _person(manifest: Manifest, position: int) -> list[tuple[str, str, str]]:
    subject = str(manifest["subject"][position])
    return [("person", str(manifest["source"][position]), subject)] if subject else []
