"""A real PostgreSQL server in a temporary folder, reached over a Unix socket, for the length of the tests."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 60


def binaries() -> Path | None:
    """The folder of initdb and postgres: on the PATH, or where Debian keeps them."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres", path=str(Path(found).parent)):
        return Path(found).parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return places[-1].parent if places else None


def other_user() -> dict[str, object]:
    """As whom to start it, since postgres refuses to run as root: the package's own user, or nobody."""
    if os.getuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise LookupError("no user `postgres` or `nobody`")


def missing() -> str | None:
    """Why there can be no server here, if so."""
    if binaries() is None:
        return "no PostgreSQL server here (Debian: apt install postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return 'psycopg is not installed: pip install ".[postgres]"'
    try:
        other_user()
    except LookupError as error:
        return f"PostgreSQL does not run as root, and there is {error}"
    return None


@contextmanager
def server() -> Iterator[Path]:
    """A running server; gives the folder with its socket and, in `data`, its files. Its user is `mien`, its database `postgres`."""
    with cluster() as folder, running(folder):
        yield folder


@contextmanager
def cluster() -> Iterator[Path]:
    """The files of a server that does not run yet."""
    programs, user = binaries(), other_user()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="mien-pg-"))  # not pytest's, which only its own user can enter; and a socket's path is short
    try:
        if user:
            os.chown(folder, user["user"], user["group"])  # type: ignore[arg-type]
        quick = ["--auth=trust", "--username=mien", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        made = subprocess.run(
            [programs / "initdb", "-D", folder / "data", *quick], cwd=folder, capture_output=True, text=True, timeout=START_SECONDS, **user
        )
        assert made.returncode == 0, made.stderr
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Start the server of a cluster, and stop it afterwards as a crash would."""
    import psycopg

    programs, user = binaries(), other_user()
    assert programs is not None
    process = None
    try:
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "autovacuum=off", "max_connections=20"]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *(part for line in settings for part in ("-c", line))],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **user,  # type: ignore[call-overload]
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text("utf-8", "replace"))
            try:
                psycopg.connect(host=str(folder), user="mien", dbname="postgres").close()
                break
            except psycopg.OperationalError:
                time.sleep(0.02)
        yield
    finally:
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT)  # an immediate stop, which takes the server's children along
            process.wait(START_SECONDS)
