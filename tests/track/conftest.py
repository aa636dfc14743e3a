"""Heads for made scenes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.testing import Cutout, cut_out
from mien.types import Faces

FACES = {
    "astronaut": (178, 62, 269, 177),
    "cameraman": (195, 112, 257, 195),
    "group": (562, 88, 702, 286),
    "portrait": (293, 72, 483, 331),
    "speech": (192, 237, 477, 629),
}


@pytest.fixture(scope="session")
def heads(examples: Path) -> list[Cutout]:
    """Eight heads of eight colours: five of the examples, and three of them again under another light."""
    out = []
    for name, box in FACES.items():
        image = np.asarray(Image.open(examples / f"{name}.jpg").convert("RGB"))
        out += cut_out(image, Faces.without_points([box], [0.9]))
    out += [Cutout(np.ascontiguousarray(out[i].image[..., ::-1]), out[i].box, out[i].points) for i in (0, 2, 3)]
    return out
