"""Figures of an evaluation in words and in cells of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mot_anon.measure.results import Run

SHOWN = ("MOTA", "IDF1", "HOTA", "IDSW")
"""The scores that tables have."""
COUNTS = frozenset({"IDSW", "FP", "FN", "MT", "ML", "Frag"})
"""Scores that are counts; the others are fractions, and shown in percent."""


def told_cells(run: Run, policy: str) -> list[str]:
    """A run as the cells of a table's row, from the tracker on."""
    shown = [run.tracker, run.detections]
    for name in SHOWN:
        before, after, change = run.original[name], run.published[name], run.difference[name]
        scale, form = (1, ".0f") if name in COUNTS else (100, ".1f")
        line = f"{_text(before, scale, form)} → {_text(after, scale, form)}"
        line += f"\n{_text(change.value, scale, '+' + form)}"
        if change.low is not None and change.high is not None:
            line += f" [{_text(change.low, scale, '+' + form)}, {_text(change.high, scale, '+' + form)}]"
        shown.append(line)
    if not run.sensitive:
        return [*shown, "insensitive"]
    names = {"random_features": "random features", "grey": "grey people"}
    losses = [
        f"{names[name]} {_text(loss['IDF1'], 100, '.1f')}" + f" ({run.grey_frames} frames)" * (name == "grey")
        for name, loss in run.sensitivity.items()
        if loss is not None
    ]
    if leaked := run.leaked(policy):
        losses.append(f"label leakage, no gain: {', '.join(leaked)}")
    return [*shown, "\n".join(losses) or "not measured"]


def told(run: Run, policy: str) -> str:
    """For example ``IDF1 61.0 → 60.5, difference -0.5 [-1.5, +0.4]; …``."""
    if not run.sensitive:
        return "sees no pixel and cannot differ (insensitive)"
    parts = []
    for name in SHOWN:
        scale, form = (1, ".0f") if name in COUNTS else (100, ".1f")
        change = run.difference[name]
        ends = ""
        if change.low is not None and change.high is not None:
            ends = f" [{_text(change.low, scale, '+' + form)}, {_text(change.high, scale, '+' + form)}]"
        before, after = (_text(scores[name], scale, form) for scores in (run.original, run.published))
        parts.append(f"{name} {before} → {after}, difference {_text(change.value, scale, '+' + form)}{ends}")
    lost = {"random_features": "with random features", "grey": "on frames in which everybody is grey"}
    for name, loss in run.sensitivity.items():
        said = "not measured" if loss is None else f"{_text(loss['IDF1'], 100, '.1f')} points of IDF1"
        parts.append(f"the same tracker loses {lost[name]}: {said}")
    if leaked := run.leaked(policy):
        parts.append(f"label leakage, no gain: {', '.join(leaked)}")
    return "; ".join(parts)


def policy_name(name: str) -> str:
    """As tables have it."""
    return "–" if name == "none" else name


def _text(value: float | None, scale: float, form: str) -> str:
    return "–" if value is None or np.isnan(value) else format(value * scale, form)
