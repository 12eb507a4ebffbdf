"""What generators see of maps, and how their pictures come into frames."""

from __future__ import annotations

import cv2
import numpy as np

from mot_anon.methods.base import Pixels

_EDGE, _EDGE_OF_LARGE = (0.42, 0.78), (0.53, 0.67)  # of the silhouette: transparent below, opaque above
_DECIDED = (0.2, 0.6)  # of the silhouette that the generator sees: steadied ones are softer than those it learnt from
_STRONGEST, _STRONG, _FAINTEST = 0.995, 0.95, 0.2  # quantile of a part map, what it is brought to, and from where on
_SHARPEN = 0.6  # of a cell of the generator's: standard deviation of what is added to sharpen
_ADDED = 0.35  # how much of it
_FAR, _RISE = 0.9, 1.5  # pixels a cell: below which there is nothing to sharpen, and over how many it sets in


def enlarged(picture: Pixels, size: tuple[int, int], added: float = _ADDED) -> Pixels:
    """A generated picture (h, w, 3) at another size (height, width), as sharp as a camera would have it.

    Enlarging spreads every edge over as many pixels as a cell has; an unsharp mask draws them together again.  What
    overshoots the colours round about is cut off.
    """
    height, width = size
    cell = height / picture.shape[0]
    if cell <= _FAR:
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32).clip(0, 1)
    large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    near = np.ones((3, 3), np.uint8)
    low, high = (
        cv2.resize(bound(picture, near), (width, height), interpolation=cv2.INTER_LINEAR)
        for bound in (cv2.erode, cv2.dilate)
    )
    sharp = large + min(1.0, (cell - _FAR) / _RISE) * added * (large - cv2.GaussianBlur(large, (0, 0), _SHARPEN * cell))
    return np.asarray(np.clip(sharp, low, high), np.float32).clip(0, 1)


def opacity(silhouette: Pixels, large: float = 0.0) -> Pixels:
    """Alpha (H, W) of a silhouette in 0…1: its edge drawn in, so that nothing of the surroundings shines.

    The edge of whoever is ``large``, 0 to 1, is not as wide as the cells of their silhouette are.
    """
    low, high = (a + large * (b - a) for a, b in zip(_EDGE, _EDGE_OF_LARGE, strict=True))
    return _ramp(silhouette, (low, high))


def decided(silhouette: Pixels) -> Pixels:
    """What a generator sees of a silhouette (h, w) in 0…1: as firm as those it learnt from, and a cell wider.

    Cameras draw a line round everybody (those whose pictures it learnt from sharpen strongly), and so does the
    generator; a cell farther out the line lies where the picture is transparent (:func:`opacity`).
    """
    return np.asarray(cv2.dilate(_ramp(silhouette, _DECIDED), np.ones((3, 3), np.uint8)), np.float32)


def outspoken(parts: Pixels) -> Pixels:
    """Part maps (4, h, w) in 0…1, each as strong as where a parser is sure, if it says anything at all.

    Maps that were steadied along a track are fainter than those of single crops from which the generator learnt, and
    of faint heads it makes none.
    """
    strongest = np.quantile(parts, _STRONGEST, axis=(1, 2), keepdims=True)
    gain = np.where(strongest > _FAINTEST, _STRONG / np.maximum(strongest, _FAINTEST), 1)
    return np.asarray((parts * gain).clip(0, 1), np.float32)


def _ramp(silhouette: Pixels, edge: tuple[float, float]) -> Pixels:
    """0 below an edge, 1 above it, and smooth in between."""
    low, high = edge
    t = np.clip((silhouette - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
