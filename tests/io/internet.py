"""A server on loopback plays the internet: names and addresses are given by the test, connections all end at the server."""

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Iterator

from mien.io.fetch import fetch

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(2000)


class Pages(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str | None]]

    def log_message(self, *_: object) -> None:
        pass

    def send(self, body: bytes, kind: str | None = "image/png", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Transfer_Encoding" not in headers and "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        self.close_connection = True
        page, _, query = self.path[1:].partition("?")
        if page in ("picture.png", "a%20b.png", "%D1%84.png"):
            self.send(PICTURE)
        elif page == "redirect":
            self.send(b"", status=302, Location=query)
        elif page == "loop":
            self.send(b"", status=301, Location="/loop")
        elif page == "nowhere":
            self.send(b"", status=302)
        elif page == "html":
            self.send(b"<!doctype html>", "text/html; charset=utf-8")
        elif page == "camera":
            self.send(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", "multipart/x-mixed-replace; boundary=frame")
        elif page == "list":
            self.send(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n", query)
        elif page == "mislabelled":
            self.send(PICTURE, "text/plain")
        elif page == "unlabelled":
            self.send(PICTURE, None)
        elif page == "status":
            self.send(b"sorry", "text/plain", int(query))
        elif page == "announced":
            self.send_response(200)
            self.send_header("Content-Length", "1000000000")
            self.end_headers()
        elif page == "short":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(PICTURE)
        elif page == "endless":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.forever(b"1000\r\n" + PICTURE[:8] + bytes(4088) + b"\r\n")
        elif page == "drip":
            self.send_response(200)
            self.end_headers()
            self.forever(PICTURE[:8], 0.02)
        elif page == "drip-headers":
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            self.forever(b"X", 0.02)
        elif page == "garbage":
            self.wfile.write(b"SSH-2.0-OpenSSH_9.0\r\n\r\n")
        elif page == "silent":
            time.sleep(0.6)

    def forever(self, piece: bytes, pause: float = 0) -> None:
        end = time.monotonic() + 5
        try:
            while time.monotonic() < end:
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(pause)
        except OSError:
            pass


class Internet:
    """Names, and a record of what was resolved and connected to."""

    def __init__(self, port: int, asked: list[tuple[str, str | None]]) -> None:
        self.port = port
        self.asked = asked
        self.names = {"good.test": ["93.184.216.34"], "other.test": ["93.184.216.35"], "inside.test": ["10.0.0.5"]}
        self.connected: list[tuple[str, int]] = []

    def resolve(self, host: str, port: int) -> list[str]:
        if host not in self.names:
            raise socket.gaierror(-2, "Name or service not known")
        return self.names[host]

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        self.connected.append((address, port))
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def fetch(self, url: str, **options: object) -> bytes:
        return fetch(url, resolve=self.resolve, connect=self.connect, **options)  # type: ignore[arg-type]


def serving(context: ssl.SSLContext | None = None) -> Iterator[Internet]:
    asked: list[tuple[str, str | None]] = []
    handler = type("OwnPages", (Pages,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients here hang up on purpose
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    yield Internet(server.server_address[1], asked)
    server.shutdown()
    server.socket.close()
    thread.join()
