"""Windows of pictures at the sizes that generators want, and maps of windows back in pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def window_pixels(pixels: NDArray[np.uint8], window: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A window (4,) x1, y1, x2, y2 of a picture (H, W) or (H, W, C) at a size (height, width).

    Beyond the picture its border goes on.
    """
    x1, y1, x2, y2 = window.tolist()
    height, width = pixels.shape[:2]
    rows, columns = np.arange(y1, y2).clip(0, height - 1), np.arange(x1, x2).clip(0, width - 1)
    crop = pixels[rows[:, None], columns]
    way = cv2.INTER_AREA if y2 - y1 > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, size[::-1], interpolation=way), np.uint8)


def in_frame(maps: NDArray[np.uint8], window: NDArray[np.int64], part: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Maps (h, w) of a window of a frame as they lie on a part of it, both x1, y1, x2, y2; 0 outside the window."""
    x1, y1, x2, y2 = part
    width, height = (window[2:] - window[:2]).tolist()
    across, down = width / maps.shape[1], height / maps.shape[0]
    # Where the middles of the map's cells lie, counted from the middle of the part's first pixel.
    place = np.array(
        [[across, 0, window[0] - x1 + across / 2 - 0.5], [0, down, window[1] - y1 + down / 2 - 0.5]], np.float64
    )
    size = (max(0, x2 - x1), max(0, y2 - y1))
    if not all(size):
        return np.zeros(size[::-1], np.uint8)
    if across < 1 or down < 1:  # fewer pixels than cells: means, not samples
        few = (min(width, maps.shape[1]), min(height, maps.shape[0]))
        return in_frame(np.asarray(cv2.resize(maps, few, interpolation=cv2.INTER_AREA), np.uint8), window, part)
    laid = cv2.warpAffine(maps, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros_like(laid)
    a1, b1, a2, b2 = np.maximum(0, window - np.tile(part[:2], 2)).tolist()
    inside[b1:b2, a1:a2] = laid[b1:b2, a1:a2]
    return np.asarray(inside, np.uint8)
