"""Whom no label has and a detector saw time and again: they were there in between, too.

A detector sees somebody who sits behind a hedge in one frame and misses them in the next.  Covered in the one and raw
in the other, they are not covered.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.regions import REGION_COLUMNS, fill_gaps, iou

_BOX = ["x", "y", "w", "h"]
_LONGEST = 1.0  # seconds between two sights of one person, and how long somebody was there before and after
_SAME = 0.5  # IoU of two sights of one person
_OFTEN = 3  # sights from which somebody who holds still was there before and after


def between_sights(found: pd.DataFrame, fps: float, n_frames: int) -> pd.DataFrame:
    """Where people are in the frames in which the detector that saw them before and after did not.

    Boxes are interpolated between two sights at the same place.  Whoever was seen often there and holds still is taken
    to have been there for a while before and after as well.

    Parameters
    ----------
    found:
        Detections that no label explains (:func:`~mot_anon.plan.unexplained.unexplained`); ``hidden`` ones are none.
    fps:
        Frames a second.

    Returns
    -------
    Columns frame, x, y, w, h: guesses, for a parser to confirm.
    """
    longest = max(1, round(_LONGEST * fps))
    sights: list[tuple[object, ...]] = []
    stays: list[tuple[object, ...]] = []
    for number, (frames, boxes) in enumerate(_chains(found[found["kind"] != "hidden"], longest)):
        sights += [(at, str(number), *box, "unsure", "detection") for at, box in zip(frames, boxes, strict=True)]
        if len(frames) >= _OFTEN and iou(boxes[:1], boxes[-1:])[0, 0] >= _SAME:
            stays += [(frame, *boxes[0]) for frame in range(max(1, frames[0] - longest), frames[0])]
            stays += [(frame, *boxes[-1]) for frame in range(frames[-1] + 1, min(n_frames, frames[-1] + longest) + 1)]
    columns = ["frame", *_BOX]
    whole = fill_gaps(pd.DataFrame(sights, columns=REGION_COLUMNS), longest)
    gaps = whole.loc[whole["source"] == "gap", columns]
    return pd.DataFrame([*gaps.itertuples(index=False), *stays], columns=columns).astype({"frame": "int64"})


def _chains(found: pd.DataFrame, longest: int) -> list[tuple[list[int], NDArray[np.float64]]]:
    """Sights of the same place, each at most ``longest`` frames after the one before: frames and boxes (K, 4)."""
    frames: list[list[int]] = []
    boxes: list[list[NDArray[np.float64]]] = []
    live: list[int] = []  # chains that may still go on
    for frame, rows in found.groupby("frame", sort=True):
        number = int(str(frame))
        live = [chain for chain in live if number - frames[chain][-1] <= longest]
        ends = np.array([boxes[chain][-1] for chain in live]).reshape(-1, 4)
        here = rows[_BOX].to_numpy(float)
        alike = iou(here, ends)
        begun = []
        for row, box in enumerate(here):
            if live and alike[row].max() >= _SAME:
                at = int(alike[row].argmax())
                alike[:, at] = 0  # one sight of a person a frame
                chain = live[at]
            else:
                chain = len(frames)
                frames.append([])
                boxes.append([])
                begun.append(chain)
            frames[chain].append(number)
            boxes[chain].append(box)
        live += begun
    return [(seen, np.array(sights)) for seen, sights in zip(frames, boxes, strict=True)]
