"""The figure beside the privacy table: how far people are found again, against what tracking loses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privacy import Row

Tracking = dict[tuple[str, str], dict[str, float | None]]


def read_tracking(given: Iterable[str]) -> Tracking:
    """(method as in ``--methods``, policy) → the re-ID tracker's difference of IDF1 on public detections.

    Parameters
    ----------
    given:
        Paths of ``results.json``, or ``METHOD:STRENGTH=PATH`` where the strength is not the method's default one.
    """
    found: Tracking = {}
    for text in given:
        label, _, path = text.rpartition("=")
        results = json.loads(Path(path).read_text(encoding="utf-8"))
        method = label or results["sequences"][0]["method"]
        for run in results["combined"]["runs"]:
            if run["tracker"] == "reid" and run["detections"] == "public":
                found[method, run["policy"]] = run["difference"]["IDF1"]
    return found


def figure(rows: Sequence[Row], tracking: Tracking, out: Path) -> list[str]:
    """Draw the best attacker's rank-1 over the floor against |Δ IDF1|; returns the rows that have no tracking."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    canvas, axes = plt.subplots(figsize=(7, 5))
    lacking = []
    for row in rows:
        label = row.method if row.strength is None else f"{row.method}:{row.strength}"
        best, difference = row.study.best(), tracking.get((label, row.policy))
        if best is None or best.over_floor is None or difference is None or difference["value"] is None:
            lacking.append(row.name)
            continue
        x, y = 100 * abs(difference["value"]), 100 * best.over_floor.value
        across = _ends(x, sorted(abs(100 * end) for end in (difference["low"], difference["high"]) if end is not None))
        up = _ends(y, [100 * end for end in (best.over_floor.low, best.over_floor.high) if end is not None])
        axes.errorbar([x], [y], xerr=across, yerr=up, fmt="o", capsize=2)
        axes.annotate(f"{row.name} ({best.attack})", (x, y), xytext=(5, 5), textcoords="offset points", fontsize=8)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set_xlabel("|Δ IDF1| of the re-ID tracker, points")
    axes.set_ylabel("best attack's rank-1 over a grey fill, points")
    canvas.tight_layout()
    canvas.savefig(out, dpi=150, metadata={"Software": None})
    plt.close(canvas)
    return lacking


def _ends(value: float, ends: Sequence[float]) -> list[list[float]] | None:
    return [[max(0.0, value - ends[0])], [max(0.0, ends[1] - value)]] if len(ends) == 2 else None
