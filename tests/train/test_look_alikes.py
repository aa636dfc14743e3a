"""Groups of look-alikes are kept from one training to the next, also while pictures are away."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.manifest import Manifest
from mien.train import look_alikes as looking
from mien.train.look_alikes import look_alikes
from mien.train.telling import silent


def test_it_looks_again_only_when_one_that_was_away_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / f"{i}.png" for i in range(6)]
    for i, file in enumerate(files):
        picture = cv2.resize(np.random.default_rng(i // 2).integers(0, 255, (6, 6), np.uint8), (64, 64), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(file), picture[:, ::-1] if i % 2 else picture)
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    rows = Manifest({"id": list("abcdef"), "path": [str(file) for file in files], "sha256": hashes})
    looked: list[int] = []
    real = looking.measure
    monkeypatch.setattr(looking, "measure", lambda *args, **more: looked.append(1) or real(*args, **more))

    def groups() -> list[int]:
        return look_alikes(rows, tmp_path / "kept", threads=1, say=lambda line: None, progress=silent).tolist()

    away = files[1].rename(tmp_path / "away.png")
    assert groups() == groups() == [0, 1, 2, 2, 4, 4]
    assert len(looked) == 1  # one that cannot be read, as one that is broken, costs no search at each training
    away.rename(files[1])
    assert groups() == groups() == [0, 0, 2, 2, 4, 4]
    assert len(looked) == 2
