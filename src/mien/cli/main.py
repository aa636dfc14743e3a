"""The command `mien`: its verbs, and what becomes of their errors."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from mien.cli.closed import open_closed_streams
from mien.cli.exit_codes import INTERRUPTED, NOTHING_DONE, PIPE_CLOSED, WRONG_USAGE
from mien.errors import MienError, UnknownName, UsageError
from mien.interrupt import noted

VERBS: dict[str, tuple[str, str]] = {
    "analyze": ("mien.cli.analyze:analyze", "Find faces in pictures and videos and read the expressions they show."),
    "batch": ("mien.cli.batch:batch", "Read many files on many cores, or on a cluster of machines by Ray, into one table."),
    "live": ("mien.cli.live:live", "Watch a camera, a stream or a video as it plays; Esc, q or Ctrl-C ends it."),
    "serve": ("mien.cli.serve:serve", "Serve the web app and the REST API: pictures, videos and cameras in, expressions out."),
    "models": ("mien.cli.models:app", "List, show, fetch and check models and detectors."),
    "sessions": ("mien.cli.sessions:app", "List, show, export and purge recorded sessions."),
    "evaluate": ("mien.cli.evaluate:evaluate", "Accuracy, macro-F1, calibration and more of a model on labelled or rated pictures."),
    "submit": ("mien.cli.submit:submit", "A competition's CSV, with an answer for every picture of a folder, CSV or manifest."),
    "bench": ("mien.cli.bench:app", "How fast the parts are on this machine, and how well the detectors find faces."),
    "report": ("mien.cli.report:report", "Make the page of a run: one HTML file with charts, numbers and rows, which needs no network."),
    "study": ("mien.cli.study:app", "Study what many viewers of one film showed, or visitors who came and left."),
    "data": ("mien.cli.data:app", "Read, look at, clean, balance, label and split sets of pictures."),
    "train": ("mien.cli.train:train", "Train a recogniser, calibrate it, and write it as ONNX file, card and golden crops."),
    "export": ("mien.cli.train:export", "Write a run's network as ONNX file, card and golden crops."),
    "compare": ("mien.cli.compare:compare", "Train architectures on the same rows, each by its own recipe, and print one table."),
    "tune": ("mien.cli.tune:tune", "Search for the settings with which a training gives the best network, by Bayesian optimisation."),
    "doctor": ("mien.cli.doctor:doctor", "Check this installation: packages, extras, models, video encoder, cameras, store."),
}
"""Verb -> where it is (a function, or a Typer of several), and the first line of its help. Imported only when it is used."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What keeps output from being written."""
EPILOGUE = "Exit codes: 0 all done, 1 nothing done, 2 wrong usage, 3 some inputs failed (each is named), 130 interrupted, 143 terminated."


def load(verb: str) -> Any:
    """The command behind a verb."""
    module, _, name = VERBS[verb][0].partition(":")
    found = getattr(import_module(module), name)
    if isinstance(found, typer.Typer):
        return get_group(found)  # get_command would make a plain verb of a Typer with a single command
    app = typer.Typer(add_completion=False)
    app.command(verb, epilog=EPILOGUE)(found)
    return get_command(app)


class Verb(TyperCommand):
    """Stands for a verb in the list of them; the real command is imported when it is its turn."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the real command, which from here on is the one that runs."""
        assert self.name is not None
        return load(self.name).make_context(info_name, args, parent=parent, **extra)


class Verbs(TyperGroup):
    """The table VERBS as a group of commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: Verb(name, help=line) for name, (_, line) in VERBS.items()}

    def invoke(self, ctx: Any) -> Any:
        """Run the verb. A closed pipe is caught here, before Typer makes exit code 1 of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit(_pipe_closed()) from None


app = typer.Typer(cls=Verbs, add_completion=False, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


def _version(wanted: bool) -> None:
    if wanted:
        from mien import __version__

        typer.echo(f"mien {__version__}")
        raise typer.Exit


@app.callback(epilog=EPILOGUE)
def _mien(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error. May stand anywhere.")] = False,
) -> None:
    """Read facial expressions: photos, videos, cameras in; faces, nine emotion probabilities, valence and arousal out.

    mien says which expression a face shows, not what a person feels.
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and give its exit code. Errors become one line on stderr."""
    given = list(sys.argv[1:] if args is None else args)
    end = given.index("--") if "--" in given else len(given)
    debug = "--debug" in given[:end]
    given = [word for word in given[:end] if word != "--debug"] + given[end:]
    with noted() as interrupted:
        try:
            code = app(given, prog_name="mien", standalone_mode=False)
        except (KeyboardInterrupt, typer.Abort):
            return INTERRUPTED
        except Exception as error:  # the one place where any error becomes a line; --debug shows it whole
            if debug and not hasattr(error, "format_message"):
                raise
            if interrupted() and (isinstance(error, ImportError) or not isinstance(error, MienError)):
                return INTERRUPTED  # modules in C that are being loaded make an ImportError of a Ctrl-C
            return _told(error)
    return code if isinstance(code, int) else 0


def run() -> None:
    """The entry point of the command `mien`."""
    if getattr(sys, "frozen", False):  # a program of PyInstaller's starts itself once more for each process of `mien batch`
        from multiprocessing import freeze_support

        freeze_support()
    open_closed_streams()
    _set_stdout()
    sys.exit(main())


def _set_stdout() -> None:
    """Data are UTF-8, whatever the locale says; on a terminal, which has an encoding of its own, what that lacks is written as an escape.

    So is half of a surrogate pair in a name, which no encoding has.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=None if sys.stdout.isatty() else "utf-8", errors="backslashreplace")


def _told(error: Exception) -> int:
    """Print an error as one line and give the exit code for it."""
    from mien.cli.render import say

    if hasattr(error, "format_message"):  # typer's own: it is not told by its class because Typer's releases keep that in two places
        if type(error).__name__ == "NoArgsIsHelpError":
            error.show()  # type: ignore[attr-defined]
        else:
            context = getattr(error, "ctx", None)
            say(f"mien: {error.format_message().rstrip('.')}; see {context.command_path if context else 'mien'} --help")
        return WRONG_USAGE
    if isinstance(error, MienError):
        say(f"mien: {error}")
        return WRONG_USAGE if isinstance(error, (UsageError, UnknownName)) else NOTHING_DONE
    if isinstance(error, OSError) and error.errno in FULL and error.filename is None:  # what writes files says SinkError with their names
        say(f"mien: stdout: cannot be written ({error.strerror})")
        return NOTHING_DONE
    say(f"mien: {type(error).__name__}: {error}; this is a fault in mien or in a plug-in: run again with --debug to see where")
    return NOTHING_DONE


def _pipe_closed() -> int:
    """The reader of stdout has gone (`| head`): leave quietly, and let the interpreter flush what is left into nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED
