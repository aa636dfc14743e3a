"""One way to open an ONNX file: CPU, a chosen number of threads, quiet."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


def load_onnxruntime() -> Any:
    """The module onnxruntime, which everything here imports by this.

    Its wheels (seen in 1.31) report to their makers which models are loaded on which processor, and keep what could not be sent in a
    database under the user's cache. Nothing of that happens when this variable is set before the import.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    return importlib.import_module("onnxruntime")


def threads_for(asked: int) -> int:
    """Threads of a network: as many as asked for, but no more than there are cores; for 0 one where there are no more than two cores,
    else 0, for all of them."""
    cores = os.cpu_count() or 1
    if asked:
        return min(asked, cores)
    # On two cores with other work beside them, two threads of a network mostly wait for each other: no picture was done sooner with
    # them, and a video, where the other core draws and encodes, took 12 % more CPU a frame.
    return 1 if cores <= 2 else 0


def open_session(path: Path, *, threads: int = 0, also: Sequence[str] = ()) -> onnxruntime.InferenceSession:
    """Open `path` for inference, with as many threads as `threads_for` says.

    also: tensors inside the graph that it gives as well as its outputs.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads_for(threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads that spin would eat the cores that decoding and drawing need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        content = path.read_bytes() + more_outputs(also) if also else str(path)
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each kind of bad file
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: onnxruntime cannot open it ({reason}); wanted a whole ONNX file") from error


def more_outputs(names: Iterable[str]) -> bytes:
    """What makes tensors inside a graph outputs of it too when it is put behind the bytes of an ONNX file.

    The file is one protobuf message, and of two that stand one after the other their parts are joined, lists one behind the other
    (protobuf's encoding, "Last one wins"). So no package that knows ONNX is needed. The numbers of the fields are those of onnx.proto:
    ModelProto.graph, GraphProto.output, ValueInfoProto.name.
    """
    return _field(7, b"".join(_field(12, _field(1, name.encode())) for name in names))


def _field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message that has a length: its tag, the length, the content."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """A whole number of 0 and more, seven bits a byte, the lowest first; the highest bit says that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
