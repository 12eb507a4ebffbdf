"""What two frames differ in outside of people, and whether that is more than it may be."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.plan.regions import clip

_BLOCK = 8  # pixels
_JPEG_BLOCK = 7.0
"""Grey levels: mean change of a block outside every region that re-encoding does not reach."""


@dataclass(frozen=True)
class Outside:
    """What changed outside every region.

    Attributes
    ----------
    pixels, changed:
        How many there are, and how many have another value.
    total:
        Sum of the absolute changes of brightness.
    largest:
        Largest mean change of a block, in grey levels; None where no block is outside.
    box:
        x, y, w, h of what changed more than may be, or None.
    """

    pixels: int
    changed: int
    total: float
    largest: float | None
    box: tuple[int, int, int, int] | None


def outside(before: Frame, after: Frame, allowed: NDArray[np.float64], *, lossless: bool) -> Outside:
    """Measure what changed outside the allowed boxes.

    Parameters
    ----------
    before, after:
        (H, W, 3) uint8.
    allowed:
        (N, 4) x, y, w, h.
    lossless:
        Any other value is too much; else whole blocks of 8×8 pixels are held to what re-encoding does.
    """
    size = (before.shape[1], before.shape[0])
    free = np.ones(before.shape[:2], bool)
    for box in allowed:
        x1, y1, x2, y2 = clip(box, size)
        free[y1:y2, x1:x2] = False
    change = cv2.absdiff(before, after)
    differs = (change.max(axis=2) > 0) & free
    grey = change.astype(np.float32).mean(axis=2)
    rows, columns = before.shape[0] // _BLOCK, before.shape[1] // _BLOCK
    shape = (rows, _BLOCK, columns, _BLOCK)
    whole = free[: rows * _BLOCK, : columns * _BLOCK].reshape(shape).all(axis=(1, 3))
    means = np.where(whole, grey[: rows * _BLOCK, : columns * _BLOCK].reshape(shape).mean(axis=(1, 3)), 0.0)
    bad = differs if lossless else np.repeat(np.repeat(means > _JPEG_BLOCK, _BLOCK, 0), _BLOCK, 1)
    return Outside(
        int(free.sum()),
        int(differs.sum()),
        float(grey[free].sum()),
        float(means.max()) if whole.any() else None,
        _round(bad) if bad.any() else None,
    )


def _round(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)
