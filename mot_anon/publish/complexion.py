"""The skin of whose face is drawn, along a track: in a single frame a neck hides, or a collar is taken for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.frames import read_frame
from mot_anon.methods.face_tone import light_of, skin_near
from mot_anon.plan.faces import tracks_of
from mot_anon.plan.heads import Heads
from mot_anon.publish.shapes import face_of
from mot_anon.threads import spread
from mot_anon.vision.cache import Tick

_NEAR, _EVER = 25.0, 0.1  # frames from which a sight of skin says less and less, and what it says at least

Skin = NDArray[np.float32]


def complexions(frames: Sequence[Path], regions: pd.DataFrame, heads: Heads, tick: Tick) -> Skin:
    """The skin of N regions.

    Parameters
    ----------
    regions, heads:
        N regions and their heads; skin is looked for below faces that are drawn after landmarks.
    tick:
        Called once a frame that is read.

    Returns
    -------
    (N, 4) float32: red, green and blue over the light of the place (:func:`~mot_anon.methods.face_tone.light_of`), each
    the weighted median of a track's sights, of which the surest and nearest count most; and how sure the surest is,
    0…1.
    """
    numbers = regions["frame"].to_numpy(np.int64)
    found = np.zeros((len(regions), 4), np.float32)
    assert heads.usable is not None
    usable = heads.usable & (regions["kind"] == "person").to_numpy()

    def look(number: int) -> None:
        frame = read_frame(frames[number - 1])
        for row in np.flatnonzero(usable & (numbers == number)):
            place = heads.place(int(row))
            assert place is not None
            shape = face_of(place, None, frame, (0, 0, frame.shape[1], frame.shape[0]))
            colour, share = skin_near(shape)
            found[row] = [*(colour / light_of(shape.surroundings)), share]

    for _ in spread(look, sorted(set(numbers[usable].tolist()))):
        tick()
    made = np.zeros_like(found)
    for track in tracks_of(regions):
        rows = track[usable[track]]
        for row in rows:
            away = np.abs(numbers[rows] - numbers[row]) / _NEAR
            weights = found[rows, 3] ** 2 * (_EVER + np.exp(-(away**2)))
            if weights.any():
                made[row] = [*(_median(column, weights) for column in found[rows, :3].T), found[rows, 3].max()]
    return made


def _median(values: Skin, weights: NDArray[np.float64]) -> float:
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])
