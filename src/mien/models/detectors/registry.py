"""Detectors by name: `yunet`, `haar:alt2`, `mtcnn:r3:tiled` ... The built-in ones and a stranger's register the same way.

A name is `NAME[:VARIANT][:tiled]`. The factory of NAME gets VARIANT ("" when there is none); `:tiled` puts any detector on tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from mien.errors import UnknownName, UsageError, WeightsMissing
from mien.models.detectors.tiles import Tiled
from mien.models.locate import locate
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


Factory: TypeAlias = Callable[..., Detector]
"""Gives a detector for a variant, a number of threads (0: all, by the keyword `threads`) and options of its own by keywords."""

DETECTORS: dict[str, Factory] = {}
VARIANTS: dict[str, tuple[str, ...]] = {}
LICENCES: dict[str, str] = {}
"""Of the weights, for listings; empty where it is not known."""


def register(name: str, factory: Factory, *, variants: tuple[str, ...] = (), licence: str = "") -> None:
    """Make a detector known by name, and its variants and its weights' licence for listings. An existing name is replaced.

    >>> from mien.testing import FakeDetector
    >>> register("fake", lambda variant, *, threads: FakeDetector())
    """
    if ":" in name or not name:
        raise UsageError(f"detector name {name!r}: wanted one without a colon, which separates the variant")
    check_kind(f"factory of detector {name!r}", factory, Callable, "a callable that gives a detector")  # type: ignore[arg-type]
    DETECTORS[name] = factory
    VARIANTS[name] = variants
    LICENCES[name] = licence


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


def names() -> Iterator[str]:
    """Names of all detectors with their variants; each may be followed by `:tiled`."""
    load_plugins()
    for name in sorted(DETECTORS):
        yield name
        yield from (f"{name}:{variant}" for variant in VARIANTS[name])


def weights_file(file: str, name: str, given: Path | str | None = None) -> Path:
    """The path of a built-in detector's weights: the one given, else the file of ours, its hash checked."""
    if given is not None:
        return locate(Path(given).absolute(), name=name)
    return locate(file, name=name, sha256=SHA256[file], hint=HINT)


def _preset(name: str, variant: str, presets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if variant not in presets:
        raise UnknownName("detector", f"{name}:{variant}", [f"{name}:{known}" if known else name for known in presets])
    return presets[variant]


YUNET: dict[str, dict[str, Any]] = {"": {}, "1280": {"side": 1280}, "full": {"side": 0}}
MTCNN: dict[str, dict[str, Any]] = {"": {}, "r3": {"square": True, "margin": 0.1}}
MEDIAPIPE: dict[str, dict[str, Any]] = {"": {"range": "short"}, "full": {"range": "full"}}
HAAR: dict[str, dict[str, Any]] = {
    "": {},
    "alt": {"cascade": "alt"},
    "alt2": {"cascade": "alt2"},
    "alt_tree": {"cascade": "alt_tree"},
    "profile": {"cascade": "profile"},
    "r1": {"scale": 1.03, "neighbours": 10},
    "r1-video": {"scale": 1.1, "neighbours": 5},
    "r2": {"cascade": "alt2"},
    "r4": {"scale": 1.3, "neighbours": 5},
}
"""R1 on stills and on video, R2 and R4 as their code had them."""


def _yunet(variant: str, /, *, threads: int, weights: Path | str | None = None, **options: Any) -> Detector:
    from mien.models.detectors.yunet import YuNet

    settings = _preset("yunet", variant, YUNET) | options
    try:
        path = weights_file("yunet.onnx", "yunet", weights)
    except WeightsMissing:
        if weights is not None:
            raise
        path = weights_file("yunet_2023mar.onnx", "yunet")  # what `mien models get yunet` fetches
    return YuNet(path, threads=threads, **settings)


def _haar(variant: str, /, *, threads: int, **options: Any) -> Detector:
    from mien.models.detectors.haar import Haar

    settings = {"cascade": variant} if variant.lower().endswith(".xml") else _preset("haar", variant, HAAR)
    return Haar(**(settings | options))


def _mtcnn(variant: str, /, *, threads: int, weights: Path | str | None = None, **options: Any) -> Detector:
    from mien.models.detectors.mtcnn import Mtcnn

    settings = _preset("mtcnn", variant, MTCNN) | options
    files = [f"mtcnn_{net}.onnx" for net in ("pnet", "rnet", "onet")]  # `weights` is the folder that holds all three
    pnet, rnet, onet = (weights_file(file, "mtcnn", None if weights is None else Path(weights) / file) for file in files)
    return Mtcnn(pnet, rnet, onet, threads=threads, **settings)


def _mediapipe(variant: str, /, *, threads: int, weights: Path | str | None = None, **options: Any) -> Detector:
    from mien.models.detectors.blazeface import RANGES, BlazeFace

    settings = _preset("mediapipe", variant, MEDIAPIPE) | options
    return BlazeFace(weights_file(RANGES[settings["range"]].file, "mediapipe", weights), threads=threads, **settings)


register("yunet", _yunet, variants=("1280", "full", "tiled"), licence="MIT")
register("haar", _haar, variants=tuple(filter(None, HAAR)), licence="Intel (BSD-3-Clause)")  # as the cascades' files say
register("mtcnn", _mtcnn, variants=("r3",), licence="MIT")
register("mediapipe", _mediapipe, variants=("full",), licence="Apache-2.0")
