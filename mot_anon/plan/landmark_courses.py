"""Landmarks along tracks: where they are drawn, and whether they are used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from mot_anon.vision.landmarks import USABLE

_STIFF = 6.0  # how much a bent course of landmarks costs, beside their distance from where they were read
_STEADY, _SHORTEST = 2, 3  # frames each way that vote whether landmarks are usable, and fewest in a row that are used
_ASTRAY = 0.1  # of a face's size: how far a smooth course may be from where the face is


def smoothed(points: NDArray[np.float32], confidence: NDArray[np.float32]) -> NDArray[np.float32]:
    """Landmarks (T, 68, 2) of T frames on end along a smoothing spline, as CIAGAN has it for video (section 3.5).

    The discrete one: least squares with a penalty on second differences (Whittaker, 1923), each frame weighted by its
    confidence (T,).
    """
    n = len(points)
    if n < 3:
        return points
    weight = np.maximum(confidence.astype(np.float64), 0.02) ** 2
    second = np.zeros((n - 2, n))
    for row in range(n - 2):
        second[row, row : row + 3] = 1, -2, 1
    bent = _STIFF * weight.mean() * second.T @ second
    bands = np.zeros((3, n))
    for above in range(3):
        bands[2 - above, above:] = np.diagonal(bent, above)
    bands[2] += weight
    course = solveh_banded(bands, weight[:, None] * points.reshape(n, -1).astype(np.float64))
    return course.reshape(points.shape).astype(np.float32)


def steady_choice(confidence: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(T,) whether landmarks are used in T frames on end: by the median of five, in stretches of at least three."""
    n = len(confidence)
    near = [confidence[max(0, at - _STEADY) : at + _STEADY + 1] for at in range(n)]
    chosen = np.array([np.median(some) >= USABLE for some in near], bool)
    for run in np.split(np.arange(n), np.flatnonzero(np.diff(chosen.astype(int))) + 1):
        if len(run) < _SHORTEST and chosen[run[0]]:
            chosen[run] = False
    return chosen


def held_to(
    course: NDArray[np.float32],
    read: NDArray[np.float32],
    confidence: NDArray[np.float32],
    faces: NDArray[np.float64],
) -> NDArray[np.float32]:
    """A smooth course that stays on the face, wherever the camera jolts: what is drawn elsewhere leaves the face raw.

    Parameters
    ----------
    course, read:
        (T, 68, 2) of T frames on end: smoothed, and as they were read.
    confidence:
        (T,) of the latter; where it is low, the face is where it was found, as far from the box as it mostly is.
    faces:
        (T, 4) x, y, w, h: found faces, or where they must have been.

    Returns
    -------
    The course, in every frame moved until its middle is at most a tenth of the face from that of the face.
    """
    size = np.maximum(np.ptp(read, axis=1).max(1), 1.0)
    middle, box = read.mean(1), faces[:, :2] + faces[:, 2:] / 2
    sure = confidence >= USABLE
    if not sure.all():
        beside = (middle - box) / size[:, None]
        usual = np.median(beside[sure] if sure.any() else beside, 0)
        middle = np.where(sure[:, None], middle, box + usual * size[:, None])
    astray = middle - course.mean(1)
    far = np.linalg.norm(astray, axis=1)
    share = np.maximum(0, 1 - _ASTRAY * size / np.maximum(far, 1e-6))
    return np.asarray(course + (share[:, None] * astray)[:, None], np.float32)
