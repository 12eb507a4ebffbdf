"""Faces in published frames: found at twice the frame's size, and compared with what the original has there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame
from mot_anon.measure.audit.detail import Detail, enough_told, rawness
from mot_anon.measure.audit.sights import Candidate, FaceSight, finite
from mot_anon.plan.faces import usual_head
from mot_anon.plan.regions import clip
from mot_anon.vision.detect import Detections
from mot_anon.vision.face_data import FACE_SIZE
from mot_anon.vision.face_detectors import (
    AUTO,
    CENTERFACE,
    CenterFace,
    FaceDetector,
    chosen_detector,
    make_face_detector,
)
from mot_anon.vision.faces import TILE, one_each, search_windows
from mot_anon.vision.landmarks import reading_windows
from mot_anon.vision.parse import cut_window

_SENSITIVE = (0.15, 0.2)
"""CenterFace's least scores near heads and elsewhere: lower than the renderer's, so as to see more than it did."""
SURE = 0.35
"""Score from which on CenterFace is believed by itself."""
_OVERLAP = 64.0  # pixels by which parts of a frame overlap; larger faces are found in the whole frame
_INNER = 0.4  # half axes of a face's inside by its box
_LOW = 0.05  # of the box's height, by which its middle lies below the box's
_USUAL = 0.07  # of a person's height, by which the middle of a face lies below the top
_NOBODY = Candidate("", (0.0, 0.0, 0.0, 0.0), "face", 0.0, 1.0)


@dataclass(frozen=True)
class FaceLook:
    """A found face on its way from the frame to the judges.

    Attributes
    ----------
    sight:
        What pixels say; landmarks and embedders have not been asked.
    crops:
        Original and published, each (S, S, 3) uint8 BGR: what the landmark reader wants to see, no larger than it was.
    side:
        Of that square in pixels of the frame.
    """

    sight: FaceSight
    crops: tuple[NDArray[np.uint8], NDArray[np.uint8]] = field(repr=False)
    side: float


def look_for_faces(
    number: int, details: tuple[Detail, Detail], candidates: Sequence[Candidate]
) -> tuple[FaceLook, ...]:
    """Find the faces of a published frame and see how much of the original each shows.

    Parameters
    ----------
    number:
        Of the frame.
    details:
        Of original and published frame.
    candidates:
        Everybody who may be there: closer looks are taken at their heads, and faces there are theirs.
    """
    before, after = details
    size = (after.pixels.shape[1], after.pixels.shape[0])
    looks = []
    for *place, score in found_twice(after.pixels, [c.box for c in candidates], _detector()).tolist():
        x1, y1, x2, y2 = clip(np.array(place), size)
        if x2 <= x1 or y2 <= y1:
            continue
        here = slice(y1, y2), slice(x1, x2)
        found, _ = rawness(before.part(here), after.part(here), _inside(place, (x1, y1, x2, y2)))
        whose = _owner(place, candidates)
        sight = FaceSight(
            number,
            whose.track,
            whose.source,
            (place[0], place[1], place[2], place[3]),
            round(score, 4),
            whose.visibility,
            "face",
            0.0,
            found.pixels,
            found.told,
            found.share if enough_told(found) else None,
            finite(found.correlation),
            finite(found.slope),
            sure=chosen_detector(AUTO) == CENTERFACE and score >= SURE,  # no other detector's score says anything
        )
        window = reading_windows(np.array([place]))[0]
        side = float(window[2] - window[0])
        pixels = (min(FACE_SIZE, max(4, round(side))),) * 2
        crops = cut_window(before.pixels, window, pixels), cut_window(after.pixels, window, pixels)
        looks.append(FaceLook(sight, crops, side))
    return tuple(looks)


def found_twice(frame: Frame, boxes: Sequence[tuple[float, float, float, float]], detector: FaceDetector) -> Detections:
    """Faces of a frame, (N, 5) x, y, w, h and score, best first.

    The frame is searched as much enlarged as the detector wants (CenterFace: twice) however large it is, in parts that
    overlap, and everybody's head (boxes x, y, w, h) in squares at twice the size that the renderer looks at.
    """
    found = [np.zeros((0, 5))]
    for window, wanted in _parts(frame, detector):
        found.append(searched(frame, window, wanted, detector, alone=True))
    for window in search_windows(np.array(boxes, np.float64)):
        if (window[2:] > 0).all() and window[0] < frame.shape[1] and window[1] < frame.shape[0]:
            found.append(searched(frame, window, (2 * TILE, 2 * TILE), detector, alone=False))
    return one_each(np.concatenate(found))


def _parts(frame: Frame, detector: FaceDetector) -> Iterator[tuple[NDArray[np.float64], tuple[int, int]]]:
    """Windows x1, y1, x2, y2 of a frame, and the (height, width) at which they are searched."""
    height, width = frame.shape[:2]
    longest = detector.longest / detector.enlarged
    columns, rows = (max(1, int(np.ceil(side / longest))) for side in (width, height))
    for row in range(rows):
        for column in range(columns):
            low = np.array([column * width / columns, row * height / rows])
            high = np.minimum(low + np.array([width / columns, height / rows]) + _OVERLAP, (width, height))
            low = np.floor(np.maximum(low - _OVERLAP, 0))
            yield np.concatenate([low, high]), _enlarged(np.ceil(high) - low, detector.enlarged)
    if columns * rows > 1:
        yield np.array([0.0, 0, width, height]), _enlarged(np.array([width, height]), detector.longest / width)


def _enlarged(size: NDArray[np.float64], scale: float) -> tuple[int, int]:
    return round(float(size[1]) * scale), round(float(size[0]) * scale)


def searched(
    frame: Frame, window: NDArray[np.float64], size: tuple[int, int], detector: FaceDetector, *, alone: bool
) -> Detections:
    """Faces (N, 5) in the frame's pixels that are in a window x1, y1, x2, y2, seen at ``size`` (height, width)."""
    found = detector(cut_window(frame, window, size), alone=alone).copy()
    low = np.floor(window[:2])
    found[:, :4] *= np.tile((np.ceil(window[2:]) - low) / (size[1], size[0]), 2)
    found[:, :2] += low
    return found


def _owner(face: Sequence[float], candidates: Sequence[Candidate]) -> Candidate:
    """Whose head a face (x, y, w, h) is on: of labelled people before others, whoever has it where faces mostly are."""
    x, y = face[0] + face[2] / 2, face[1] + face[3] / 2
    best, least = _NOBODY, (True, np.inf)
    for candidate in candidates:
        box = np.array(candidate.box)
        left, top, wide, high = usual_head(box, candidate.source)
        aside = abs(x - box[0] - box[2] / 2) / max(box[2], 1e-6)
        cost = (not candidate.track, aside + abs(y - box[1] - _USUAL * box[3]) / max(0.25 * box[3], 1e-6))
        if left <= x <= left + wide and top <= y <= top + high and cost < least:
            best, least = candidate, cost
    return best


def _inside(face: Sequence[float], part: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """(h, w) bool: the inside of a face (x, y, w, h), without hair, in the part x1, y1, x2, y2 of the frame."""
    x, y, w, h = face
    across = (np.arange(part[0], part[2]) + 0.5 - x - w / 2) / (_INNER * w)
    down = (np.arange(part[1], part[3]) + 0.5 - y - (0.5 + _LOW) * h) / (_INNER * h)
    return np.asarray(across[None] ** 2 + down[:, None] ** 2 <= 1)


@lru_cache(maxsize=1)
def _detector() -> FaceDetector:
    if chosen_detector(AUTO) == CENTERFACE:
        return CenterFace(*_SENSITIVE)
    made = make_face_detector(AUTO)
    assert made is not None
    return made
