"""Which pixels of a frame belong to whom."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.plan.camera import Region
from mot_anon.plan.heads import FacePlace
from mot_anon.plan.regions import clip
from mot_anon.plan.silhouettes import Seen
from mot_anon.vision.heads import portrait_ovals
from mot_anon.vision.landmarks import draw_holes
from mot_anon.vision.windows import in_frame

Labels = NDArray[np.int32]
"""(H, W) int32: index of the region that owns a pixel, −1 for background."""
POSSIBLE = 40
"""Of 255: from which a pixel may show the person."""
_MARGIN, _LEAST_MARGIN = 0.08, 3.0  # of the box's width, and in pixels: how far a silhouette is widened
_REACH = 0.2  # of the box's width: how far feet and hands that leave the parser's window are followed
_LEAVES = 90  # of 255: from which what touches the window's edge is believed to go on beyond it
_RIM = 0.06  # of the window's width: what comes so near to its edge may leave it
_FACE_RIM = 0.05  # of the side of a face's window: over how much a drawn face goes over into what is round it
_SQUARE = 2.5  # power of a head's oval: 2 is an ellipse
_HEAD_SEEN = 0.12  # of a head's box that nothing hides, below which the parser must have missed the head


def label_regions(regions: Sequence[Region], size: tuple[int, int], target: str) -> Labels:
    """Which region owns which pixel: index into ``regions`` (far to near), −1 for background.

    Nearer regions cover farther ones; what ground truth puts in front of a person is cut out of the person's region
    (:func:`covered_mask`).  With target ``face`` the regions are the heads.
    """
    labels = np.full((size[1], size[0]), -1, np.int32)
    for index, region in enumerate(regions):
        x1, y1, x2, y2 = clip(covered_box(region, target), size)
        if x2 > x1 and y2 > y1:
            labels[y1:y2, x1:x2][covered_mask(region, size, target)] = index
    return labels


def covered_box(region: Region, target: str) -> NDArray[np.float64]:
    """The box (x, y, w, h) that holds everything of a region that is replaced for a target."""
    if target == "face":
        return region.head if _drawn(region) is None else _face_box(region)
    boxes = [region.box] if target == "body" or not region.faced else [region.box, region.head]
    if region.seen is not None:
        window, more = region.seen.window, margin(region) + _reach(region)
        boxes.append(np.concatenate([window[:2] - more, window[2:] - window[:2] + 2 * more]))
    if len(boxes) == 1:
        return region.box
    low = np.min([box[:2] for box in boxes], 0)
    return np.concatenate([low, np.max([box[:2] + box[2:] for box in boxes], 0) - low])


def covered_mask(region: Region, size: tuple[int, int], target: str) -> NDArray[np.bool_]:
    """Which pixels of the clipped :func:`covered_box` are covered.

    Where a parser is sure, that is everything that may show the person and a margin round it; elsewhere the whole box
    but things in front.  Boxes of things are rough and a face is the worst to lose, so a head is given up only where
    one thing covers all of it, and with target ``face`` never.
    """
    part = clip(covered_box(region, target), size)
    mask = np.zeros((max(0, part[3] - part[1]), max(0, part[2] - part[0])), bool)
    if not mask.size:
        return mask
    if target == "face" and _drawn(region) is not None:
        return face_alpha(region, part) > 0
    if target == "face" or region.seen is None:
        return mask | _box_mask(region, part, size, target)
    near = widened(region.seen, part, margin(region), _reach(region))
    if target == "both" and region.faced:
        near |= _inside(region.head, part, size)  # the new body must not wear the old face
    if not region.seen.sure:
        return near | _box_mask(region, part, size, target)
    head = _inside(region.head, part, size)
    if region.person and head.any() and not _hidden(region.head, region, size) and near[head].mean() < _HEAD_SEEN:
        near |= head
    return near


def widened(seen: Seen, part: tuple[int, int, int, int], more: float, reach: float = 0.0) -> NDArray[np.bool_]:
    """Every pixel of a part x1, y1, x2, y2 of the frame that is at most ``more`` pixels from one that may be seen's.

    What touches the window's edge goes on beyond it, by ``reach`` pixels, and less far upwards and downwards.
    """
    maps = in_frame(seen.possible, seen.window, part)
    possible = maps >= POSSIBLE
    if reach > 0:
        x1, y1, x2, y2 = (seen.window - np.tile(part[:2], 2)).tolist()
        beyond = np.zeros_like(possible)
        a1, a2 = max(0, x1), min(possible.shape[1], x2)
        b1, b2 = max(0, y1), min(possible.shape[0], y2)
        far, up, rim = round(reach), round(reach / 3), max(1, round(_RIM * (x2 - x1)))
        if a2 > a1 and b2 > b1:
            leaves = maps >= _LEAVES
            beyond[:, max(0, a1 - far) : a1] = leaves[:, a1 : a1 + rim].any(1, keepdims=True)
            beyond[:, a2 : a2 + far] = leaves[:, max(a1, a2 - rim) : a2].any(1, keepdims=True)
            beyond[max(0, b1 - up) : b1] |= leaves[b1 : b1 + rim].any(0)
            beyond[b2 : b2 + up] |= leaves[max(b1, b2 - rim) : b2].any(0)
        possible |= beyond
    if not possible.any():
        return possible
    distance = cv2.distanceTransform((~possible).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(distance <= more, bool)


def face_alpha(region: Region, part: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """How much of the drawn face shows in a part x1, y1, x2, y2 of the frame, (h, w) float32 in 0…1.

    1 where landmarks have the face, and down to 0 over a rim round it; what is not 0 is covered.
    """
    place = _drawn(region)
    assert place is not None
    size = (max(0, part[3] - part[1]), max(0, part[2] - part[0]))
    if not all(size):
        return np.zeros(size, np.float32)
    points = (place.points - np.array(part[:2])) / np.array([size[1], size[0]])
    hole = draw_holes(points[None].astype(np.float32), size)[0, 0] > 0.5
    if not hole.any():
        return np.zeros(size, np.float32)
    distance = cv2.distanceTransform((~hole).astype(np.uint8), cv2.DIST_L2, 5)
    t = np.clip(1 - distance / _rim(place), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def margin(region: Region) -> float:
    """By how many pixels a region's silhouette is widened."""
    return max(_LEAST_MARGIN, _MARGIN * min(float(region.box[2]), 0.5 * float(region.box[3])))


def _drawn(region: Region) -> FacePlace | None:
    """Where no more of a head is drawn than its face, if so."""
    return region.face if region.face is not None and region.face.face_only else None


def _rim(place: FacePlace) -> float:
    return max(2.0, _FACE_RIM * float(place.window[2] - place.window[0]))


def _face_box(region: Region) -> NDArray[np.float64]:
    place = region.face
    assert place is not None
    # The window holds the hole and its rim; what lies outside is not drawn.
    points = place.points.astype(np.float64)
    low, high = points.min(0), points.max(0)
    more = 0.35 * (high - low).max() + _rim(place)
    return np.concatenate([low - more, high - low + 2 * more])


def _reach(region: Region) -> float:
    return _REACH * min(float(region.box[2]), 0.5 * float(region.box[3]))


def uncovered(region: Region, labels: Labels, size: tuple[int, int], target: str) -> int:
    """How many pixels that a region must cover nobody owns."""
    x1, y1, x2, y2 = clip(covered_box(region, target), size)
    if x2 <= x1 or y2 <= y1:
        return 0
    return int((covered_mask(region, size, target) & (labels[y1:y2, x1:x2] < 0)).sum())


def _box_mask(region: Region, part: tuple[int, int, int, int], size: tuple[int, int], target: str) -> NDArray[np.bool_]:
    mask = _inside(region.head if target == "face" else region.box, part, size)
    if target == "face":
        if region.face is not None and region.face.oval:
            mask &= _oval(region.head, part)
        if region.face is not None and region.face.usable and mask.any():
            mask &= _above_neck(region.face, part)
        return mask
    head, given_up = clip(region.head, size), False
    for thing in region.cut:
        mask &= ~_inside(thing, part, size)
        a1, b1, a2, b2 = clip(thing, size)
        given_up |= a1 <= head[0] and b1 <= head[1] and a2 >= head[2] and b2 >= head[3]
    return mask if given_up and not region.faced else mask | _inside(region.head, part, size)


def _above_neck(place: FacePlace, part: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """(h, w): the pixels of a part x1, y1, x2, y2 that are not below the jaw of a whole head with landmarks."""
    size = (part[3] - part[1], part[2] - part[0])
    points = (place.points - np.array(part[:2])) / np.array([size[1], size[0]])
    oval = portrait_ovals(points[None].astype(np.float32), size)[0, 0] > 0
    middle = float(place.points[:, 1].min() + place.points[:, 1].max()) / 2 - part[1]
    oval[: max(0, round(middle))] = True
    return oval


def _oval(box: NDArray[np.float64], part: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """(h, w): the pixels of a part x1, y1, x2, y2 that lie in a box without its corners."""
    across = (np.arange(part[0], part[2]) + 0.5 - box[0]) / box[2] * 2 - 1
    down = (np.arange(part[1], part[3]) + 0.5 - box[1]) / box[3] * 2 - 1
    return np.asarray(np.abs(across)[None] ** _SQUARE + np.abs(down)[:, None] ** _SQUARE <= 1)


def _hidden(box: NDArray[np.float64], region: Region, size: tuple[int, int]) -> bool:
    """Whether things in front may hide most of a box."""
    part = clip(box, size)
    mask = np.zeros((part[3] - part[1], part[2] - part[0]), bool)
    for thing in region.cut:
        mask |= _inside(thing, part, size)
    return bool(mask.mean() > 0.5)


def _inside(box: NDArray[np.float64], part: tuple[int, int, int, int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(h, w): the pixels of a part x1, y1, x2, y2 that lie in a box."""
    x1, y1, x2, y2 = part
    a1, b1, a2, b2 = clip(box, size)
    mask = np.zeros((y2 - y1, x2 - x1), bool)
    mask[max(0, b1 - y1) : max(0, b2 - y1), max(0, a1 - x1) : max(0, a2 - x1)] = True
    return mask
