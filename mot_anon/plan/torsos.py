"""Whose body shows beside and below a head that is taken out: there shoulders are filled in, elsewhere the background.

A head's region is wider than the head, so that nothing of it is left; what was filled into all of it from round about
is a halo of shoulders in the sky.
"""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.faces import Boxes, small_head
from mot_anon.plan.silhouettes import PERSON, Maps, Readings, windows_of
from mot_anon.vision.windows import in_frame

CELLS = 48
"""Rows and columns of a map."""
_ROOM = 0.5  # of a head's box, on every side, that its map shows beside it
_NECK = 0.5  # of a head's height: below it a silhouette is neck or shoulders, above it hair
_NARROW = 0.15  # of the width of somebody's box, on either side, where the body of whom the parser misses is not


def torso_window(head: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 in whole pixels of the frame: what the map of a head's box (4,) x, y, w, h shows."""
    low, high = head[:2] - _ROOM * head[2:], head[:2] + (1 + _ROOM) * head[2:]
    x1, y1 = np.floor(low).astype(int).tolist()
    x2, y2 = np.ceil(high).astype(int).tolist()
    return x1, y1, max(x1 + 1, x2), max(y1 + 1, y2)


def torso_maps(regions: pd.DataFrame, heads: Boxes, seen: Boxes, readings: Readings) -> Maps:
    """What of the surroundings of every head is somebody's body.

    Parameters
    ----------
    regions, readings:
        N regions, and what the parser read in the first of them; what comes after is faces and nobody's body.
    heads, seen:
        (N, 4) x, y, w, h: what is covered, and the heads that the parser sees, or NaN.

    Returns
    -------
    (N, 48, 48) uint8: of 255, how likely a cell of :func:`torso_window` shows the body of one of the frame's people.
    """
    boxes, numbers = regions[["x", "y", "w", "h"]].to_numpy(float), regions["frame"].to_numpy(np.int64)
    read = readings.scores >= PERSON
    shown = (regions["kind"] == "person").to_numpy() & (np.arange(len(regions)) < len(read))
    windows = windows_of(boxes)
    maps = np.zeros((len(regions), CELLS, CELLS), np.uint8)
    for frame in np.unique(numbers):
        here = np.flatnonzero(numbers == frame)
        for row in here:
            part = torso_window(heads[row])
            body = np.zeros((part[3] - part[1], part[2] - part[0]), np.uint8)
            for other in here[shown[here]]:
                if not _meets(windows[other], part):
                    continue
                head = seen[other] if np.isfinite(seen[other, 0]) else small_head(boxes[other])
                if read[other]:
                    one = in_frame(readings.silhouettes[other], windows[other], part)
                else:
                    one = _likely_body(boxes[other], head, part)
                one[: max(0, round(head[1] + _NECK * head[3]) - part[1])] = 0
                body = np.maximum(body, one)
            maps[row] = cv2.resize(body, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return maps


def _likely_body(box: Boxes, head: Boxes, part: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """By the geometry of a standing person: what of the box is below the head."""
    body = np.zeros((part[3] - part[1], part[2] - part[0]), np.uint8)
    x1, x2 = np.rint(box[0] + box[2] * np.array([_NARROW, 1 - _NARROW])).astype(int) - part[0]
    y1, y2 = np.rint([head[1] + head[3], box[1] + box[3]]).astype(int) - part[1]
    body[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = 255
    return body


def _meets(window: NDArray[np.int64], part: tuple[int, int, int, int]) -> bool:
    return bool(window[0] < part[2] and part[0] < window[2] and window[1] < part[3] and part[1] < window[3])
