"""``--regions`` of one recording: what a hand added, moved or vetoed, and who was under what it moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mot_anon.plan.overrides import SAME_BOX, Override, apply_overrides
from mot_anon.plan.regions import iou
from mot_anon.plan.unexplained import unexplained
from mot_anon.publish.recordings import Recording

_BOX = ["x", "y", "w", "h"]


def overridden(
    regions: pd.DataFrame, recording: Recording, lines: Sequence[Override], path: Path | None
) -> pd.DataFrame:
    """Regions with the lines of ``path`` that are about this recording carried out."""
    if not lines:
        return regions
    assert path is not None
    length = recording.first.n_frames
    return apply_overrides(regions, list(lines), path=path, recording=recording.name, n_frames=length)


def left_by_moves(
    regions: pd.DataFrame,
    things: pd.DataFrame,
    lines: Sequence[Override],
    detections: Mapping[str, pd.DataFrame],
    size: tuple[int, int],
    target: str,
    *,
    silhouettes: bool,
) -> pd.DataFrame:
    """Detections that a label explained until it was moved: somebody else may have been under it.

    Parameters
    ----------
    regions, things:
        After the lines were carried out.
    lines:
        Of this recording.
    detections, size, target, silhouettes:
        As of :func:`~mot_anon.plan.unexplained.unexplained`.

    Returns
    -------
    Regions that are to be added, of the frames in which something was moved; vetoed ones are not among them.
    """
    moved = {line.frame for line in lines if line.action == "move"}
    found = {name: table[table["frame"].isin(moved)] for name, table in detections.items()}
    more = unexplained(found, regions, things, size, target, silhouettes=silhouettes)
    for line in lines:
        if line.action == "veto" and line.box is not None:
            near = iou(more[_BOX].to_numpy(float), np.array([line.box]))[:, 0] >= SAME_BOX
            more = more[~((more["frame"] == line.frame).to_numpy() & near)]
    known = pd.MultiIndex.from_frame(regions[["frame", *_BOX]])
    return more[~pd.MultiIndex.from_frame(more[["frame", *_BOX]]).isin(known)]
