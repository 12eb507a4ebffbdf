"""How a camera shows detail: how soft (focus, codec) and how strong.  Whoever is drawn must look like that, too.

Pictures of the world have detail in all sizes alike (a power spectrum of 1/f²: Field, JOSA A 1987).  Of such a picture,
blurred by a Gaussian, the energy of the finest detail over that of the next coarser says how wide the Gaussian was,
whatever the contrast.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

_SCALES = (0.7, 1.4, 2.8)  # pixels: standard deviations of the Gaussians between which detail lies
_WIDTHS = np.linspace(0.0, 2.0, 101)
_LEAST_PIXELS = 60
_STRONGER, _WEAKEST = 1.3, 0.4  # energy that one person's detail may have over the mean; and the least factor


class Look(NamedTuple):
    """``softness``: standard deviation of a blur in pixels, 0 to 2; ``detail``: energy a pixel, of values in 0…1."""

    softness: float
    detail: float


def energies(grey: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(3,): mean energy, ``where`` (H, W), of fine, coarser and coarse detail of a picture (H, W) in 0…1."""
    levels = [grey, *(cv2.GaussianBlur(grey, (0, 0), scale) for scale in _SCALES)]
    return np.array([np.square((fine - soft)[where], dtype=np.float64).mean() for fine, soft in pairwise(levels)])


def look_of(found: NDArray[np.float64]) -> Look | None:
    """What :func:`energies` say; None of a picture without detail."""
    fine, coarser, coarse = found
    if coarser <= 0 or coarse <= 0:
        return None
    # The wider the blur, the less fine detail is left: the table falls.
    return Look(float(np.interp(-fine / coarser, -_TABLE, _WIDTHS)), float(coarse))


def seen_by(camera: Look, picture: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """A picture (H, W, 3) in 0…1 as a camera shows people ``where`` (H, W): never sharper or stronger than it was."""
    if int(where.sum()) < _LEAST_PIXELS:
        return picture
    found = look_of(energies(np.ascontiguousarray(picture.mean(2)), where))
    if found is None:
        return picture
    strength = min(1.0, max(_WEAKEST, (_STRONGER * camera.detail / found.detail) ** 0.5))
    if strength < 1:
        base = cv2.GaussianBlur(picture, (0, 0), _SCALES[-1])
        picture = np.asarray(base + strength * (picture - base), np.float32)
    if camera.softness > found.softness:
        missing = (camera.softness**2 - found.softness**2) ** 0.5
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), missing), np.float32)
    return picture


def _expected(width: float) -> float:
    frequency = np.linspace(1e-3, 0.7, 2000)
    left = [np.exp(-2 * (np.pi * frequency * scale) ** 2) for scale in (0.0, *_SCALES)]
    power = np.exp(-2 * (np.pi * frequency * width) ** 2) ** 2 / frequency  # of rings in the plane
    fine, coarser, _ = (float(((a - b) ** 2 * power).sum()) for a, b in pairwise(left))
    return fine / coarser


_TABLE = np.array([_expected(width) for width in _WIDTHS])
