"""Tracks for sequences without ground truth: from detections and a tracker with a long memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.motchallenge import DETECTION_COLUMNS
from mot_anon.plan.identities import CAMERA_TRACK
from mot_anon.plan.regions import REGION_COLUMNS, fill_gaps, iou
from mot_anon.trackers import label_detections, long_memory_tracker
from mot_anon.vision.cache import Tick, embed_sequence
from mot_anon.vision.embed import OsnetEmbedder, calibrated_gate

_SAME = 0.5
_MARGIN_FRAMES = 3  # a person is there a moment before the first and after the last detection


def merge_detections(detections: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The union of several detectors, one row a person and frame: the box that encloses those that mean the same.

    Adds the column ``agreed``: whether another detector saw the same person, or there is only one detector.
    """
    rows = []
    only = len([table for table in detections.values() if len(table)]) <= 1
    for frame in sorted({int(f) for table in detections.values() for f in table["frame"].unique()}):
        found = [
            (name, row)
            for name, table in detections.items()
            for row in table.loc[table["frame"] == frame, DETECTION_COLUMNS].to_numpy(float)
        ]
        names = np.array([name for name, _ in found])
        boxes = np.array([row[1:5] for _, row in found])
        alike = (iou(boxes, boxes) >= _SAME) | np.eye(len(boxes), dtype=bool)
        left = np.ones(len(boxes), bool)
        for index, (name, row) in enumerate(found):
            if not left[index]:
                continue
            together = boxes[alike[index] & left]
            left &= ~alike[index]
            low, high = together[:, :2].min(0), (together[:, :2] + together[:, 2:]).max(0)
            agreed = only or bool((names[alike[index]] != name).any())
            rows.append((frame, *low, *(high - low), row[5], agreed))
    table = pd.DataFrame(rows, columns=[*DETECTION_COLUMNS, "agreed"])
    return table.astype({name: "float64" for name in DETECTION_COLUMNS} | {"frame": "int64", "agreed": "bool"})


def tracks_from_detections(
    frames: Sequence[Path], detections: dict[str, pd.DataFrame], recording: str, fps: float, tick: Tick | None = None
) -> pd.DataFrame:
    """Regions of a sequence without ground truth (:data:`~mot_anon.plan.regions.REGION_COLUMNS`).

    Every detection gets a track; pauses of up to two seconds are filled, and every track begins and ends a few frames
    earlier and later than its detections do.  What only one of several detectors saw is ``unsure``.
    """
    merged = merge_detections(detections)
    merged = merged[(merged["w"] > 0) & (merged["h"] > 0)].reset_index(drop=True)
    features = embed_sequence(frames, merged, OsnetEmbedder(), tick)
    boxes = merged[["x", "y", "w", "h"]].to_numpy(np.float64, copy=True)
    boxes[:, 2:] += boxes[:, :2]
    scores = merged["confidence"].to_numpy(float)
    rows_of = [np.flatnonzero(merged["frame"].to_numpy() == frame) for frame in range(1, len(frames) + 1)]
    tracker = long_memory_tracker(calibrated_gate())
    labels = label_detections(tracker, ((boxes[rows], scores[rows], features[rows]) for rows in rows_of))
    ids = np.zeros(len(merged), np.int64)
    for rows, found in zip(rows_of, labels, strict=True):
        ids[rows] = found
    table = merged[["frame", "x", "y", "w", "h"]].copy()
    table["track"] = [f"{recording}:t{identity}" if identity else "" for identity in ids]
    table["kind"] = np.where(merged["agreed"], "person", "unsure")
    table["source"] = "tracker"
    table["visibility"] = 1.0
    # A track that two detectors ever agreed on is a person in all its frames.
    sure = set(table.loc[(table["kind"] == "person") & (table["track"] != ""), "track"])
    table.loc[table["track"].isin(sure), "kind"] = "person"
    tracked = table[table["track"] != ""]
    filled = fill_gaps(tracked, round(2 * fps))
    ends = _lengthened(tracked, len(frames))
    return pd.concat([filled, table[table["track"] == ""], ends], ignore_index=True)[[*REGION_COLUMNS, "visibility"]]


def retracked(frames: Sequence[Path], regions: pd.DataFrame, recording: str, tick: Tick | None = None) -> pd.DataFrame:
    """The same regions under the names of the tracks that a tracker finds in them.

    Ground truth keeps saying who is where, but no longer who is who: identities that are drawn for these names tell a
    re-ID tracker nothing that it could not have found out.  Regions that nobody is sure of, or that nobody sees, keep
    their names; one that went to no track gets the camera's.
    """
    rows = np.flatnonzero((regions["kind"] == "person") & (regions["track"] != CAMERA_TRACK))
    found = regions.iloc[rows].reset_index(drop=True)
    features = embed_sequence(frames, found, OsnetEmbedder(), tick)
    boxes = found[["x", "y", "w", "h"]].to_numpy(np.float64, copy=True)
    boxes[:, 2:] += boxes[:, :2]
    rows_of = [np.flatnonzero(found["frame"].to_numpy() == frame) for frame in range(1, len(frames) + 1)]
    seen = ((boxes[here], np.ones(len(here)), features[here]) for here in rows_of)
    names = regions["track"].to_numpy(object, copy=True)
    for here, ids in zip(rows_of, label_detections(long_memory_tracker(calibrated_gate()), seen), strict=True):
        names[rows[here]] = [f"{recording}:t{identity}" if identity else CAMERA_TRACK for identity in ids]
    return regions.assign(track=names)


def _lengthened(tracked: pd.DataFrame, n_frames: int) -> pd.DataFrame:
    added = []
    for track, rows in tracked.sort_values("frame").groupby("track", sort=True):
        for row, step in ((rows.iloc[0], -1), (rows.iloc[-1], 1)):
            for distance in range(1, _MARGIN_FRAMES + 1):
                frame = int(row["frame"]) + step * distance
                if 1 <= frame <= n_frames:
                    added.append((frame, track, *_grown(row, distance), row["kind"], "gap", 1.0))
    return pd.DataFrame(added, columns=[*REGION_COLUMNS, "visibility"])


def _grown(row: pd.Series, distance: int) -> NDArray[np.float64]:
    x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
    more = 0.04 * distance * w  # they may have moved by then
    return np.array([x - more, y, w + 2 * more, h])
