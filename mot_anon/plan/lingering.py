"""People in the background plate: who holds still, and whom no row has in the frames that it was made of.

A label that begins late, or a box that was added by hand in some frames, leaves somebody who sits or lies there in
the others; the plate learns them as what is behind, and where their box is emptied they would come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame
from mot_anon.plan.plate import Plate, near_boxes, sampled
from mot_anon.plan.regions import clip, iou

_VISIBLE = 0.5  # by ground truth: of others a thing in front may be all that is seen, and it is in the plate by right
_INNER = (0.15, 0.05, 0.7, 0.9)  # of a box: where somebody is, rather than what is beside them
_KNOWN = 0.5  # share of it that the plate must know
_DIFFERS, _LEAST = 14.0, 0.25  # grey levels, and share of pixels that must differ by more, where somebody came
_SAME, _FEW = 0.6, 3  # IoU of two sights of one place; sights of a track below which one is enough

Boxes = NDArray[np.float64]


def without_people(plate: Plate, frames: Sequence[Path], regions: pd.DataFrame, size: tuple[int, int]) -> Plate:
    """A plate that no longer knows what is in the boxes of people who are in it.

    Parameters
    ----------
    frames:
        Of the recording.
    regions:
        Everybody; asked are people of ground truth who are at least half visible, and regions by hand.
    size:
        (width, height) in pixels.
    """
    rows = _asked(regions, len(frames))
    shown: dict[str, list[Boxes]] = {}
    looked: dict[str, int] = {}
    for number, here in rows.groupby("frame"):
        frame = read_frame(frames[int(str(number)) - 1])
        for track, x, y, w, h in here[["track", "x", "y", "w", "h"]].itertuples(index=False):
            box = np.array([x, y, w, h])
            looked[track] = looked.get(track, 0) + 1
            if _in_plate(frame, plate, box, size):
                shown.setdefault(track, []).append(box)
    lingering = [box for track, boxes in shown.items() for box in _of_one_place(np.array(boxes), looked[track])]
    if not lingering:
        return plate
    theirs = near_boxes(np.array(lingering), size)
    return replace(plate, known=plate.known & ~theirs, still=None if plate.still is None else plate.still & ~theirs)


def _asked(regions: pd.DataFrame, n_frames: int) -> pd.DataFrame:
    """Rows in the frames of which the plate is made, and the middle one of every track that has none there."""
    plain = regions["source"].isin(["gt", "gap", "manual"]) & (regions["kind"] == "person")
    people = regions[plain & (regions["visibility"] >= _VISIBLE)].sort_values("frame")
    there = people[people["frame"].isin(sampled(n_frames))]
    short = people[~people["track"].isin(there["track"]) | (people["source"] == "manual")]
    middles = [rows.iloc[[len(rows) // 2]] for _, rows in short.groupby("track")]
    return pd.concat([there, *middles]).drop_duplicates(["frame", "track", "x", "y", "w", "h"])


def _in_plate(frame: Frame, plate: Plate, box: Boxes, size: tuple[int, int]) -> bool:
    """Whether a frame shows in somebody's box what the plate shows, but for the light."""
    x, y, w, h = box
    left, top, wide, high = _INNER
    x1, y1, x2, y2 = clip(np.array([x + left * w, y + top * h, wide * w, high * h]), size)
    known = plate.known[y1:y2, x1:x2]
    if not known.size or known.mean() < _KNOWN:
        return False
    difference = frame[y1:y2, x1:x2][known].astype(np.float32) - plate.pixels[y1:y2, x1:x2][known]
    difference -= np.median(difference, 0)
    return bool((np.abs(difference).max(1) > _DIFFERS).mean() < _LEAST)


def _of_one_place(boxes: Boxes, looked: int) -> Boxes:
    """Boxes (K, 4) of which at least two are at one place: who walks is as dark as a wall here or there."""
    if looked < _FEW:
        return boxes
    alike = (iou(boxes, boxes) >= _SAME).sum(1)
    return boxes[alike > 1]
