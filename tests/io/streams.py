"""Cameras on the network, for tests: Motion JPEG over HTTP on the loopback, which can be cut, stall and come back; MPEG-TS. And clips."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np

BOUNDARY = "frame"


class MjpegServer:
    """Serves one picture over and over, 50 times a second, to whoever asks; `cut` breaks connections off and refuses new ones."""

    def __init__(self, image: np.ndarray) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.show(image)
        self._server: ThreadingHTTPServer | None = None
        self._cut = threading.Event()
        self.stalled = threading.Event()
        """While set, connections are accepted and kept, but nothing is sent."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video"

    def show(self, image: np.ndarray) -> None:
        """The picture from now on, uint8 (H, W, 3) RGB."""
        self._jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()

    def start(self) -> None:
        """Listen; on the same port again after a cut."""
        outer = self
        self._cut = cut = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.headers.get("Authorization", ""))
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                while not cut.is_set():
                    if outer.stalled.is_set():
                        cut.wait(0.02)
                        continue
                    jpeg = outer._jpeg
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                    except OSError:
                        return
                    cut.wait(0.02)

            def log_message(self, *args: object) -> None:
                """Nothing on stderr."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def cut(self) -> None:
        """Break off every connection and listen no more."""
        if self._server is not None:
            self._cut.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def mjpeg(image: np.ndarray) -> Iterator[MjpegServer]:
    """A server that runs while in here."""
    server = MjpegServer(image)
    server.start()
    try:
        yield server
    finally:
        server.cut()


@contextmanager
def transport(*, seconds: float, fps: int = 20, then_stalls: bool = False) -> Iterator[str]:
    """The address of an MPEG transport stream: to whoever asks, so many seconds of it, as they pass."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            try:
                _send(self.wfile, round(seconds * fps), fps, over)
                over.wait(60 if then_stalls else 0)
            except OSError:
                return

        def log_message(self, *args: object) -> None:
            """Nothing on stderr."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/ts"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def _send(file: Any, count: int, fps: int, over: threading.Event) -> None:
    import av

    if not count:
        return
    base = Fraction(1, 90_000)
    with av.open(Written(file), "w", format="mpegts", options={"flush_packets": "1"}) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "tune": "zerolatency", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = base
        began = time.monotonic()
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 256, np.uint8), format="rgb24")
            frame.pts, frame.time_base = round(number / fps / base), base
            container.mux(stream.encode(frame))
            if over.wait(max(0.0, began + (number + 1) / fps - time.monotonic())):
                return


class Written:
    """A file that can only be written to, as PyAV takes it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        self._file.write(data)
        return len(data)


def clip(path: Path, images: Sequence[np.ndarray], times: Sequence[float]) -> Path:
    """A video of these pictures, uint8 (H, W, 3) RGB with even sides, at these seconds."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12", "preset": "ultrafast"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for image, at in zip(images, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
