"""Arithmetic of boxes: (N, 4) float64 in pixels, `xyxy` (left, top, right, bottom) unless a name says otherwise."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def as_boxes(values: ArrayLike) -> Floats:
    """The boxes as an (N, 4) float64 array; an empty list is an (0, 4) one. Raises ValueError for any other shape."""
    boxes = np.asarray(values, dtype=np.float64)
    if boxes.size == 0 and boxes.ndim <= 2:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes must be an (N, 4) array, not one of shape {boxes.shape}")
    return boxes


def xywh_to_xyxy(xywh: ArrayLike) -> Floats:
    """Left, top, width, height to left, top, right, bottom."""
    boxes = as_boxes(xywh)
    return np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])


def xyxy_to_xywh(xyxy: ArrayLike) -> Floats:
    """Left, top, right, bottom to left, top, width, height."""
    boxes = as_boxes(xyxy)
    return np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])


def iou_matrix(first: ArrayLike, second: ArrayLike) -> Floats:
    """Intersection over union of every box of `first` (N, 4) with every box of `second` (M, 4): (N, M), 0..1.

    Boxes without area overlap nothing, not even themselves.
    """
    a, b = as_boxes(first)[:, None, :], as_boxes(second)[None, :, :]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    np.maximum(sides, 0.0, out=sides)
    shared = sides[..., 0] * sides[..., 1]
    union = _area(a) + _area(b) - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def _area(boxes: Floats) -> Floats:
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    area: Floats = sides[..., 0] * sides[..., 1]
    return area
