"""Crops of the faces, kept only when asked for: R3's two folders, of the faces it was sure about and of the others."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from mien.sinks.files import prepare_folder, replace
from mien.sinks.originals import Originals
from mien.sinks.pictures import encoded
from mien.sinks.sink import BadTarget, Sink
from mien.types import Frame, Result

SIZE = 160


class CropsSink(Sink):
    """`faces/selected` and `faces/rejected` below a folder: 160x160, `<confidence>.<n>.jpg`, n the ordinal of the face.

    It counts through the run, from 0, or from behind the crops that lie there already: many faces share a confidence, so that a second
    run counting from 0 again would replace some of them and mix the others with its own. Raises BadTarget when inputs lie where the
    crops would.
    """

    def __init__(self, folder: Path, *, originals: Originals = Originals()) -> None:
        self.folder = folder
        self._sure, self._unsure = folder / "faces" / "selected", folder / "faces" / "rejected"
        for target in (self._sure, self._unsure):
            if originals.read_from(target):
                raise BadTarget(f"{target}: inputs are read from there, and they are never overwritten; save the crops elsewhere")
        prepare_folder(self._sure)
        prepare_folder(self._unsure)
        self._number = 1 + max((_ordinal(path) for folder in (self._sure, self._unsure) for path in folder.glob("*.jpg")), default=-1)

    @property
    def what(self) -> str:
        """The folder's name."""
        return f"{self.folder / 'faces'}{os.sep}"

    def write(self, frame: Frame, result: Result, /) -> None:
        """Save the crops of one picture. A box without area, as a plug-in may give, has none."""
        from mien.vision.draw import crop_name, face_crops

        boxes = result.faces.boxes
        real = np.flatnonzero(np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        faces = result.faces[real]
        unsure = result.emotions.unsure
        for i, crop, score in zip(real, face_crops(frame.image, faces, size=SIZE), faces.scores, strict=True):
            name = crop_name(float(np.clip(score, 0, 1)), self._number)
            replace((self._unsure if unsure[i] else self._sure) / name, encoded(crop, ".jpg"))
            self._number += 1


def _ordinal(path: Path) -> int:
    """The n of a crop's name, `<confidence>.<n>.jpg`; -1 for another file."""
    found = re.fullmatch(r"[01]\.\d+\.(\d+)\.jpg", path.name, re.ASCII)
    return int(found[1]) if found else -1
