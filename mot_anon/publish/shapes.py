"""What methods are told of somebody in a frame: where a body, a face or a head is drawn, and what is round it."""

from __future__ import annotations

import cv2
import numpy as np

from mot_anon.data.frames import Frame
from mot_anon.methods.base import FaceShape, Pixels, Shape
from mot_anon.plan.heads import FacePlace
from mot_anon.plan.silhouettes import Seen
from mot_anon.vision import landmarks, parse
from mot_anon.vision.augment import fill
from mot_anon.vision.heads import portrait_ovals
from mot_anon.vision.turned import emptied, head_shares, shown
from mot_anon.vision.windows import in_frame, window_pixels

_HOLE, _RIM = 64, 11  # of 255, and cells: as holes are in the generator's training
_FACE_HOLE = 0.02


def shape_of(seen: Seen, erased: Frame, part: tuple[int, int, int, int]) -> Shape:
    """Where somebody is drawn.

    Parameters
    ----------
    erased:
        The frame without anybody.
    part:
        x1, y1, x2, y2 of the item's crop in the frame.
    """
    # The place of the person is filled once more, at this size: so the generator has learnt it, and a plate that goes
    # on and off behind them does not make their clothes flicker.
    hole = cv2.dilate((seen.silhouette > _HOLE).astype(np.uint8), np.ones((_RIM, _RIM), np.uint8)) > 0
    surroundings = fill(window_pixels(erased, seen.window, parse.SIZE), hole)
    parts = np.stack([cv2.resize(maps, parse.SIZE[::-1], interpolation=cv2.INTER_LINEAR) for maps in seen.parts])
    return Shape(
        seen.window - np.tile(part[:2], 2),
        rgb_of(surroundings),
        seen.silhouette.astype(np.float32) / np.float32(255),
        parts.astype(np.float32) / np.float32(255),
    )


def face_of(place: FacePlace, seen: Seen | None, erased: Frame, part: tuple[int, int, int, int]) -> FaceShape:
    """Where a face or a head is drawn; ``erased`` and ``part`` as in :func:`shape_of`.

    ``seen`` is what a parser sees of somebody whose landmarks are not usable.
    """
    if not place.usable:
        return _turned(place, seen, erased, part)
    window = place.window
    points = (place.points - window[:2]) / (window[2:] - window[:2])
    head = None
    if place.head is not None:
        large = cv2.resize(place.head, landmarks.SIZE[::-1], interpolation=cv2.INTER_LINEAR)
        head = large.astype(np.float32) / np.float32(255)
    surroundings = window_pixels(erased, window, landmarks.SIZE)
    if place.whole:
        hole = portrait_ovals(points[None], landmarks.SIZE)[0, 0]
    else:
        hole = landmarks.draw_holes(points[None])[0, 0]
        surroundings = fill(surroundings, hole > _FACE_HOLE)
    inside, lines = window - np.tile(part[:2], 2), landmarks.draw_landmarks(points[None])[0, 0]
    return FaceShape(inside, rgb_of(surroundings), lines, hole, place.confidence, True, points, head, skin=place.skin)


def _turned(place: FacePlace, seen: Seen | None, erased: Frame, part: tuple[int, int, int, int]) -> FaceShape:
    """Where a head is drawn whose face cannot be read."""
    window, nothing = place.window, np.zeros(landmarks.SIZE, np.float32)
    maps = np.zeros((4, *landmarks.SIZE), np.float32)
    if seen is not None:
        here = tuple(window.tolist())
        large = [in_frame(one, seen.window, here) for one in (seen.silhouette, *seen.parts[: len(maps) - 1])]
        small = [cv2.resize(one, landmarks.SIZE[::-1], interpolation=cv2.INTER_AREA) for one in large]
        maps = np.stack(small).astype(np.float32) / np.float32(255)
    share = head_shares(maps[None])[0]
    opaque = shown(share)
    surroundings = emptied(window_pixels(erased, window, landmarks.SIZE), opaque)
    inside, told = window - np.tile(part[:2], 2), np.stack([opaque, maps[1], maps[0]])
    return FaceShape(inside, rgb_of(surroundings), nothing, share, place.confidence, False, turned=told)


def rgb_of(crop: Frame) -> Pixels:
    """(H, W, 3) uint8 BGR → float32 RGB in 0…1."""
    return np.asarray(crop[..., ::-1].astype(np.float32) / np.float32(255), np.float32)
