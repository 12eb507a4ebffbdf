"""Silhouettes of people near the camera follow the outlines that are in the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from mot_anon.data.frames import read_frame
from mot_anon.plan.silhouettes import POSSIBLE, Steady, windows_of
from mot_anon.threads import spread
from mot_anon.vision.cache import Tick
from mot_anon.vision.edges import following
from mot_anon.vision.windows import window_pixels

_LARGE = 1.0  # pixels a cell: cells that are smaller know better than noise where an edge is


def along_edges(frames: Sequence[Path], regions: pd.DataFrame, steady: Steady, tick: Tick) -> Steady:
    """What is seen of N people, with the outlines of those who are large.

    An outline leads to limbs that a coarse map missed: what is drawn there is covered, too.

    Parameters
    ----------
    frames:
        Of the sequence.
    regions, steady:
        N rows; nothing changes for those of whom nothing is seen.
    tick:
        Called once a frame that is read.
    """
    windows = windows_of(regions[["x", "y", "w", "h"]].to_numpy(float))
    numbers, cells = regions["frame"].to_numpy(np.int64), steady.silhouettes.shape[1]
    large = (windows[:, 3] - windows[:, 1] > _LARGE * cells) & (regions["kind"] == "person").to_numpy()
    large &= (steady.silhouettes > POSSIBLE).any((1, 2))
    silhouettes, possible = steady.silhouettes.copy(), steady.possible.copy()

    def look(number: int) -> None:
        frame = read_frame(frames[number - 1])
        for row in np.flatnonzero(large & (numbers == number)):
            picture = window_pixels(frame, windows[row], silhouettes[row].shape)
            silhouettes[row] = following(silhouettes[row], picture)
            possible[row] = np.maximum(possible[row], silhouettes[row])

    for _ in spread(look, sorted(set(numbers[large].tolist()))):
        tick()
    return replace(steady, silhouettes=silhouettes, possible=possible)
