"""Heads whose face cannot be read, from behind, from the side, in the dark: they are drawn as those of bodies are.

Somebody is drawn where a parser has the person, head and shoulders and all, and of them the head is shown.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.faces import Boxes, small_head, tracks_of
from mot_anon.plan.lost_heads import missing_head, with_heads
from mot_anon.plan.silhouettes import PERSON, Maps, Readings, Seen, Steady, windows_of
from mot_anon.plan.steadying import steadied
from mot_anon.vision.bodies import PARTS
from mot_anon.vision.heads import AROUND, brightest_box
from mot_anon.vision.parse import SIZE as CELLS

_IN_VIEW = 0.5  # visibility from which somebody whom the parser misses has a head all the same
_CALM = 4  # frames each way over which maps are averaged
_ROUND_FACE = 1.35  # size of a head by that of the face in it
_FACE_AT = (0.5, 0.4)  # of a face: where the middle of its head is
_STANDING, _SHOULDERS = (3.2, 8.0), 1.1  # width and height of somebody, and half the width of their shoulders, in heads


def turned_heads(
    regions: pd.DataFrame, faces: Boxes, usable: NDArray[np.bool_], readings: Readings, longest: int
) -> Steady:
    """What is drawn of N people whose face cannot be read, and nothing of the others.

    Who is in view, or whose face was found, has a head in it, whether or not the parser sees one.

    Parameters
    ----------
    regions, readings:
        N regions, and what the parser read in the first of them; what comes after is faces and nobody's body.
    faces, usable:
        (N, 4) x, y, w, h of found faces, NaN where there is none; (N,) whether a face is drawn after landmarks.
    longest:
        Frames for which a head that was seen is carried on.
    """
    read = len(readings.scores)
    own = regions.iloc[:read].reset_index(drop=True)
    steady = with_heads(own, steadied(own, readings), longest)
    boxes = own[["x", "y", "w", "h"]].to_numpy(float)
    windows = windows_of(boxes).astype(float)
    wanted = (own["kind"] == "person").to_numpy() & ~usable[:read]
    faced = np.isfinite(faces[:read, 0])
    missed = (own["source"] == "gt").to_numpy() & (own["visibility"].to_numpy(float) >= _IN_VIEW)
    missed = missed & (steady.scores < PERSON) & (boxes[:, 3] > boxes[:, 2])
    silhouettes, parts = steady.silhouettes.copy(), steady.parts.copy()
    for row in np.flatnonzero(wanted & (faced | missed)):
        head = small_head(boxes[row])
        middle, size = head[:2] + head[2:] / 2, float(head[2])
        if faced[row]:
            middle, size = faces[row, :2] + faces[row, 2:] * _FACE_AT, _ROUND_FACE * float(faces[row, 2:].max())
        given, parts[row, 0] = missing_head(silhouettes[row], parts[row, 0], windows[row], middle, size)
        silhouettes[row] = np.maximum(silhouettes[row], given)
    silhouettes[~wanted], parts[~wanted] = 0, 0
    silhouettes, parts = (_calmed(maps, own, wanted) for maps in (silhouettes, parts))
    values = (silhouettes, np.zeros_like(silhouettes), parts, steady.scores, steady.agreement)
    return Steady(*(_lengthened(some, len(regions)) for some in values))


def _calmed(maps: Maps, regions: pd.DataFrame, wanted: NDArray[np.bool_]) -> Maps:
    """Maps (N, …) averaged over the frames beside: what a generator makes of a face that comes and goes flickers."""
    frames, calm = regions["frame"].to_numpy(np.int64), maps.copy()
    for track in tracks_of(regions):
        rows = track[wanted[track]]
        for row in rows:
            weight = np.clip(_CALM + 1 - np.abs(frames[rows] - frames[row]), 0, None)
            near = weight > 0
            calm[row] = np.rint(np.average(maps[rows[near]], axis=0, weights=weight[near]))
    return calm


def usual_body(middle: NDArray[np.float64], size: float) -> Seen:
    """Somebody of whom no more is known than the middle (2,) of their head and its size, in pixels."""
    corner = middle - size * np.array([_STANDING[0] / 2, 0.5])
    window = windows_of(np.array([[*corner, *(size * side for side in _STANDING)]]))[0]
    parts = np.zeros((len(PARTS), CELLS[0] // 2, CELLS[1] // 2), np.uint8)
    silhouette, parts[0] = missing_head(np.zeros(CELLS, np.uint8), parts[0], window.astype(float), middle, size)
    cell = (window[2:] - window[:2]) / np.array(CELLS[::-1])
    left, right = np.rint((middle[0] + size * np.array([-_SHOULDERS, _SHOULDERS]) - window[0]) / cell[0]).astype(int)
    top = round(float((middle[1] + size - window[1]) / cell[1]))
    silhouette[top:, max(0, left) : right] = 255
    parts[1, top // 2 :, max(0, left // 2) : right // 2] = 255
    return Seen(window, silhouette, np.zeros(CELLS, np.uint8), parts, sure=False)


def turned_windows(
    regions: pd.DataFrame, steady: Steady, windows: NDArray[np.int64], missed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The windows (N, 4) x1, y1, x2, y2 of heads, where a parser has ``missed`` (N,) one round that which was given.

    ``steady`` is of :func:`turned_heads`.
    """
    made = windows.copy()
    bodies = windows_of(regions[["x", "y", "w", "h"]].to_numpy(float)).astype(float)
    for row in np.flatnonzero(missed & (steady.parts[:, 0].max((1, 2), initial=0) > 0)):
        box = brightest_box(steady.parts[row, 0], bodies[row])
        side = round(AROUND * float(max(box[2:])))
        low = np.rint(box[:2] + box[2:] / 2 - side / 2).astype(np.int64)
        made[row] = np.concatenate([low, low + max(4, side)])
    return made


def _lengthened(values: NDArray, length: int) -> NDArray:  # type: ignore[type-arg]
    """An array (M, …) with zeros behind, (length, …)."""
    return np.concatenate([values, np.zeros((length - len(values), *values.shape[1:]), values.dtype)])
