"""Outlines that follow a picture: silhouettes are known in cells of several pixels, and averaged over frames."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.vision.windows import window_pixels

FINER = 2
"""Cells of an outline that follows the picture, by those of its silhouette, in height and in width."""
_AROUND = 4  # cells: how far an edge of the picture may lie from the silhouette's
_CONTRAST = 0.001  # variance of colours in 0…1 from which on they count as an edge
_ROUNDS = 2
_GAIN = 1.6  # after every round: what follows no edge would grow softer and softer
_THREADS = 5  # of the finer cells: what is thinner is no limb
_CELL = (1.0, 1.6)  # pixels: cells that are smaller know better than noise where the edge is; larger ones do not

Pixels = NDArray[np.float32]


def following(silhouette: NDArray[np.uint8], frame: NDArray[np.uint8], window: NDArray[np.int64]) -> NDArray[np.uint8]:
    """A silhouette with the outline that the picture has round about there.

    The guided filter (He et al., TPAMI 2013; its coefficients at the silhouette's size, as in He and Sun, 2015): within
    a few cells, what has one colour is one thing.

    Parameters
    ----------
    silhouette:
        (h, w), 0…255.
    frame:
        (H, W, 3) uint8 BGR.
    window:
        (4,) x1, y1, x2, y2 in pixels of the frame: what the silhouette covers; may leave the frame.

    Returns
    -------
    The same if its cells are no larger than pixels; else (2h, 2w), 0…255.
    """
    height, width = silhouette.shape
    cell = float(window[3] - window[1]) / height
    small, large = _CELL
    if cell <= small:
        return silhouette
    size = (FINER * height, FINER * width)
    fine = window_pixels(frame, window, size).astype(np.float32) / np.float32(255)
    coarse = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    known = silhouette.astype(np.float32) / np.float32(255)
    inverse, mean = _spread(coarse)
    found = known
    for number in range(_ROUNDS):
        factors, offset = _coefficients(coarse, found, inverse, mean)
        guide = coarse
        if number == _ROUNDS - 1:
            guide, factors, offset = fine, _enlarged(factors, size), _enlarged(offset, size)
        found = (0.5 + _GAIN * ((factors * guide).sum(2) + offset - 0.5)).clip(0, 1)
    share = min(1.0, (cell - small) / (large - small))
    before = _enlarged(known, size)
    mixed = np.asarray(np.rint(255 * (before + share * (found - before))), np.uint8)
    return np.asarray(cv2.medianBlur(mixed, _THREADS), np.uint8)


def _spread(picture: Pixels) -> tuple[Pixels, Pixels]:
    """Of colours round every cell of (h, w, 3): inverse covariances (h, w, 3, 3), and means (h, w, 3)."""
    mean = _mean(picture)
    products = (picture[..., :, None] * picture[..., None, :]).reshape(*picture.shape[:2], 9)
    spread = _mean(products).reshape(*picture.shape[:2], 3, 3) - mean[..., :, None] * mean[..., None, :]
    return np.linalg.inv(spread + np.float32(_CONTRAST) * np.eye(3, dtype=np.float32)), mean


def _coefficients(picture: Pixels, wanted: Pixels, inverse: Pixels, mean: Pixels) -> tuple[Pixels, Pixels]:
    """What colours say of what is wanted, (h, w, 3), and what is true without them, (h, w)."""
    level = _mean(wanted)
    together = _mean(picture * wanted[..., None]) - mean * level[..., None]
    factors = np.asarray((inverse @ together[..., None])[..., 0], np.float32)
    return _mean(factors), _mean(level - (factors * mean).sum(2))


def _mean(maps: Pixels) -> Pixels:
    side = 2 * _AROUND + 1
    if maps.ndim == 3 and maps.shape[2] > 4:
        return np.stack([_mean(np.ascontiguousarray(maps[..., number])) for number in range(maps.shape[2])], 2)
    return np.asarray(cv2.blur(maps, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)


def _enlarged(maps: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(cv2.resize(maps, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
