"""`mien serve`: the web app and the REST API."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from typing import Annotated
from urllib.parse import quote

import typer

from mien.cli import options as given
from mien.errors import ExtraMissing, UsageError, install

WHO, LIMITS = "Who may ask", "Limits"
TOKEN = "MIEN_TOKEN"
GRACE_SECONDS = 5
"""For answers on their way when the server is ended."""
BACKLOG = 128
OPEN_SECONDS = 1.0
"""After which the browser asks for the page."""
NEEDS = f"the web app needs FastAPI and more: {install('web')}"


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for all, with a token for whoever asks.", rich_help_panel=WHO)
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 chooses a free one.", rich_help_panel=WHO)] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A name under which the server is reached (not needed for localhost and IP addresses).",
            rich_help_panel=WHO,
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            help="What every request must show; $MIEN_TOKEN. Without one, a server that others can reach makes its own and prints it.",
            rich_help_panel=WHO,
        ),
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let everybody in who can reach it, as behind a proxy that asks.", rich_help_panel=WHO)
    ] = False,
    certificate: Annotated[
        str | None, typer.Option(metavar="FILE", help="TLS certificate (PEM); browsers give cameras to https and localhost only.")
    ] = None,
    key: Annotated[str | None, typer.Option(metavar="FILE", help="Private key of the certificate (PEM).")] = None,
    detector: given.Detector = "yunet",
    model: given.Model = "base",
    affect: given.Affect = "model",
    threads: given.Threads = 0,
    language: Annotated[
        str,
        typer.Option(help="Language of the pages where the browser asks for neither English nor Russian: en or ru; everybody can switch."),
    ] = "en",
    unsure_rules: given.UnsureRulesName = None,
    smooth: given.Smooth = given.TIME_DEFAULTS.smooth,
    smooth_seconds: given.SmoothSeconds = given.TIME_DEFAULTS.smooth_seconds,
    detect_every: given.DetectEvery = 1,
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Show recorded sessions, let them be deleted, and let cameras be recorded.")
    ] = False,
    store: given.StoreUrl = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Fetch URLs at private and loopback addresses too.", rich_help_panel=LIMITS)
    ] = False,
    max_picture_mb: Annotated[float, typer.Option(help="Refuse larger requests with pictures.", rich_help_panel=LIMITS)] = 50,
    max_upload_mb: Annotated[float, typer.Option(help="Refuse larger requests with a video.", rich_help_panel=LIMITS)] = 500,
    max_video_minutes: Annotated[float, typer.Option(help="Of a longer video, read the beginning.", rich_help_panel=LIMITS)] = 120,
    keep_minutes: Annotated[
        float, typer.Option(help="Erase the results of a video so long after it is done.", rich_help_panel=LIMITS)
    ] = 60,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    quiet: given.Quiet = False,
) -> None:
    """Serve the web app and the REST API: pictures, videos and cameras in, expressions out.

    Until Ctrl-C. Nothing that is sent is kept: a picture is forgotten with the answer, a video is deleted when it was read, its results
    after an hour. The API's documentation is at /api/docs.
    """
    try:
        import uvicorn

        from mien.web.app import create_app
        from mien.web.live import LARGEST
        from mien.web.settings import ServeSettings
    except ImportError as error:
        raise ExtraMissing(NEEDS) from error
    from mien.cli.render import say
    from mien.interrupt import HANGUP, heard, terminable
    from mien.options import AnalyzeOptions
    from mien.track.options import TrackOptions

    _check_certificate(certificate, key)
    track = TrackOptions(smooth=smooth, smooth_seconds=smooth_seconds, detect_every=detect_every)
    rules = given.unsure_rules_of(unsure_rules, None)
    if not quiet:
        given.tell_of_scores(rules, detector)
    options = AnalyzeOptions(detector=detector, model=model, affect=affect, unsure=rules, track=track, threads=threads)
    password = _token(token, host, no_token=no_token)
    settings = ServeSettings(
        options=options,
        language=language,
        hosts=tuple(allow_host or ()) + ((host,) if _is_name(host) else ()),
        token=password,
        sessions=sessions or store is not None,
        store=store,
        allow_private=allow_private,
        max_picture_mb=max_picture_mb,
        max_upload_mb=max_upload_mb,
        max_video_minutes=max_video_minutes,
        keep_minutes=keep_minutes,
    )
    if settings.sessions:
        _check_store(store)
    config = uvicorn.Config(
        create_app(settings),
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ws_max_size=4 * LARGEST.max_bytes,  # who sends a little too much is told so; who sends more is cut off
        ws_per_message_deflate=False,  # pictures are packed already, and what unpacks itself fills the memory
    )
    server = uvicorn.Server(config)
    listening = _listen(host, port)
    address = f"{'https' if certificate else 'http'}://{_shown(host)}:{listening.getsockname()[1]}/"
    entrance = f"{address}?token={quote(password, safe='')}" if password else address
    made = port == 0 or (password and password not in (token, os.environ.get(TOKEN)))
    if not quiet or made:  # else nobody knows the port or the token that it made
        say(f"mien: serving {entrance} (API: {address}api/docs); Ctrl-C ends it")
    if open_:
        threading.Timer(OPEN_SECONDS, webbrowser.open, (entrance,)).start()

    def end() -> None:
        server.should_exit = True

    with suppress(KeyboardInterrupt), terminable(), heard(end, *HANGUP), listening:  # uvicorn itself hears the others
        server.run(sockets=[listening])
    if not quiet:
        say("mien: ended; what was uploaded and its results are erased")


def _token(given: str | None, host: str, *, no_token: bool) -> str:
    """The token that requests must show. A server that others than this machine can reach has one, unless told otherwise."""
    asked = given if given is not None else os.environ.get(TOKEN, "")
    if no_token:
        if asked:
            raise UsageError("--no-token and a token (--token, $MIEN_TOKEN) contradict each other")
        return ""
    if given == "" or (asked and not (asked.isascii() and asked.isprintable() and " " not in asked)):
        raise UsageError("token: wanted ASCII letters, digits and signs without spaces; --no-token lets everybody in")
    return asked or ("" if _is_loopback(host) else secrets.token_urlsafe(24))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _shown(host: str) -> str:
    """A host as a browser takes it: for a server on all addresses, this machine's own in its network."""
    if host in ("0.0.0.0", "::"):
        host = _own_address()
    return f"[{host}]" if ":" in host else host


def _own_address() -> str:
    """The address by which others in the network reach this machine; `localhost` where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks which way a packet would go (RFC 5737: nobody's address)
        except OSError:
            return "localhost"
        return str(probe.getsockname()[0])


def _check_certificate(certificate: str | None, key: str | None) -> None:
    """Raise UsageError unless both are there and belong together, or none."""
    if bool(certificate) != bool(key):
        raise UsageError("--certificate and --key belong together; give both")
    if not (certificate and key):
        return
    for file in (certificate, key):
        if not os.path.isfile(file):  # noqa: PTH113  Path.is_file raises for a name that is too long
            raise UsageError(f"{file}: no such file; wanted a PEM file")
    import ssl

    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"{certificate}: not a certificate with its key ({why}); wanted two PEM files") from error


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UsageError when the address is no address of this machine or the port is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, _alone(), 1)
            listening.bind(address)
            listening.listen(BACKLOG)  # from here on nobody who has read the address is turned away
        except BaseException:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--host {host} --port {port}: cannot listen there ({why}); choose another port, or 0 for a free one") from error
    return listening


def _alone() -> int:
    """The option by which a socket alone listens at its address. Elsewhere it does anyway, and may do so soon after another that ended."""
    if sys.platform == "win32":  # where SO_REUSEADDR lets other programs listen there too, and get what is sent
        return socket.SO_EXCLUSIVEADDRUSE
    return socket.SO_REUSEADDR


def _check_store(store: str | None) -> None:
    """Raise what is wrong with the store before anybody asks for it; that there is none yet is not."""
    from mien.store import open_store
    from mien.store.place import StoreMissing

    with suppress(StoreMissing):
        open_store(store, create=False).close()
