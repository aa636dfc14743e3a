"""What a network sees in a face before it gives it a name: the numbers that its last dense layer reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import CardInvalid, ExtraMissing, ModelError, install
from mien.models.recogniser import OnnxRecogniser, in_batches
from mien.models.session import open_session
from mien.types import Emotions, Floats, Image

if TYPE_CHECKING:
    import onnx

DENSE = ("Gemm", "MatMul")


class Features:
    """Gives the features of crops, as a model's own file computes them by onnxruntime: what its last dense layer reads, of several layers
    all behind one another.

    Their tensors are those that the card names as `features`; where it names none they are looked for in the file, for which onnx is
    needed.

    Raises ExtraMissing without it, CardInvalid for a name that the file does not have, ModelError for a network without a dense layer, or
    one that reads sequences.
    """

    def __init__(self, model: OnnxRecogniser, *, threads: int = 0) -> None:
        if model.card.frames:
            raise ModelError(f"{model.path.name}: reads sequences, which have no features of a single face; wanted a model of single crops")
        self._model = model
        self._names = model.card.features or _found(model)
        try:
            self._session = open_session(model.path, threads=threads, also=self._names)
        except ModelError as error:  # the file alone was opened before
            raise CardInvalid(
                f"{model.path.name}: the card of {model.card.name!r} names the features {', '.join(self._names)}; wanted tensors of the "
                "file, or no `features` in the card: then they are looked for"
            ) from error
        self._input = self._session.get_inputs()[0].name

    def __call__(self, crops: Image) -> Floats:
        """float32 (n, width) of uint8 (n, size, size, 3) RGB crops as the model wants them."""
        return self.read(crops)[1]

    def read(self, crops: Image) -> tuple[Emotions, Floats]:
        """What the faces show, as the model itself says it, and their features, from one run of the network."""
        if not len(crops):  # how wide they are only the network knows
            emotions, features = self.read(np.zeros((1, *crops.shape[1:]), np.uint8))
            return emotions[:0], features[:0]
        outputs = list(self._model.card.outputs)
        asked = [*outputs, *self._names]
        found = in_batches(lambda part: self._session.run(asked, {self._input: part}), crops, self._model.card)
        if wrong := [name for name, one in zip(asked, found, strict=True) if len(one) != len(crops)]:
            raise CardInvalid(f"{self._model.path.name}: {wrong[0]} has not a row a crop; wanted `features` of the card that do")
        seen = [one.reshape(len(crops), -1) for one in found[len(outputs) :]]
        return self._model.read(dict(zip(outputs, found, strict=False))), np.concatenate(seen, axis=1)


def _found(model: OnnxRecogniser) -> tuple[str, ...]:
    """The tensors of a model whose card does not name them. Raises ExtraMissing, ModelError."""
    try:
        import onnx
    except ImportError:
        raise ExtraMissing(f"{model.path.name}: its card names no `features`, and finding them needs onnx: {install('train')}") from None
    names = last_inputs(onnx.load(model.path), model.card.outputs)
    if not names:
        raise ModelError(f"{model.path.name}: has no dense layer ({' or '.join(DENSE)}) whose input could be taken as features")
    return tuple(names)


def last_inputs(model: onnx.ModelProto, outputs: Iterable[str]) -> list[str]:
    """What the last dense layers before some outputs read, each once, in the order of the graph."""
    stored = {tensor.name for tensor in model.graph.initializer}
    made_by = {name: node for node in model.graph.node for name in node.output}
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in seen or name not in made_by:
            continue
        seen.add(name)
        node = made_by[name]
        if node.op_type in DENSE:
            found.add(node.input[0])
        else:
            waiting += [one for one in node.input if one not in stored]
    order = [name for node in model.graph.node for name in node.output]
    return sorted(found, key=order.index)
