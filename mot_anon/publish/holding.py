"""Boxes that hold their people, as far as a parser sees it: what labels cut off would stay raw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.outgrown import fitted, outgrown
from mot_anon.plan.silhouettes import Readings
from mot_anon.vision.cache import Tick, parse_sequence

_BOX = ["x", "y", "w", "h"]


def holding(
    frames: Sequence[Path],
    name: str,
    regions: pd.DataFrame,
    size: tuple[int, int],
    progress: Callable[[str, int], Tick],
) -> pd.DataFrame:
    """Regions whose boxes are larger where people of the tracks stick out of theirs; nothing else is changed.

    Parameters
    ----------
    frames, name, size:
        Of the recording; the size is (width, height).
    """
    tracked = np.flatnonzero((regions["kind"] == "person") & (regions["track"] != CAMERA_TRACK))
    people = regions.iloc[tracked]
    boxes = people[_BOX].to_numpy(float)
    if not len(people):
        return regions
    from mot_anon.vision.parse import Parser

    parser = Parser()
    readings = Readings.from_bytes(parse_sequence(frames, people, parser, progress(f"boxes {name}", len(frames))))
    roomy = outgrown(people, readings, size)
    rows = np.flatnonzero((roomy != boxes).any(1))
    if not len(rows):
        return regions
    wanted = people.iloc[rows].assign(**dict(zip(_BOX, roomy[rows].T, strict=True)))
    again = Readings.from_bytes(parse_sequence(frames, wanted, parser))
    held = regions[_BOX].to_numpy(float, copy=True)
    held[tracked] = fitted(people, readings, roomy, readings.replaced(rows, again))
    return regions.assign(**dict(zip(_BOX, held.T, strict=True)))
