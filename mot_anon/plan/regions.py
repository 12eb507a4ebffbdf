"""Who is covered where: candidates from every source, joined, less what stands nearer.

Who is covered is not who is scored.  Everything person-like in ground truth is a candidate, whatever its flag says, and
so is every detection that no ground-truth row explains.  Until silhouettes are read from pixels, a region is the whole
box, clipped to the frame, less the boxes that ground truth puts nearer to the camera.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mot_anon.data.motchallenge import OCCLUDER_CLASSES, PERSON_CLASSES

REGION_COLUMNS = ["frame", "track", "x", "y", "w", "h", "kind", "source"]
"""One region of one frame: ``kind`` is person, unsure or hidden; ``source`` gt, gap, detection, tracker or manual."""
OCCLUDER_COLUMNS = ["frame", "x", "y", "w", "h"]

_SAME_PERSON = 0.4  # IoU at which a detection is that of a row
_COVERED = 0.75  # share of a detection that regions cover already
_AGREE = 0.4  # IoU at which two independent detectors mean the same person
_HIDDEN = 0.95  # share that must really be covered before 'visibility 0' is believed
_VISIBILITY_SLACK = 0.1


def gt_regions(gt: pd.DataFrame, recording: str) -> pd.DataFrame:
    """Every person-like row of ground truth as a region; ``track`` is ``RECORDING:ID``."""
    people = gt[gt["class"].isin(PERSON_CLASSES)]
    table = people[["frame", "x", "y", "w", "h", "visibility"]].reset_index(drop=True)
    table["track"] = [f"{recording}:{identity}" for identity in people["id"]]
    table["kind"], table["source"] = "person", "gt"
    return table


def fill_gaps(regions: pd.DataFrame, longest: int) -> pd.DataFrame:
    """Add linearly interpolated regions where a track pauses for at most ``longest`` frames."""
    added = []
    for track, rows in regions.sort_values("frame").groupby("track", sort=True):
        frames = rows["frame"].to_numpy()
        boxes = rows[["x", "y", "w", "h"]].to_numpy(float)
        for at in np.flatnonzero((np.diff(frames) > 1) & (np.diff(frames) - 1 <= longest)):
            for frame in range(frames[at] + 1, frames[at + 1]):
                part = (frame - frames[at]) / (frames[at + 1] - frames[at])
                added.append((frame, track, *(boxes[at] + part * (boxes[at + 1] - boxes[at])), "person", "gap"))
    gaps = pd.DataFrame(added, columns=REGION_COLUMNS)
    if "visibility" in regions:
        gaps["visibility"] = 1.0
    return pd.concat([regions, gaps], ignore_index=True) if added else regions


def occluders(gt: pd.DataFrame) -> pd.DataFrame:
    """The boxes of things that hide people (classes 9 to 11)."""
    return gt.loc[gt["class"].isin(OCCLUDER_CLASSES), OCCLUDER_COLUMNS].reset_index(drop=True)


def unexplained(
    detections: dict[str, pd.DataFrame], regions: pd.DataFrame, size: tuple[int, int], recording: str
) -> pd.DataFrame:
    """Detections that no region explains, as regions of their own.

    A box that two independent detectors agree on is a person (with the camera's code: its ``track`` is
    :data:`~mot_anon.plan.identities.CAMERA_TRACK`); one that only a single detector saw is ``unsure``.

    Parameters
    ----------
    detections:
        Detector name → its table.
    regions:
        What is covered already.
    size:
        (width, height) of the frame in pixels.
    """
    rows = []
    for frame in sorted({int(f) for table in detections.values() for f in table["frame"].unique()}):
        covered = regions.loc[regions["frame"] == frame, ["x", "y", "w", "h"]].to_numpy(float)
        found = [
            (name, box)
            for name, table in detections.items()
            for box in table.loc[table["frame"] == frame, ["x", "y", "w", "h"]].to_numpy(float)
        ]
        left = [(name, box) for name, box in found if not _explained(box, covered, size)]
        taken: list[NDArray[np.float64]] = []
        for name, box in left:
            if taken and iou(box[None], np.array(taken)).max() >= _AGREE:
                continue
            taken.append(box)
            others = np.array([other for source, other in left if source != name]).reshape(-1, 4)
            sure = len(others) > 0 and iou(box[None], others).max() >= _AGREE
            rows.append((frame, "", *box, "person" if sure else "unsure", "detection"))
    return pd.DataFrame(rows, columns=REGION_COLUMNS)


def order_far_to_near(regions: pd.DataFrame) -> pd.DataFrame:
    """Sort by frame, then far to near: feet lower in the picture are nearer; what nobody is sure of is farthest."""
    keyed = regions.assign(_sure=regions["kind"] != "unsure", _foot=regions["y"] + regions["h"])
    keyed = keyed.sort_values(["frame", "_sure", "_foot", "h", "track", "x"], kind="stable")
    return keyed.drop(columns=["_sure", "_foot"]).reset_index(drop=True)


def mark_hidden(regions: pd.DataFrame, things: pd.DataFrame, size: tuple[int, int]) -> pd.DataFrame:
    """Set ``kind`` to ``hidden`` where ground truth says visibility 0 and something nearer does cover the box.

    A row of visibility 0 that nothing covers contradicts itself and stays a person: better painted for nothing than
    raw.
    """
    regions = regions.copy()
    candidates = regions.index[(regions["visibility"] == 0) & (regions["source"] == "gt")]
    for index in candidates:
        row = regions.loc[index]
        same = regions[(regions["frame"] == row["frame"]) & (regions.index > index) & (regions["kind"] == "person")]
        nearer = same[["x", "y", "w", "h"]].to_numpy(float)
        stands = things.loc[things["frame"] == row["frame"], ["x", "y", "w", "h"]].to_numpy(float)
        box = row[["x", "y", "w", "h"]].to_numpy(float)
        if 1 - visible_share(box, np.concatenate([nearer, stands]), size) >= _HIDDEN:
            regions.loc[index, "kind"] = "hidden"
    return regions


def believed_occluders(
    box: NDArray[np.float64], visibility: float, things: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """The occluders that may be cut out of a person's region.

    Ground truth draws occluders as boxes too, and a person can be seen beside a lamp post inside the post's box.  They
    are cut out only as far as the row's own visibility bears them out: a cut that leaves less than ``visibility`` says
    is not made.

    Parameters
    ----------
    box:
        (4,) x, y, w, h.
    visibility:
        0…1, from ground truth.
    things:
        (K, 4) boxes of the frame's occluders.

    Returns
    -------
    (J, 4), J ≤ K.
    """
    foot = box[1] + box[3]
    nearer = things[things[:, 1] + things[:, 3] >= foot] if len(things) else things
    touching = nearer[iou(box[None], nearer)[0] > 0] if len(nearer) else nearer
    if len(touching) and visible_share(box, touching, size) + _VISIBILITY_SLACK < visibility:
        return touching[:0]
    return touching


def visible_share(box: NDArray[np.float64], nearer: NDArray[np.float64], size: tuple[int, int]) -> float:
    """Share (0…1) of the part of ``box`` (x, y, w, h) inside the frame that none of ``nearer`` (K, 4) covers."""
    x1, y1, x2, y2 = clip(box, size)
    if x2 <= x1 or y2 <= y1:
        return 0.0
    free = np.ones((y2 - y1, x2 - x1), bool)
    for other in nearer:
        a1, b1, a2, b2 = clip(other, size)
        if a2 > x1 and b2 > y1:
            free[max(0, b1 - y1) : max(0, b2 - y1), max(0, a1 - x1) : max(0, a2 - x1)] = False
    return float(free.mean())


def clip(box: NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Pixel bounds x1, y1, x2, y2 of a box (x, y, w, h), rounded outward and cut off at the frame (width, height)."""
    x1, y1 = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    x2, y2 = min(size[0], int(np.ceil(box[0] + box[2]))), min(size[1], int(np.ceil(box[1] + box[3])))
    return x1, y1, x2, y2


def head_box(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """The head part of a standing person's box (x, y, w, h): its upper quarter, a little more above, its whole width.

    A head is an eighth of an adult's height and a fifth of a child's; people lean, and boxes sit badly.
    """
    x, y, w, h = box
    return np.array([x, y - 0.03 * h, w, 0.28 * h])


def head_size(height: float) -> float:
    """Width and height of a head in pixels, for a person of ``height`` pixels: an eighth (7.5 to 8 heads an adult)."""
    return height / 8


def iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes (N, 4) and (M, 4), x, y, w, h → (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    union = a[:, None, 2:].prod(-1) + b[None, :, 2:].prod(-1) - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)


def _explained(box: NDArray[np.float64], covered: NDArray[np.float64], size: tuple[int, int]) -> bool:
    if not len(covered):
        return visible_share(box, covered, size) == 0
    return bool(iou(box[None], covered).max() >= _SAME_PERSON) or visible_share(box, covered, size) <= 1 - _COVERED
