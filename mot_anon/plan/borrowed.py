"""Silhouettes of people in view whom the parser misses in a few frames: borrowed from the frames nearby, for drawing.

Without it the whole box would be erased and nobody drawn there, so that somebody whom ground truth or a tracker follows
would flicker away.  What is covered stays as it was: the whole box, because the parser is not sure.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.silhouettes import LIKELY, PERSON, Steady

_NOTHING = 0.08  # share of the window, of what is visible of it, below which the parser sees (nearly) nothing
_IN_VIEW = 0.5  # visibility
_LESS = 0.2  # visibility by which frames that lend may show less of the person


def borrowed(regions: pd.DataFrame, steady: Steady, sure: NDArray[np.bool_], longest: int) -> Steady:
    """Readings in which whoever is in view and not seen has silhouette and parts of the nearest frame that is sure.

    They lie in the box as they lay in that frame's.  It belongs to the same track, is at most ``longest`` frames away,
    the earlier one of two, and shows about as much of the person; where there is none, nothing changes.

    Parameters
    ----------
    sure:
        (N,) whose silhouettes are trusted.  What is borrowed is not: the box stays covered, and so ``possible`` is what
        it was.
    """
    silhouettes, parts = steady.silhouettes.copy(), steady.parts.copy()
    visibility = regions["visibility"].to_numpy(float)
    share = (steady.silhouettes > LIKELY).mean((1, 2))
    person = ((regions["kind"] == "person") & (regions["track"] != CAMERA_TRACK)).to_numpy()
    missed = person & ~sure & (visibility >= _IN_VIEW) & (share < _NOTHING * np.minimum(1, visibility))
    lends = person & sure & (steady.scores >= PERSON)
    numbers, tracks = regions["frame"].to_numpy(np.int64), regions["track"].to_numpy(object)
    for row in np.flatnonzero(missed):
        near = lends & (tracks == tracks[row]) & (np.abs(numbers - numbers[row]) <= longest)
        near &= (visibility >= visibility[row] - _LESS) & (share >= _NOTHING * min(1.0, visibility[row]))
        rows = np.flatnonzero(near)
        if len(rows):
            lender = min(rows, key=lambda other: (abs(numbers[other] - numbers[row]), numbers[other]))
            silhouettes[row], parts[row] = steady.silhouettes[lender], steady.parts[lender]
    return replace(steady, silhouettes=silhouettes, parts=parts)
