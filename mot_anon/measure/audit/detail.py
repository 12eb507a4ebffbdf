"""Does a place still show the original?  Arrays in, arrays out.

A raw person, and one that was merely encoded again, has the original's fine detail at the original's strength.  A blur
keeps coarse structure and loses the fine one; a mosaic has edges of its own; somebody else has other detail.  So both
frames are reduced to fine detail (differences of two small Gaussians), and what is published is regressed on the
original round every pixel: *correlation* says whether it is the same detail, *slope* how much of it is left.

Somebody else of the same outline has detail in common with the original all the same: the outline.  On small people in
plain clothes it is most of what there is.  So detail alone convicts nobody: either the colours round about are what
they were as well, or all of the person agrees (turned, dimmed or half transparent people do, outlines alone do not).
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
_COLOUR = 8.0  # grey levels by which a neighbourhood's mean may differ in any channel and be what it was
_LEAST_TOLD = 0.1  # share of the pixels looked at that must have detail …
_LEAST_PIXELS = 24  # … and their number
SAME = (0.85, 0.65)
"""Correlation and slope, from which on a pixel counts as raw where its colours are as they were."""
ALL_OVER = 0.95
"""Correlation over everything asked about, from which on colours do not matter: then :data:`SHINING` is enough."""
SHINING = ((0.75, 0.65), (0.95, 0.3))
"""Correlation and slope of a pixel that shows the original: at its strength, or clearly but weaker."""

RAW = 0.3
"""Share of a person from which on they count as raw.

Calibrated on the demo and MOT17-09: what ciagan leaves of a labelled, visible person stays under 0.25 (0.76 by detail
alone), solid, pixelate and blur less; raw people are above 0.85 even when they are encoded again at JPEG quality 60,
and at 0.5 or more at quality 40.
"""
ROUGH = 0.5
"""The same for boxes that detectors drew, which hold more of the background than labels' boxes."""
LOOK = 0.2
"""Share from which on somebody has to look."""


@dataclass(frozen=True)
class Detail:
    """A frame, or a part of one, as it is compared.

    Attributes
    ----------
    fine:
        (H, W) float32: brightness between two small scales, in grey levels.
    pixels:
        (H, W, 3) uint8: the frame itself.
    """

    fine: NDArray[np.float32]
    pixels: Frame

    def part(self, place: tuple[slice, slice]) -> Detail:
        """Some rows and columns; what lies beyond them has had its say in :attr:`fine`."""
        return Detail(self.fine[place], self.pixels[place])


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


def detail(frame: Frame) -> Detail:
    """What :func:`rawness` compares of a frame."""
    # The plain mean of the channels: turned hues leave it as it is.
    grey = cv2.transform(frame.astype(np.float32), np.full((1, 3), 1 / 3, np.float32))
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (_FINE, _COARSE))
    return Detail(np.asarray(fine - coarse, np.float32), frame)


def rawness(before: Detail, after: Detail, mask: NDArray[np.bool_]) -> tuple[Rawness, NDArray[np.bool_]]:
    """Compare the same place in original and published frame.

    Parameters
    ----------
    before, after:
        Of (H, W) pixels.
    mask:
        (H, W) bool: the pixels asked about; no other pixel has a say.

    Returns
    -------
    The sum, and which pixels (H, W) show the original.
    """
    weight = mask.astype(np.float32)
    near = _around(weight)
    one, two = before.fine, after.fine
    power, rest, both = (_around(part * weight) for part in (one * one, two * two, one * two))
    told = mask & (power > _FLAT**2 * near)
    safe = np.maximum(power, 1e-6)
    correlation = both / np.sqrt(safe * np.maximum(rest, 1e-6))
    slope = both / safe
    x, y = one[mask].astype(np.float64), two[mask].astype(np.float64)
    xx, xy, yy = float(x @ x), float(x @ y), float(y @ y)
    whole = xy / np.sqrt(xx * yy) if xx > 0 and yy > 0 else (0.0 if xx > 0 else float("nan"))
    if whole >= ALL_OVER:
        alike = np.logical_or.reduce([(correlation >= least) & (slope >= left) for least, left in SHINING])
    else:
        change = (before.pixels.astype(np.float32) - after.pixels) * weight[..., None]
        moved = np.abs(_around(change)).max(axis=2) / np.maximum(near, 1e-6)
        alike = (correlation >= SAME[0]) & (slope >= SAME[1]) & (moved <= _COLOUR)
    raw = told & alike
    found = Rawness(int(mask.sum()), int(told.sum()), int(raw.sum()), whole, xy / xx if xx > 0 else float("nan"))
    return found, raw


def enough_told(found: Rawness) -> bool:
    """Whether there was enough detail to say anything."""
    return found.told >= max(_LEAST_PIXELS, _LEAST_TOLD * found.pixels)


def elsewhere(
    before: Detail, after: Detail, place: tuple[slice, slice], mask: NDArray[np.bool_], reach: tuple[int, int]
) -> tuple[int, int]:
    """By how many pixels (x, y) the original's detail seems to have moved in what is published.

    Parameters
    ----------
    before, after:
        Of whole frames.
    place, mask:
        Rows and columns of the original, and which of their pixels are meant.
    reach:
        How far to look, in pixels along x and y.
    """
    wanted = before.fine[place] * mask
    height, width = after.fine.shape
    y1, y2, x1, x2 = place[0].start, place[0].stop, place[1].start, place[1].stop
    left, right = min(reach[0], x1), min(reach[0], width - x2)
    up, down = min(reach[1], y1), min(reach[1], height - y2)
    around = after.fine[y1 - up : y2 + down, x1 - left : x2 + right]
    fit = cv2.matchTemplate(np.ascontiguousarray(around), np.ascontiguousarray(wanted), cv2.TM_CCORR_NORMED)
    _, _, _, (x, y) = cv2.minMaxLoc(np.nan_to_num(fit))
    return x - left, y - up


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), _AROUND, borderType=cv2.BORDER_CONSTANT), np.float32)
