"""Fakes for tests of programs that use mien: the whole road, without a network or a photograph, and scenes whose truth is known.

A planted picture carries grey squares, each a "face" whose brightness says which emotion it shows. FakeDetector finds the
squares, FakeRecogniser reads the brightness from their crops, and everything between and behind them is the real thing.

>>> import mien
>>> from mien.testing import FakeDetector, FakeRecogniser, planted_picture
>>> image, faces = planted_picture([((40, 30, 100, 90), "happy")])
>>> analyzer = mien.Analyzer(detector=FakeDetector(), recogniser=FakeRecogniser())
>>> analyzer.image(image).emotions.top
['happy']

`make_scene` lets heads cut from pictures walk about, cross and hide, for trackers; `planted_timeline` has expressions that
begin at known times, for what works on time. `drawn_face` is a face to real detectors.
"""

from __future__ import annotations

from mien.testing.drawn import drawn_face
from mien.testing.fakes import BACKGROUND, DARKEST, STEP, FakeDetector, FakeRecogniser, make_result, planted_picture
from mien.testing.scenes import SCENES, Cutout, Scene, cut_out, make_scene, noisy
from mien.testing.timelines import planted_results, planted_timeline

__all__ = [
    "BACKGROUND",
    "DARKEST",
    "SCENES",
    "STEP",
    "Cutout",
    "FakeDetector",
    "FakeRecogniser",
    "Scene",
    "cut_out",
    "drawn_face",
    "make_result",
    "make_scene",
    "noisy",
    "planted_picture",
    "planted_results",
    "planted_timeline",
]
