"""Heads that the parser sees: where they are, how sure that is, and whose detections they make superfluous."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan import regions as reg
from mot_anon.plan.faces import HIDDEN, Boxes, bridged, median_boxes, tracks_of
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.silhouettes import PERSON, Readings, somebody_else, windows_of
from mot_anon.vision.heads import brightest_box
from mot_anon.vision.windows import in_frame

_LEAST, _SURE = 55, 120  # what the brightest cell has to be where frames beside say the same, and where none does
_AGREE, _MOST, _FEWEST = 0.5, 0.7, 3  # head sizes apart that is the same place; which share says so, of how many
_NEAR = 3  # frames before and after that are asked
_FLAT, _TALL = 0.04, 0.32  # least and largest height of a head by that of the standing person
_FRONT, _ALL, _ROOM = 200, 0.97, 0.15  # of 255; share of a head with some room that is somebody's in front
_COVERED = 0.85  # share of a head that others' heads have to cover for a detection to say nothing new


def seen_heads(readings: Readings, regions: pd.DataFrame, longest: int = 0) -> tuple[Boxes, NDArray[np.bool_]]:
    """Heads that the parser sees in regions.

    What it is not sure of in a single frame is believed where the frames beside it say the same, and bridged for
    ``longest`` frames.  A head that seems smaller than heads are is taken for one that is seen in part.

    Returns
    -------
    heads:
        (N, 4) x, y, w, h, steadied along tracks; NaN where there is none.
    sure:
        (N,) whether this very frame says so by itself.
    """
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    windows = windows_of(boxes).astype(float)
    found = np.full((len(regions), 4), np.nan)
    peaks = readings.parts[:, 0].max((1, 2), initial=0).astype(int)
    for row in np.flatnonzero((readings.scores >= PERSON) & (peaks >= _LEAST)):
        found[row] = brightest_box(readings.parts[row, 0], windows[row])
        standing = reg.standing_height(boxes[row])
        x1, y1, w, h = reg.likely_head_box(boxes[row])
        x, y = found[row, :2] + found[row, 2:] / 2
        if not (_FLAT * standing <= found[row, 3] <= _TALL * standing and x1 <= x <= x1 + w and y1 <= y <= y1 + h):
            found[row] = np.nan
    sure = np.isfinite(found[:, 0]) & (peaks >= _SURE)
    found[~(sure | _agreed(found, boxes, regions))] = np.nan
    heads = bridged(median_boxes(found, boxes, regions), regions, longest, held=0)
    for row in np.flatnonzero(np.isfinite(heads[:, 0])):
        middle, size = heads[row, :2] + heads[row, 2:] / 2, np.maximum(heads[row, 2:], reg.head_size(boxes[row]))
        heads[row] = [*(middle - size / 2), *size]
    return heads, sure


def behind_somebody(regions: pd.DataFrame, readings: Readings, heads: Boxes, faces: Boxes) -> NDArray[np.bool_]:
    """(N,) heads that are none: a hand or a bag of somebody nearer, in the box of whom ground truth calls hidden.

    Nobody's face was found there, and all of the head, with some room, lies in the silhouette of a person in front.

    Parameters
    ----------
    regions:
        Of every frame, far people first.
    heads, faces:
        (N, 4) x, y, w, h: those that the parser sees, and found faces; NaN where there is none.
    """
    windows = windows_of(regions[["x", "y", "w", "h"]].to_numpy(float))
    numbers = regions["frame"].to_numpy(np.int64)
    labelled = (regions["source"] == "gt").to_numpy()
    hidden = labelled & (regions["visibility"].to_numpy(float) < HIDDEN)
    front = labelled & (regions["kind"] == "person").to_numpy() & (readings.scores >= PERSON)
    behind = np.zeros(len(regions), bool)
    for row in np.flatnonzero(hidden & np.isfinite(heads[:, 0]) & ~np.isfinite(faces[:, 0])):
        low, high = heads[row, :2] - _ROOM * heads[row, 2:], heads[row, :2] + (1 + _ROOM) * heads[row, 2:]
        x1, y1, x2, y2 = np.rint(np.concatenate([low, high])).astype(int).tolist()
        for other in np.flatnonzero(front & (numbers == numbers[row])):
            if other > row and (x2 - x1) * (y2 - y1) > 0:
                shown = in_frame(readings.silhouettes[other], windows[other], (x1, y1, x2, y2)) >= _FRONT
                behind[row] |= shown.mean() >= _ALL
    return behind


def known_already(
    regions: pd.DataFrame,
    readings: Readings,
    covered: Boxes,
    gone: Boxes,
    heads: Boxes,
    faces: Boxes,
    size: tuple[int, int],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What detections without a track say that the tracked people do not.

    Parameters
    ----------
    covered, gone, heads, faces:
        (N, 4): where everybody's head is, what of it goes at the least
        (:func:`~mot_anon.plan.faces.sure_to_go`), and the heads and faces that were seen, or NaN.
    size:
        (width, height) of the frame.

    Returns
    -------
    nothing:
        (N,) detections whose head, or else face, is under heads of tracked people, and whose face goes with these; of
        those with neither, the ones in which the parser sees nobody but tracked people.
    face_only:
        (N,) the others in which it sees nobody else either: all that they say is that there may be a face.
    """
    windows = windows_of(regions[["x", "y", "w", "h"]].to_numpy(float))
    numbers = regions["frame"].to_numpy(np.int64)
    loose = ((regions["track"] == CAMERA_TRACK) & (regions["source"] == "detection")).to_numpy()
    tracked = ~loose & (regions["kind"] == "person").to_numpy()
    seen = np.where(np.isfinite(heads), heads, faces)
    nothing, face_only = np.zeros(len(regions), bool), np.zeros(len(regions), bool)
    for row in np.flatnonzero(loose):
        others = np.flatnonzero(tracked & (numbers == numbers[row]))
        if np.isfinite(seen[row, 0]):
            nothing[row] = reg.visible_share(seen[row], covered[others], size) <= 1 - _COVERED
            if np.isfinite(faces[row, 0]):
                nothing[row] &= reg.visible_share(faces[row], gone[others], size) <= 1 - _COVERED
            face_only[row] = np.isnan(heads[row, 0]) and not _another(int(row), others, windows, readings)
        else:
            nothing[row] = not _another(int(row), others, windows, readings)
    return nothing, face_only & ~nothing


def _another(row: int, others: NDArray[np.int64], windows: NDArray[np.int64], readings: Readings) -> bool:
    """Whether the parser sees somebody in a row's window who is none of the others."""
    x1, y1, x2, y2 = windows[row].tolist()
    maps = readings.silhouettes
    return bool(readings.scores[row] >= PERSON) and somebody_else(row, others, windows, maps, maps, (x1, y1, x2, y2))


def _agreed(found: Boxes, boxes: Boxes, regions: pd.DataFrame) -> NDArray[np.bool_]:
    """(N,) whether the frames beside have the head at the same place of the body."""
    frames, agreed = regions["frame"].to_numpy(np.int64), np.zeros(len(regions), bool)
    middle = (found[:, :2] + found[:, 2:] / 2 - boxes[:, :2]) / boxes[:, 2:]
    for rows in tracks_of(regions):
        known = rows[np.isfinite(found[rows, 0])]
        for row in known:
            near = known[np.abs(frames[known] - frames[row]) <= _NEAR]
            apart = np.abs(middle[near] - np.median(middle[near], 0)) * boxes[row, 2:]
            same = (apart <= _AGREE * reg.head_size(boxes[row])).all(1)
            agreed[row] = same.sum() >= _FEWEST and same.mean() >= _MOST and same[near == row].all()
    return agreed
