"""Outlines that follow a picture: where a parser is undecided, or has been averaged over frames, colours decide."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_AROUND = 4  # cells: how far an edge of the picture may lie from the silhouette's
_CONTRAST = 0.001  # variance of colours in 0…1 from which on they count as an edge
_ROUNDS, _GAIN = 2, 1.6  # how often; and what follows no edge would grow softer every time
_SAY = 0.5  # how much the picture says beside the silhouette: where that is decided, its word stands

Pixels = NDArray[np.float32]


def following(silhouette: NDArray[np.uint8], picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A silhouette whose outline follows the edges of the picture where it is not sure itself.

    The guided filter (He et al., TPAMI 2013): within a few cells, what has one colour is one thing.

    Parameters
    ----------
    silhouette:
        (h, w), 0…255.
    picture:
        (h, w, 3) uint8: what is seen there.
    """
    guide = picture.astype(np.float32) / np.float32(255)
    known = silhouette.astype(np.float32) / np.float32(255)
    mean = _mean(guide)
    inverse = _inverse(guide, mean)
    found = known
    for _ in range(_ROUNDS):
        level = _mean(found)
        together = _mean(guide * found[..., None]) - mean * level[..., None]
        factors = np.einsum("hwij,hwj->hwi", inverse, together)
        offset = level - (factors * mean).sum(2)
        found = (0.5 + _GAIN * ((_mean(factors) * guide).sum(2) + _mean(offset) - 0.5)).clip(0, 1)
    return np.asarray(np.rint(255 * (known + _SAY * (found - known))), np.uint8)


def _inverse(guide: Pixels, mean: Pixels) -> Pixels:
    """Inverse covariances (h, w, 3, 3) of the colours round every cell of (h, w, 3)."""
    spread = np.empty((*guide.shape, 3), np.float32)
    for one in range(3):
        spread[..., one] = _mean(guide * guide[..., one : one + 1]) - mean * mean[..., one : one + 1]
        spread[..., one, one] += np.float32(_CONTRAST)
    # Thousands of small matrices: by cofactors, several times as fast as one by one.
    first, second, third = (spread[..., number] for number in range(3))
    inverse = np.stack([np.cross(second, third), np.cross(third, first), np.cross(first, second)], 3)
    return np.asarray(inverse / (first * inverse[..., 0]).sum(2)[..., None, None], np.float32)


def _mean(maps: Pixels) -> Pixels:
    side = 2 * _AROUND + 1
    return np.asarray(cv2.blur(maps, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
