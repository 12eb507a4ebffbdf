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
"""One region of one frame: ``kind`` is person, unsure or hidden, ``source`` gt, group, gap, detection, tracker,
motion or manual.

A ``group`` is a row of ground truth without a head of its own at the top: a crowd, or a reflection.
"""
NOT_ONE = ("group", "manual")
"""``source`` of regions that need not be one person: whatever is found in them, all of them is covered."""
OCCLUDER_COLUMNS = ["frame", "x", "y", "w", "h"]

_HIDDEN = 0.95  # share that must really be covered before 'visibility 0' is believed
_VISIBILITY_SLACK = 0.1, 0.5  # by how much ground truth may be wrong: at the most, and of what it says is visible
_AT_EDGE = 1.0  # pixels; some annotators count from 1
_PACE = 5  # rows at a track's end that say how fast somebody walks
_HEADLESS_CLASSES = frozenset({12, 13})
_WIDEST = 0.45  # width of a standing person by height; a wider box is of somebody who sits or is cut off


def gt_regions(gt: pd.DataFrame, recording: str) -> pd.DataFrame:
    """Every person-like row of ground truth as a region; ``track`` is ``RECORDING:ID``."""
    people = gt[gt["class"].isin(PERSON_CLASSES)]
    table = people[["frame", "x", "y", "w", "h", "visibility"]].reset_index(drop=True)
    table["track"] = [f"{recording}:{identity}" for identity in people["id"]]
    table["kind"] = "person"
    table["source"] = np.where(people["class"].isin(_HEADLESS_CLASSES), "group", "gt")
    return table


def fill_gaps(regions: pd.DataFrame, longest: int) -> pd.DataFrame:
    """Add linearly interpolated regions where a track pauses for at most ``longest`` frames.

    What is between two sights of which one is ``unsure`` is unsure as well.
    """
    added = []
    for track, rows in regions.sort_values("frame").groupby("track", sort=True):
        frames = rows["frame"].to_numpy()
        boxes = rows[["x", "y", "w", "h"]].to_numpy(float)
        sure = (rows["kind"] == "person").to_numpy()
        source = "group" if (rows["source"] == "group").any() else "gap"
        for at in np.flatnonzero((np.diff(frames) > 1) & (np.diff(frames) - 1 <= longest)):
            for frame in range(frames[at] + 1, frames[at + 1]):
                part = (frame - frames[at]) / (frames[at + 1] - frames[at])
                kind = "person" if sure[at] and sure[at + 1] else "unsure"
                added.append((frame, track, *(boxes[at] + part * (boxes[at + 1] - boxes[at])), kind, source))
    gaps = pd.DataFrame(added, columns=REGION_COLUMNS)
    if "visibility" in regions:
        gaps["visibility"] = 1.0
    return pd.concat([regions, gaps], ignore_index=True) if added else regions


def coming_and_going(regions: pd.DataFrame, longest: int, n_frames: int, size: tuple[int, int]) -> pd.DataFrame:
    """Where people may be seen before their first row and after their last, while they come into the frame or leave it.

    Annotators often begin when somebody is wholly in the picture; half a face at the frame's edge is a face.  A track
    whose end is about to cross that edge is carried on at the pace of its last rows, until nothing would be seen.

    Returns regions of ``source`` gap, at most ``longest`` at each end of a track: guesses, for a parser to confirm.
    """
    added = []
    people = regions[(regions["kind"] == "person") & (regions["source"] == "gt")]
    for track, rows in people.sort_values("frame").groupby("track", sort=True):
        frames, boxes = rows["frame"].to_numpy(np.int64), rows[["x", "y", "w", "h"]].to_numpy(float)
        for end, inner, step in ((0, min(_PACE, len(rows) - 1), -1), (-1, max(-1 - _PACE, -len(rows)), 1)):
            pause = abs(int(frames[end] - frames[inner]))
            pace = (boxes[end] - boxes[inner]) / pause if pause else np.zeros(4)
            # A box that ends where the frame does stands still on the left while its right side walks.
            if boxes[end][0] <= _AT_EDGE:
                pace[0] += pace[2]
            pace[2:] = 0
            guesses = []
            for ahead in range(1, longest + 1):
                frame, box = int(frames[end]) + step * ahead, boxes[end] + ahead * pace
                x1, y1, x2, y2 = clip(box, size)
                if not 1 <= frame <= n_frames or x2 <= x1 or y2 <= y1:
                    break
                guesses.append((frame, track, *box, "person", "gap"))
            # Whoever would still be wholly inside was not about to leave: they stopped being annotated.
            x, y, w, h = guesses[-1][2:6] if guesses else boxes[end]
            if x < 0 or x + w > size[0] or y + h > size[1]:
                added += guesses
    return pd.DataFrame(added, columns=REGION_COLUMNS).assign(visibility=1.0)


def occluders(gt: pd.DataFrame) -> pd.DataFrame:
    """The boxes of things that hide people (classes 9 to 11)."""
    return gt.loc[gt["class"].isin(OCCLUDER_CLASSES), OCCLUDER_COLUMNS].reset_index(drop=True)


def order_far_to_near(regions: pd.DataFrame) -> pd.DataFrame:
    """Sort by frame, then far to near: feet lower in the picture are nearer; what nobody is sure of is farthest."""
    keyed = regions.assign(_sure=regions["kind"] != "unsure", _foot=regions["y"] + regions["h"])
    keyed = keyed.sort_values(["frame", "_sure", "_foot", "h", "track", "x"], kind="stable")
    return keyed.drop(columns=["_sure", "_foot"]).reset_index(drop=True)


def mark_hidden(
    regions: pd.DataFrame, things: pd.DataFrame, size: tuple[int, int], target: str = "body"
) -> pd.DataFrame:
    """Set ``kind`` to ``hidden`` where ground truth says visibility 0 and something nearer does cover the box.

    A row of visibility 0 that nothing covers contradicts itself and stays a person: better painted for nothing than
    raw.  A box without a pixel inside the frame is hidden too, whoever it comes from.

    Visibility is reckoned from boxes, and people are seen beside others inside the others' boxes.  With target ``body``
    those boxes are painted; with ``face`` they are not, and nobody counts as hidden by other people.

    Parameters
    ----------
    regions:
        Far to near (:func:`order_far_to_near`), with a column ``visibility``.
    target:
        What of the nearer people is painted.
    """
    kinds = regions["kind"].to_numpy(object, copy=True)
    boxes = regions[["x", "y", "w", "h"]].to_numpy(float)
    doubtful = ((regions["visibility"] == 0) & regions["source"].isin(["gt", "group"])).to_numpy()
    standing = dict(tuple(things.groupby("frame")))
    for frame, rows in regions.reset_index(drop=True).groupby("frame"):
        stand = standing[frame][["x", "y", "w", "h"]].to_numpy(float) if frame in standing else np.zeros((0, 4))
        nearer: list[NDArray[np.float64]] = []
        for index in reversed(rows.index):  # near to far: a hidden row covers nobody
            box = boxes[index]
            if not visible_share(box, np.zeros((0, 4)), size):
                kinds[index] = "hidden"
            elif doubtful[index]:
                cover = np.concatenate([np.array(nearer).reshape(-1, 4), _nearer_things(box, stand)])
                if 1 - visible_share(box, cover, size) >= _HIDDEN:
                    kinds[index] = "hidden"
            if kinds[index] == "person" and target != "face":
                nearer.append(box)
    return regions.assign(kind=kinds)


def believed_occluders(
    box: NDArray[np.float64],
    visibility: float,
    things: NDArray[np.float64],
    people: NDArray[np.float64],
    size: tuple[int, int],
) -> NDArray[np.float64]:
    """The occluders that may be cut out of a person's region.

    Ground truth draws occluders as boxes too, and a person can be seen beside a lamp post inside the post's box.  They
    are cut out only as far as the row's own visibility bears them out: a cut that, together with nearer people and the
    frame's edge, leaves less than ``visibility`` says is not made.  One that leaves nothing of somebody of whom
    anything is visible never is.

    Parameters
    ----------
    box:
        (4,) x, y, w, h.
    visibility:
        0…1, from ground truth.
    things, people:
        (K, 4) boxes of the frame's occluders, (N, 4) boxes of people nearer than this one.

    Returns
    -------
    (J, 4), J ≤ K.
    """
    nearer = _nearer_things(box, things)
    touching = nearer[iou(box[None], nearer)[0] > 0] if len(nearer) else nearer
    if not len(touching):
        return touching
    x1, y1, x2, y2 = clip(box, size)
    inside = min(1.0, max(0, x2 - x1) * max(0, y2 - y1) / (box[2] * box[3]))
    left = inside * visible_share(box, np.concatenate([touching, people]), size)
    most, of_it = _VISIBILITY_SLACK
    return touching if left + min(most, of_it * visibility) >= visibility else touching[:0]


def visible_share(box: NDArray[np.float64], nearer: NDArray[np.float64], size: tuple[int, int]) -> float:
    """Share (0…1) of the part of ``box`` (x, y, w, h) inside the frame that none of ``nearer`` (K, 4) covers."""
    x1, y1, x2, y2 = clip(box, size)
    if x2 <= x1 or y2 <= y1:
        return 0.0
    free = np.ones((y2 - y1, x2 - x1), bool)
    low, high = nearer[:, :2], nearer[:, :2] + nearer[:, 2:]
    for other in nearer[((low < (x2, y2)) & (high > (x1, y1))).all(1)]:
        a1, b1, a2, b2 = clip(other, size)
        free[max(0, b1 - y1) : max(0, b2 - y1), max(0, a1 - x1) : max(0, a2 - x1)] = False
    return float(free.mean())


def clip(box: NDArray[np.float64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Pixel bounds x1, y1, x2, y2 of a box (x, y, w, h), rounded outward and cut off at the frame (width, height).

    Of a box beyond the frame nothing is left: bounds lie in the frame, x1 ≤ x2 and y1 ≤ y2, so that they can be slices.
    """
    width, height = size
    x1, y1 = min(max(0, int(np.floor(box[0]))), width), min(max(0, int(np.floor(box[1]))), height)
    x2, y2 = min(int(np.ceil(box[0] + box[2])), width), min(int(np.ceil(box[1] + box[3])), height)
    return x1, y1, max(x1, x2), max(y1, y2)


def head_box(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """The head part of a person's box (x, y, w, h): its upper quarter, a little more above, its whole width.

    A head is an eighth of an adult's height and a fifth of a child's; people lean, and boxes sit badly.  Of a box that
    is wide for its height the part is larger, since it holds somebody who sits or whose legs are cut off.
    """
    x, y, w, h = box
    height = standing_height(box)
    above = 0.03 * height
    return np.array([x, y - above, w, above + min(h, 0.25 * height)])


def roomy_box(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """A box (x, y, w, h) that a detector drew, with room for what it cuts off: hair, feet, the reach of a stride."""
    x, y, w, h = box
    return np.array([x - 0.12 * w, y - 0.06 * h, 1.24 * w, 1.12 * h])


def likely_head_box(box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the head is in a box (x, y, w, h) that a detector drew or that was interpolated, and sits more roughly."""
    x, y, w, h = box
    height = standing_height(box)
    return np.array([x - 0.1 * w, y - 0.1 * height, 1.2 * w, 0.1 * height + min(h, 0.4 * height)])


def head_size(box: NDArray[np.float64]) -> float:
    """Width and height of a head in pixels in a person's box: an eighth of the height (7.5 to 8 heads an adult)."""
    return standing_height(box) / 8


def standing_height(box: NDArray[np.float64]) -> float:
    """Height in pixels that the person of a box (x, y, w, h) has or would have, standing and in full."""
    return float(max(box[3], box[2] / _WIDEST))


def iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of boxes (N, 4) and (M, 4), x, y, w, h → (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(-1)
    union = a[:, None, 2:].prod(-1) + b[None, :, 2:].prod(-1) - shared
    return np.where(union > 0, shared / np.where(union > 0, union, 1), 0.0)


def _nearer_things(box: NDArray[np.float64], things: NDArray[np.float64]) -> NDArray[np.float64]:
    return things[things[:, 1] + things[:, 3] >= box[1] + box[3]]
