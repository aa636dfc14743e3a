"""`mien bench`: how fast and how good the parts are on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class _Bench(TyperGroup):
    """Its commands, or `speed` where none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words of the command line, with the command among them."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["speed", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Bench,
    add_completion=False,
    help="How fast the parts are on this machine, and how well the detectors find faces.\n\nWithout a COMMAND: `speed`.",
)


@app.command()
def speed(
    pictures: Annotated[list[str] | None, typer.Argument(help="Pictures to time on, or patterns of them. Default: a drawn face.")] = None,
    detector: Annotated[str, typer.Option(help="Face detector.")] = "yunet",
    model: Annotated[str, typer.Option(help="Recogniser.")] = "base",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all cores.")] = 1,
    runs: Annotated[int, typer.Option(help="Counted runs of each.", min=3)] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Milliseconds a picture and a face: warm-up, then the mean, the median and the 95th percentile of many runs."""
    from mien.evaluate.speed import COLUMNS, speed_of_faces, speed_of_pictures
    from mien.io.folders import matching
    from mien.io.images import read_image
    from mien.options import AnalyzeOptions
    from mien.pipeline import Analyzer
    from mien.testing import drawn_face

    analyzer = Analyzer(AnalyzeOptions(detector=detector, model=model, threads=threads))
    images = [(Path(name).name, read_image(name).image) for name in matching(pictures)] if pictures else [("a drawn face", drawn_face())]
    rows = speed_of_pictures(analyzer, images, runs=runs) + speed_of_faces(analyzer, runs=runs)
    _print(rows, COLUMNS, as_json=as_json)


@app.command()
def detectors(
    pictures: Annotated[Path, typer.Argument(help="Folder or zip of pictures.")],
    boxes: Annotated[
        Path | None, typer.Option(help="CSV of true faces: image,left,top,width,height and optionally set. Default: boxes.csv there.")
    ] = None,
    names: Annotated[
        list[str] | None, typer.Option("--detector", help="Detector; several may be named. Default: one of each kind.")
    ] = None,
    only_set: Annotated[str | None, typer.Option("--set", help="Only pictures of this set, a name in the CSV's column `set`.")] = None,
    min_face: Annotated[float, typer.Option(help="Faces with a shorter side below this many pixels do not count.", min=0)] = 0,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all cores.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Faces found and false boxes on pictures with known faces, and milliseconds a picture."""
    from mien.cli.render import progress_counter, say
    from mien.errors import WeightsMissing
    from mien.evaluate.detection import picture_reader, read_boxes, score_detector
    from mien.models.detectors.registry import detector

    read = picture_reader(pictures)
    known = {key: true for key, true in read_boxes(boxes or pictures).items() if only_set is None or key.startswith(f"{only_set}/")}
    chosen = names or list(KINDS)
    rows: list[dict[str, Any]] = []
    with progress_counter(len(chosen), "detectors") as progress:
        for name in chosen:
            try:
                score = score_detector(detector(name, threads=threads), known, read, min_face=min_face)
            except WeightsMissing as error:  # one detector that cannot run does not end the comparison of the others
                say(f"mien: {name}: {error}")
                continue
            rows.append(
                {
                    "detector": name, "pictures": score.pictures, "faces": score.faces, "found": score.found, "false": score.false,
                    "median_ms": round(score.ms_median, 1), "p95_ms": round(score.ms_p95, 1),
                }
            )  # fmt: skip
            rows[-1] |= {"ratio_to": rows[0]["detector"], "ratio": round(rows[-1]["median_ms"] / max(rows[0]["median_ms"], 1e-9), 2)}
            progress(len(rows))
    _print(rows, ("detector", "pictures", "faces", "found", "false", "median_ms", "p95_ms", "ratio_to", "ratio"), as_json=as_json)


KINDS = ("yunet", "yunet:full", "yunet:tiled", "mtcnn", "mediapipe", "mediapipe:full", "haar", "haar:alt2")


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows))
        return
    cells = [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in (columns, *cells):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
