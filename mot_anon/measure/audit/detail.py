"""Does a place still show the original?  Arrays in, arrays out.

A raw person, and one that was merely encoded again, has the original's fine detail at the original's strength.  A blur
keeps coarse structure and loses the fine one; a mosaic has edges of its own; somebody else has other detail.  So both
frames are reduced to fine detail (differences of two small Gaussians), and what is published is regressed on the
original round every pixel: *correlation* says whether it is the same detail, *slope* how much of it is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame

_FINE, _COARSE = 0.6, 1.6  # pixels: standard deviations between which detail lies
_AROUND = 3.0  # pixels: standard deviation of the neighbourhood that is looked at together
_FLAT = 2.0  # grey levels (rms) of detail, below which its survival cannot be told
SAME = ((0.75, 0.65), (0.95, 0.3))
"""Correlation and slope, from which on a pixel counts as raw: as it was, or shining through clearly but weaker."""


@dataclass(frozen=True)
class Rawness:
    """How much of some pixels still shows the original.

    Attributes
    ----------
    pixels:
        Pixels that were asked about.
    told:
        Those of them with enough detail to tell, in the original.
    raw:
        Those of them that show the original.
    correlation, slope:
        Of published detail on original detail over all pixels; NaN without detail.
    """

    pixels: int
    told: int
    raw: int
    correlation: float
    slope: float

    @property
    def share(self) -> float:
        """Share (0…1) of the pixels that can be told and are raw; NaN where none can."""
        return self.raw / self.told if self.told else float("nan")


def detail(frame: Frame) -> NDArray[np.float32]:
    """(H, W) float32: the frame's brightness between two small scales, in grey levels."""
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (_FINE, _COARSE))
    return np.asarray(fine - coarse, np.float32)


def rawness(
    before: NDArray[np.float32], after: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[Rawness, NDArray[np.bool_]]:
    """Compare the detail of the same place in original and published frame.

    Parameters
    ----------
    before, after:
        (H, W) float32, from :func:`detail`.
    mask:
        (H, W) bool: the pixels asked about; no other pixel has a say.

    Returns
    -------
    The sum, and which pixels (H, W) show the original.
    """
    weight = mask.astype(np.float32)
    near = _around(weight)
    power, rest, both = (_around(part * weight) for part in (before * before, after * after, before * after))
    told = mask & (power > _FLAT**2 * near)
    safe = np.maximum(power, 1e-6)
    correlation = both / np.sqrt(safe * np.maximum(rest, 1e-6))
    slope = both / safe
    raw = told & np.logical_or.reduce([(correlation >= alike) & (slope >= left) for alike, left in SAME])
    x, y = before[mask].astype(np.float64), after[mask].astype(np.float64)
    xx, xy, yy = float(x @ x), float(x @ y), float(y @ y)
    whole = xy / np.sqrt(xx * yy) if xx > 0 and yy > 0 else (0.0 if xx > 0 else float("nan"))
    found = Rawness(int(mask.sum()), int(told.sum()), int(raw.sum()), whole, xy / xx if xx > 0 else float("nan"))
    return found, raw


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), _AROUND, borderType=cv2.BORDER_CONSTANT), np.float32)
