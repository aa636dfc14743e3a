"""One way to open an ONNX file: CPU, a chosen number of threads, quiet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


def open_session(path: Path, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open `path` for inference; `threads` 0 lets onnxruntime take every core."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Idle threads that spin would eat the cores that decoding and drawing need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each kind of bad file
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: onnxruntime cannot open it ({reason}); wanted a whole ONNX file") from error
