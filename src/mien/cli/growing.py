"""The table of `mien analyze` that another run can go on with (`--resume`): what is in it already, what both runs must have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mien.cli.render import RunTalk, counted
from mien.errors import SourceUnreadable, UsageError
from mien.provenance import Provenance
from mien.sinks.pictures import TABLE
from mien.sinks.registry import is_folder, is_table
from mien.sinks.resume import NOTHING, SoFar, so_far
from mien.sinks.single import names_in
from mien.sinks.tables import GROWING
from mien.sinks.unfinished import UnfinishedSink, failures_of

BEFORE = {"turn": 0, "as_video": None, "unsure.max_cut": 1.0}
"""Options that came later than --resume: what they amounted to in the runs before them, whose tables may still be gone on with."""


@dataclass(frozen=True)
class GrowingTable:
    """The one table of a run that grows row by row, and what an earlier run left in it."""

    path: Path | None
    """None where there is none, or where other outputs need all rows in one run."""
    done: SoFar
    depends: Mapping[str, Any]
    """What the rows depend on, beside the inputs and the model: the same in both runs."""

    @classmethod
    def begun(cls, output: list[str], how: Provenance, *, all_at_once: bool) -> GrowingTable:
        """Of a run that begins. how: how its rows are made. all_at_once: whether something else needs all rows in one run."""
        growing = [Path(target) for target in output if is_table(target) and Path(target).suffix.lower() in GROWING]
        folders = [Path(target) for target in output if is_folder(target)]
        tables = growing or [folder / TABLE for folder in folders[:1]]
        whole = all_at_once or len(growing) + len(folders) < len(output)
        return cls(None if whole or len(tables) != 1 else tables[0], NOTHING, _depends(how))

    def gone_on_with(self, columns: Mapping[str, type], inputs: list[str], *, recursive: bool, as_video: float | None) -> GrowingTable:
        """With what an interrupted run left. Raises UsageError where it cannot be gone on with."""
        if self.path is None:
            raise UsageError(
                "--resume: wanted one table, -o x.csv or x.jsonl, and at most folders beside it; other outputs need all rows in one run"
            )
        done = so_far(self.path, columns)
        named = names_in(inputs, recursive=recursive, as_video=as_video)
        if done.last and done.last not in inputs and all(name != done.last for name in named):
            # Its rows would go, and nothing would come in their place.
            raise UsageError(f"--resume: {self.path} ends with {done.last}, which is not among the inputs; wanted the same inputs as then")
        found = dataclasses.replace(self, done=done)
        _ = found.failures  # other options than then are refused before models are loaded
        return found

    @cached_property
    def failures(self) -> dict[str, str] | None:
        """Source -> why it could not be read to its end, of what is in the table, and so is not read again; None for a new table."""
        if self.path is None or not self.done.sources:
            return None
        return {source: why for source, why in failures_of(self.path, self.depends, before=BEFORE).items() if source in self.done.sources}

    def refuse_other_model(self, model: str) -> None:
        """Raise UsageError where the table was begun with another one."""
        if self.done.model not in ("", model):
            raise UsageError(f"--resume: the table was begun with the model {self.done.model!r}, and this run has {model!r}")

    def tell(self, talk: RunTalk) -> None:
        """Say what is in the table already, and what the earlier run could not read."""
        if self.done.sources:
            talk.notice(
                f"--resume: {counted(len(self.done.sources), 'input')} in the table already; going on behind, with {self.done.last} anew"
            )
        for source, why in (self.failures or {}).items():
            talk.fail(source, SourceUnreadable(why), counted=False)  # nor is it among those that will be read

    def sink(self) -> UnfinishedSink | None:
        """What notes beside the table how far it is, for the next run."""
        return None if self.path is None else UnfinishedSink(self.path, self.depends, self.failures)


def _depends(how: Provenance) -> dict[str, Any]:
    return {name: value for name, value in how.flat().items() if name not in ("model", "threads", "batch")}
