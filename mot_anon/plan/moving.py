"""What moves before a standing camera and is in nobody's box: people whom neither labels nor detectors know.

Somebody who is still half outside of the picture, or passes behind glass, is often in no label, and no detector sees a
leg or a back for somebody.  But they move, and what moves upright can be covered without knowing who it is.  Who passes
behind somebody with a box shows no more than a part beside it: a head over theirs, say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import read_frame
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.regions import REGION_COLUMNS, clip, visible_share
from mot_anon.threads import spread
from mot_anon.vision.cache import Tick, frames_digest, kept, still_sequence
from mot_anon.vision.motion import moving, upright_blobs

MOTION = "motion"
"""The ``source`` of such regions."""
_BESIDE, _ABOVE = 0.05, 0.03  # of a box: how far beyond it its person's blur and hair move
_OWN = 0.2  # of what moves: how much may lie beside somebody whose motion it is
_PART = (0.08, 0.45)  # of the height of those beside whom it moves: how wide and high a part of somebody is
_FULL, _LEAST = 0.35, 12  # share of its box that moves, and pixels of its shorter side
_WIDTH = 0.4  # of somebody's height
_MORE = 0.15  # of a part's sides: its rim moves too little to be seen
_CUT = 12.0  # times as high as wide: what may be seen of somebody whom the frame cuts off


def moving_regions(
    frames: Sequence[Path], regions: pd.DataFrame, size: tuple[int, int], tick: Tick | None = None
) -> pd.DataFrame:
    """Regions of kind ``unsure`` round what moves and is nobody's; none where the camera moves.

    Their column ``standing`` is 0 for what is upright itself, and else, for a part that sticks out of somebody's box,
    how tall people are there.

    Parameters
    ----------
    regions:
        Everybody who will be replaced in their box: where they are, motion is theirs.
    size:
        (width, height) in pixels.
    tick:
        Called once a frame.
    """
    boxes, numbers = regions[["x", "y", "w", "h"]].to_numpy(np.float64), regions["frame"].to_numpy(np.int64)

    def compute() -> NDArray[np.float64]:
        background = still_sequence(frames)
        found = [np.zeros((0, 6))]

        def look(number: int) -> NDArray[np.float64]:
            if background is None:
                return found[0]
            mask = moving(read_frame(frames[number - 1]), background)
            people = boxes[numbers == number]
            mask &= ~known_to_move(people, size)
            upright = upright_blobs(mask, _CUT)
            blobs = [(*blob, 0.0) for blob in upright]
            blobs += [part for part in parts_beside(mask, people) if part[:4] not in upright]
            return np.array([(number, *blob) for blob in blobs], np.float64).reshape(-1, 6)

        for rows in spread(look, range(1, len(frames) + 1)):
            found.append(rows)
            if tick:
                tick()
        return np.concatenate(found)

    what = hashlib.sha256(boxes.tobytes() + numbers.tobytes()).hexdigest()
    rows = kept(f"moving 4 {frames_digest(frames)} {what}", compute, tick, len(frames))
    table = pd.DataFrame(rows, columns=["frame", "x", "y", "w", "h", "standing"]).astype({"frame": "int64"})
    return table.assign(track="", kind="unsure", source=MOTION)[[*REGION_COLUMNS, "standing"]].assign(visibility=1.0)


def parts_beside(mask: NDArray[np.bool_], boxes: NDArray[np.float64]) -> list[tuple[int, int, int, int, float]]:
    """Connected parts of a mask that touch the place of people and may be a head, or another part of somebody.

    Parameters
    ----------
    mask:
        (H, W) what moves outside of :func:`known_to_move`.
    boxes:
        (N, 4) x, y, w, h of those people.

    Returns
    -------
    x, y, w, h in pixels, and the height of the tallest whom it touches.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    more = boxes[:, 2:] * (_BESIDE, _ABOVE) + 2
    low, high = boxes[:, :2] - more, boxes[:, :2] + boxes[:, 2:] + more
    found = []
    for x, y, w, h, area in stats[1:].tolist():
        if min(w, h) < _LEAST or area < _FULL * w * h:
            continue
        touched = (low <= (x + w, y + h)).all(1) & (high >= (x, y)).all(1)
        tallest = float(boxes[touched, 3].max(initial=0))
        least, most = _PART
        if least * tallest <= min(w, h) and max(w, h) <= most * tallest:
            found.append((x, y, w, h, tallest))
    return found


def whole_bodies(parts: pd.DataFrame) -> pd.DataFrame:
    """The boxes of those whose heads the parts may be: below them, as tall as people are there (``standing``)."""
    tall = np.maximum(parts["h"], parts["standing"])
    wide = np.maximum(parts["w"], _WIDTH * parts["standing"])
    return parts.assign(x=parts["x"] + (parts["w"] - wide) / 2, w=wide, h=tall)


def with_rims(parts: pd.DataFrame) -> pd.DataFrame:
    """The parts with a rim that moves too little to be seen; what is upright itself stays as it is."""
    wide, high = (_MORE * parts[name] * (parts["standing"] > 0) for name in "wh")
    return parts.assign(x=parts["x"] - wide, y=parts["y"] - high, w=parts["w"] + 2 * wide, h=parts["h"] + 2 * high)


def drawn_already(regions: pd.DataFrame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(N,) which rows are motion of somebody who has no track but is drawn all the same: two detectors saw them."""
    moves = (regions["source"] == MOTION).to_numpy()
    drawn = ((regions["kind"] == "person") & (regions["track"] == CAMERA_TRACK)).to_numpy() & ~moves
    boxes, numbers = regions[["x", "y", "w", "h"]].to_numpy(np.float64), regions["frame"].to_numpy(np.int64)
    found = np.zeros(len(regions), bool)
    for row in np.flatnonzero(moves):
        others = boxes[drawn & (numbers == numbers[row])]
        found[row] = len(others) > 0 and visible_share(boxes[row], others, size) <= _OWN
    return found


def known_to_move(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W): where people whose boxes (N, 4) are known may move something."""
    known = np.zeros((size[1], size[0]), bool)
    for x, y, w, h in boxes:
        wide, high = _BESIDE * w, _ABOVE * h
        x1, y1, x2, y2 = clip(np.array([x - wide, y - high, w + 2 * wide, h + 2 * high]), size)
        known[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = True
    return known


def at_edge(regions: pd.DataFrame, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(N,) whether boxes reach the frame's left, right or lower edge: where a part may be all that is seen."""
    boxes = regions[["x", "y", "w", "h"]].to_numpy(np.float64)
    right, low = boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3]
    return np.asarray((boxes[:, 0] <= 1) | (right >= size[0] - 1) | (low >= size[1] - 1))
