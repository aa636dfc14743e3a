"""mien reads facial expressions: photos, videos and cameras in; faces, nine emotion probabilities, valence and arousal out.

>>> import mien
>>> for row in mien.analyze("examples/astronaut.jpg").rows():  # doctest: +SKIP
...     print(row["emotion"], row["emotion_p"])

What is listed in `__all__` is public: what most programs need, what messages name and what its signatures are typed by; and five modules,
`mien.labels` and the like, with all that has no underscore in them. docs/python.md has further modules that stay as they are. Names are
loaded when first used, so that `import mien` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien import errors, labels, table, testing, types
    from mien.data.balance import SMOTE
    from mien.drawers import names as drawer_names
    from mien.drawers import register as register_drawer
    from mien.errors import MienError
    from mien.inference import Inference
    from mien.io.camera import Live, LiveStats, open_live
    from mien.io.events import Failure, Notice
    from mien.io.images import ImageLimits, from_array
    from mien.io.span import VideoSpan
    from mien.labels import ANCHORS, EMOTIONS, LABEL_SETS, Anchors, to_seven
    from mien.loaded import analyze
    from mien.models.card import ModelCard
    from mien.models.detectors.registry import detector
    from mien.models.detectors.registry import names as detector_names
    from mien.models.detectors.registry import register as register_detector
    from mien.models.registry import names as model_names
    from mien.models.registry import register as register_recogniser
    from mien.options import AnalyzeOptions
    from mien.pipeline import Analysis, Analyzed, Analyzer
    from mien.provenance import Provenance
    from mien.sinks.registry import open_sink
    from mien.sinks.sink import Sink
    from mien.table import COLUMNS
    from mien.timeline import Timeline
    from mien.track.options import TrackOptions
    from mien.types import Detector, Drawer, Emotions, Faces, Frame, Image, Recogniser, Result
    from mien.unsure import UnsureRules
    from mien.vision.align import CropSpec
    from mien.vision.cutouts import anonymize, face_crops
    from mien.vision.draw import draw
    from mien.vision.style import Style

__version__ = "0.1.0"

__all__ = [
    "ANCHORS",
    "COLUMNS",
    "EMOTIONS",
    "LABEL_SETS",
    "SMOTE",
    "Analysis",
    "AnalyzeOptions",
    "Analyzed",
    "Analyzer",
    "Anchors",
    "CropSpec",
    "Detector",
    "Drawer",
    "Emotions",
    "Faces",
    "Failure",
    "Frame",
    "Image",
    "ImageLimits",
    "Inference",
    "Live",
    "LiveStats",
    "MienError",
    "ModelCard",
    "Notice",
    "Provenance",
    "Recogniser",
    "Result",
    "Sink",
    "Style",
    "Timeline",
    "TrackOptions",
    "UnsureRules",
    "VideoSpan",
    "analyze",
    "anonymize",
    "detector",
    "detector_names",
    "draw",
    "drawer_names",
    "errors",
    "face_crops",
    "from_array",
    "labels",
    "model_names",
    "open_live",
    "open_sink",
    "register_detector",
    "register_drawer",
    "register_recogniser",
    "table",
    "testing",
    "to_seven",
    "types",
]

_HOME = {
    "errors": "mien.errors",
    "labels": "mien.labels",
    "table": "mien.table",
    "testing": "mien.testing",
    "types": "mien.types",
    "Failure": "mien.io.events",
    "Notice": "mien.io.events",
    "ImageLimits": "mien.io.images",
    "open_sink": "mien.sinks.registry",
    "open_live": "mien.io.camera",
    "VideoSpan": "mien.io.span",
    "TrackOptions": "mien.track.options",
    "Timeline": "mien.timeline",
    "SMOTE": "mien.data.balance",
    "ANCHORS": "mien.labels",
    "EMOTIONS": "mien.labels",
    "LABEL_SETS": "mien.labels",
    "Analysis": "mien.pipeline",
    "AnalyzeOptions": "mien.options",
    "Analyzed": "mien.pipeline",
    "Analyzer": "mien.pipeline",
    "CropSpec": "mien.vision.align",
    "Emotions": "mien.types",
    "Faces": "mien.types",
    "Frame": "mien.types",
    "Inference": "mien.inference",
    "MienError": "mien.errors",
    "ModelCard": "mien.models.card",
    "Result": "mien.types",
    "Style": "mien.vision.style",
    "UnsureRules": "mien.unsure",
    "Anchors": "mien.labels",
    "COLUMNS": "mien.table",
    "Detector": "mien.types",
    "Drawer": "mien.types",
    "Image": "mien.types",
    "Recogniser": "mien.types",
    "Live": "mien.io.camera",
    "LiveStats": "mien.io.camera",
    "Provenance": "mien.provenance",
    "Sink": "mien.sinks.sink",
    "face_crops": "mien.vision.cutouts",
    "from_array": "mien.io.images",
    "to_seven": "mien.labels",
    "analyze": "mien.loaded",
    "anonymize": "mien.vision.cutouts",
    "detector": "mien.models.detectors.registry",
    "draw": "mien.vision.draw",
    # Functions that have a plain name in their own module and a full one here.
    "detector_names": "mien.models.detectors.registry:names",
    "drawer_names": "mien.drawers:names",
    "model_names": "mien.models.registry:names",
    "register_detector": "mien.models.detectors.registry:register",
    "register_drawer": "mien.drawers:register",
    "register_recogniser": "mien.models.registry:register",
}
"""Public name -> module it lives in, with its name there after a colon where it differs; or the module that it is."""

if not TYPE_CHECKING:  # a type checker must not take any name at all for an attribute of mien

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module 'mien' has no attribute {name!r}")
        home, _, there = _HOME[name].partition(":")
        module = import_module(home)
        value = module if home == f"mien.{name}" else getattr(module, there or name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*__all__, "__version__"})
