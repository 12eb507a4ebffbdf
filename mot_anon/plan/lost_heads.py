"""Heads that the parser does not see: dark hair before a dark window, a white cap before a white wall.

Nobody walks about without one.  Where it was in the frames beside, or else in most of the track, says where it is, and
what is drawn and covered reaches that far.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan import regions as reg
from mot_anon.plan.faces import Boxes, tracks_of
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.seen_heads import seen_heads
from mot_anon.plan.silhouettes import LIKELY, PERSON, Maps, Readings, Steady, windows_of

_FEWEST = 5  # sights of a head that say where it is in the rest of a track
_WIDE, _HIGH = 0.8, 1.1  # of a head that is drawn, by the size of a head
_NECK, _DOWN = 0.5, 1.0  # width of a neck by that of the head; how far below the head's middle it reaches, in heads
_SHOULDERS, _THERE = 1.6, 0.3  # width of what must be seen below a head, in heads; and the share of it
_FIRM = 170  # of 255: from which a silhouette is drawn well enough to carry a head
_MISSED, _FAINT = 0.75, 100  # share of a head from which a silhouette has it, and of 255 from which the part map has
_CLEAR = 130  # of 255: a head in a part map
_BELOW_TOP = 0.6  # heads from somebody's top to the middle of their head, at most
_IN_VIEW = 0.5  # visibility


def with_heads(regions: pd.DataFrame, steady: Steady, longest: int) -> Steady:
    """Readings in which everybody has a head who is in view and whose shoulders are seen.

    Nothing is taken away.  A head that is given to a silhouette has a neck; it belongs to what is covered, too.

    Parameters
    ----------
    regions, steady:
        N rows, and what the parser sees there.
    longest:
        Frames for which a head that was seen is carried on; beyond them the track's usual place counts.
    """
    silhouettes, possible = steady.silhouettes.copy(), steady.possible.copy()
    parts = steady.parts.copy()
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    windows = windows_of(boxes).astype(float)
    middles = _middles(regions, steady, boxes, longest)
    upright = boxes[:, 3] > boxes[:, 2]
    person = ((regions["kind"] == "person") & (regions["track"] != CAMERA_TRACK)).to_numpy()
    person = person & upright & (regions["visibility"].to_numpy(float) >= _IN_VIEW) & (steady.scores >= PERSON)
    for row in np.flatnonzero(person & np.isfinite(middles[:, 0])):
        size = reg.head_size(boxes[row])
        middle, half = _in_cells(silhouettes.shape[1:], windows[row], middles[row], size)
        below = _box(silhouettes.shape[1:], middle + half * (-_SHOULDERS, 1), middle + half * (_SHOULDERS, 3))
        silhouette = steady.silhouettes[row]
        if not below.any() or (silhouette[below > 0] > _FIRM).mean() < _THERE:
            continue
        given, parts[row, 0] = missing_head(silhouette, parts[row, 0], windows[row], middles[row], size)
        silhouettes[row], possible[row] = np.maximum(silhouettes[row], given), np.maximum(possible[row], given)
    return replace(steady, silhouettes=silhouettes, possible=possible, parts=parts)


def missing_head(
    silhouette: Maps, head: Maps, window: Boxes, place: NDArray[np.float64], size: float
) -> tuple[Maps, Maps]:
    """A head and a neck for somebody whose silhouette has none, in the maps of a window.

    Parameters
    ----------
    silhouette, head:
        (128, 64) and (64, 32) uint8: as far as a parser saw them.
    window:
        (4,) x1, y1, x2, y2 in pixels: what the maps show.
    place, size:
        (2,) x, y of the head's middle, and its size, in pixels.

    Returns
    -------
    What the silhouette lacks, 0 everywhere if nothing, and the part map of heads with this one.
    """
    middle, half = _in_cells(silhouette.shape, window, place, size)
    there = _oval(silhouette.shape, middle, half * (_WIDE, _HIGH))
    given = np.zeros_like(silhouette)
    if not there.any():
        return given, head
    if (silhouette[there > LIKELY] > LIKELY).mean() < _MISSED:
        aside = _NECK * _WIDE
        neck = _box(there.shape, middle + half * (-aside, 0), middle + half * (aside, 2 * _DOWN))
        given = np.maximum(there, neck)
    small = cv2.resize(there, head.shape[::-1], interpolation=cv2.INTER_AREA)
    if int(head[small > LIKELY].max(initial=0)) < _FAINT:
        head = np.maximum(head, np.rint(small * (_CLEAR / 255)).astype(np.uint8))
    return given, head


def _in_cells(
    size: tuple[int, ...], window: Boxes, middle: NDArray[np.float64], head: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A head's middle (2,) and half its size (2,) in the cells of a map of ``size`` of a window, all in pixels."""
    cells = (window[2:] - window[:2]) / np.array(size[::-1])
    return (middle - window[:2]) / cells, head / 2 / cells


def _middles(regions: pd.DataFrame, steady: Steady, boxes: Boxes, longest: int) -> Boxes:
    """(N, 2) x, y of the middles of heads: seen, carried on, or where the track has it mostly; NaN where unknown."""
    heads, _ = seen_heads(Readings(steady.silhouettes, steady.parts, steady.scores), regions, longest)
    middles = heads[:, :2] + heads[:, 2:] / 2
    windows = windows_of(boxes)
    for row in np.flatnonzero(np.isfinite(middles[:, 0])):
        # A head is uppermost: what is lower is a neck or a face below a cap.
        rows = np.flatnonzero((steady.silhouettes[row] > LIKELY).any(1))
        cell = (windows[row, 3] - windows[row, 1]) / steady.silhouettes.shape[1]
        top = max(boxes[row, 1], windows[row, 1] + cell * rows.min(initial=steady.silhouettes.shape[1]))
        size = reg.head_size(boxes[row])
        if top < boxes[row, 1] + size / 2:
            top = boxes[row, 1]
        middles[row, 1] = min(middles[row, 1], top + _BELOW_TOP * size)
    tops = boxes[:, :2] + boxes[:, 2:] * (0.5, 0)
    away = (middles - tops) / boxes[:, 3:]
    for rows in tracks_of(regions):
        known = rows[np.isfinite(away[rows, 0])]
        if len(known) >= _FEWEST:
            others = rows[np.isnan(away[rows, 0])]
            middles[others] = tops[others] + np.median(away[known], 0) * boxes[others, 3:]
    return middles


def _oval(size: tuple[int, ...], middle: NDArray[np.float64], half: NDArray[np.float64]) -> Maps:
    """An upright ellipse (height, width) in 0…255, its edge soft over a cell; all in cells."""
    down, across = (np.arange(n) + 0.5 for n in size)
    far = np.hypot(((across - middle[0]) / half[0])[None], ((down - middle[1]) / half[1])[:, None])
    share = (0.5 + (1 - far) * half.min()).clip(0, 1)
    return np.asarray(np.rint(255 * share), np.uint8)


def _box(size: tuple[int, ...], low: NDArray[np.float64], high: NDArray[np.float64]) -> Maps:
    """255 in a box (height, width) from ``low`` to ``high``, x and y in cells, and 0 round it."""
    mask = np.zeros(size, np.uint8)
    x1, y1, x2, y2 = np.rint(np.concatenate([low, high])).astype(int).clip(0).tolist()
    mask[y1:y2, x1:x2] = 255
    return mask
