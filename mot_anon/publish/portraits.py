"""From a plan of bodies to the faces that show in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mot_anon.plan.camera import CameraPlan
from mot_anon.plan.portraits import LOOKS, Portraits, chosen_portraits, large_head, looks
from mot_anon.vision.cache import Tick
from mot_anon.vision.faces import landmark_sequence


def find_portraits(
    frames: Sequence[Path], name: str, plan: CameraPlan, progress: Callable[[str, int], Tick]
) -> Portraits:
    """Faces of everybody whom a plan draws and whose head is large and surely seen.

    Parameters
    ----------
    frames, name:
        Of the recording.
    """
    from mot_anon.vision.landmarks import LandmarkReader

    rows, heads = [], [np.zeros((0, 4))]
    shown = np.flatnonzero(plan.regions["kind"] != "hidden")
    numbers = plan.regions["frame"].to_numpy(np.int64)[shown]
    for number in np.unique(numbers):
        for row, region in zip(shown[numbers == number], plan.frame(int(number)), strict=True):
            head = large_head(region.seen) if region.person and region.seen is not None and region.seen.sure else None
            if head is not None:
                rows.append(int(row))
                heads.append(head[None])
    boxes = np.concatenate(heads)
    table = pd.DataFrame(looks(boxes), columns=["x", "y", "w", "h"])
    table["frame"] = np.repeat(plan.regions["frame"].to_numpy(np.int64)[rows], LOOKS)
    read = landmark_sequence(frames, table, LandmarkReader(), progress(f"portraits {name}", len(frames)))
    return chosen_portraits(plan.regions, rows, boxes, read)
