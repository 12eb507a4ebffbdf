"""Faces that nobody is known to have: linked over time, they become regions of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mot_anon.plan import regions as reg
from mot_anon.plan.faces import FACE, HELD, Boxes, inner_face, roomy_face

_LOOSE = 0.4  # score of a face that nobody is known to have, at its best
_LINKED = 0.2  # IoU of one face in two frames
_BARE = 0.05  # share of a face that may show beside heads that are covered


def loose_regions(
    marked: pd.DataFrame, heads: Boxes, regions: pd.DataFrame, recording: str, longest: int, n_frames: int
) -> pd.DataFrame:
    """Regions for faces that nobody is known to have, where no painted head (``heads``, (N, 4)) covers them.

    One that is found again within ``longest`` frames is there in between, and three frames before and after; it is a
    track of its own, ``RECORDING:faceN``.
    """
    places = marked[["x", "y", "w", "h"]].to_numpy(float)
    loose = {(f, tuple(box)): flag for f, box, flag in zip(marked["frame"], places, marked["loose"], strict=True)}
    rows: list[tuple[int, str, Boxes]] = []
    number = 0
    for chain in _chains(marked, longest):
        frames, boxes = np.array([frame for frame, _, _ in chain]), np.array([box for _, box, _ in chain])
        if max(score for _, _, score in chain) < _LOOSE or not any(loose[frame, tuple(box)] for frame, box, _ in chain):
            continue
        number += 1
        for frame in range(max(1, frames[0] - HELD), min(n_frames, frames[-1] + HELD) + 1):
            box = np.array([np.interp(frame, frames, column) for column in boxes.T])
            rows.append((frame, f"{recording}:face{number}", roomy_face(box)))
    painted = (regions["kind"] != "hidden").to_numpy()
    numbers = regions["frame"].to_numpy()
    table = []
    for frame, track, box in rows:
        here = heads[painted & (numbers == frame)]
        size = (int(box[0] + box[2]) + 2, int(box[1] + box[3]) + 2)
        if reg.visible_share(inner_face(box[None])[0], here, size) > _BARE:
            table.append((frame, track, *box, "person", FACE))
    return pd.DataFrame(table, columns=reg.REGION_COLUMNS).astype({"frame": "int64"}).assign(visibility=1.0)


def _chains(marked: pd.DataFrame, longest: int) -> list[list[tuple[int, Boxes, float]]]:
    """Faces linked over time, whoever has them: lists of (frame, box, score)."""
    chains: list[list[tuple[int, Boxes, float]]] = []
    ordered = marked.sort_values(["frame", "confidence", "x"], ascending=[True, False, True], kind="stable")
    for frame, x, y, w, h, score in ordered[["frame", "x", "y", "w", "h", "confidence"]].itertuples(index=False):
        box = np.array([x, y, w, h])
        near = [chain for chain in chains if 0 < frame - chain[-1][0] <= longest + 1]
        overlaps = [float(reg.iou(box[None], chain[-1][1][None])[0, 0]) for chain in near]
        if overlaps and max(overlaps) >= _LINKED:
            near[int(np.argmax(overlaps))].append((int(frame), box, float(score)))
        else:
            chains.append([(int(frame), box, float(score))])
    return chains
