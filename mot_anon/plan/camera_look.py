"""How a camera shows people: those who are drawn must look no sharper than the real ones did."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mot_anon.data.frames import read_frame
from mot_anon.plan.regions import clip
from mot_anon.vision.look import Look, energies, look_of

_SAMPLES = 12
_TALL = 60.0  # pixels: smaller people say nothing of a camera
_VISIBLE = 0.5


def camera_look(frames: Sequence[Path], regions: pd.DataFrame, size: tuple[int, int]) -> Look | None:
    """The mean look of the middle of everybody who is seen well, in frames evenly spread; None where nobody is.

    Two numbers for a recording: of a person they tell nothing.

    Parameters
    ----------
    size:
        (width, height) in pixels.
    """
    good = (regions["kind"] == "person") & (regions["h"] >= _TALL) & (regions["visibility"] >= _VISIBLE)
    numbers = sorted(set(regions.loc[good, "frame"]))
    found = [np.zeros(3)]
    for number in numbers[:: -(-len(numbers) // _SAMPLES)] if numbers else []:
        grey = cv2.cvtColor(read_frame(frames[number - 1]), cv2.COLOR_BGR2GRAY).astype(np.float32) / np.float32(255)
        for x, y, w, h in regions.loc[good & (regions["frame"] == number), ["x", "y", "w", "h"]].to_numpy(float):
            x1, y1, x2, y2 = clip(np.array([x + w / 4, y + h / 10, w / 2, 0.8 * h]), size)
            crop = np.ascontiguousarray(grey[y1:y2, x1:x2])
            if crop.size:
                found.append(energies(crop, np.ones(crop.shape, bool)))
    return look_of(np.sum(found, 0) / max(1, len(found) - 1))
