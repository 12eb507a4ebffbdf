"""The shape of a face comes from the code, too: how wide the jaw is, how long the nose, where the mouth.

Landmarks say how a face is turned, but proportions say whose it is (a recogniser that sees nothing but landmarks finds
people again: CIAGAN, CVPR 2020, section 4).  So what is drawn has other proportions than what was read: every change
is a scale in the face's own coordinates, about its midline, which keeps pose and expression, and depends on nothing but
the code, so that it is the same in every frame of a track.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PROPORTIONS = ("jaw's width", "chin's width", "chin's height", "nose's length", "mouth's width", "mouth's height")
"""What changes, in the order of the code's first numbers."""
_MIDDLE = np.array([0.96, 0.96, 0.97, 1.0, 1.0, 1.0])
_SPREAD = np.array([0.05, 0.07, 0.05, 0.11, 0.11, 0.07])
_MOST = 1.6  # standard deviations: beyond, faces are caricatures, and jaws leave the hole that is drawn into
_JAW, _NOSE, _MOUTH = np.arange(17), np.arange(27, 36), np.arange(48, 68)
_LEFT_EYE, _RIGHT_EYE = slice(36, 42), slice(42, 48)


def proportions(codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Codes (N, 24), of any length → scales (N, 6) of :data:`PROPORTIONS`, near 1."""
    codes = np.asarray(codes, np.float64)
    length = np.linalg.norm(codes, axis=1, keepdims=True).clip(1e-6)
    numbers = codes[:, : len(PROPORTIONS)] / length * codes.shape[1] ** 0.5
    return np.asarray(_MIDDLE + _SPREAD * numbers.clip(-_MOST, _MOST))


def keyed_shape(points: NDArray[np.float32], codes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Landmarks (N, 68, 2) in any unit → those of the faces that ``codes`` (N, 24) describe, turned alike.

    Jaw, nose and mouth move; brows and eyes, which nobody draws, stay.  The hole is still that of the old ones.
    """
    jaw, chin, low, nose, mouth, lips = proportions(codes).T[:, :, None]
    across, down, origin = _axes(np.asarray(points, np.float64))
    moved = np.asarray(points, np.float64) - origin
    x = (moved * across).sum(2) / (across**2).sum(2)
    y = (moved * down).sum(2)
    bridge, mouths = x[:, 27:31].mean(1, keepdims=True), x[:, _MOUTH].mean(1, keepdims=True)
    tip, centre = y[:, 33:34].copy(), y[:, _MOUTH].mean(1, keepdims=True).copy()
    # The jaw's line from the ears (0) to the chin (1): widths change smoothly along it.
    depth = ((y[:, _JAW] - y[:, :1]) / (y[:, 8:9] - y[:, :1]).clip(1e-6)).clip(0, 1)
    middle = bridge + (x[:, 8:9] - bridge) * depth
    x[:, _JAW] = middle + (x[:, _JAW] - middle) * (jaw + (chin - 1) * depth)
    y[:, _JAW] = np.where(y[:, _JAW] > tip, tip + (y[:, _JAW] - tip) * low, y[:, _JAW])
    x[:, _MOUTH] = mouths + (x[:, _MOUTH] - mouths) * mouth
    y[:, _MOUTH] += tip + (centre - tip) * lips * low - centre
    start = y[:, 27:28].copy()
    y[:, _NOSE] = start + (y[:, _NOSE] - start) * nose
    made = origin + x[..., None] * across + y[..., None] * down
    return np.asarray(made, np.float32)


def _axes(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Axes of faces, (N, 1, 2) each: from eye to eye, down at a right angle (of unit length), and between the eyes."""
    left, right = points[:, _LEFT_EYE].mean(1), points[:, _RIGHT_EYE].mean(1)
    across = (right - left)[:, None]
    size = np.linalg.norm(across, axis=2, keepdims=True)
    # Eyes that lie on each other (a face from the side) say nothing of the roll: down is towards the chin.
    chin = (points[:, 8] - (left + right) / 2)[:, None]
    height = np.linalg.norm(chin, axis=2, keepdims=True).clip(1e-6)
    upright = np.concatenate([chin[..., 1:], -chin[..., :1]], 2) / height
    across = np.where(size > 0.25 * height, across / size.clip(1e-6), upright)
    down = np.concatenate([-across[..., 1:], across[..., :1]], 2)
    return across, down, ((left + right) / 2)[:, None]
