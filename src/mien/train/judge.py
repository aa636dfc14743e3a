"""How good a network is on the rows to judge by."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
import torch

from mien.evaluate.metrics import Judged, affect_figures
from mien.labels import EMOTIONS, LABEL_SETS, convert
from mien.models.recogniser import softmax
from mien.train.config import AXES, AXIS_FIGURES
from mien.train.crops import plain_crops, with_channel
from mien.train.heads import Network
from mien.train.rows import Rows
from mien.train.targets import AFFECT, VOTES, Loss, Tensors, head_name
from mien.types import Bools, Floats, Image, Ints
from mien.vision.align import CropSpec

CROWD = LABEL_SETS["ferplus8"]


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Rows as crops, with what the outputs are to say about them."""

    crops: Image
    """uint8 (n, [T,] S, S, 1 or 3)."""
    rows: Rows
    targets: dict[str, Floats]

    @classmethod
    def of(cls, rows: Rows, targets: dict[str, Floats], spec: CropSpec) -> Judge:
        """The rows cut by their landmarks, not augmented."""
        return cls(with_channel(plain_crops(rows.pictures, rows.points, rows.frames, spec)), rows, targets)

    @staticmethod
    def figures(outs: Container[str], rows: Rows) -> list[str]:
        """Names of what `metrics` gives of a network with these outputs on these rows."""
        names = ["val_loss"]
        if head_name(rows.names) in outs and (rows.labels >= 0).any():
            names += ["val_accuracy", "val_balanced", "val_macro_f1"]
        if VOTES in outs:
            names.append("val_votes_accuracy")
        if AFFECT in outs:
            names += [f"val_{figure}_{name}" for name in AXES for figure in AXIS_FIGURES]
        return [*names, "val_score"]

    def metrics(self, net: Network, loss: Loss, device: torch.device) -> dict[str, float]:
        """val_loss, NaN where an output is no number, and what each task has: val_accuracy, val_balanced, val_macro_f1 of the classes;
        val_votes_accuracy on the crowd's majority among FER+'s eight; val_ccc_, val_rmse_, val_mae_ of valence and arousal; val_score, the
        mean of accuracies and CCC."""
        outs = outputs(net, self.crops, device)
        tensors: Tensors = {name: torch.from_numpy(out).to(device) for name, out in outs.items()}
        targets = {name: torch.from_numpy(np.ascontiguousarray(target)).to(device) for name, target in self.targets.items()}
        whole = all(np.isfinite(out).all() for out in outs.values())  # the loss may be a number where they are not: of tanh(inf)
        found = {"val_loss": float(loss(tensors, targets, adjusted=False)) if whole else float("nan")}
        scores = []
        classes = head_name(self.rows.names)
        known = self.rows.labels >= 0
        if classes in outs and known.any():
            head = Judged(softmax(outs[classes][known]), self.rows.labels[known], self.rows.names).headline()
            found |= {"val_accuracy": head["accuracy"], "val_balanced": head["balanced_accuracy"], "val_macro_f1": head["macro_f1"]}
            scores.append(head["accuracy"])
        if VOTES in outs:
            clear, majority = crowd_majority(self.rows.shares)
            answer = convert(softmax(outs[VOTES]), EMOTIONS, CROWD).argmax(axis=1)
            right = np.equal(answer[clear], majority[clear])
            found["val_votes_accuracy"] = float(right.mean()) if len(right) else float("nan")
            scores.append(found["val_votes_accuracy"])
        if AFFECT in outs:
            guess = np.tanh(outs[AFFECT])
            axes = {name: affect_figures(guess[:, i], self.rows.affect[:, i]) for i, name in enumerate(AXES)}
            found |= {f"val_{figure}_{name}": axes[name][figure] for name in AXES for figure in AXIS_FIGURES}
            scores.append(float(np.mean([axis["ccc"] for axis in axes.values()])))
        finite = [score for score in scores if np.isfinite(score)]
        return found | {"val_score": float(np.mean(finite)) if finite else float("nan")}


def crowd_majority(shares: Floats) -> tuple[Bools, Ints]:
    """Rows whose votes have one clear first place that is among FER+'s eight emotions, bool (n,), and it, int64 (n,), in their order."""
    single, best = first_place(shares)
    place = np.array([CROWD.index(name) if name in CROWD else -1 for name in EMOTIONS])
    return np.asarray(single & (place[best] >= 0)), place[best]


def first_place(shares: Floats) -> tuple[Bools, Ints]:
    """Rows whose votes, float32 (n, 9) with NaN where there are none, have a single first place, bool (n,), and it, int64 (n,)."""
    votes = np.nan_to_num(shares)
    single = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) == 1
    return np.asarray(np.isfinite(shares).all(axis=1) & single), votes.argmax(axis=1)


@torch.no_grad()
def outputs(net: Network, crops: Image, device: torch.device | None = None, *, batch: int = 256) -> dict[str, Floats]:
    """Raw outputs by name, float32 (n, columns), of uint8 crops (n, [T,] S, S, 1 or 3). batch: crops, in sequences or not."""
    net.eval()
    batch = max(1, batch // max(1, net.input.frames))
    enter = net.entrance().to(device)
    parts = [net.split(net(enter(torch.from_numpy(crops[i : i + batch]).to(device))).float()) for i in range(0, len(crops), batch)]
    return {name: np.concatenate([part[name].cpu().numpy() for part in parts]) for name in net.outputs}
