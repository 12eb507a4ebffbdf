"""What moves before a standing camera and is in nobody's box: people whom neither labels nor detectors know.

Somebody who is still half outside of the picture, or passes behind glass, is often in no label, and no detector sees a
leg or a back for somebody.  But they move, and what moves upright can be covered without knowing who it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

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
_CUT = 12.0  # times as high as wide: what may be seen of somebody whom the frame cuts off


def moving_regions(
    frames: Sequence[Path], regions: pd.DataFrame, size: tuple[int, int], tick: Tick | None = None
) -> pd.DataFrame:
    """Regions of kind ``unsure`` round what moves and is nobody's; none where the camera moves.

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
        found = [np.zeros((0, 5))]

        def look(number: int) -> NDArray[np.float64]:
            if background is None:
                return found[0]
            mask = moving(read_frame(frames[number - 1]), background)
            mask &= ~known_to_move(boxes[numbers == number], size)
            return np.array([(number, *blob) for blob in upright_blobs(mask, _CUT)], np.float64).reshape(-1, 5)

        for rows in spread(look, range(1, len(frames) + 1)):
            found.append(rows)
            if tick:
                tick()
        return np.concatenate(found)

    what = hashlib.sha256(boxes.tobytes() + numbers.tobytes()).hexdigest()
    rows = kept(f"moving 3 {frames_digest(frames)} {what}", compute, tick, len(frames))
    table = pd.DataFrame(rows, columns=["frame", "x", "y", "w", "h"]).astype({"frame": "int64"})
    return table.assign(track="", kind="unsure", source=MOTION)[REGION_COLUMNS].assign(visibility=1.0)


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
