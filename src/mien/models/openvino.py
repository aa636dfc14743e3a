"""An ONNX file run by OpenVINO instead of onnxruntime: the extra mien[openvino]."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mien.errors import ExtraMissing, ModelError, install
from mien.types import Floats, Image

_hiding = threading.Lock()
"""Held while a package is hidden: two threads that load models at once would take away each other's mark."""


def _without_telemetry() -> Any:
    """The module openvino. Raises ExtraMissing.

    Its import reports itself to its makers over the network, by the package openvino_telemetry; where that is not installed it takes
    a stub of its own instead. So that package is hidden from it.
    """
    with _hiding:
        there = sys.modules.get("openvino_telemetry")
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # Python's own way to say that a module is not to be found
        try:
            return importlib.import_module("openvino")
        except ImportError as error:
            raise ExtraMissing(f"running a model by OpenVINO needs it: {install('openvino')}") from error
        finally:
            del sys.modules["openvino_telemetry"]
            if there is not None:
                sys.modules["openvino_telemetry"] = there


class Port(NamedTuple):
    """An input or output of a network."""

    name: str
    shape: tuple[int, ...]
    """-1 where the file leaves it open."""


class OpenVinoSession:
    """What a recogniser asks of an onnxruntime.InferenceSession, answered by OpenVINO on the CPU. Thread-safe.

    threads: of the network, 0 for as many as OpenVINO likes. Answers differ from onnxruntime's by a step in 8 bits here and there.
    Raises ExtraMissing without OpenVINO, ModelError for a file that it cannot read.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        openvino = _without_telemetry()
        # Where the processor knows bfloat16 OpenVINO would compute in it, and then no longer in 8 bits: slower, and other answers.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"} | (
            {"INFERENCE_NUM_THREADS": threads} if threads else {}
        )
        try:
            core = openvino.Core()
            self._compiled = core.compile_model(core.read_model(path), "CPU", settings)
        except RuntimeError as error:
            raise ModelError(
                f"{path}: OpenVINO cannot open it ({str(error).strip().splitlines()[-1]}); wanted a whole ONNX file"
            ) from error
        self._local = threading.local()

    def get_inputs(self) -> list[Port]:
        """Its inputs."""
        return [_port(port) for port in self._compiled.inputs]

    def get_outputs(self) -> list[Port]:
        """Its outputs."""
        return [_port(port) for port in self._compiled.outputs]

    def run(self, names: Sequence[str], given: Mapping[str, Image]) -> list[Floats]:
        """The outputs of these names."""
        if not hasattr(self._local, "request"):  # a request is one caller's
            self._local.request = self._compiled.create_infer_request()
        self._local.request.infer(dict(given))
        return [np.array(self._local.request.get_tensor(name).data, np.float32) for name in names]


def _port(port: Any) -> Port:
    return Port(port.any_name, tuple(-1 if side.is_dynamic else side.get_length() for side in port.partial_shape))
