"""What a network sees in a face before it gives it a name: the numbers that its last dense layer reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import ExtraMissing, ModelError
from mien.models.recogniser import BATCH, OnnxRecogniser
from mien.models.session import open_session
from mien.types import Floats, Image

if TYPE_CHECKING:
    import onnx

DENSE = ("Gemm", "MatMul")


class Features:
    """Gives the features of crops, as a model's own file computes them: what its last dense layer reads, of several layers all behind
    one another.

    Raises ExtraMissing without onnx, ModelError for a network without a dense layer, or one that reads sequences.
    """

    def __init__(self, model: OnnxRecogniser, *, threads: int = 0) -> None:
        try:
            import onnx
        except ImportError:
            raise ExtraMissing('features of a network need onnx: pip install "mien[train]"') from None
        if model.card.frames:
            raise ModelError(f"{model.path.name}: reads sequences, which have no features of a single face; wanted a model of single crops")
        graph = onnx.load(model.path)
        self._names = last_inputs(graph, model.card.outputs)
        if not self._names:
            raise ModelError(f"{model.path.name}: has no dense layer ({' or '.join(DENSE)}) whose input could be taken as features")
        graph.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in self._names)
        with TemporaryDirectory() as folder:  # a session opens files
            path = Path(folder) / model.path.name
            onnx.save(graph, path)
            self._session = open_session(path, threads=threads)
        self._input = self._session.get_inputs()[0].name
        self._channels = 1 if model.card.crop.colour == "grey" else 3

    def __call__(self, crops: Image) -> Floats:
        """float32 (n, width) of uint8 (n, size, size, 3) RGB crops as the model wants them; n of 1 or more."""
        seen = np.ascontiguousarray(crops[..., : self._channels])
        parts = [self._session.run(self._names, {self._input: seen[i : i + BATCH]}) for i in range(0, len(seen), BATCH)]
        joined = [np.concatenate(one).reshape(len(seen), -1) for one in zip(*parts, strict=True)]
        return np.concatenate(joined, axis=1).astype(np.float32, copy=False)


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
