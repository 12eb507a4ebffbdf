"""How tall people are, by where they stand: of a camera that looks over a street, nearer people are lower and taller.

What a detector takes for a person and is twice as tall as everybody who stood there is a tree, or a house.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.identities import CAMERA_TRACK

_PLAIN = 0.6  # visibility from which a box tells how tall somebody is
_FEWEST = 40  # sights of people that tell where a camera's street is
_ROUNDS, _FAR = 4, 2.5  # of fitting, and how many times the median difference is left out of the next
_VAGUE = 0.2  # median difference, by the height, above which heights do not follow from places
_TALL = 1.7  # times the height that is expected: nobody is that tall


def too_tall(regions: pd.DataFrame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(N,) which regions are taller than anybody could be where they stand.

    Nothing is, of a camera of which that cannot be told: few people, a street that rises, a camera that moves.

    Parameters
    ----------
    regions:
        N of them; tracked people are believed.
    size:
        (width, height) of the frame.
    """
    nobody = np.zeros(len(regions), bool)
    x, y, w, h = regions[["x", "y", "w", "h"]].to_numpy(float).T
    inside = (x > 0) & (y > 0) & (x + w < size[0]) & (y + h < size[1])
    known = (regions["track"] != CAMERA_TRACK) & (regions["kind"] == "person") & (regions["visibility"] >= _PLAIN)
    rows = np.flatnonzero(known.to_numpy(bool) & inside & (h > w))
    if len(rows) < _FEWEST:
        return nobody
    feet = y + h
    kept = rows
    for _ in range(_ROUNDS):
        if np.ptp(feet[kept]) <= 0:
            return nobody
        slope, start = np.polyfit(feet[kept], h[kept], 1)
        expected = start + slope * feet.clip(feet[rows].min(), feet[rows].max())
        off = np.abs(h[rows] - expected[rows])
        kept = rows[off <= _FAR * max(1.0, float(np.median(off)))]
    if slope <= 0 or expected[rows].min() <= 0 or np.median(off / expected[rows]) > _VAGUE:
        return nobody
    return np.asarray(h > _TALL * expected)
