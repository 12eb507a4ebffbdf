"""What an evaluation found: documented values that can turn themselves into JSON and a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from rich import box
from rich.table import Table

from mot_anon.measure.compare import Cell
from mot_anon.measure.leakage import leaked_scores
from mot_anon.measure.scores import SequenceScores, combine
from mot_anon.measure.statistics import Interval, differences, spread
from mot_anon.measure.telling import SHOWN, policy_name, told, told_cells

SCHEMA = 1
_LOSSES = ("MOTA", "IDF1", "HOTA")


@dataclass(frozen=True)
class Run:
    """One tracker on one source of detections, over one sequence or several.

    Attributes
    ----------
    cells:
        One a sequence, of the same tracker and source.
    """

    cells: tuple[Cell, ...]

    @property
    def tracker(self) -> str:
        """Name of the tracker."""
        return self.cells[0].tracker

    @property
    def detections(self) -> str:
        """Name of the source of detections."""
        return self.cells[0].detections

    @property
    def sensitive(self) -> bool:
        """Whether the tracker or its detections see pixels; if not, differences are zero by construction."""
        return self.cells[0].sensitive

    @cached_property
    def original(self) -> dict[str, float]:
        """Scores on the original frames; fractions and counts."""
        return _summed([cell.original for cell in self.cells]).as_dict()

    @cached_property
    def by_key(self) -> list[dict[str, float]]:
        """Scores on the published frames, one entry a key."""
        keys = range(len(self.cells[0].published))
        return [_summed([cell.published[key] for cell in self.cells]).as_dict() for key in keys]

    @cached_property
    def published(self) -> dict[str, float]:
        """Scores on the published frames, means over the keys."""
        return {name: _mean([scores[name] for scores in self.by_key]) for name in self.original}

    @cached_property
    def difference(self) -> dict[str, Interval]:
        """Published − original, with a 95 % interval where there is one.

        With several keys, value and ends are means over the keys: each key's interval is that of the same resampled
        frames, so the mean of the ends is no narrower than the interval of the mean.
        """
        originals = [cell.original for cell in self.cells]
        cameras = [cell.camera for cell in self.cells]
        per_key = [
            differences(originals, [cell.published[key] for cell in self.cells], cameras=cameras)
            for key in range(len(self.cells[0].published))
        ]
        return {name: _mean_interval([found[name] for found in per_key]) for name in self.original}

    @cached_property
    def sensitivity(self) -> dict[str, dict[str, float] | None]:
        """What the same tracker loses (original − control) with features that mean nothing, and on grey frames.

        Grey frames are the first of a sequence, and so are the original ones that they are compared with.
        """
        losses: dict[str, dict[str, float] | None] = {}
        for name in ("random_features", "grey"):
            controls = [getattr(cell, name) for cell in self.cells]
            if any(control is None for control in controls):
                losses[name] = None
            else:
                scores = _summed(controls).as_dict()
                before = self.original if name != "grey" else self._grey_original
                losses[name] = {metric: before[metric] - scores[metric] for metric in _LOSSES}
        return losses

    @property
    def _grey_original(self) -> dict[str, float]:
        return _summed([cell.grey_original or cell.original for cell in self.cells]).as_dict()

    @property
    def grey_frames(self) -> int | None:
        """Frames that the control on grey frames was measured on; None where it was not."""
        controls = [cell.grey for cell in self.cells if cell.grey is not None]
        return sum(control.n_frames for control in controls) if len(controls) == len(self.cells) else None

    def leaked(self, policy: str) -> list[str]:
        """Scores whose rise under ``policy`` is label leakage (:mod:`mot_anon.measure.leakage`)."""
        sees_looks = self.sensitive and self.cells[0].random_features is not None
        return leaked_scores(policy, self.difference, sees_looks=sees_looks)

    @property
    def keys(self) -> dict[str, Any] | None:
        """Spread of the differences between keys; None for a single key."""
        if len(self.by_key) < 2:
            return None
        return {
            "count": len(self.by_key),
            **{
                name: spread([scores[name] - self.original[name] for scores in self.by_key])
                for name in (*_LOSSES, "IDSW")
            },
        }

    def to_json(self) -> dict[str, Any]:
        """As in ``results.json``."""
        return {
            "tracker": self.tracker,
            "detections": self.detections,
            "sensitive": self.sensitive,
            "original": _plain(self.original),
            "published": _plain(self.published),
            "difference": {
                name: {"value": _number(i.value), "low": _number(i.low), "high": _number(i.high)}
                for name, i in self.difference.items()
            },
            "sensitivity": {
                **{name: _plain(loss) if loss else None for name, loss in self.sensitivity.items()},
                "grey_frames": self.grey_frames,
            },
            "keys": self.keys,
        }


@dataclass(frozen=True)
class SequenceResult:
    """One sequence under one policy."""

    sequence: str
    camera: str
    frames: int
    method: str
    target: str
    policy: str
    runs: tuple[Run, ...]

    def to_json(self) -> dict[str, Any]:
        """As in ``results.json``."""
        named = {name: getattr(self, name) for name in ("sequence", "camera", "frames", "method", "target", "policy")}
        return {**named, "runs": [_with_leakage(self.policy, run) for run in self.runs]}


@dataclass(frozen=True)
class Evaluation:
    """Everything that one call of ``evaluate`` found.

    Attributes
    ----------
    version:
        Of mot_anon.
    sequences:
        One entry a sequence and policy.
    notes:
        What the reader must know, one sentence each.
    """

    version: str
    sequences: tuple[SequenceResult, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def combined(self) -> tuple[tuple[str, Run], ...]:
        """(policy, run) over all sequences, counts summed."""
        pooled: dict[tuple[str, str, str], list[Cell]] = {}
        for sequence in self.sequences:
            for run in sequence.runs:
                pooled.setdefault((sequence.policy, run.tracker, run.detections), []).extend(run.cells)
        return tuple((policy, Run(tuple(cells))) for (policy, _, _), cells in pooled.items())

    def to_json(self) -> dict[str, Any]:
        """The content of ``results.json`` (``results.schema.json`` describes it)."""
        return {
            "schema": SCHEMA,
            "version": self.version,
            "sequences": [sequence.to_json() for sequence in self.sequences],
            "combined": {"runs": [{"policy": policy, **_with_leakage(policy, run)} for policy, run in self.combined]},
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """Every tracker's scores over all sequences in measured words, one line each: for a data sheet."""
        names = list(dict.fromkeys(sequence.sequence for sequence in self.sequences))
        frames = sum({sequence.sequence: sequence.frames for sequence in self.sequences}.values())
        where = f"{', '.join(names)} ({frames} frames)"
        return [f"{run.tracker} on {run.detections} detections, {where}: {told(run, p)}" for p, run in self.combined]

    def summary(self) -> dict[str, Any]:
        """What a published tree says of it: :meth:`lines`, and the differences as numbers."""
        runs = [
            {
                "tracker": run.tracker,
                "detections": run.detections,
                "sensitive": run.sensitive,
                "difference": {name: asdict(run.difference[name]) for name in SHOWN},
            }
            for _, run in self.combined
        ]
        return {
            "version": self.version,
            "sequences": sorted({sequence.sequence for sequence in self.sequences}),
            "lines": self.lines(),
            "runs": runs,
        }

    def table(self) -> Table:
        """A row per sequence, policy, tracker and detections; several sequences are followed by their sum."""
        first = self.sequences[0]
        title = f"method {first.method}, target {first.target}: original → published"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for name in ("sequence", "policy", "tracker", "detections"):
            table.add_column(name, no_wrap=True)
        for name in SHOWN:
            table.add_column(f"{name}\nΔ [95 %]", justify="right")
        table.add_column("IDF1 lost with\nother pixels")
        for sequence in self.sequences:
            for row in sequence.runs:
                table.add_row(sequence.sequence, policy_name(sequence.policy), *told_cells(row, sequence.policy))
            table.add_section()
        if len({sequence.sequence for sequence in self.sequences}) > 1:
            for policy, row in self.combined:
                table.add_row("all", policy_name(policy), *told_cells(row, policy))
        return table


def runs_of(cells: Iterable[Cell]) -> tuple[Run, ...]:
    """The cells of one sequence as runs."""
    return tuple(Run((cell,)) for cell in cells)


def _with_leakage(policy: str, run: Run) -> dict[str, Any]:
    return {**run.to_json(), "label_leakage": run.leaked(policy)}


def _summed(scores: Sequence[SequenceScores]) -> SequenceScores:
    return scores[0] if len(scores) == 1 else combine(list(scores))


def _mean(values: list[float]) -> float:
    return values[0] if len(set(values)) == 1 else float(np.mean(values))


def _mean_interval(intervals: list[Interval]) -> Interval:
    lows = [interval.low for interval in intervals if interval.low is not None]
    highs = [interval.high for interval in intervals if interval.high is not None]
    complete = len(lows) == len(highs) == len(intervals)
    value = _mean([interval.value for interval in intervals])
    return Interval(value, _mean(lows) if complete else None, _mean(highs) if complete else None)


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _plain(scores: dict[str, float]) -> dict[str, float | None]:
    """Scores for JSON, which has no NaN."""
    return {name: None if np.isnan(value) else value for name, value in scores.items()}
