"""Running a tracker over one sequence of one tree."""

from __future__ import annotations

from collections.abc import Sequence as Rows

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.motchallenge import RESULT_COLUMNS
from mot_anon.errors import OptionError
from mot_anon.trackers import Tracker, available_trackers, make_tracker
from mot_anon.vision.embed import calibrated_gate


def new_tracker(name: str) -> Tracker:
    """A tracker by name; the bundled re-ID tracker gets the gate that belongs to the shipped network.

    Raises
    ------
    OptionError
        No tracker of that name.
    """
    if name not in available_trackers():
        raise OptionError(f"no tracker {name!r}; there is: {', '.join(available_trackers())}")
    return make_tracker(name, max_cosine_distance=calibrated_gate()) if name == "reid" else make_tracker(name)


def check_trackers(names: Rows[str]) -> None:
    """Raise :class:`OptionError` for an unknown, repeated or missing name."""
    if not names or len(set(names)) != len(names):
        raise OptionError(f"--trackers {','.join(names)}: give at least one name, each once")
    for name in names:
        new_tracker(name)


def uses_appearance(name: str) -> bool:
    """Whether a tracker looks at features."""
    return new_tracker(name).uses_appearance


def track(
    name: str, detections: pd.DataFrame, n_frames: int, features: NDArray[np.float32] | None = None
) -> pd.DataFrame:
    """Track one sequence.

    Parameters
    ----------
    name:
        Of the tracker.
    detections:
        :data:`~mot_anon.data.motchallenge.DETECTION_COLUMNS`; boxes have an area.
    n_frames:
        Every frame is given to the tracker, also one without detections.
    features:
        (len(detections), D) float32, one row a detection; None for trackers without appearance.

    Returns
    -------
    :data:`~mot_anon.data.motchallenge.RESULT_COLUMNS`, ordered by frame and id.
    """
    tracker = new_tracker(name)
    boxes = detections[["x", "y", "w", "h"]].to_numpy(np.float64, copy=True)
    boxes[:, 2:] += boxes[:, :2]
    scores = detections["confidence"].to_numpy(np.float64)
    frames = detections["frame"].to_numpy(np.int64)
    order = np.argsort(frames, kind="stable")
    ends = np.searchsorted(frames[order], np.arange(1, n_frames + 2))
    rows = [np.zeros((0, 7))]
    for frame in range(1, n_frames + 1):
        here = order[ends[frame - 1] : ends[frame]]
        seen = features[here] if features is not None and len(here) else None
        found = tracker.update(boxes[here], scores[here], seen)
        size = found[:, 2:4] - found[:, :2]
        rows.append(np.column_stack([np.full(len(found), frame), found[:, 4], found[:, :2], size, found[:, 5]]))
    table = pd.DataFrame(np.concatenate(rows), columns=RESULT_COLUMNS).astype({"frame": "int64", "id": "int64"})
    return table.sort_values(["frame", "id"], ignore_index=True)
