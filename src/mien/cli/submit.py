"""`mien submit`: the CSV for a competition."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.exit_codes import NOTHING_DONE, SOME_FAILED
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.evaluate.submit import Answer


def submit(
    model: Annotated[str, typer.Argument(help="Name of a model, or path of an .onnx file with its card beside it.")],
    pictures: Annotated[
        Path, typer.Argument(help="Folder of the pictures, those in its subfolders too; a .csv with the column pixels; or a manifest.")
    ],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The CSV to write; - for stdout.")],
    labels: Annotated[
        str,
        typer.Option(
            metavar="SET",
            help="Labels to choose from: kaggle9, mien9, fer7, ferplus8, affectnet8, rafdb7. Default: fer7 for pixels, else kaggle9.",
        ),
    ] = "",
    example: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The competition's example of answers, a CSV, whose columns and order are kept.")
    ] = None,
    from_affect: Annotated[
        str | None,
        typer.Option(metavar="ANCHORS", help="Answer by the anchor nearest to valence and arousal: adfes2011, crowd or legacy."),
    ] = None,
    prefix: Annotated[str, typer.Option(metavar="TEXT", help="Written before each path, such as test/.")] = "",
    detector: Annotated[str, typer.Option(help="Face detector.")] = "yunet",
    faces: Annotated[
        str, typer.Option(help="detect: pictures are photos; crop: each is one ready-made face. Default: crop for pixels, else detect.")
    ] = "",
    head: Annotated[str, typer.Option(help="Output to ask: auto (what the card says for the label set), blend, or its name.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Pictures worked on at once; 0 takes all cores. The answers are the same.")] = 0,
) -> None:
    """A competition's CSV, with an answer for every picture of a folder, CSV or manifest.

    Rows are in natural order of the paths, and the bytes are the same on every run. A picture without a face found gets the answer for the
    whole picture; one that cannot be read gets `neutral`, is named, and makes the exit code 3. Pictures may also be the rows of FER-2013's
    test.csv or of a manifest, called by their number or id. With --example the columns are those of the competition's own example, and
    answers are codes where it has codes, or names as it writes them.
    """
    from mien.cli.render import counted, progress_counter, say
    from mien.evaluate.road import asked, check_faces
    from mien.evaluate.submit import FALLBACK, answers, as_csv, is_pixels, pictures_in
    from mien.evaluate.submit_form import Form
    from mien.labels import anchors, label_set
    from mien.models.detectors.registry import detector as detector_by_name
    from mien.models.registry import recogniser as recogniser_by_name
    from mien.sinks.files import prepare
    from mien.sinks.originals import Originals

    if output != "-" and Originals.of(filter(None, (pictures, example))).protects(Path(output)):
        raise UsageError(f"output {output}: is one of the inputs, which are never overwritten; choose another name")
    pixels = is_pixels(pictures)
    form = Form() if example is None else Form.read(example)
    if form.codes and not labels and not pixels:
        raise UsageError(f"{example}: answers in codes; wanted --labels with the set whose codes they are")
    labels = labels or ("fer7" if pixels else "kaggle9")
    faces = faces or ("crop" if pixels else "detect")
    check_faces(faces)
    wanted = label_set(labels)
    form.check_codes(labels, example)
    if guessed := form.guessed(wanted):
        written = ", ".join(map(form.spelt, guessed))
        say(f"mien: {example} does not show how it writes {', '.join(guessed)}; where they are the answer, it says {written}")
    nearest = None if from_affect is None else anchors(from_affect)
    # Networks on one thread each: how sums are split among threads changes their last bit, and a tie could tip over.
    asking = asked(recogniser_by_name(model, threads=1), labels, wanted, head=head)
    finder = detector_by_name(detector, threads=1)
    there = pictures_in(pictures)
    there = [there[i] for i in form.order([f"{prefix}{picture.name}" for picture in there], example)]
    if output != "-":
        prepare(Path(output))
    with progress_counter(len(there), "pictures") as progress:
        rows = answers(asking, finder, there, faces=faces, anchors=nearest, threads=threads or os.cpu_count() or 1, progress=progress)
    failed = [row.failure for row in rows if row.failure is not None]
    for failure in failed:
        say(f"mien: {failure.error}; its row says {FALLBACK}")
    if len(failed) == len(rows):
        say(f"mien: none of {counted(len(rows), 'picture')} could be read; nothing written")
        raise typer.Exit(NOTHING_DONE)
    _write(output, as_csv(rows, labels=labels, form=form, prefix=prefix))
    say(f"{_told(rows, failed=len(failed), faces=faces)} -> {output}")
    if failed:
        raise typer.Exit(SOME_FAILED)


def _write(output: str, data: bytes) -> None:
    """To a file, or for - to stdout."""
    from mien.sinks.files import replace

    if output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        replace(Path(output), data)


def _told(rows: Sequence[Answer], *, failed: int, faces: str) -> str:
    """How many pictures were answered, and from what. failed: how many could not be read."""
    from mien.cli.render import counted
    from mien.evaluate.submit import FALLBACK

    whole = sum(not row.face for row in rows) - failed
    how = "ready-made faces" if faces == "crop" else f"{whole:,} without a face found, answered from the whole picture"
    return ", ".join([counted(len(rows), "picture"), how, *([f"{failed:,} not readable, answered {FALLBACK}"] if failed else [])])
