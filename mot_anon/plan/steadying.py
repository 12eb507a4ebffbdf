"""Silhouettes and parts along tracks: what a single frame misreads or flickers is taken out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.silhouettes import LIKELY, Maps, Readings, Steady

_ALIKE = 0.6  # IoU from which neighbours in time show the same person in the same place
_SAME = 0.8  # and from which they show the same pose, so that what differs is chance
_MIXED = 3  # times that neighbours are mixed


def steadied(regions: pd.DataFrame, readings: Readings, drawn: Maps | None = None) -> Steady:
    """Smooth readings along tracks, frame by frame, in the window's coordinates.

    A silhouette becomes the median of three frames, mixed with those beside it several times, so that what a single
    frame misreads or flickers goes, and what is drawn into it crawls less; but only frames that show much the same are
    asked, so that somebody who steps behind something does so at once.

    Parameters
    ----------
    drawn:
        Silhouettes (N, 128, 64) to be drawn, if they are not those of the readings; what either has is possible.
    """
    shown = readings.silhouettes if drawn is None else drawn
    silhouettes, possible = shown.copy(), np.maximum(shown, readings.silhouettes)
    parts, scores = readings.parts.copy(), readings.scores.copy()
    agreement = np.ones(len(regions), np.float32)
    numbers = regions["frame"].to_numpy(np.int64)
    tracked = regions.reset_index(drop=True)
    for _, rows in tracked[tracked["track"] != ""].groupby("track", sort=True):
        order = rows.index.to_numpy()[np.argsort(rows["frame"].to_numpy(), kind="stable")]
        own, most = shown[order], possible[order]
        before, after = _neighbours(numbers[order])
        likely = own > LIKELY
        alike, same = most, [own, own]
        for at, side in enumerate((before, after)):
            shared = (likely & likely[side]).sum((1, 2)) / np.maximum(1, (likely | likely[side]).sum((1, 2)))
            alike = np.where((shared >= _ALIKE)[:, None, None], np.maximum(alike, most[side]), alike)
            side[shared < _SAME] = np.flatnonzero(shared < _SAME)
            same[at] = own[side]
        a, b = same
        smooth, limbs = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), own)), readings.parts[order]
        for _ in range(_MIXED):
            smooth = _mixed(smooth, smooth[before], smooth[after])
            limbs = _mixed(limbs, limbs[before], limbs[after])
        silhouettes[order] = smooth
        possible[order] = alike
        parts[order] = limbs
        scores[order] = _running_median(numbers[order], readings.scores[order])
        agreement[order] = _agreement(numbers[order], likely)
    return Steady(silhouettes, possible, parts, scores, agreement)


def _mixed(own: Maps, before: Maps, after: Maps) -> Maps:
    return ((2 * own.astype(np.uint16) + before + after + 2) // 4).astype(np.uint8)


def _neighbours(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the frames just before and after; its own where there is none."""
    here = np.arange(len(numbers))
    before, after = np.maximum(here - 1, 0), np.minimum(here + 1, len(numbers) - 1)
    before = np.where(numbers - numbers[before] == 1, before, here)
    return before, np.where(numbers[after] - numbers == 1, after, here)


def _agreement(numbers: NDArray[np.int64], likely: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The better IoU of every silhouette with the one before and the one after; 1 where there is neither."""
    found = np.ones(len(numbers), np.float32)
    before, after = _neighbours(numbers)
    for at in range(len(numbers)):
        others = [other for other in (before[at], after[at]) if other != at]
        if others:
            found[at] = max((likely[at] & likely[o]).sum() / max(1, (likely[at] | likely[o]).sum()) for o in others)
    return found


def _running_median(numbers: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[np.float32]:
    near = [values[np.abs(numbers - number) <= 2] for number in numbers]
    return np.array([np.median(some) for some in near], np.float32)
