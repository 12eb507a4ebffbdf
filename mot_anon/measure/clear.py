"""MOTA's and IDF1's counts, by motmetrics, frame by frame.

motmetrics differs from the official scores in one thing: its step 'continue what was matched before' goes back to the
last frame in which a person was matched at all, the official one to the frame before (that had boxes on both sides). A
person who is lost and found may thus stay with a box that fits worse, and one identity switch fewer is counted: one in
600 frames of MOT17-02 (SORT with max_age 30). So the frames' matching is done here by the official rule, and motmetrics
is shown these pairs alone when it counts matches and switches, and all pairs when it assigns identities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mot_anon.measure.preprocess import LEAST, Floats, Ints, Prepared

#: More than any sum of IoUs in a frame, so that continuing goes before fitting well.
_CONTINUES = 1000.0


@dataclass(frozen=True, eq=False)
class FrameCounts:
    """What was counted in each frame: int64 arrays of shape (n_frames,).

    Attributes
    ----------
    gt, results:
        Boxes of people, boxes of the tracker.
    tp, fp, fn:
        Matched at IoU 0.5; the tracker's boxes that are not; people that are not.
    idsw:
        People matched to another track than the last time.
    idtp:
        People covered at IoU 0.5 by the one track that the best assignment over the whole sequence gives them.
    """

    gt: Ints
    results: Ints
    tp: Ints
    fp: Ints
    fn: Ints
    idsw: Ints
    idtp: Ints


def count(prepared: Prepared) -> FrameCounts:
    """Count matches, misses, false alarms, switches and identity matches of every frame."""
    import motmetrics

    data = prepared.trackeval()
    matches = motmetrics.MOTAccumulator()
    overlaps = motmetrics.MOTAccumulator()
    before: Ints = np.full(data["num_gt_ids"], -1, dtype=np.int64)
    for frame, (people, tracks, iou) in enumerate(
        zip(data["gt_ids"], data["tracker_ids"], prepared.similarity, strict=True)
    ):
        rows, columns = _match(before[people], tracks, iou)
        if len(people) and len(tracks):
            before[:] = -1
            before[people[rows]] = tracks[columns]
        official = np.full(iou.shape, np.nan)
        official[rows, columns] = 1 - iou[rows, columns]
        matches.update(people, tracks, official, frameid=frame)
        overlaps.update(people, tracks, np.where(iou >= LEAST, 1 - iou, np.nan), frameid=frame)

    kinds, frames = matches.mot_events["Type"], matches.mot_events.index.get_level_values("FrameId")

    def per_frame(*names: str) -> Ints:
        return np.bincount(frames[kinds.isin(names)], minlength=prepared.n_frames).astype(np.int64)

    return FrameCounts(
        gt=_lengths(data["gt_ids"]),
        results=_lengths(data["tracker_ids"]),
        tp=per_frame("MATCH", "SWITCH"),
        fp=per_frame("FP"),
        fn=per_frame("MISS"),
        idsw=per_frame("SWITCH"),
        idtp=_identity_matches(
            motmetrics.metrics.create().compute(overlaps, metrics=["id_global_assignment"], return_dataframe=False)[
                "id_global_assignment"
            ],
            data["gt_ids"],
            data["tracker_ids"],
            prepared,
        ),
    )


def _match(before: Ints, tracks: Ints, iou: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """CLEAR's pairs of a frame: those of the frame before first, then the largest sum of IoUs, each of at least 0.5."""
    able = iou >= LEAST
    score = np.where(able, iou + _CONTINUES * (before[:, None] == tracks[None, :]), 0.0)
    rows, columns = linear_sum_assignment(score, maximize=True)
    matched = able[rows, columns]
    return rows[matched], columns[matched]


def _identity_matches(
    assignment: dict[str, NDArray[np.int64]], gt_ids: list[Ints], tracker_ids: list[Ints], prepared: Prepared
) -> Ints:
    """In each frame, the people covered by the track that motmetrics' global assignment gives them."""
    n_people = 1 + max((int(ids.max()) for ids in gt_ids if len(ids)), default=-1)
    n_tracks = 1 + max((int(ids.max()) for ids in tracker_ids if len(ids)), default=-1)
    people, tracks = assignment["rids"], assignment["cids"]
    real = (people < n_people) & (tracks < n_tracks)
    partner: Ints = np.full(n_people, -1, dtype=np.int64)
    partner[people[real]] = tracks[real]
    return np.array(
        [
            np.count_nonzero((iou >= LEAST) & (partner[here][:, None] == there[None, :]))
            for here, there, iou in zip(gt_ids, tracker_ids, prepared.similarity, strict=True)
        ],
        dtype=np.int64,
    )


def _lengths(frames: list[Ints]) -> Ints:
    return np.array([len(frame) for frame in frames], dtype=np.int64)
