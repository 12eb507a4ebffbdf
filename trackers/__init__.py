"""SORT and a re-ID tracker, written from their papers: boxes and features in, boxes with identities out.

    tracker = make_tracker("sort")
    for boxes, scores in detections:            # every frame, also an empty one
        tracks = tracker.update(boxes, scores)  # (M, 6): x1, y1, x2, y2, id, score

The package knows boxes, features and numpy, and nothing of the rest of mot_anon.
"""

from __future__ import annotations

from .offline import label_detections, long_memory_tracker
from .registry import GROUP, TRACKERS, Tracker, available_trackers, make_tracker
from .reid import ReidTracker
from .sort import SortTracker

__all__ = [
    "GROUP",
    "TRACKERS",
    "ReidTracker",
    "SortTracker",
    "Tracker",
    "available_trackers",
    "label_detections",
    "long_memory_tracker",
    "make_tracker",
]
