"""Where in a person's box the audit looks, and where a box has no head of its own."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.measure.audit.sights import Candidate
from mot_anon.plan.moving import known_to_move
from mot_anon.plan.regions import clip, standing_height
from mot_anon.plan.silhouettes import windows_of
from mot_anon.vision.motion import MOST

MOVING = 0.2
"""Share of a place that must move for its motion to be somebody's."""
_LEAST_BLOB, _BEYOND_BLOB = 16, 0.3  # pixels, and of its width: what moves, and how far round it is covered
_BELOW = 0.25  # of a standing person's height: from there down no head is theirs
_BESIDE = 0.25  # of a labelled person's width: as far beside them arms, bags and shadows are theirs


def wanted(box: NDArray[np.float64], target: str) -> NDArray[np.float64]:
    """The part of a person's box that must be covered: all of it, or where the head is for sure."""
    if target != "face":
        return box
    x, y, w, h = box
    head = standing_height(box) / 7
    wide = min(w, 1.2 * head)
    return np.array([x + (w - wide) / 2, y, wide, min(h, head)])


def core(box: NDArray[np.float64], target: str, bounds: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """The middle of a box, where the person is whatever the pose; with ``face`` all of the head's box."""
    x1, y1, x2, y2 = bounds
    if target == "face":
        return np.ones((y2 - y1, x2 - x1), bool)
    x, y, w, h = box
    columns, rows = np.arange(x1, x2) + 0.5, np.arange(y1, y2) + 0.5
    across = np.abs(columns - (x + w / 2)) <= max(0.28 * w, 2)
    down = (rows >= y + 0.04 * h) & (rows <= y + 0.92 * h)
    return np.asarray(down[:, None] & across[None, :])


def headless(
    candidate: Candidate, others: Sequence[Candidate], size: tuple[int, int], motion: NDArray[np.bool_] | None
) -> bool:
    """Whether a box has its head where none is: nothing moves there, or a labelled person has chest or legs there.

    Bodies show with target ``face``, and detectors draw boxes over parts of them.

    Parameters
    ----------
    others:
        Who else may be there; those with a track are labelled.
    size:
        (width, height) of the frame.
    motion:
        (H, W) what differs from the still background; None where the camera moves.
    """
    place = wanted(np.array(candidate.box, float), "face")
    x, y = place[0] + place[2] / 2, place[1]
    x1, y1, x2, y2 = clip(place, size)
    if motion is not None and x2 > x1 and y2 > y1 and motion[y1:y2, x1:x2].mean() < MOVING:
        return True
    for other in others:
        if other.track:
            left, top, wide, high = other.box
            below = top + _BELOW * standing_height(np.array(other.box, float))
            if left - _BESIDE * wide <= x <= left + (1 + _BESIDE) * wide and below <= y <= top + high:
                return True
    return False


def round_motion(
    allowed: NDArray[np.float64],
    motion: NDArray[np.bool_] | None,
    target: str,
    known: NDArray[np.float64],
) -> NDArray[np.float64]:
    """``allowed`` boxes (N, 4), and those in which publishing may have covered what moves and is nobody's.

    With target ``face`` nothing is covered for moving.  What moves beside the boxes of ``known`` people (K, 4) counts,
    upright or not: of what is a crowd here publishing may have seen a part.  What fills the frame is light.
    """
    if motion is None or target == "face":
        return allowed
    beside = motion & ~known_to_move(known, (motion.shape[1], motion.shape[0]))
    _, _, stats, _ = cv2.connectedComponentsWithStats(beside.astype(np.uint8), connectivity=8)
    likely = (stats[1:, 3] >= _LEAST_BLOB) & (stats[1:, 2] * stats[1:, 3] <= MOST * motion.size)
    blobs = stats[1:, :4][likely].astype(np.float64)
    if not len(blobs):
        return allowed
    windows = windows_of(blobs).astype(np.float64)
    more = _BEYOND_BLOB * blobs[:, 2:3] + _LEAST_BLOB
    low, high = windows[:, :2] - more, windows[:, 2:] + more
    return np.concatenate([allowed, np.concatenate([low, high - low], 1)])
