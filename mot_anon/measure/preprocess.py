"""What goes before the scores: MOTChallenge's preprocessing, which decides whose boxes count.

Annotated things that are not pedestrians to be tracked (people on vehicles, standing people, mannequins, reflections)
must neither help nor hurt a tracker: boxes that match them are dropped, then only pedestrians to be scored are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mot_anon.data.motchallenge import Rules
from mot_anon.errors import InputError
from mot_anon.trackers.boxes import iou_matrix, xywh_to_xyxy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

THRESHOLD = 0.5
"""Least IoU of a match, in preprocessing and in scores."""

LEAST = THRESHOLD - np.finfo(np.float64).eps
"""An IoU this large is a match: trackeval forgives a rounding error, and so do we."""


@dataclass(frozen=True)
class Prepared:
    """A sequence ready to be scored: only what counts, frame by frame. Frame n of the sequence stands at n - 1.

    Attributes
    ----------
    n_frames:
        Length of the sequence, counting frames without boxes.
    gt_ids, tracker_ids:
        For each frame (G,) and (T,) int64, as they stand in the files, unique in the frame.
    gt_boxes, tracker_boxes:
        For each frame (G, 4) and (T, 4) float64 x, y, w, h in pixels, never clipped.
    similarity:
        For each frame (G, T) float64 IoU, 0..1.
    """

    n_frames: int
    gt_ids: tuple[Ints, ...]
    tracker_ids: tuple[Ints, ...]
    gt_boxes: tuple[Floats, ...]
    tracker_boxes: tuple[Floats, ...]
    similarity: tuple[Floats, ...]

    def trackeval(self) -> dict[str, Any]:
        """The same as the dictionary that trackeval's metrics take: ids count from 0 without gaps."""
        gt_names, gt_ids = _renumber(self.gt_ids)
        tracker_names, tracker_ids = _renumber(self.tracker_ids)
        return {
            "num_timesteps": self.n_frames,
            "num_gt_ids": len(gt_names),
            "num_tracker_ids": len(tracker_names),
            "num_gt_dets": sum(map(len, gt_ids)),
            "num_tracker_dets": sum(map(len, tracker_ids)),
            "gt_ids": gt_ids,
            "tracker_ids": tracker_ids,
            "similarity_scores": list(self.similarity),
        }


def preprocess(gt: pd.DataFrame, results: pd.DataFrame, rules: Rules, n_frames: int) -> Prepared:
    """Leave what counts, by the official rules of an edition.

    Where ``rules.preprocess`` holds, the tracker's boxes of a frame are matched to all gt of whatever class and flag
    (largest sum of IoUs of at least 0.5), those on a class of ``rules.distractors`` are dropped, and gt of class
    ``rules.evaluated`` with a flag other than 0 is kept. MOT15 has no classes: gt with a flag other than 0 is kept.

    Parameters
    ----------
    gt:
        Table of :data:`~mot_anon.data.motchallenge.GT_COLUMNS`; the flag is its ``confidence``.
    results:
        Table of :data:`~mot_anon.data.motchallenge.RESULT_COLUMNS`.
    rules:
        How the sequence's edition is scored.
    n_frames:
        Length of the sequence.

    Raises
    ------
    InputError
        A frame outside 1…n_frames, or an id twice in a frame.
    """
    gt_rows = _by_frame(gt, n_frames, "ground truth")
    result_rows = _by_frame(results, n_frames, "results")
    gt_xywh, result_xywh = _boxes(gt), _boxes(results)
    gt_names, result_names = gt["id"].to_numpy(np.int64), results["id"].to_numpy(np.int64)
    classes = gt["class"].to_numpy(np.int64)
    # Flags are whole numbers; the official code cuts off what stands behind the point.
    counts = gt["confidence"].to_numpy(np.float64).astype(np.int64) != 0
    if rules.preprocess:
        counts &= classes == rules.evaluated
    distracts = np.isin(classes, sorted(rules.distractors))

    frames = []
    for here, there in zip(gt_rows, result_rows, strict=True):
        iou = iou_matrix(xywh_to_xyxy(gt_xywh[here]), xywh_to_xyxy(result_xywh[there]))
        stays = np.ones(len(there), dtype=bool)
        if rules.preprocess:
            rows, columns = _match(iou)
            stays[columns[distracts[here][rows]]] = False
        kept, left = here[counts[here]], there[stays]
        similarity = iou[np.ix_(counts[here], stays)]
        frames.append((gt_names[kept], result_names[left], gt_xywh[kept], result_xywh[left], similarity))
    columns_of_frames = zip(*frames, strict=True) if frames else ((),) * 5
    return Prepared(n_frames, *columns_of_frames)


def _by_frame(table: pd.DataFrame, n_frames: int, what: str) -> list[NDArray[np.intp]]:
    """For each frame the rows of the table, in the table's order: it decides ties."""
    frames = table["frame"].to_numpy(np.int64)
    outside = frames[(frames < 1) | (frames > n_frames)]
    if len(outside):
        raise InputError(
            f"{what}: frame {outside[0]} is outside the sequence (1 to {n_frames}); mend or remove the row"
        )
    twice = table[["frame", "id"]].duplicated().to_numpy()
    if twice.any():
        frame, identity = table[["frame", "id"]].to_numpy(np.int64)[int(np.argmax(twice))]
        raise InputError(f"{what}: frame {frame} has id {identity} twice; give every box of a frame an id of its own")
    order = np.argsort(frames, kind="stable")
    ends = np.searchsorted(frames[order], np.arange(1, n_frames + 2))
    return [order[start:end] for start, end in pairwise(ends)]


def _boxes(table: pd.DataFrame) -> Floats:
    return table[["x", "y", "w", "h"]].to_numpy(np.float64)


def _match(iou: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (gt rows, tracker columns) of the largest sum of IoUs, each of at least 0.5."""
    able = np.where(iou >= LEAST, iou, 0.0)
    rows, columns = linear_sum_assignment(able, maximize=True)
    matched = able[rows, columns] > 0
    return rows[matched], columns[matched]


def _renumber(ids: Sequence[Ints]) -> tuple[Ints, list[Ints]]:
    """Distinct ids in ascending order, and each frame's ids as positions among them."""
    names: Ints = np.unique(np.concatenate([*ids, np.zeros(0, dtype=np.int64)]))
    return names, [np.searchsorted(names, frame) for frame in ids]
