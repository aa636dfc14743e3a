"""One picture or video from an http or https URL, for URLs that strangers hand in.

Where a URL leads is decided by its host's addresses, so these are checked: all of them, before each connection, and the
connection goes to an address that was checked, not to the name again (which could by then resolve elsewhere). Redirects
are followed by hand and checked the same way. Proxies named in the environment are not used, because a proxy would resolve
the name itself and undo the check.
"""

from __future__ import annotations

import functools
import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import BinaryIO, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from mien.errors import SourceError, SourceMissing, SourceRefused, SourceTooLarge, SourceUnreadable
from mien.io.formats import sniff
from mien.io.names import printable

Resolve = Callable[[str, int], list[str]]
"""Host, port -> IP addresses as text."""
Connect = Callable[[str, int, float], socket.socket]
"""IP address, port, seconds -> connected socket."""

_REDIRECTS = (301, 302, 303, 307, 308)
_USERINFO = re.compile(r"//[^/?#\\]*@")
_SECRET = re.compile(
    r"(?<=[?&;])((?:x-amz|x-goog)-[\w-]+|(?:[\w-]*[_-])?(?:token|signature|secret|password|passwd|pwd|api[_-]?key|auth)|sig)=[^&;#]*",
    re.IGNORECASE,
)
"""Names that addresses have for what only their bearer should know, as those that storage services sign."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
_TEREDO = ipaddress.IPv6Network("2001::/32")
# Protocol assignments, 6to4 relays, documentation: which of them `is_global` knows depends on the release of Python.
_SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")))
_PIECE = 1 << 16
_STREAMS = ("multipart/x-mixed-replace", "application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl")
"""What Motion JPEG and the lists of HLS are sent as."""


class PrivateAddress(SourceRefused):
    """The host of a URL has an address outside the public internet; the message says which."""


class _Target(NamedTuple):
    scheme: str
    host: str
    port: int
    path: str


def is_public(address: str) -> bool:
    """Whether an IP address, as text, belongs to the public internet.

    Loopback, private, link-local (cloud metadata too), carrier-grade NAT, multicast, reserved and unspecified addresses
    do not. An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is judged by that.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if any(ip in network for network in _SPECIAL):
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
    if ip.scope_id is not None or ip in _TEREDO:
        return False
    inner = ip.ipv4_mapped or ip.sixtofour
    if ip in _NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(str(inner))
    return ip in _UNICAST and ip.is_global


def without_secrets(url: str) -> str:
    """The URL without a user name and password, and without what lets its bearer in: tables and pages are passed on.

    >>> without_secrets("https://me:pw@a.test/x.png?size=9&X-Amz-Signature=0f&token=1")
    'https://a.test/x.png?size=9&X-Amz-Signature=***&token=***'
    """
    return _SECRET.sub(r"\1=***", _USERINFO.sub("//", url, count=1))


def shown(url: str) -> str:
    """The URL as messages name it: no password, no query (which may hold a token), one line, not endless."""
    bare, query, _ = without_secrets(url).partition("?")
    bare = printable(bare)
    return (bare if len(bare) <= 200 else bare[:199] + "…") + ("?…" if query else "")


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host, by the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection to an IP address. Raises OSError."""
    return socket.create_connection((address, port), timeout=seconds)


def fetch(
    url: str,
    *,
    max_bytes: int = 50_000_000,
    timeout_seconds: float = 10.0,
    allow_private: bool = False,
    max_redirects: int = 5,
    tls: ssl.SSLContext | None = None,
    resolve: Resolve = resolve,
    connect: Connect = connect,
) -> bytes:
    """Fetch the bytes of one picture or video.

    Args:
        url: http or https, without a user name or password.
        max_bytes: more than this is refused, from the announced length or while it arrives.
        timeout_seconds: for everything together: names, redirects, the whole transfer.
        allow_private: whether addresses outside the public internet are allowed.
        max_redirects: how many redirects are followed.
        tls: for a private certificate authority; by default the system's authorities are trusted.
        resolve: name -> addresses.
        connect: makes the connection to a checked address.

    Raises:
        SourceRefused: scheme, private address, password in the URL, time, redirects.
        SourceTooLarge: more than max_bytes.
        SourceMissing: no such host, nobody listens, or the server has no such page (404, 410).
        SourceUnreadable: another status, a broken answer, a certificate that does not hold, or neither picture nor video.
    """
    deadline = time.monotonic() + timeout_seconds
    name = shown(url)
    at = url
    try:
        for _ in range(max_redirects + 1):
            target = _parse(at, name)
            addresses = _addresses(target, resolve, deadline, name)
            if not allow_private:
                _refuse_private(target, addresses, name)
            with _dial(target, addresses, connect, deadline, tls) as sock, _ask(target, sock, deadline) as answer:
                if answer.status not in _REDIRECTS:
                    return _body(answer, name, max_bytes)
                location = answer.getheader("Location")
            if not location:
                raise SourceUnreadable(f"{name}: a redirect ({answer.status}) without an address")
            at = urljoin(at, location)
            name = f"{shown(url)} -> {shown(at)}"
    except TimeoutError as error:
        instead = "raise the timeout or save the picture first; a stream is watched by: mien live URL"
        raise SourceRefused(f"{name}: not here within {timeout_seconds:g} s; {instead}") from error
    except ssl.SSLError as error:
        why = getattr(error, "verify_message", "") or error.reason or str(error)
        raise SourceUnreadable(f"{name}: no secure connection to {target.host} ({why})") from error
    except OSError as error:
        raise SourceMissing(f"{name}: no connection to {target.host} ({error.strerror or error})") from error
    except http.client.HTTPException as error:
        raise SourceUnreadable(f"{name}: a broken answer from the server ({type(error).__name__})") from error
    raise SourceRefused(f"{shown(url)}: more than {max_redirects} redirects")


def _parse(url: str, name: str) -> _Target:
    if any(ord(c) < 32 or ord(c) == 127 or c == "\\" for c in url):
        raise SourceRefused(f"{name}: a control character or backslash in the URL")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        ascii_host = host if ":" in host else host.encode("idna").decode("ascii")
    except ValueError as error:  # UnicodeError too
        raise SourceRefused(f"{name}: not a URL that makes sense ({error})") from error
    if parts.scheme not in ("http", "https"):
        raise SourceRefused(f"{name}: found the scheme {parts.scheme[:20]}:, wanted http or https; for a local file give its path")
    if parts.username is not None or parts.password is not None:
        raise SourceRefused(f"{name}: a user name or password in the URL; fetch the picture yourself and give the file")
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", ascii_host):
        raise SourceRefused(f"{name}: no host in the URL")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]") if parts.query else ""
    return _Target(parts.scheme, ascii_host, port, path + query)


def _addresses(target: _Target, resolve: Resolve, deadline: float, name: str) -> list[str]:
    """Resolve within the deadline: the system's resolver has no timeout, so it runs in a thread that may be left behind."""
    answer: Future[list[str]] = Future()

    def work() -> None:
        try:
            answer.set_result(resolve(target.host, target.port))
        except BaseException as error:  # raised again below, in the caller's thread
            answer.set_exception(error)

    threading.Thread(target=work, name="mien-resolve", daemon=True).start()
    try:
        addresses = answer.result(_left(deadline))
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:  # UnicodeError: a label too long for DNS
        raise SourceMissing(f"{name}: no host called {target.host} ({getattr(error, 'strerror', None) or error})") from error
    if not addresses:
        raise SourceMissing(f"{name}: no host called {target.host}")
    return addresses


def _refuse_private(target: _Target, addresses: list[str], name: str) -> None:
    for address in addresses:
        if not is_public(address):
            leads = "is" if target.host == address else f"is {address},"
            raise PrivateAddress(
                f"{name}: {target.host} {leads} not an address of the public internet; fetch it another way and give the file, or allow "
                "such addresses: mien analyze --allow-private, mien serve --allow-private, in Python allow_private=True"
            )


def _dial(target: _Target, addresses: list[str], connect: Connect, deadline: float, tls: ssl.SSLContext | None) -> socket.socket:
    """Connect to the first address that answers, each having its share of the time; the certificate must be the host's."""
    problem: OSError = OSError("no address")
    for i, address in enumerate(addresses):
        try:
            sock = connect(address, target.port, _left(deadline) / (len(addresses) - i))
        except OSError as error:
            problem = error
            continue
        if target.scheme == "http":
            return sock
        try:
            sock.settimeout(_left(deadline))
            return (tls or _system_tls()).wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise
    raise problem


@functools.cache
def _system_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _ask(target: _Target, sock: socket.socket, deadline: float) -> http.client.HTTPResponse:
    host = f"[{target.host}]" if ":" in target.host else target.host
    if target.port != {"http": 80, "https": 443}[target.scheme]:
        host += f":{target.port}"
    headers = f"Host: {host}\r\nUser-Agent: mien\r\nAccept: image/*,video/*,*/*;q=0.5\r\nAccept-Encoding: identity\r\nConnection: close\r\n"
    sock.settimeout(_left(deadline))
    sock.sendall(f"GET {target.path} HTTP/1.1\r\n{headers}\r\n".encode("ascii"))
    answer = http.client.HTTPResponse(_Deadlined(sock, deadline), method="GET")  # type: ignore[arg-type]  # it only calls makefile
    try:
        answer.begin()
    except BaseException:
        answer.close()
        raise
    return answer


def _body(answer: http.client.HTTPResponse, name: str, max_bytes: int) -> bytes:
    if answer.status != 200:
        kind: type[SourceError] = SourceMissing if answer.status in (404, 410) else SourceUnreadable
        raise kind(f"{name}: the server answered {answer.status} {answer.reason}".rstrip())
    announced = answer.length
    too_large = f"{name}: more than {max_bytes} bytes, which is the limit for a URL; raise it (--url-max-bytes, max_bytes)"
    if announced is not None and announced > max_bytes:
        raise SourceTooLarge(too_large)
    data = bytearray()
    while piece := answer.read(_PIECE):
        if not data:
            _refuse_other_kinds(answer, piece, name)
        data += piece
        if len(data) > max_bytes:
            raise SourceTooLarge(too_large)
    if announced is not None and len(data) < announced:
        raise SourceUnreadable(f"{name}: the connection ended after {len(data)} of {announced} bytes; try again")
    return bytes(data)


def _refuse_other_kinds(answer: http.client.HTTPResponse, start: bytes, name: str) -> None:
    """A web page or a camera's stream instead of a picture is the usual mistake. Servers mislabel pictures too, so the bytes decide."""
    found = answer.headers.get_content_type()
    if found in _STREAMS or start.startswith(b"#EXTM3U"):
        raise SourceUnreadable(f"{name}: the server sent {found}, a stream, wanted a picture or a video; watch it by: mien live URL")
    if sniff(start) is None and not found.startswith(("image/", "video/")):
        hint = "; give the address of the picture itself, not of a page that shows it" if found == "text/html" else ""
        raise SourceUnreadable(f"{name}: the server sent {found}, wanted a picture or a video{hint}")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Deadlined(io.RawIOBase):
    """A socket as a file whose every read ends by one deadline; a timeout on the socket would begin anew with each byte."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def makefile(self, mode: str) -> BinaryIO:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(buffer)
