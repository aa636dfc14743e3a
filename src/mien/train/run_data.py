"""The data that a run is exported with: in the colour, under the classes, with the frequencies of those it was trained on."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from mien.errors import UsageError
from mien.train.affect_origin import Origin, merged
from mien.train.config import TrainConfig, changed
from mien.train.rows import FILES, LOOK_ALIKES, Rows, TrainData
from mien.train.run_folder import RunFolder
from mien.train.targets import priors
from mien.train.telling import Say
from mien.types import Floats


def in_its_colour(config: TrainConfig, run: RunFolder) -> TrainConfig:
    """The settings to read data by that are to be in the colour of those that the run was trained on, whatever they are themselves."""
    return changed(config, {"colour": "rgb" if run.about()["colour"] else "grey"})


def under_its_classes(config: TrainConfig, data: TrainData, run: RunFolder, *, say: Say = lambda line: None) -> TrainData:
    """The data with the run's classes, in its order. Classes that no row has are told through `say`.

    Raises UsageError where the run learnt classes and the data have one that it does not know.
    """
    names = tuple(run.about()["names"])
    if data.names == names:
        return data
    if "classes" in config.tasks and (strange := [name for name in data.names if name not in names]):
        raise UsageError(
            f"data: its classes are {', '.join(data.names)}, and {run.path} does not know {', '.join(strange)}; wanted rows of "
            f"{', '.join(names)}, as it was trained on"
        )
    if missing := [name for name in names if name not in data.names]:
        say(f"no rows of {', '.join(missing)}: temperatures are fitted on those of {', '.join(data.names)}")
    return dataclasses.replace(data, train=_under(data.train, names), judge=_under(data.judge, names))


def _under(rows: Rows, names: tuple[str, ...]) -> Rows:
    place = np.array([names.index(name) if name in names else -1 for name in rows.names] + [-1], np.int64)
    return dataclasses.replace(rows, labels=place[rows.labels], names=names)  # -1, for no label, is the last place


def its_frequencies(config: TrainConfig, data: TrainData, run: RunFolder) -> dict[str, Floats]:
    """How frequent the classes of each output were in the training, float32 (columns,) by output (see targets.priors).

    A run without a record of it has those of `data`, which are under its classes. Raises UsageError where one of them has no row and the
    settings give frequencies back.
    """
    if (kept := run.about().get("priors")) is not None:
        return {name: np.array(values, np.float32) for name, values in kept.items()}
    given_back = config.votes_back or config.classes_back or config.blend_votes_back
    there_are = np.bincount(data.train.labels[data.train.labels >= 0], minlength=len(data.names))
    if given_back and "classes" in config.tasks and not there_are.all():
        lack = ", ".join(name for name, count in zip(data.names, there_are, strict=True) if not count)
        raise UsageError(
            f"data: no training row of {lack}, whose frequency is to be given back; wanted the data that {run.path} was trained on"
        )
    return priors(data.train)


def its_hold_out(run: RunFolder) -> str:
    """What is on one side where rows are held out for this run: as on record, LOOK_ALIKES for one that is yet to begin.

    Runs without a record of it held out by FILES. With another hold-out they would be calibrated on what they learnt, and not go on.
    """
    return str(run.about().get("held_out", FILES)) if run.last.exists() else LOOK_ALIKES


def its_origin(config: TrainConfig, data: TrainData, run: RunFolder) -> Origin:
    """Where the valence and arousal come from that the shipped networks learnt: those of the run, its soup and its partners."""
    partners = [RunFolder(Path(one)) for one in config.partners]
    soups = [*config.soup, *(one for partner in partners for one in partner.config().soup)]
    return merged([_origin(data, one) for one in (run, *partners, *(RunFolder(Path(one)) for one in soups))])


def _origin(data: TrainData, run: RunFolder) -> Origin:
    """As on record; of a run without a record that of `data` where it was trained on these, or else what its card says."""
    about, config = run.about(), run.config()
    if (kept := about.get("affect")) is not None:
        return Origin(kept["shares"], kept["anchors"])
    if about.get("data") == data.hash:
        return data.origin
    return Origin({f"votes:{config.anchors}": 1.0} if "affect" in config.tasks else {}, config.anchors)


def recorded(rows: Rows) -> dict[str, list[float]]:
    """The frequencies of the classes for the record of a run; its_frequencies gives the same float32 again."""
    return {name: [float(str(share)) for share in shares] for name, shares in priors(rows).items()}
