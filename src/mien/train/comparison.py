"""Several architectures on the same data, each by its own recipe, in one table: the comparison R1 made, without the leaks."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mien.errors import DataError, MienError, UsageError
from mien.evaluate.metrics import Judged
from mien.evaluate.speed import timed
from mien.io.whole import whole
from mien.labels import convert
from mien.models.recogniser import OnnxRecogniser
from mien.train.batches import steps_of
from mien.train.config import TrainConfig, changed
from mien.train.export import export
from mien.train.fit import build, fit
from mien.train.judge import CROWD, Judge, crowd_majority
from mien.train.nets import cost, input_of
from mien.train.rows import Rows, TrainData
from mien.train.run_folder import FREE
from mien.train.schedule import optimiser
from mien.train.start import as_started
from mien.train.targets import head_name, targets_of
from mien.train.telling import Say

RECORD, PLAN = "comparison.json", "plan.json"


OTHER = "settings, epochs or minutes"
"""In which a network that is finished may differ from what is asked for."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of the table."""

    name: str
    """Of the preset or settings file."""
    net: str
    size: int
    """Side of its crops in pixels."""
    rows: int
    """Training rows in an epoch."""
    epochs: int
    """That were run."""
    wanted: int
    """Epochs that its recipe has."""
    accuracy: float
    """On the rows to judge by, of the exported file; FER-2013: PublicTest."""
    balanced: float
    macro_f1: float
    crowd: float
    """Share of the rows with a clear majority of FER+'s votes whose answer is that majority; NaN without votes."""
    top2: float
    second_given_wrong: float
    """How often the second answer is right when the first is wrong."""
    parameters: int
    mflops: float
    ms_1: float
    """Milliseconds a face of the exported file, one thread, batch 1 (median)."""
    ms_32: float
    """The same in batches of 32."""
    megabytes: float
    minutes: float
    """Of training, judging included."""
    other_settings: bool = False
    """Whether it was finished with other settings, epochs or minutes than are asked for now; on the same data, by the same detector."""


def compare(
    configs: Sequence[TrainConfig], data_of: Callable[[TrainConfig], TrainData], folder: Path, *, minutes: float = 0.0, epochs: int = 0,
    say: Say = lambda line: None,
) -> list[Compared]:  # fmt: skip
    """Train each on the same rows, export it, and measure the exported file. What is finished in `folder` is not done again.

    data_of: the rows for a training. minutes: as many epochs of each recipe as fit into that time, at least one; where not even one
    fits, one over a stratified part of the rows; 0: all of them. epochs: at most so many of each recipe, which shrinks with them; 0: all.
    No network sees crops larger than the pictures are.
    A network that fails is told through `say` and left out; the others go on. So is one that cannot learn from the data, as of sequences
    from pictures, or that is finished in `folder` with other data. One that is finished there with other settings is told, and keeps its
    line, marked.
    """
    found = []
    for wanted in configs:
        config = _shortened(wanted, epochs) if 0 < epochs < wanted.epochs else wanted
        try:
            line = _line(config, data_of(config), folder, minutes, wanted.epochs, say)
        except (MienError, RuntimeError) as error:  # torch says with the latter that memory is not enough
            say(f"{wanted.name}: left out: {str(error).splitlines()[0]}")
            continue
        found.append(line)
        if line.other_settings:
            there = f"{folder / config.name}: is there already, with other {OTHER}"
            say(f"{wanted.name}: left out: {there}; give another --out; its line stays, marked")
            continue
        say(f"{line.name}: accuracy {line.accuracy:.4f}, {line.epochs} of {line.wanted} epochs in {line.minutes:.1f} minutes")
    return found


def _line(config: TrainConfig, data: TrainData, folder: Path, minutes: float, wanted: int, say: Say) -> Compared:
    """The line that is on record, or else a new one. wanted: epochs of the whole recipe."""
    record = folder / config.name / RECORD
    made_with = {"asked": _asked(config, minutes), "data": data.hash, "detector": data.detector}
    if not record.exists():
        line = _one(config, data, folder, minutes, wanted, say)
        _write(record, made_with | {"line": dataclasses.asdict(line)})
        return line
    kept = json.loads(record.read_text("utf-8"))
    words = {"asked": OTHER, "data": "data", "detector": "detector"}
    if differ := [word for name, word in words.items() if name in kept and kept[name] != made_with[name]]:
        why = f"{record.parent}: is there already, with other {' and other '.join(differ)}; give another --out"
        if differ == [words["asked"]]:
            return Compared(**kept["line"] | {"other_settings": True})
        raise UsageError(why)
    return Compared(**kept["line"])


def _one(config: TrainConfig, data: TrainData, folder: Path, minutes: float, wanted: int, say: Say) -> Compared:
    size, side = input_of(config.net, config.settings).size, data.train.pictures.shape[1]
    config = as_started(changed(config, {"settings.size": side}) if size > side else config)
    if minutes:
        plan = _plan(config, data, folder / config.name, minutes)
        data = dataclasses.replace(data, train=part_of(data.train, plan["rows"], seed=config.seed))
        config = _shortened(config, plan["epochs"])
        say(f"{config.name}: {plan['epochs']} of {wanted} epochs over {len(data.train)} rows, {plan['ms_a_step']:.0f} ms a step")
    fitted = fit(config, data, folder / config.name, resume=True, say=say, watch=_told(say, config))
    took = sum(m["seconds"] for m in fitted.epochs)
    card = export(config, fitted.state, data, folder / config.name)
    return measured(config, data, folder / config.name / card.file, len(fitted.epochs), wanted, took / 60)


def _asked(config: TrainConfig, minutes: float) -> str:
    """One word for what a line of the table is of."""
    record = json.dumps([{k: v for k, v in dataclasses.asdict(config).items() if k not in FREE}, minutes], sort_keys=True)
    return hashlib.sha256(record.encode()).hexdigest()[:16]


def _write(path: Path, content: Mapping[str, object]) -> None:
    with whole(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def _plan(config: TrainConfig, data: TrainData, folder: Path, minutes: float) -> dict[str, int]:
    """Epochs and rows that fit into the time; kept, so that a comparison that was stopped goes on with them."""
    path = folder / PLAN
    asked = f"{_asked(config, minutes)} {data.hash[:16]}"
    if path.exists() and (kept := json.loads(path.read_text("utf-8")))["asked"] == asked:
        return dict(kept["plan"])
    seconds = seconds_a_step(config, data)
    whole = seconds * steps_of(data.train, config)
    rows = len(data.train)
    if whole > minutes * 60:
        rows = min(rows, max(2 * config.batch, round(minutes * 60 / seconds) * config.batch))
    plan = {"epochs": int(max(1, min(config.epochs, minutes * 60 / whole))), "rows": rows, "ms_a_step": round(seconds * 1000)}
    _write(path, {"asked": asked, "plan": plan})
    return plan


def _told(say: Say, config: TrainConfig) -> Callable[..., bool]:
    def watch(metrics: dict[str, float]) -> bool:
        say(f"{config.name}: epoch {metrics['epoch'] + 1:.0f} of {config.epochs}, accuracy {metrics.get('val_accuracy', np.nan):.4f}")
        return False

    return watch


def _shortened(config: TrainConfig, epochs: int) -> TrainConfig:
    """The same recipe in fewer epochs; what is told in epochs shrinks with them."""
    share = epochs / config.epochs
    restarts = [n for n in (round(length * share) for length in config.restarts) if n]
    while restarts and sum(restarts) >= epochs:  # rounded up: one epoch at least comes before them
        restarts.pop()
    return dataclasses.replace(
        config, epochs=epochs, small_epochs=round(config.small_epochs * share), calm_epochs=round(config.calm_epochs * share),
        restarts=tuple(restarts), freeze=dataclasses.replace(config.freeze, frozen_epochs=round(config.freeze.frozen_epochs * share)),
    )  # fmt: skip


def seconds_a_step(config: TrainConfig, data: TrainData, *, steps: int = 3) -> float:
    """How long one step of a training takes here, by the median of a few after one that does not count."""
    torch.set_num_threads(config.threads)
    net = build(config, data.names).to(memory_format=torch.channels_last)
    learn, example = optimiser(net, config), net.backbone.example(config.batch)
    net.train()
    took = []
    for _ in range(steps + 1):
        began = time.perf_counter()
        learn.zero_grad(set_to_none=True)
        net(example).square().mean().backward()
        learn.step()
        took.append(time.perf_counter() - began)
    return float(np.median(took[1:]))


def part_of(rows: Rows, count: int, *, seed: int) -> Rows:
    """That many rows, each class in its share, in their old order. Raises DataError for fewer rows than classes."""
    if count >= len(rows):
        return rows
    if count < len(rows.names):
        raise DataError(f"comparison: {count} rows for {len(rows.names)} classes; give it more minutes")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    order = order[np.argsort(rows.labels[order], kind="stable")]
    return rows.where(np.sort(order[np.linspace(0, len(rows) - 1, count).round().astype(np.int64)]))


def measured(config: TrainConfig, data: TrainData, file: Path, epochs: int, wanted: int, minutes: float) -> Compared:
    """A line of the table, from the exported file."""
    from mien.models.card import ModelCard

    card = ModelCard.read(file.with_suffix(".json"))
    model = OnnxRecogniser(card, file, threads=1)
    net = build(config, data.names)
    crops = Judge.of(data.judge, targets_of(data.judge, config), card.crop).crops
    emotions = model.read(model.outputs(crops))
    known = data.judge.labels >= 0
    answers = emotions.heads[head_name(data.names)]
    head = Judged(answers[known], data.judge.labels[known], data.names).headline()
    clear, majority = crowd_majority(data.judge.shares)
    crowd = (
        float(np.equal(convert(answers, data.names, CROWD)[clear].argmax(axis=1), majority[clear]).mean()) if clear.any() else float("nan")
    )
    counted = cost(net, card.crop.size)
    tiled = np.concatenate([crops] * (1 + 32 // len(crops)))[:32]
    one, many = (timed(lambda n=n: model.outputs(tiled[:n]), runs=30, warm=3)["median_ms"] / n for n in (1, 32))  # type: ignore[misc]
    return Compared(
        config.name, config.net, card.crop.size, len(data.train), epochs, wanted, head["accuracy"], head["balanced_accuracy"],
        head["macro_f1"], crowd, head["top2"], head["second_given_wrong"], counted.parameters, round(counted.mflops, 1), one, many,
        card.bytes / 1e6, minutes,
    )  # fmt: skip


HEADINGS = {
    "name": "settings", "net": "network", "size": "px", "epochs": "epochs", "rows": "rows", "minutes": "minutes", "accuracy": "accuracy",
    "balanced": "balanced", "macro_f1": "macro-F1", "crowd": "FER+", "second_given_wrong": "2nd right when 1st wrong",
    "parameters": "parameters", "mflops": "MFLOPs", "ms_1": "ms a face, batch 1", "ms_32": "batch 32", "megabytes": "MB",
}  # fmt: skip


def as_markdown(lines: Sequence[Compared]) -> str:
    """The table, best accuracy first."""
    rows = [HEADINGS, *(_cells(line) for line in sorted(lines, key=lambda line: -line.accuracy))]
    text = ["| " + " | ".join(row[name] for name in HEADINGS) + " |" for row in rows]
    return "\n".join([text[0], "|" + "---|" * len(HEADINGS), *text[1:]]) + "\n"


def _cells(line: Compared) -> dict[str, str]:
    values = dataclasses.asdict(line)
    shares = ("accuracy", "balanced", "macro_f1", "crowd", "second_given_wrong")
    cells = {name: f"{values[name]:.3f}".lstrip("0") if np.isfinite(values[name]) else "-" for name in shares}
    cells |= {"epochs": f"{line.epochs} of {line.wanted}", "rows": f"{line.rows:,}", "minutes": f"{line.minutes:.1f}"}
    cells |= {"parameters": f"{line.parameters / 1e6:.2f} M", "mflops": f"{line.mflops:,.0f}", "megabytes": f"{line.megabytes:.1f}"}
    cells |= {name: f"{values[name]:.2f}" for name in ("ms_1", "ms_32")}
    cells |= {"name": f"{line.name} (other settings)"} if line.other_settings else {}
    return {name: cells.get(name, str(values[name])) for name in HEADINGS}


def write_table(lines: Sequence[Compared], folder: Path) -> Path:
    """Write table.md and table.csv; gives the former."""
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in dataclasses.fields(Compared)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(dataclasses.asdict(line) for line in lines)
    path = folder / "table.md"
    path.write_text(as_markdown(lines), "utf-8")
    return path
