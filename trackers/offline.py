"""Tracks of a recording without ground truth: every detection gets an identity, and people are remembered for long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .reid import ReidTracker


class LabellingTracker(Protocol):
    """A tracker that also says which track each detection went to."""

    last_ids: NDArray[np.int64]

    def update(
        self, boxes: NDArray[np.float64], scores: NDArray[np.float64], features: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64]:
        """As in `Tracker`."""
        ...


def long_memory_tracker(
    max_cosine_distance: float = 0.2, *, max_age: int = 300, n_init: int = 1, budget: int = 100
) -> ReidTracker:
    """The re-ID tracker for sequences whose tracks must come from detections.

    People are found again by their looks up to `max_age` frames after they were last detected (10 s at 30 frames/s;
    after about a second without a detection the motion gate is wider than a street, so appearance alone decides). A
    track counts from its first detection: with a probation, somebody whom the detector sees in every other frame
    would be somebody new each time.
    """
    return ReidTracker(max_cosine_distance=max_cosine_distance, max_age=max_age, n_init=n_init, budget=budget)


def label_detections(
    tracker: LabellingTracker,
    frames: Iterable[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32] | None]],
) -> list[NDArray[np.int64]]:
    """Per frame, the (N,) track id of every detection, in the order given; 0 for one that went to no track.

    `frames` yields (boxes, scores, features) of all frames in order, empty ones included. Unlike the rows that
    `update` returns, this leaves nobody out: the first detections of a track have its id before it is confirmed, and
    one that never is has an id all the same. The tracker should be new.
    """
    labels = []
    for boxes, scores, features in frames:
        tracker.update(boxes, scores, features)
        labels.append(tracker.last_ids.copy())
    return labels
