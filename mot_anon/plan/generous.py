"""A wider look at silhouettes, for methods beside which the frame stays as it was: what the parser misses is raw there.

A generator's picture comes with a background of its own; a mosaic or a blur does not, and a shoe that a silhouette
lacks stands beside it for all to see.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.silhouettes import Steady
from mot_anon.vision.parse import MARGIN, SIZE

SMALLEST = 40.0
"""Height of a box in pixels, below which a silhouette is coarser than the margin round it."""
_LASTING = 3  # frames
_RIM = 2  # cells
_MIDDLE = (0.2, 0.42)  # of a box's width and height, from its centre
_BOX = (0.5, 0.5)
_LIKELY = 80  # of 255: covered, and not followed beyond the window
_IN_VIEW = 0.5  # visibility
_INNER = (0.42, 0.46)  # the same: from where a margin reaches the box's edge


def generous(regions: pd.DataFrame, steady: Steady, sure: NDArray[np.bool_]) -> Steady:
    """Readings of which more is possible, inside the boxes.

    That is what any of seven frames in a row makes of a track, with a rim of two cells, and the middle of the box in
    any case: a parser that takes a lamp post for somebody's back does so in a frame or two, and not everywhere.  Of
    people who have a track and are in view, and whose silhouettes (N,) are not ``sure``, the box gets the margin that
    silhouettes have.
    """
    whole = (regions["kind"] == "person").to_numpy() & (regions["visibility"].to_numpy(float) >= _IN_VIEW) & ~sure
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM + 1, 2 * _RIM + 1))
    box = np.where(_part(_BOX), _LIKELY, 0).astype(np.uint8)
    possible = steady.possible.copy()
    inner, middle = _part(_INNER), np.where(_part(_MIDDLE), 255, 0).astype(np.uint8)
    tracked = regions.reset_index(drop=True)
    for _, rows in tracked[tracked["track"] != CAMERA_TRACK].groupby("track", sort=True):
        order, numbers = rows.index.to_numpy(), rows["frame"].to_numpy(np.int64)
        for number, row in zip(numbers, order, strict=True):
            lasting = steady.possible[order[np.abs(numbers - number) <= _LASTING]].max(0)
            possible[row] = np.where(inner, np.maximum(cv2.dilate(lasting, kernel), middle), possible[row])
            if whole[row]:
                possible[row] = np.maximum(possible[row], box)
    return replace(steady, possible=possible)


def reliable(regions: pd.DataFrame, sure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) which of the silhouettes that are trusted are so still where nothing but them is covered.

    They must belong to a track, so that other frames confirm them, and to somebody of :data:`SMALLEST` pixels.
    """
    tracked = (regions["track"] != CAMERA_TRACK).to_numpy()
    return np.asarray(sure & tracked & (regions["h"].to_numpy(float) >= SMALLEST), bool)


def _part(shares: tuple[float, float]) -> NDArray[np.bool_]:
    """(128, 64): which of a window's cells lie so near to the centre, in shares of the box's width and height."""
    rows, columns = (((np.arange(side) + 0.5) / side - 0.5) * MARGIN for side in SIZE)
    across, down = np.abs(columns) <= shares[0], np.abs(rows) <= shares[1]
    return down[:, None] & across[None]
