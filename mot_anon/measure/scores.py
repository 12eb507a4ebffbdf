"""The scores of a tracker: MOTA and IDF1 counted by motmetrics, HOTA and what is left by trackeval.

    prepared = preprocess(sequence.gt(), results, sequence.rules, sequence.n_frames)
    scores = score(prepared)
    combine([scores, other]).as_dict()

Pure functions: tables and arrays in, a result out. MOTA, IDSW, FP, FN: Bernardin & Stiefelhagen 2008; IDF1: Ristani et
al. 2016; HOTA: Luiten et al. 2020. A parity test holds the first group to trackeval as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from mot_anon.measure.clear import FrameCounts, count
from mot_anon.measure.preprocess import Floats, Prepared, preprocess

__all__ = ["SCORES", "FrameCounts", "Prepared", "SequenceScores", "combine", "preprocess", "score"]

SCORES = ("MOTA", "IDF1", "HOTA", "DetA", "AssA", "IDSW", "FP", "FN", "MT", "ML", "Frag", "recall", "precision")
"""The keys of :meth:`SequenceScores.as_dict`, in the order of tables."""


@dataclass(frozen=True, eq=False)
class SequenceScores:
    """What a tracker reached on one sequence, or on several combined.

    MOTA and recall divide by the people's boxes: without any they are NaN. The other fractions are 0 where there is
    nothing to divide by (a tracker without boxes has precision 0), as the official code has them.

    Attributes
    ----------
    MOTA:
        1 − (FN + FP + IDSW) / gt boxes; at most 1, may be negative.
    IDF1:
        2·IDTP / (gt boxes + result boxes), 0..1.
    HOTA, DetA, AssA:
        Means over the IoU thresholds 0.05, 0.10, …, 0.95, 0..1.
    IDSW, FP, FN:
        Identity switches, false alarms, misses at IoU 0.5.
    MT, ML:
        People found in more than 80 % of their frames, and in less than 20 %.
    Frag:
        Times that a person is found again after a gap.
    recall, precision:
        TP / gt boxes and TP / result boxes, 0..1.
    TP, gt_boxes, result_boxes, gt_tracks:
        Matched boxes, boxes of people, boxes of the tracker after preprocessing; people.
    IDTP, IDFP, IDFN:
        Boxes that agree, and do not, under the best assignment of tracks to people over the whole sequence.
    hota_tp, hota_fn, hota_fp:
        (19,) float64, matched and unmatched boxes at HOTA's thresholds.
    hota_association:
        (19,) float64, the sum over matched boxes of their association score: AssA = hota_association / hota_tp.
    per_frame:
        Counts of each frame, for the bootstrap; combined scores have the sequences' frames one after another.
    """

    MOTA: float
    IDF1: float
    HOTA: float
    DetA: float
    AssA: float
    IDSW: int
    FP: int
    FN: int
    MT: int
    ML: int
    Frag: int
    recall: float
    precision: float
    TP: int
    gt_boxes: int
    result_boxes: int
    gt_tracks: int
    IDTP: int
    IDFP: int
    IDFN: int
    hota_tp: Floats
    hota_fn: Floats
    hota_fp: Floats
    hota_association: Floats
    per_frame: FrameCounts

    @property
    def n_frames(self) -> int:
        """Frames that were scored, counting empty ones."""
        return len(self.per_frame.gt)

    def as_dict(self) -> dict[str, float]:
        """:data:`SCORES` and their values: fractions as float, counts as int. NaN stays NaN: JSON wants null for it."""
        return {name: getattr(self, name) for name in SCORES}


def score(prepared: Prepared) -> SequenceScores:
    """Score a prepared sequence; there may be no gt, no results, or neither, in a frame or at all."""
    from trackeval.metrics import CLEAR, HOTA

    data = prepared.trackeval()
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    hota = HOTA().eval_sequence(data)
    return _finish(
        count(prepared),
        MT=int(clear["MT"]),
        ML=int(clear["ML"]),
        Frag=int(clear["Frag"]),
        gt_tracks=int(data["num_gt_ids"]),
        hota_tp=hota["HOTA_TP"],
        hota_fn=hota["HOTA_FN"],
        hota_fp=hota["HOTA_FP"],
        hota_association=hota["AssA"] * hota["HOTA_TP"],
    )


def combine(scores: Sequence[SequenceScores]) -> SequenceScores:
    """The scores of several sequences together, as MOTChallenge does it: counts are summed, then divided.

    AssA is weighted by matched boxes at each threshold. Raises ValueError for no sequence.
    """
    if not scores:
        raise ValueError("there is no sequence to combine")
    frames = {f.name: np.concatenate([getattr(s.per_frame, f.name) for s in scores]) for f in fields(FrameCounts)}
    return _finish(
        FrameCounts(**frames),
        MT=sum(s.MT for s in scores),
        ML=sum(s.ML for s in scores),
        Frag=sum(s.Frag for s in scores),
        gt_tracks=sum(s.gt_tracks for s in scores),
        hota_tp=np.sum([s.hota_tp for s in scores], axis=0),
        hota_fn=np.sum([s.hota_fn for s in scores], axis=0),
        hota_fp=np.sum([s.hota_fp for s in scores], axis=0),
        hota_association=np.sum([s.hota_association for s in scores], axis=0),
    )


def clear_fractions(
    *, gt: Floats, results: Floats, tp: Floats, fp: Floats, fn: Floats, idsw: Floats, idtp: Floats
) -> dict[str, Floats]:
    """MOTA, IDF1, recall and precision from summed counts, all float64 arrays of one shape."""
    return {
        "MOTA": 1 - _divide(fn + idsw + fp, gt, math.nan),
        "IDF1": _divide(2 * idtp, gt + results, 0.0),
        "recall": _divide(tp, gt, math.nan),
        "precision": _divide(tp, results, 0.0),
    }


def hota_fractions(tp: Floats, fn: Floats, fp: Floats, association: Floats) -> dict[str, Floats]:
    """HOTA, DetA and AssA from summed counts (…, 19): means over the last axis."""
    detection = _divide(tp, tp + fn + fp, 0.0)
    associated = _divide(association, tp, 0.0)
    return {
        "HOTA": np.sqrt(detection * associated).mean(axis=-1),
        "DetA": detection.mean(axis=-1),
        "AssA": associated.mean(axis=-1),
    }


def _finish(
    per_frame: FrameCounts,
    *,
    MT: int,
    ML: int,
    Frag: int,
    gt_tracks: int,
    hota_tp: Floats,
    hota_fn: Floats,
    hota_fp: Floats,
    hota_association: Floats,
) -> SequenceScores:
    sums = {f.name: int(getattr(per_frame, f.name).sum()) for f in fields(FrameCounts)}
    fractions = {
        **clear_fractions(**{name: np.array(float(value)) for name, value in sums.items()}),
        **hota_fractions(hota_tp, hota_fn, hota_fp, hota_association),
    }
    return SequenceScores(
        **{name: float(value) for name, value in fractions.items()},
        IDSW=sums["idsw"],
        FP=sums["fp"],
        FN=sums["fn"],
        MT=MT,
        ML=ML,
        Frag=Frag,
        TP=sums["tp"],
        gt_boxes=sums["gt"],
        result_boxes=sums["results"],
        gt_tracks=gt_tracks,
        IDTP=sums["idtp"],
        IDFP=sums["results"] - sums["idtp"],
        IDFN=sums["gt"] - sums["idtp"],
        hota_tp=hota_tp,
        hota_fn=hota_fn,
        hota_fp=hota_fp,
        hota_association=hota_association,
        per_frame=per_frame,
    )


def _divide(above: Floats, below: Floats, otherwise: float) -> Floats:
    quotient: Floats = np.divide(above, below, out=np.full(np.shape(below), otherwise), where=below > 0)
    return quotient
