"""Who may be in the original's frames, by sources that owe the renderer nothing: labels, detections, a hand's boxes."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Rows

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.motchallenge import PERSON_CLASSES
from mot_anon.data.sequence import Sequence
from mot_anon.plan import regions
from mot_anon.plan.again import between_sights
from mot_anon.plan.outgrown import at_most
from mot_anon.plan.overrides import SAME_BOX, Override
from mot_anon.plan.regions import fill_gaps, gt_regions, iou
from mot_anon.plan.silhouettes import windows_of

CANDIDATE_COLUMNS = ["frame", "track", "x", "y", "w", "h", "source", "score", "visibility"]
"""``track`` is an id of ground truth or empty, ``source`` gt, gap, manual, agreed or detection."""
BOX = ["x", "y", "w", "h"]
_SAME_PERSON = 0.4
LONGEST_GAP_SECONDS = 0.5
_LONGEST_ENTRANCE_SECONDS = 1.0
_ENLARGED, _MORE = 0.2, 6.0  # of a box's sides, and pixels: where a region may reach that covers it
_BEYOND = 0.4  # of a width: how far from a window feet and hands are followed; boxes of detectors are widened first


def labelled(gt: pd.DataFrame, fps: float) -> pd.DataFrame:
    """Every person-like row of ground truth, and boxes between where a track pauses for half a second at most."""
    table = fill_gaps(gt_regions(gt, ""), round(LONGEST_GAP_SECONDS * fps))
    table["track"] = [track.removeprefix(":") for track in table["track"]]
    table["source"] = table["source"].replace("group", "gt")
    return table.assign(score=0.0)[CANDIDATE_COLUMNS].reset_index(drop=True)


def coming_and_going(gt: pd.DataFrame, sequence: Sequence) -> pd.DataFrame:
    """Where labelled people may be before their first row and after their last, as they cross the frame's edge."""
    longest = round(_LONGEST_ENTRANCE_SECONDS * sequence.fps)
    return regions.coming_and_going(gt_regions(gt, ""), longest, sequence.n_frames, (sequence.width, sequence.height))


def sighted_again(tables: Iterable[pd.DataFrame], sequence: Sequence) -> pd.DataFrame:
    """Where publishing may have covered whom a detector of ``tables`` saw before and after, and not there."""
    found = [between_sights(table.assign(kind="unsure"), sequence.fps, sequence.n_frames) for table in tables]
    return pd.concat(found, ignore_index=True)


def detected(public: pd.DataFrame, independent: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Detections that are nobody's in ``people``: ``agreed`` where both detectors mean the same, else ``detection``.

    Parameters
    ----------
    public, independent:
        Tables of detections.
    people:
        Candidates from :func:`labelled`.
    """
    rows = []
    for frame, table in independent.groupby("frame"):
        boxes = table[BOX].to_numpy(float)
        known = people.loc[people["frame"] == frame, BOX].to_numpy(float)
        other = public.loc[public["frame"] == frame, BOX].to_numpy(float)
        agreed = _near(boxes, other)
        for index in np.flatnonzero(~_near(boxes, known)):
            source = "agreed" if agreed[index] else "detection"
            rows.append((frame, "", *boxes[index], source, float(table["confidence"].iloc[index]), 1.0))
    for frame, table in public.groupby("frame"):
        boxes = table[BOX].to_numpy(float)
        known = people.loc[people["frame"] == frame, BOX].to_numpy(float)
        other = independent.loc[independent["frame"] == frame, BOX].to_numpy(float)
        for index in np.flatnonzero(~_near(boxes, known) & ~_near(boxes, other)):
            rows.append((frame, "", *boxes[index], "detection", float(table["confidence"].iloc[index]), 1.0))
    made = pd.DataFrame(rows, columns=CANDIDATE_COLUMNS)
    return made.astype({name: "float64" for name in (*BOX, "score", "visibility")} | {"frame": "int64"})


def overridden(people: pd.DataFrame, overrides: Iterable[Override]) -> pd.DataFrame:
    """Candidates with what a hand added, moved or vetoed (``--regions``)."""
    table = people
    for line in overrides:
        here = table["frame"] == line.frame
        if line.action == "add":
            assert line.box is not None
            row = pd.DataFrame([(line.frame, line.track, *line.box, "manual", 0.0, 1.0)], columns=CANDIDATE_COLUMNS)
            table = pd.concat([table, row], ignore_index=True) if len(table) else row
        elif line.track:
            meant = here & (table["track"] == line.track)
            if line.action == "veto":
                table = table[~meant].reset_index(drop=True)
            else:
                table = table.assign(**{n: table[n].mask(meant, v) for n, v in zip(BOX, line.box or (), strict=True)})
        elif line.box is not None:
            near = iou(table[BOX].to_numpy(float).reshape(-1, 4), np.array([line.box]))[:, 0] >= SAME_BOX
            table = table[~(here & near & (table["track"] == ""))].reset_index(drop=True)
    return table


def allowed_boxes(sources: Rows[pd.DataFrame], frame: int, *, silhouettes: bool = False) -> NDArray[np.float64]:
    """Where rendering may have changed frame ``frame``: (N, 4) x, y, w, h.

    Every source's boxes, enlarged; boxes that touch at IoU 0.4 count as one that encloses them, since what several
    detectors saw of somebody is covered whole; and boxes grow where people stick out of them
    (:func:`~mot_anon.plan.outgrown.at_most`).  A method that reads ``silhouettes`` looks for people in windows round
    the boxes, and follows feet and hands beyond them.
    """
    rows = [table.loc[table["frame"] == frame, BOX].to_numpy(float) for table in sources]
    boxes = np.concatenate([np.zeros((0, 4)), *rows])
    boxes = boxes[(boxes[:, 2] > 0) & (boxes[:, 3] > 0)]
    if not len(boxes):
        return boxes
    boxes = np.concatenate([boxes, _enclosing(boxes)])
    more = np.stack([boxes[:, 2], boxes[:, 3]], 1) * _ENLARGED + _MORE
    beyond = boxes[:, 2:3] * _BEYOND + _MORE
    boxes = at_most(boxes)
    allowed = np.concatenate([boxes[:, :2] - more, boxes[:, 2:] + 2 * more], 1)
    if not silhouettes:
        return allowed
    windows = windows_of(boxes).astype(np.float64)
    low, high = windows[:, :2] - beyond, windows[:, 2:] + beyond
    return np.concatenate([allowed, np.concatenate([low, high - low], 1)])


def things_in_front(gt: pd.DataFrame, frame: int) -> NDArray[np.float64]:
    """(K, 4) boxes of everything in ground truth that is no person, in one frame."""
    return gt.loc[(gt["frame"] == frame) & ~gt["class"].isin(PERSON_CLASSES), BOX].to_numpy(float)


def _near(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    return iou(boxes, others).max(1) >= _SAME_PERSON if len(others) else np.zeros(len(boxes), bool)


def _enclosing(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """One box round every group of boxes that touch, directly or through others."""
    group = np.arange(len(boxes))
    for one, two in np.argwhere(iou(boxes, boxes) >= _SAME_PERSON):
        if group[one] != group[two]:
            group[group == group[two]] = group[one]
    found = []
    for name in np.unique(group):
        mine = boxes[group == name]
        low, high = mine[:, :2].min(0), (mine[:, :2] + mine[:, 2:]).max(0)
        found.append(np.concatenate([low, high - low]))
    return np.array(found)
