"""Where somebody may be whom no row of ground truth and no detection has: guesses that a parser looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan import silhouettes as looks
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.moving import at_edge, moving_regions, whole_bodies, with_rims
from mot_anon.vision.cache import Tick, parse_sequence

_Progress = Callable[[str, int], Tick]


def confirmed(
    frames: Sequence[Path], name: str, regions: pd.DataFrame, guesses: pd.DataFrame, progress: _Progress
) -> pd.DataFrame:
    """``regions`` and those of the guesses in which the parser does not say that there is nobody."""
    if not len(guesses):
        return regions
    there = _scores(frames, guesses, progress(f"rim {name}", len(frames))) >= looks.NOBODY
    return pd.concat([regions, guesses[there]], ignore_index=True)


def moving_somebody(
    frames: Sequence[Path],
    name: str,
    regions: pd.DataFrame,
    size: tuple[int, int],
    progress: _Progress,
    *,
    parsed: bool,
) -> pd.DataFrame:
    """What moves beside all ``regions`` and may be somebody: at the frame's edge, or where a parser sees anybody in it.

    Of a part that sticks out of somebody's box the parser is asked whether anybody stands below it.
    At the edge a leg may be all that is in the picture, in which no parser sees a person.  Methods that go without a
    parser (``parsed`` False) cover what moves there, and nothing else that only moves.  Whom nothing but detections
    know is not known here: a parser that sees nobody in their boxes would leave what moves in them as it is.
    """
    tracked = (regions["kind"] == "person") & (regions["track"] != CAMERA_TRACK)
    known = regions[tracked if parsed else regions["kind"] != "hidden"]
    found = moving_regions(frames, known, size, progress(f"motion {name}", len(frames)))
    likely = at_edge(found, size) & (found["standing"] == 0).to_numpy()
    if parsed and len(found):
        likely |= _scores(frames, whole_bodies(found), progress(f"moving {name}", len(frames))) >= looks.NOBODY
    return with_rims(found[likely]).drop(columns="standing")


def _scores(frames: Sequence[Path], boxes: pd.DataFrame, tick: Tick) -> NDArray[np.float32]:
    from mot_anon.vision.parse import Parser

    return looks.Readings.from_bytes(parse_sequence(frames, boxes, Parser(), tick)).scores
