"""Clothes without the faint patterns that generators weave into them: cloth is mostly plain, its edges are sharp."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


def plain(picture: Pixels, faint: float, wide: float, times: int = 1) -> Pixels:
    """A picture without what is fainter than its edges (bilateral filter: Tomasi and Manduchi, ICCV 1998).

    Parameters
    ----------
    picture:
        (h, w, 3) in 0…1.
    faint:
        How much neighbours differ within a pattern, summed over the three colours.
    wide:
        How far round about is looked, in pixels of the picture.
    times:
        How often.
    """
    for _ in range(times):
        picture = np.asarray(cv2.bilateralFilter(np.ascontiguousarray(picture), -1, faint, wide), np.float32)
    return picture
