"""Crops to emotions by an ONNX file and its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import CardInvalid, UnknownName
from mien.labels import anchors
from mien.models.card import Head, ModelCard
from mien.models.session import open_session, threads_for
from mien.types import Emotions, Floats, Image
from mien.vision.align import CropSpec

BATCH = 32
"""Crops in one run of the network, in sequences or not: larger batches are not faster on a CPU and take more memory."""
RUNTIMES = ("onnxruntime", "openvino")
"""What can run the file."""


def softmax(logits: NDArray[np.floating[Any]], temperature: float = 1.0) -> Floats:
    """Softmax along the last axis in float64, float32 out."""
    scaled = logits.astype(np.float64) / temperature
    shifted = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)


def tempered(logits: NDArray[np.floating[Any]], temperature: float, slopes: tuple[float, ...] = ()) -> Floats:
    """Softmax of logits (n, K) at a temperature of each row's own, float32 (n, K): calibrated to the face at hand (after Joy et al. 2023).

    slopes: K + 1 numbers, of the K labels and of the confidence. With p = softmax(logits / temperature) a row's temperature is
    temperature * exp(sum of slopes[k] * p[k] + slopes[K] * (max p - 1/2)): a smooth function of the row, so that values over time have
    no jumps, and the order of its labels stays. Empty: one temperature for all.
    """
    return _sloped(softmax(logits, temperature), slopes)


def traits(probs: Floats) -> NDArray[np.float64]:
    """What `tempered` multiplies its slopes with, float64 (n, K + 1): probabilities and confidence less a half."""
    exact = probs.astype(np.float64)
    return np.concatenate([exact, exact.max(axis=1, keepdims=True) - 0.5], axis=1)


def _sloped(plain: Floats, slopes: tuple[float, ...]) -> Floats:
    """Probabilities at one temperature, float32 (n, K), with slopes: a softmax's probabilities to the power 1 / t are those at t times its
    temperature."""
    if not slopes:
        return plain
    found = traits(plain)
    powered = found[:, :-1] ** np.exp(-found @ np.array(slopes))[:, None]
    return np.asarray(powered / powered.sum(axis=1, keepdims=True), np.float32)


def _plain(head: Head, raw: Floats) -> Floats:
    """Probabilities of an output at one temperature, float32 (n, K)."""
    if head.kind == "probs":
        return raw
    return softmax(raw + np.array(head.offsets, np.float32) if head.offsets else raw, head.temperature)


def head_probs(head: Head, raw: Floats) -> Floats:
    """Probabilities, float32 (n, K), of an output as its head in the card says."""
    return _sloped(_plain(head, raw), head.temperature_slopes)


def blended(card: ModelCard, raw: dict[str, Floats]) -> Floats:
    """The probabilities mien reports, float32 (n, K) over `card.labels`, from raw outputs.

    A head that knows fewer labels speaks only about those it knows: it shares out the probability that the widest head
    gives them all together, and leaves the rest (contempt, uncertain) as the widest head has it.
    """
    return _blend(card, {name: _plain(card.outputs[name], raw[name]) for name in card.blend})


def _blend(card: ModelCard, plain: dict[str, Floats]) -> Floats:
    """The same from what `_plain` gives, which whoever wants the heads too has already."""
    labels = card.labels
    parts = {name: _reweighted(card.outputs[name], plain[name], alone=len(card.blend) == 1) for name in card.blend}
    wide = next(parts[name] for name in card.blend if card.outputs[name].labels == labels)
    total = np.zeros_like(wide)
    for name, share in card.blend.items():
        at = [labels.index(label) for label in card.outputs[name].labels]
        lifted = wide.copy()
        lifted[:, at] = parts[name] * wide[:, at].sum(axis=1, keepdims=True)
        total += share * lifted
    powered = total ** (1 / card.blend_temperature)
    return np.asarray(powered / powered.sum(axis=1, keepdims=True), np.float32)


def _reweighted(head: Head, plain: Floats, *, alone: bool) -> NDArray[np.float64]:
    """A head's part in the blend, float64 (n, K): with its `blend_offsets` in place of its `offsets`; beside others without slopes."""
    exact = plain
    if head.blend_offsets:
        weighted = plain * np.exp((np.array(head.blend_offsets) - np.array(head.offsets or 0.0)) / head.temperature)
        exact = weighted / weighted.sum(axis=1, keepdims=True)
    return (_sloped(exact, head.temperature_slopes) if alone else exact).astype(np.float64)


def in_batches(run: Callable[[Image], Sequence[Floats]], crops: Image, card: ModelCard) -> list[Floats]:
    """What a network gives for any number of crops, of one and more, float32 (n, ...) each.

    run: gives some arrays for as many of them as one run takes. crops: as OnnxRecogniser.outputs takes them.
    """
    channels = 1 if card.crop.colour == "grey" else 3
    batch = max(1, BATCH // max(1, card.frames))
    parts = [run(np.ascontiguousarray(crops[start : start + batch, ..., :channels])) for start in range(0, len(crops), batch)]
    return [np.concatenate(of_one).astype(np.float32, copy=False) for of_one in zip(*parts, strict=True)]


def _session(path: Path, threads: int, runtime: str) -> Any:
    if runtime not in RUNTIMES:
        raise UnknownName("runtime", runtime, RUNTIMES)
    if runtime == "openvino":
        from mien.models.openvino import OpenVinoSession

        return OpenVinoSession(path, threads=threads_for(threads))
    return open_session(path, threads=threads)


class OnnxRecogniser:
    """A recogniser on an ONNX file. Thread-safe; the same crop gives the same answer in any batch.

    threads: of the network, 0 chooses by the machine. runtime: one of RUNTIMES; openvino is the extra mien[openvino].
    """

    def __init__(self, card: ModelCard, path: Path, *, threads: int = 0, runtime: str = "onnxruntime") -> None:
        self.card = card
        self.path = path
        self._session = _session(path, threads, runtime)
        given = self._session.get_inputs()[0]
        self._input = given.name
        self._check_crops(tuple(given.shape))
        self._names = [output.name for output in self._session.get_outputs()]
        if missing := set(card.outputs) - set(self._names):
            raise CardInvalid(
                f"{path.name}: the card of {card.name!r} names outputs {', '.join(sorted(missing))}; the file has {', '.join(self._names)}"
            )

    def _check_crops(self, shape: tuple[Any, ...]) -> None:
        """Raise CardInvalid where the file takes other crops than the card says; what a file leaves open is text or None there."""
        crop, frames = self.card.crop, self.card.frames
        wanted = (*((frames,) if frames else ()), crop.size, crop.size, 1 if crop.colour == "grey" else 3)
        if len(shape) != 1 + len(wanted) or any(isinstance(a, int) and a >= 0 and a != b for a, b in zip(shape[1:], wanted, strict=True)):
            told = ", ".join("n" if not isinstance(a, int) or a < 0 else str(a) for a in shape)
            raise CardInvalid(
                f"{self.path.name}: takes crops of shape ({told}); the card of {self.card.name!r} says (n, {', '.join(map(str, wanted))})"
            )

    @property
    def crop(self) -> CropSpec:
        """The crop it wants."""
        return self.card.crop

    def outputs(self, crops: Image) -> dict[str, Floats]:
        """Raw outputs by name, float32 (n, K), of uint8 (n, size, size, 3) crops, or of 1 channel where the model reads grey.

        A model of sequences (the card's `frames`) takes (n, frames, size, size, 3 or 1).
        """
        names = list(self.card.outputs)
        if not len(crops):
            return {name: np.zeros((0, len(head.labels) or 2), np.float32) for name, head in self.card.outputs.items()}
        found = in_batches(lambda part: self._session.run(names, {self._input: part}), crops, self.card)
        return dict(zip(names, found, strict=True))

    def __call__(self, crops: Image) -> Emotions:
        """Emotions of uint8 (n, size, size, 3) RGB crops made by `mien.vision.align.align` with this model's `crop`.

        A model of sequences (the card's `frames`) takes (n, frames, size, size, 3): of one person each, oldest first.
        """
        size, frames = self.card.crop.size, self.card.frames
        wanted = (*((frames,) if frames else ()), size, size, 3)
        if crops.dtype != np.uint8 or crops.shape[1:] != wanted:
            shape = f"(n, {', '.join(map(str, wanted))})"
            raise CardInvalid(f"crops: found {crops.dtype} {crops.shape}, model {self.card.name!r} wants uint8 {shape}")
        return self.read(self.outputs(crops))

    def read(self, raw: dict[str, Floats]) -> Emotions:
        """What raw outputs say, as the card has it."""
        plain: dict[str, Floats] = {}
        affect: Floats | None = None
        for name, head in self.card.outputs.items():
            if head.kind == "affect":
                affect = np.clip(raw[name], -1, 1)
            else:
                plain[name] = _plain(head, raw[name])
        if affect is not None and not plain:
            probs = anchors(self.card.anchors).nearness(affect, self.card.blend_temperature)
        else:
            probs = _blend(self.card, plain)
        heads = {name: _sloped(probs_of, self.card.outputs[name].temperature_slopes) for name, probs_of in plain.items()}
        return Emotions(self.card.labels, probs, affect, self.card.affect_from if affect is not None else "", heads=heads)
