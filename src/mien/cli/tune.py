"""`mien tune`: a search for the settings of a training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.exit_codes import INTERRUPTED, NOTHING_DONE
from mien.cli.settings import with_settings
from mien.cli.train import Data, Detector, Duplicates, read
from mien.errors import ExtraMissing, install

if TYPE_CHECKING:
    from mien.train.config import TrainConfig
    from mien.train.tune.study import Found


@with_settings
def tune(
    config: Annotated[str, typer.Argument(help="TOML file with settings, or a name that comes with mien, as for mien train.")],
    data: Data,
    space: Annotated[str, typer.Option(help="What varies: r0, or a TOML file.")] = "r0",
    trials: Annotated[int | None, typer.Option(min=1, help="Trials to finish, earlier runs included. Default: the space's.")] = None,
    metric: Annotated[
        str | None, typer.Option(help="Figure of an epoch that decides, such as val_loss or val_accuracy. Default: the space's.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trials at a time, each in a process of its own.")] = 1,
    features: Annotated[
        bool, typer.Option("--features/--full", help="Train heads on features of the frozen backbone, made once; or whole networks.")
    ] = False,
    prune: Annotated[bool, typer.Option("--prune/--no-prune", help="Cut trials short that are worse than the median by then.")] = True,
    duplicates: Duplicates = None,
    out: Annotated[Path, typer.Option(help="The search's folder, called as the model with -tune, is made here.")] = Path("runs"),
    detector: Detector = "yunet",
    changes: dict[str, Any] | None = None,
) -> None:
    """Search for the settings with which a training gives the best network, by Bayesian optimisation.

    The same command goes on with a search that was ended. In its folder are best.toml for mien train, trials.csv, and index.html.
    --epochs is for each trial, instead of the space's; best.toml keeps those of the config. --seed decides what is tried, too.
    """
    try:
        import optuna  # noqa: F401
        import torch  # noqa: F401
    except ImportError:
        raise ExtraMissing(f"tuning needs PyTorch and Optuna: {install('train')}") from None
    from mien.cli.data_problems import leave
    from mien.cli.render import progress_counter, say
    from mien.train.config import changed, read_config
    from mien.train.tune.features import cached_features, head_only
    from mien.train.tune.objectives import HeadTraining, Training
    from mien.train.tune.page import write_page
    from mien.train.tune.space import fitted, read_space
    from mien.train.tune.study import run

    given = dict(changes or {})
    epochs = given.pop("epochs", None)
    settings = read_config(config, **given)
    searched = fitted(read_space(space), settings)
    if features:
        head_only(searched)
    base = changed(settings, searched.fixed)
    folder = out / f"{settings.name}-tune"
    rows, reports = read(base, data, duplicates, detector, out, listed=folder / "problems.csv")
    objective = HeadTraining(cached_features(base, rows, folder, say=say, progress=progress_counter)) if features else Training(rows)
    found = run(
        settings, searched, objective, folder, trials=trials, epochs=epochs, metric=metric, jobs=jobs, seed=settings.seed, prune=prune,
        facts={"data": rows.hash, "detector": rows.detector, "features": features}, say=say,
    )  # fmt: skip
    page = folder / "index.html"
    write_page(found, page, title=f"Search for {settings.name}", notes=_notes(settings, features=features))
    _tell(found)
    say(f"{found.finished} of {found.wanted} trials -> {page}")
    if found.interrupted:
        raise typer.Exit(INTERRUPTED)
    if found.best is None:
        raise typer.Exit(NOTHING_DONE)
    leave(reports)


def _notes(settings: TrainConfig, *, features: bool) -> tuple[str, ...]:
    if not features:
        return ()
    return (f"Heads on features of a frozen {settings.net}, without augmentation: train the best settings whole before you rely on them.",)


def _tell(found: Found) -> None:
    """The best settings on stdout."""
    from mien.train.tune.words import figure, shown

    if (best := found.best) is None:
        typer.echo(f"no trial of {found.finished} is complete; why is in {found.folder / 'trials.csv'}")
        return
    typer.echo(f"trial {best.number}  {found.metric} {figure(best.value)}")
    for name, value in best.values.items():
        share = f"  importance {found.importance[name]:.2f}" if name in found.importance else ""
        typer.echo(f"{name:<24} {shown(value)}{share}")
    typer.echo(str(found.folder / "best.toml"))
