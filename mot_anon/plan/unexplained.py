"""Detections that no region explains: people whom ground truth leaves out, and what detectors are wrong about.

A detection inside the boxes of several others is theirs as long as those boxes are covered.  Where only their
silhouettes are, somebody may show beside them, and the parser decides.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.plan.faces import small_head
from mot_anon.plan.regions import REGION_COLUMNS, head_box, head_size, iou, visible_share
from mot_anon.plan.silhouettes import Steady, beside

_SAME_PERSON = 0.5  # IoU at which a detection is that of a row
_COVERED = 0.75  # share of a detection that regions cover already
_BARE = 0.5  # share of a head beside all of them that makes it somebody else's
_PAINTED = 0.4  # share of a detection that is painted and not cut out again, where a region explains it
_AGREE = 0.4  # IoU at which two independent detectors mean the same person
_HEAD_AWAY = 1.0  # head sizes between the tops of two boxes of one person
_TALLER = 1.5  # head sizes by which a detector's box of a person may begin above ground truth's

_Found = tuple[str, NDArray[np.float64]]


def likely(table: pd.DataFrame, least: float) -> pd.DataFrame:
    """Detections of a score of at least ``least``; all of a file that has none (−1 in every row, as MOT has it)."""
    unscored = (table["confidence"] == -1).all()
    return table if unscored else table[table["confidence"] >= least]


def unexplained(
    detections: dict[str, pd.DataFrame],
    regions: pd.DataFrame,
    things: pd.DataFrame,
    size: tuple[int, int],
    target: str = "body",
    *,
    silhouettes: bool = False,
) -> pd.DataFrame:
    """Detections that no region explains, as regions of their own.

    A box that two independent detectors agree on is a person (with the camera's code: its ``track`` is
    :data:`~mot_anon.plan.identities.CAMERA_TRACK`); one that only a single detector saw is ``unsure``.

    Parameters
    ----------
    detections:
        Detector name → its table.
    regions:
        What is there already; hidden ones are not painted and explain nothing.
    things:
        Occluders (:data:`~mot_anon.plan.regions.OCCLUDER_COLUMNS`): what they are cut out of is not painted either.
    size:
        (width, height) of the frame in pixels.
    target:
        With ``face`` somebody who is inside another's box is not covered by it: only the detection of the same person
        (by IoU), or heads over the detection's head, explain one.
    silhouettes:
        Not the boxes will be covered but the people in them.  A detection inside others' boxes that is like none of
        them (neither by IoU nor as a part with the head in the same place) is ``hidden`` then, for
        :func:`without_echoes` to decide.
    """
    rows = []
    for frame in sorted({int(f) for table in detections.values() for f in table["frame"].unique()}):
        painted = regions[(regions["frame"] == frame) & (regions["kind"] != "hidden")]
        covered = painted[["x", "y", "w", "h"]].to_numpy(float)
        cut = things.loc[things["frame"] == frame, ["x", "y", "w", "h"]].to_numpy(float)
        left: list[_Found] = []
        inside: list[_Found] = []
        for name, table in detections.items():
            for box in table.loc[table["frame"] == frame, ["x", "y", "w", "h"]].to_numpy(float):
                if not visible_share(box, np.zeros((0, 4)), size):
                    continue
                if not _explained(box, covered, cut, size, target):
                    left.append((name, box))
                elif silhouettes and target != "face" and not _like_one(box, covered, size):
                    inside.append((name, box))
        for group in _joined(left):
            kind = "person" if len({name for name, _ in group}) > 1 else "unsure"
            boxes = np.array([box for _, box in group]) if target == "face" else _round(group)
            rows += [(frame, "", *box, kind, "detection") for box in boxes]
        rows += [(frame, "", *box, "hidden", "detection") for group in _joined(inside) for box in _round(group)]
    return pd.DataFrame(rows, columns=REGION_COLUMNS)


def without_echoes(
    regions: pd.DataFrame, steady: Steady, size: tuple[int, int], *, careful: bool = False
) -> tuple[pd.DataFrame, Steady]:
    """Regions and readings without the hidden detections in which the parser sees only people who are known.

    Where it sees somebody beside all of those (:func:`~mot_anon.plan.silhouettes.beside`), a detection becomes
    ``unsure``: whoever it is is covered, but nobody is drawn there.
    """
    kinds, numbers = regions["kind"].to_numpy(object, copy=True), regions["frame"].to_numpy(np.int64)
    found = (regions["source"] == "detection").to_numpy()
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    known = ~found & (kinds == "person")
    for row in np.flatnonzero(found & (kinds == "hidden")):
        others = np.flatnonzero(known & (numbers == numbers[row]))
        if beside(int(row), others, boxes, steady, size, careful=careful):
            kinds[row] = "unsure"
    return without(found & (kinds == "hidden"), regions.assign(kind=kinds), steady)


def without(rows: NDArray[np.bool_], regions: pd.DataFrame, steady: Steady) -> tuple[pd.DataFrame, Steady]:
    """Regions and their readings but for some rows (N,)."""
    parts = {part.name: getattr(steady, part.name)[~rows] for part in fields(steady)}
    return regions[~rows].reset_index(drop=True), Steady(**parts)


def _explained(
    box: NDArray[np.float64],
    covered: NDArray[np.float64],
    cut: NDArray[np.float64],
    size: tuple[int, int],
    target: str,
) -> bool:
    if not len(covered):
        return False
    if not _same(box, covered).any():
        if target == "face":
            return visible_share(head_box(box), np.array([head_box(other) for other in covered]), size) <= 1 - _COVERED
        # Whose head looks over the others is none of them; detectors' boxes of parts of somebody begin above them.
        bare = visible_share(small_head(box), covered, size) > _BARE and not _part(box, covered, size)
        if bare or visible_share(box, covered, size) > 1 - _COVERED:
            return False
    uncut = visible_share(box, cut, size) - visible_share(box, np.concatenate([cut, covered]), size)
    return uncut >= _PAINTED


def _same(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) which of the others (N, 4) a box may be of: it lies on theirs, and begins no more than a head above it."""
    above = others[:, 1] - box[1]
    return np.asarray((iou(box[None], others)[0] >= _SAME_PERSON) & (above <= _TALLER * head_size(box)))


def _part(box: NDArray[np.float64], others: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether a box is nearly all in that of one of the others, and begins no more than a head above it."""
    above = others[:, 1] - box[1]
    near = others[above <= _TALLER * np.array([max(head_size(other), head_size(box)) for other in others])]
    return any(visible_share(box, other[None], size) <= 1 - _COVERED for other in near)


def _like_one(box: NDArray[np.float64], others: NDArray[np.float64], size: tuple[int, int]) -> bool:
    """Whether a box is that of one of the others, or of a part of one that has the head where the whole has it."""
    if _same(box, others).any():
        return True
    away = _HEAD_AWAY * np.array([head_size(other) for other in others])
    aside = np.abs(box[0] + box[2] / 2 - others[:, 0] - others[:, 2] / 2)
    near = others[(aside <= away) & (np.abs(box[1] - others[:, 1]) <= away)]
    return any(visible_share(box, other[None], size) <= 1 - _COVERED for other in near)


def _round(group: list[_Found]) -> NDArray[np.float64]:
    """(1, 4): the box round all of them, so that whom one detector saw only partly is covered whole."""
    boxes = np.array([box for _, box in group])
    low, high = boxes[:, :2].min(0), (boxes[:, :2] + boxes[:, 2:]).max(0)
    return np.concatenate([low, high - low])[None]


def _joined(left: list[_Found]) -> list[list[_Found]]:
    groups: list[list[_Found]] = []
    for name, box in left:
        for group in groups:
            if iou(box[None], np.array([other for _, other in group])).max() >= _AGREE:
                group.append((name, box))
                break
        else:
            groups.append([(name, box)])
    return groups
