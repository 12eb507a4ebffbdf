"""Which pixels of a frame belong to whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mot_anon.plan.camera import Region
from mot_anon.plan.regions import clip

Labels = NDArray[np.int32]
"""(H, W) int32: index of the region that owns a pixel, −1 for background."""


def label_regions(regions: Sequence[Region], size: tuple[int, int], target: str) -> Labels:
    """Which region owns which pixel: index into ``regions`` (far to near), −1 for background.

    Nearer regions cover farther ones; what ground truth puts in front of a person is cut out of the person's region
    (:func:`covered_mask`).  With target ``face`` the regions are the heads.
    """
    labels = np.full((size[1], size[0]), -1, np.int32)
    for index, region in enumerate(regions):
        x1, y1, x2, y2 = clip(covered_box(region, target), size)
        if x2 > x1 and y2 > y1:
            labels[y1:y2, x1:x2][covered_mask(region, size, target)] = index
    return labels


def covered_box(region: Region, target: str) -> NDArray[np.float64]:
    """The box (x, y, w, h) of a region that is replaced for a target."""
    return region.head if target == "face" else region.box


def covered_mask(region: Region, size: tuple[int, int], target: str) -> NDArray[np.bool_]:
    """Which pixels of the clipped :func:`covered_box` are covered: all but those of things in front.

    Boxes of things are rough and a face is the worst to lose, so a head is given up only where one thing covers all of
    it, and with target ``face`` never.
    """
    x1, y1, x2, y2 = clip(covered_box(region, target), size)
    mask = np.ones((max(0, y2 - y1), max(0, x2 - x1)), bool)
    if target == "face" or not mask.size:
        return mask
    h1, v1, h2, v2 = clip(region.head, size)
    given_up = False
    for thing in region.cut:
        a1, b1, a2, b2 = clip(thing, size)
        mask[max(0, b1 - y1) : max(0, b2 - y1), max(0, a1 - x1) : max(0, a2 - x1)] = False
        given_up |= a1 <= h1 and b1 <= v1 and a2 >= h2 and b2 >= v2
    if not given_up:
        mask[max(0, v1 - y1) : max(0, v2 - y1), max(0, h1 - x1) : max(0, h2 - x1)] = True
    return mask


def uncovered(region: Region, labels: Labels, size: tuple[int, int], target: str) -> int:
    """How many pixels that a region must cover nobody owns."""
    x1, y1, x2, y2 = clip(covered_box(region, target), size)
    if x2 <= x1 or y2 <= y1:
        return 0
    return int((covered_mask(region, size, target) & (labels[y1:y2, x1:x2] < 0)).sum())
