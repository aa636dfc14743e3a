"""Who may ask: what a request is checked for before anything reads it, and the headers that every answer gets.

A server on a private address is open to every page that a browser there shows, so each request is checked for the host it thinks it
talks to (DNS rebinding), for the page it comes from (cross-site requests), for the token if there is one, and for its size.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import math
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.web.entrance import entrance
from mien.web.faults import refusal
from mien.web.mounted import own_path

log = logging.getLogger("mien")

OPEN = frozenset(("/api/health",))
"""Paths that need no token."""
SILENT_SECONDS = 60.0
"""Without anything of a body for so long, a request is refused: it holds memory and, with a video, a place that others wait for."""
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of every answer that does not say otherwise: expressions and names of files should not lie in caches."""


class Guard:
    """ASGI middleware around a whole app.

    hosts: names under which the server may be reached, beside localhost and plain IP addresses. limits: path -> largest body in bytes;
    "" stands for all other paths. language: of the page that asks for the token, where the browser names none.
    """

    def __init__(self, app: ASGIApp, *, hosts: tuple[str, ...], token: str, limits: Mapping[str, int], language: str = "en") -> None:
        self._app, self._token, self._limits, self._language = app, token, limits, language
        self._own = {host.lower() for host in hosts}
        self._hosts = {"localhost", *self._own}
        self._cookie = hashlib.sha256(f"mien cookie {token}".encode()).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check and pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    present.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self._passed_on(scope, self._counted(scope, receive), with_headers)
        elif scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await refusal(scope, receive, with_headers)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    async def _passed_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer; what it did not expect becomes one line there and the whole in the log here."""
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = began or message["type"] in ("http.response.start", "websocket.accept")
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if began or scope["type"] != "http":
                raise
            log.exception("%s %s", scope["method"], scope["path"])
            await refusal(500, f"{type(error).__name__}; this is a fault in mien or in a plug-in, and the server's log says where")(
                scope, receive, send
            )

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a request that may not go on; None if it may."""
        host = headers.get("host", "")
        if not self._knows(host):
            return refusal(421, f"host {host[:100]!r}: not a name of this server; start it with --allow-host NAME to be reached under it")
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE
        if unsafe and not self._from_here(headers, host):
            told = f"refused: this request comes from a page of another site ({headers.get('origin', '')[:100]}), not of {host[:100]}"
            return refusal(403, f"{told}; behind a proxy, pass the Host header on, or start the server with --allow-host NAME")
        if own_path(scope) not in OPEN and self._token:
            if (redirect := self._entered(scope)) is not None:
                return redirect
            if not self._may_pass(headers, host):
                return self._asked_for_token(scope, headers)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._most(scope):
            return refusal(413, self._too_large(scope))
        return None

    def _asked_for_token(self, scope: Scope, headers: Headers) -> Response:
        """A page for somebody who looks, a line for a program."""
        if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            wrong = "token" in dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
            return entrance(headers.get("accept-language", ""), default=self._language, wrong=wrong)
        return refusal(401, "a token is wanted: Authorization: Bearer TOKEN, or open the address that mien serve printed")

    def _knows(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)  # an address cannot be rebound
        except ValueError:
            return False
        return True

    def _entered(self, scope: Scope) -> Response | None:
        """The answer to the address with the right token in it: a cookie, and the address without it."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token")
        if given is None or not _same(given, self._token):
            return None
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        # Beside where it is, since a proxy may have this server below a path; and so never to another host.
        answer = RedirectResponse(f"./{quote(scope['path'].rpartition('/')[2])}" + (f"?{rest}" if rest else ""), 303)
        # Lax: with Strict a link in a mail or a chat would lead to an answer without it. Pages of others are kept out by their Origin.
        host = Headers(scope=scope).get("host", "")
        answer.set_cookie(_cookie_name(host), self._cookie, httponly=True, samesite="lax", secure=scope["scheme"] == "https")
        return answer

    def _may_pass(self, headers: Headers, host: str) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._token):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        name = _cookie_name(host)
        return name in cookies and _same(cookies[name].value, self._cookie)

    def _from_here(self, headers: Headers, host: str) -> bool:
        """Whether a request comes from a page of this server, or from no page at all."""
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return False
        origin = headers.get("origin")
        if origin is None:
            return True
        try:
            page = urlsplit(origin)
            # A proxy may have put another Host in place; the names that were allowed are its.
            return page.netloc.lower() == host.lower() or (page.hostname or "") in self._own
        except ValueError:
            return False

    def _most(self, scope: Scope) -> int:
        return self._limits.get(own_path(scope), self._limits[""])

    def _too_large(self, scope: Scope) -> str:
        most = self._most(scope)
        more = ", or start mien serve with a higher one" if own_path(scope) in self._limits else ""  # others take no files
        return f"the request is larger than {most / 1e6:g} MB, the limit of this address; send less{more}"

    def _counted(self, scope: Scope, receive: Receive) -> Receive:
        """What the body of a request is held to: its size, also where it does not say that, and not to fall silent."""
        if scope["type"] != "http":
            return receive
        most, read, patience = self._most(scope), 0, SILENT_SECONDS

        async def counting() -> Message:
            nonlocal read, patience
            message: Message | None = None
            with anyio.move_on_after(patience):
                message = await receive()
            if message is None:
                told = f"nothing more of this request came for {SILENT_SECONDS:g} seconds; send it again"
                raise HTTPException(408, told, {"Connection": "close"})
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413, self._too_large(scope))
            if not message.get("more_body", False):
                patience = math.inf  # all of it is here; what is waited for now is that the client leaves
            return message

        return counting


def _cookie_name(host: str) -> str:
    """Of this server: a browser has the same cookies for all ports of a host, and there may be two servers."""
    port = host.rpartition(":")[2]
    return f"mien-{port}" if port.isdigit() else "mien"


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
