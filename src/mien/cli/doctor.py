"""`mien doctor`: what of this installation is there, what is missing, and what is wrong."""

from __future__ import annotations

import dataclasses
import io
import json
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Annotated

import typer

from mien.cli.exit_codes import FAULT_FOUND
from mien.errors import MienError, install
from mien.machine import cores

OK, MISSING, BAD = "ok", "missing", "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: str
    """ok; missing, where only some uses need it; bad."""
    found: str
    todo: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False) -> None:
    """Check this installation: packages, extras, models, video encoder, cameras, store.

    Exit code 1 when something is wrong, not for what is only missing. Put what it prints into a report of a fault.
    """
    from mien.cli.render import print_table

    findings = [finding for look in LOOKS for finding in _looked(look)]
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        print_table(("what", "state", "found", "to do"), [dataclasses.astuple(finding) for finding in findings])
    if any(finding.state == BAD for finding in findings):
        raise typer.Exit(FAULT_FOUND)


def _looked(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look finds; a package that is there and does not load ends that look only, for which somebody calls the doctor."""
    try:
        yield from look()
    except (ImportError, OSError, RuntimeError) as error:
        name = (getattr(error, "name", None) or look.__name__.strip("_")).partition(".")[0]
        yield Finding(name, BAD, f"is installed, but does not load ({type(error).__name__}: {error})", f"install {name} anew")


def _machine() -> Iterator[Finding]:
    from mien import __version__

    usable = cores()
    yield Finding("mien", OK, __version__)
    yield Finding(
        "Python", OK, f"{platform.python_version()}, {platform.system()} {platform.machine()}, {usable} usable core{'s' * (usable != 1)}"
    )


def _packages() -> Iterator[Finding]:
    """What mien needs in any case."""
    for name in _required(""):
        version = _version(name)
        yield Finding(name, OK, version) if version else Finding(name, BAD, "not installed", f"pip install {name}")


def _opencv() -> Iterator[Finding]:
    """Every distribution of OpenCV writes into the same folder, so of several the last one that was installed is a mixture."""
    given = sorted(set(metadata.packages_distributions().get("cv2", [])))
    if len(given) > 1:
        names = ", ".join(f"{name} {_version(name)}" for name in given)
        others = " ".join(name for name in given if name != "opencv-python-headless")
        todo = f"pip uninstall {others}; then pip install --force-reinstall opencv-python-headless"
        yield Finding("OpenCV", BAD, f"several distributions, which overwrite each other: {names}", todo)
    import cv2

    if not hasattr(cv2, "CascadeClassifier"):
        yield Finding("OpenCV", BAD, f"{cv2.__version__} has no Haar cascades", 'pip install --force-reinstall "opencv-python-headless<5"')


def _extras() -> Iterator[Finding]:
    for extra in sorted(metadata.metadata("mien").get_all("Provides-Extra") or []):
        needed = _required(extra)
        lacking = [name for name in needed if not _version(name)]
        if lacking:
            yield Finding(f"mien[{extra}]", MISSING, f"without {', '.join(lacking)}", install(extra))
        else:
            yield Finding(f"mien[{extra}]", OK, ", ".join(f"{name} {_version(name)}" for name in needed))


def _models() -> Iterator[Finding]:
    """The same as `mien models check`."""
    from mien.cli.models import checks, tried

    for name, check in checks().items():
        todo = "mend the card, or delete it" if name.endswith(".json") else f"mien models get {name}, or install mien anew"
        found, ok = tried(check)
        yield Finding(name, OK, found) if ok else Finding(name, BAD, found, todo)


def _pictures() -> Iterator[Finding]:
    """Whether OpenCV and Pillow do what is asked of them: others than mien declares may have been put in their place."""
    from PIL import Image

    from mien.io.images import decode

    file = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(file, "JPEG")
    yield _tried("pictures", "a JPEG is read", "mien", lambda: decode(file.getvalue(), name="a JPEG"))


def _tried(what: str, done: str, package: str, work: Callable[[], object]) -> Finding:
    """ok where the work can be done, bad where it cannot, for whatever reason."""
    try:
        work()
    except Exception as error:
        return Finding(what, BAD, f"{type(error).__name__}: {error}", f'pip install --upgrade --force-reinstall "{package}"')
    return Finding(what, OK, done)


def _video() -> Iterator[Finding]:
    if not _version("av"):
        return
    import av

    yield _tried("videos", "an AVI is read", "mien[video]", _read_a_frame)
    try:
        av.codec.Codec("libx264", "w")
    except (av.FFmpegError, ValueError):
        yield Finding("H.264", MISSING, "this PyAV has no libx264: no annotated videos", "pip install --force-reinstall av")
        return
    yield Finding("H.264", OK, "libx264")


def _read_a_frame() -> None:
    """Of a film that is made for it."""
    import av

    from mien.io.video import timed_frames

    file = io.BytesIO()
    with av.open(file, "w", format="avi") as film:
        stream = film.add_stream("mpeg4", rate=25, width=16, height=16, pix_fmt="yuv420p")
        film.mux([*stream.encode(av.VideoFrame(16, 16, "yuv420p")), *stream.encode()])
    for pixels, _ in timed_frames(file.getvalue(), source="a film"):
        pixels()


def _devices() -> Iterator[Finding]:
    from mien.io.devices import cameras, none_there
    from mien.window import has_screen

    found = cameras()
    yield Finding("cameras", OK if found else MISSING, ", ".join(map(str, found)) or none_there())
    yield Finding("screen", *((OK, "there is one") if has_screen() else (MISSING, "none: no windows")))


def _store() -> Iterator[Finding]:
    if not _version("sqlalchemy"):
        return
    from mien.store import open_store
    from mien.store.place import StoreMissing

    try:
        with open_store(create=False) as store:
            sessions = len(store.sessions())
            yield Finding("sessions", OK, f"{sessions} in {store.place}")
    except StoreMissing:
        yield Finding("sessions", OK, "none yet")
    except MienError as error:
        yield Finding("sessions", BAD, str(error))


LOOKS = (_machine, _packages, _opencv, _pictures, _extras, _models, _video, _devices, _store)


def _required(extra: str) -> list[str]:
    """The distributions that an extra needs, or mien itself for an empty one."""
    found = []
    for line in metadata.requires("mien") or []:
        requirement, _, marker = line.partition(";")
        named = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if (named[1] if named else "") == extra:
            parts = re.match(r"[A-Za-z0-9._-]+", requirement.strip())
            assert parts is not None, line
            found.append(parts[0])
    return found


def _version(name: str) -> str:
    """Of an installed distribution; empty without it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
