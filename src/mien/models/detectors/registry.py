"""Detectors by name: `yunet`, `haar:alt2`, `mtcnn:r3:tiled` ... The built-in ones and a stranger's register the same way.

A name is `NAME[:VARIANT][:tiled]`. The factory of NAME gets VARIANT ("" when there is none); `:tiled` puts any detector on tiles.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from mien.errors import UnknownName, UsageError, WeightsMissing
from mien.models.detectors.tiles import Tiled
from mien.models.locate import locate, stamp, weights_folders
from mien.models.plugins import load_plugins
from mien.types import Detector, check_kind

HINT = "`--detector haar` works without them"

SHA256 = {
    "yunet.onnx": "92cafe67362cbbeea221c182b1de0aa39cb40e84b5d965032e9ca7071e5c3c88",
    "yunet_2023mar.onnx": "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    "mtcnn_pnet.onnx": "07a69013008e612c4d2ad31b09645038911dfec67411cd68ccd0da55ca291a35",
    "mtcnn_rnet.onnx": "de0f837f02b57e1e85959c3ae5c46bcd16162e6e95be5db8794e3c7c85a89004",
    "mtcnn_onet.onnx": "d80f19b44f72e45dd2b7d01384d56994220f60d9417b2a7fbba9041ef1d75e52",
    "blazeface_short.onnx": "172b72a6dc448bef39c8ffd465bec4c0f11113cb80ce115f1225994c138627d3",
    "blazeface_full.onnx": "d5f6da2b8fdf594f495868e7b84cc9de5539e0bb884db224ffc28c6d262e3c2e",
}
"""Hashes of the weights files that come with mien, or that it can fetch."""
NETWORKS: dict[str, tuple[tuple[str, ...], ...]] = {
    "yunet": (("yunet.onnx", "yunet_2023mar.onnx"),),  # the second is what `mien models get yunet` fetches
    "mtcnn": (("mtcnn_pnet.onnx",), ("mtcnn_rnet.onnx",), ("mtcnn_onet.onnx",)),
    "mediapipe": (("blazeface_short.onnx",),),
    "mediapipe:full": (("blazeface_full.onnx",),),
    "whole": (),
}
"""The weights of a built-in detector or variant: of each network the files that may hold it, of which the first that is there is taken."""


@dataclass(frozen=True, slots=True)
class Preset:
    """What a detector's variant is."""

    about: str = ""
    """What it is for, or whose it is."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Options of the detector's class, by name: what tells its variants apart."""


class Factory(Protocol):
    """Gives a detector. One that has options of its own takes them by further keywords."""

    def __call__(self, variant: str, /, *, threads: int) -> Detector:
        """For a variant, "" for none, and a number of threads, 0 for all."""
        ...


DETECTORS: dict[str, Factory] = {}
VARIANTS: dict[str, tuple[str, ...]] = {}
LICENCES: dict[str, str] = {}
"""Of the weights, for listings; empty where it is not known."""
PRESETS: dict[str, Mapping[str, Preset]] = {}
"""By variant, "" for the plain name."""
_registered: dict[str, int] = {}
_turns = itertools.count(1)


def register(
    name: str,
    factory: Factory,
    *,
    variants: tuple[str, ...] = (),
    licence: str = "",
    presets: Mapping[str, Preset] = MappingProxyType({}),
) -> None:
    """Make a detector known by name. An existing name is replaced.

    factory: called as `factory(variant, threads=threads)`, with what stands behind the colon of the name that was asked for ("" for none)
    and the CPU threads that a network may take, 0 for all. Gives a detector: a picture, uint8 (H, W, 3) RGB -> Faces. Raises UsageError
    for an empty name or one with a colon, and for what cannot be called.

    variants, the licence of its weights and presets, which say what the variants are ("": the plain name), are for listings.

    >>> from mien.testing import FakeDetector
    >>> register("fake", lambda variant, *, threads: FakeDetector())
    """
    if ":" in name or not name:
        raise UsageError(f"detector name {name!r}: wanted one without a colon, which separates the variant")
    check_kind(f"factory of detector {name!r}", factory, Callable, "a callable that gives a detector")  # type: ignore[arg-type]
    DETECTORS[name] = factory
    VARIANTS[name] = variants
    LICENCES[name] = licence
    PRESETS[name] = presets
    _registered[name] = next(_turns)


def detector(name: str, *, threads: int = 0, **options: Any) -> Detector:
    """A detector by name, ready to be called with pictures.

    options go to its class: `detector("yunet", side=1280)`; `weights` is the path of a weights file of your own. Raises UnknownName,
    which lists the names there are, and WeightsMissing, which names the command that gets the file.
    """
    plain = name.removesuffix(":tiled")
    head, _, variant = plain.partition(":")
    if head not in DETECTORS:
        load_plugins()
    if head not in DETECTORS:
        raise UnknownName("detector", name, names())
    found = DETECTORS[head](variant, threads=threads, **options)
    check_kind(f"what the factory of detector {head!r} gives", found, Callable, "a detector")  # type: ignore[arg-type]
    return Tiled(found) if plain != name else found


def edition(name: str) -> tuple[object, ...]:
    """What tells the detector of this name from another that was there before: which registration it is, and which files."""
    plain = name.removesuffix(":tiled")
    head, _, variant = plain.partition(":")
    if head not in DETECTORS:
        load_plugins()
    if variant.lower().endswith(".xml"):
        files = [Path(variant)]
    else:
        networks = NETWORKS.get(plain) or NETWORKS.get(head, ())
        files = [folder / file for network in networks for file in network for folder in weights_folders()]  # where locate looks
    return _registered.get(head), *((str(file), stamp(file)) for file in files)


def names() -> list[str]:
    """Names of all detectors with their variants; each may be followed by `:tiled`."""
    load_plugins()
    return [one for name in sorted(DETECTORS) for one in (name, *(f"{name}:{variant}" for variant in VARIANTS[name]))]


def preset(name: str) -> Preset:
    """What a name stands for that `names` gives, or such a one with `:tiled`. Raises UnknownName.

    >>> preset("haar:r1").settings
    {'cascade': 'default', 'scale': 1.03, 'neighbours': 10}
    """
    plain = name.removesuffix(":tiled")
    if plain not in (known := set(names())):
        raise UnknownName("detector", name, known)
    head, _, variant = plain.partition(":")
    found = PRESETS.get(head, {}).get(variant, Preset())
    return found if plain == name else replace(found, about="; ".join(filter(None, (found.about, TILED))))


def weights_file(file: str, name: str, given: Path | str | None = None) -> Path:
    """The path of a built-in detector's weights: the one given, else the file of ours, its hash checked."""
    if given is not None:
        return locate(Path(given).absolute(), name=name)
    return locate(file, name=name, sha256=SHA256[file], hint=HINT)


def _settings(name: str, variant: str, presets: Mapping[str, Preset]) -> dict[str, Any]:
    if variant not in presets:
        raise UnknownName("detector", f"{name}:{variant}", [f"{name}:{known}" if known else name for known in presets])
    return dict(presets[variant].settings)


TILED = "looks at overlapping tiles of a large picture too, at full size"
YUNET = {
    "": Preset("the default: five landmarks; longer pictures are shrunk to this side", {"side": 640}),
    "1280": Preset("for smaller faces", {"side": 1280}),
    "full": Preset("for small faces in large pictures, which are not shrunk", {"side": 0}),
}
MTCNN = {
    "": Preset("five landmarks", {"square": False, "margin": 0.0}),
    "r3": Preset("the box squared, with a margin on every side, as the earlier project R3 had it", {"square": True, "margin": 0.1}),
}
MEDIAPIPE = {
    "": Preset(
        "BlazeFace's short range, which misses small faces, as the earlier project R0 had it",
        {"range": "short", "confidence": 0.6, "square": True, "margin": 0.05},
    ),
    "full": Preset("BlazeFace's full range", {"range": "full", "confidence": 0.6, "square": True, "margin": 0.05}),
}
HAAR = {
    "": Preset("OpenCV's default cascade, upright frontal faces", {"cascade": "default", "scale": 1.1, "neighbours": 5}),
    "alt": Preset("OpenCV's cascade alt", {"cascade": "alt", "scale": 1.1, "neighbours": 5}),
    "alt2": Preset("OpenCV's cascade alt2: fewer false boxes", {"cascade": "alt2", "scale": 1.1, "neighbours": 5}),
    "alt_tree": Preset("OpenCV's cascade alt_tree", {"cascade": "alt_tree", "scale": 1.1, "neighbours": 5}),
    "profile": Preset("faces seen from a side", {"cascade": "profile", "scale": 1.1, "neighbours": 5}),
    "deepface": Preset(
        "as DeepFace's backend opencv searches, its default", {"cascade": "default", "scale": 1.1, "neighbours": 10, "side": 0}
    ),
    "r1": Preset("as the earlier project R1 had it for pictures", {"cascade": "default", "scale": 1.03, "neighbours": 10}),
    "r1-video": Preset("as the earlier project R1 had it for videos", {"cascade": "default", "scale": 1.1, "neighbours": 5}),
    "r2": Preset("as the earlier project R2 had it", {"cascade": "alt2", "scale": 1.1, "neighbours": 5}),
    "r4": Preset("as the earlier project R4 had it", {"cascade": "default", "scale": 1.3, "neighbours": 5}),
}
"""The settings of R1, R2 and R4 are those of their code, DeepFace's those of its OpenCv.py (0.0.103)."""
WHOLE = {"": Preset("does not look: each picture is one face from edge to edge, for ready-made crops")}


def _yunet(variant: str, /, *, threads: int, weights: Path | str | None = None, **options: Any) -> Detector:
    from mien.models.detectors.yunet import YuNet

    settings = _settings("yunet", variant, YUNET) | options
    ((own, fetched),) = NETWORKS["yunet"]
    try:
        path = weights_file(own, "yunet", weights)
    except WeightsMissing:
        if weights is not None:
            raise
        path = weights_file(fetched, "yunet")
    return YuNet(path, threads=threads, **settings)


def _haar(variant: str, /, *, threads: int, **options: Any) -> Detector:
    from mien.models.detectors.haar import Haar

    settings = {"cascade": variant} if variant.lower().endswith(".xml") else _settings("haar", variant, HAAR)
    return Haar(**(settings | options))


def _mtcnn(variant: str, /, *, threads: int, weights: Path | str | None = None, **options: Any) -> Detector:
    from mien.models.detectors.mtcnn import Mtcnn

    settings = _settings("mtcnn", variant, MTCNN) | options
    # `weights` is the folder that holds all three.
    pnet, rnet, onet = (weights_file(file, "mtcnn", None if weights is None else Path(weights) / file) for (file,) in NETWORKS["mtcnn"])
    return Mtcnn(pnet, rnet, onet, threads=threads, **settings)


def _mediapipe(variant: str, /, *, threads: int, weights: Path | str | None = None, **options: Any) -> Detector:
    from mien.models.detectors.blazeface import RANGES, BlazeFace

    settings = _settings("mediapipe", variant, MEDIAPIPE) | options
    return BlazeFace(weights_file(RANGES[settings["range"]].file, "mediapipe", weights), threads=threads, **settings)


def _whole(variant: str, /, *, threads: int, **options: Any) -> Detector:
    from mien.models.detectors.whole import Whole

    return Whole(**(_settings("whole", variant, WHOLE) | options))


register("yunet", _yunet, variants=("1280", "full", "tiled"), licence="MIT", presets=YUNET)
register("haar", _haar, variants=tuple(filter(None, HAAR)), licence="Intel (BSD-3-Clause)", presets=HAAR)  # as the cascades' files say
register("mtcnn", _mtcnn, variants=("r3",), licence="MIT", presets=MTCNN)
register("mediapipe", _mediapipe, variants=("full",), licence="Apache-2.0", presets=MEDIAPIPE)
register("whole", _whole, presets=WHOLE)
