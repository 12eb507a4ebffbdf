"""Silhouettes without a detector: where the camera stands still, what differs from the background is what moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.data.frames import Frame, read_frame

Grey = NDArray[np.uint8]

MOST = 1 / 3
"""Of the frame: what is larger is no person, but the light."""

_SAMPLES = 25
_FEWEST = 5  # frames, below which a median is nobody's background
_CHANGE = 16  # grey levels between a frame and the background, after smoothing
_STILL = 0.85  # correlation of detail with the median's, in nearly all frames
_NEARLY_ALL = 0.9
_PLACE = 16  # pixels: side of a place that is looked at by itself
_SLIM = 5.0  # times as high as wide: nobody is slimmer
_UPRIGHT, _BUST = 1.3, 0.7  # times as high as wide: somebody; and whose legs the lower edge cuts off
_FLAT = 1.5  # grey levels (rms) of detail, below which a place says nothing


def still_background(frames: Sequence[Path]) -> Grey | None:
    """The median of frames spread over the sequence, (H, W) uint8, or None where the camera moves.

    A camera stands still where the median of the frames has the same detail as the frames themselves: shaken or
    panned, it is a blur.  Sequences of fewer than five frames have none.
    """
    if len(frames) < _FEWEST:
        return None
    places = np.unique(np.linspace(0, len(frames) - 1, min(_SAMPLES, len(frames))).round().astype(int))
    stack = np.stack([smooth_grey(read_frame(frames[place])) for place in places])
    background = np.median(stack, axis=0).astype(np.uint8)
    alike = [_alike(grey, background) for grey in stack]
    return background if np.mean([value >= _STILL for value in alike]) >= _NEARLY_ALL else None


def moving(frame: Frame, background: Grey) -> NDArray[np.bool_]:
    """(H, W) bool: what differs from the background in brightness, specks removed and holes filled.

    The background is as bright as the frame first: a camera's exposure changes, and nothing has moved.
    """
    grey = smooth_grey(frame)
    bright = background > np.median(background) / 2  # a ratio of dark pixels is noise
    gain = float(np.median(grey[bright].astype(np.float32) / background[bright])) if bright.any() else 1.0
    differs = (cv2.absdiff(grey, cv2.convertScaleAbs(background, alpha=gain)) > _CHANGE).astype(np.uint8)
    opened = cv2.morphologyEx(differs, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0)


def upright_blobs(mask: NDArray[np.bool_], at_edge: float = _SLIM) -> list[tuple[int, int, int, int]]:
    """Boxes (x, y, w, h) of the connected parts of a mask that are as large and as upright as a person.

    ``at_edge`` is how many times as high as wide they may be where the left or right edge cuts them off.  Of whom the
    lower edge cuts off, head and shoulders may be all that is seen.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    height, width = mask.shape

    def like_somebody(x: int, y: int, w: int, h: int, area: int) -> bool:
        slim = at_edge if x <= 1 or x + w >= width - 1 else _SLIM
        upright = _BUST if y + h >= height - 1 else _UPRIGHT
        large = h >= max(32, height // 16) and w * h <= MOST * width * height
        return bool(large and upright <= h / w <= slim and area >= 0.35 * w * h)

    return [(int(x), int(y), int(w), int(h)) for x, y, w, h, area in stats[1:] if like_somebody(x, y, w, h, area)]


def smooth_grey(frame: Frame) -> Grey:
    """(H, W) uint8 brightness without noise."""
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), (0, 0), 1.2), np.uint8)


def _alike(grey: Grey, background: Grey) -> float:
    """Correlation of a frame's detail with the median's in the middlemost of all places that have any.

    People cover some of the places; a camera that moves takes the detail from nearly all of them.
    """
    one, two = (_edges(picture) for picture in (grey, background))
    size = (max(1, grey.shape[1] // _PLACE), max(1, grey.shape[0] // _PLACE))
    own, other, both = (
        cv2.resize(product, size, interpolation=cv2.INTER_AREA) for product in (one * one, two * two, one * two)
    )
    told = own > _FLAT**2
    if not told.any():
        return 0.0
    return float(np.median(both[told] / np.sqrt(own[told] * np.maximum(other[told], 1e-6))))


def _edges(grey: Grey) -> NDArray[np.float32]:
    picture = grey.astype(np.float32)
    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), 3), np.float32)
