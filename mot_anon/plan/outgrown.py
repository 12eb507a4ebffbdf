"""Boxes that do not hold their person: whose silhouette goes on beyond the edge of what the parser sees.

Annotators draw boxes that lag behind, are too narrow or end below the hair, and between keyframes boxes are
interpolated.  What sticks out of them would stay raw, and half of somebody would be drawn.  Where the parser sees that
somebody goes on, it looks at more, and the box becomes as large as what it sees there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan import regions as reg
from mot_anon.plan.faces import Boxes, tracks_of
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.silhouettes import LIKELY, PERSON, POSSIBLE, Readings, windows_of
from mot_anon.vision.windows import in_frame

_ASIDE, _ABOVE = 0.2, 0.12  # how far a box grows at most, by the height of the standing person
_LIKELY, _POSSIBLE = 6, 20  # cells beside an edge that somebody likely, or possibly, goes on in
_TOP = 4  # cells of the upper edge that they likely go on in
_HEAD, _ROWS = 70, 2  # of 255: a head in a part map; and rows of it at the edge into which one that is cut off reaches
_EDGE = 2  # pixels from the frame's edge, where people are cut off anyway
_SAME = 0.5  # share of what was seen before that has to be seen in a larger window, too
_SLACK = 0.035  # by which a silhouette may leave a box, by its height
_FREE = 0.7  # share of what a box would grow by that is in nobody else's
_IN_VIEW = 0.5  # visibility
_CALM = 4  # frames before and after whose boxes grow alike


def outgrown(regions: pd.DataFrame, readings: Readings, size: tuple[int, int]) -> Boxes:
    """Boxes (N, 4) x, y, w, h with room at the sides and above, where people of the tracks may stick out of theirs.

    Boxes of several people and of nobody's track stay as they are.  Where somebody else of ``regions`` has a box, it
    is likely they who are seen, and they are covered anyway.

    Parameters
    ----------
    size:
        (width, height) of the frame.
    """
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    windows = windows_of(boxes)
    somebody = (regions["kind"] == "person") & (regions["track"] != CAMERA_TRACK) & ~regions["source"].isin(reg.NOT_ONE)
    out = np.stack(
        [
            _beside(readings, 0) & (windows[:, 0] > _EDGE),
            _above(readings) & (windows[:, 1] > _EDGE),
            _beside(readings, -1) & (windows[:, 2] < size[0] - _EDGE),
        ],
        1,
    )
    in_view = regions["visibility"].to_numpy(float) >= _IN_VIEW  # else it is rather who stands before them
    out &= (somebody.to_numpy() & in_view & (readings.scores >= PERSON))[:, None]
    numbers = regions["frame"].to_numpy(np.int64)
    for row in np.flatnonzero(out.any(1)):
        others = boxes[(numbers == numbers[row]) & (np.arange(len(boxes)) != row)]
        for side, strip in enumerate(_strips(boxes[row])):
            out[row, side] &= reg.visible_share(strip, others, size) > _FREE
    return _grown(boxes, out * (_ASIDE, _ABOVE, _ASIDE) * _standing(boxes)[:, None])


def at_most(boxes: Boxes) -> Boxes:
    """Boxes (N, 4) as large as they can become."""
    return _grown(boxes, np.array([_ASIDE, _ABOVE, _ASIDE]) * _standing(boxes)[:, None])


def fitted(regions: pd.DataFrame, readings: Readings, roomy: Boxes, again: Readings) -> Boxes:
    """Boxes (N, 4) that are as much larger as what is seen in roomy ones asks for, and alike along a track.

    Parameters
    ----------
    regions, readings:
        N rows, and what is seen in their boxes.
    roomy, again:
        Of :func:`outgrown`, and what is seen there.
    """
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    small, large = windows_of(boxes), windows_of(roomy)
    more = np.zeros((len(boxes), 3))
    for row in np.flatnonzero((roomy != boxes).any(1)):
        if not same_person(readings.silhouettes[row], small[row], again.silhouettes[row], large[row]):
            continue
        if again.scores[row] < PERSON:
            continue
        down, across = (again.silhouettes[row] > LIKELY).nonzero()
        cell = (large[row, 2:] - large[row, :2]) / again.silhouettes.shape[:0:-1]
        low, right = large[row, :2] + cell * (across.min(), down.min()), large[row, 0] + cell[0] * (across.max() + 1)
        x, y, w, _ = boxes[row]
        stick = np.array([x - low[0], y - low[1], right - x - w])
        x, y, w, _ = roomy[row]
        room = np.array([boxes[row, 0] - x, boxes[row, 1] - y, x + w - boxes[row, 0] - boxes[row, 2]])
        more[row] = np.where(stick > _SLACK * boxes[row, 3], stick.clip(0, room), 0)
    numbers = regions["frame"].to_numpy(np.int64)
    calm = np.zeros_like(more)
    for rows in tracks_of(regions):
        if more[rows].any():
            near = np.abs(numbers[rows][:, None] - numbers[rows]) <= _CALM
            most = np.where(near[:, :, None], more[rows][None], 0).max(1)
            calm[rows] = (near[:, :, None] * most[None]).sum(1) / near.sum(1)[:, None]
    return _grown(boxes, calm)


def _beside(readings: Readings, edge: int) -> NDArray[np.bool_]:
    """(N,) whether somebody goes on beyond the left (0) or the right (−1) edge, where a parser hesitates."""
    cells = readings.silhouettes[:, :, :2] if edge == 0 else readings.silhouettes[:, :, -2:]
    most = cells.max(2)
    return ((most > LIKELY).sum(1) >= _LIKELY) | ((most > POSSIBLE).sum(1) >= _POSSIBLE)


def _above(readings: Readings) -> NDArray[np.bool_]:
    """(N,) whether somebody goes on above: not where all of a head is seen."""
    rows = readings.parts[:, 0].max(2, initial=0)
    headed = (rows.max(1, initial=0) >= _HEAD) & (rows[:, :_ROWS].max(1, initial=0) < _HEAD / 2)
    return ((readings.silhouettes[:, 0] > LIKELY).sum(1) >= _TOP) & ~headed


def same_person(
    one: NDArray[np.uint8], inner: NDArray[np.int64], other: NDArray[np.uint8], outer: NDArray[np.int64]
) -> bool:
    """Whether a larger window shows whom the smaller one in it showed, and not somebody beside them.

    ``one`` and ``other`` are their silhouettes (h, w) in 0…255, ``inner`` and ``outer`` the windows (4,) in pixels.
    """
    x1, y1, x2, y2 = inner.tolist()
    first, again = (in_frame(m, w, (x1, y1, x2, y2)) > LIKELY for m, w in ((one, inner), (other, outer)))
    return bool(again.any() and (first & again).sum() >= _SAME * first.sum())


def _strips(box: Boxes) -> tuple[Boxes, Boxes, Boxes]:
    """What lies to the left of a box, above it, and to the right, as far as it may grow."""
    x, y, w, h = box
    aside, above = _ASIDE * reg.standing_height(box), _ABOVE * reg.standing_height(box)
    left, top, right = (x - aside, y, aside, h), (x, y - above, w, above), (x + w, y, aside, h)
    return np.array(left), np.array(top), np.array(right)


def _standing(boxes: Boxes) -> NDArray[np.float64]:
    return np.array([reg.standing_height(box) for box in boxes]).reshape(-1)


def _grown(boxes: Boxes, more: NDArray[np.float64]) -> Boxes:
    """Boxes (N, 4) by (N, 3) pixels larger to the left, above, and to the right."""
    left, above, right = more.T
    return boxes + np.stack([-left, -above, left + right, above], 1)
