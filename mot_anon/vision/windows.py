"""Windows of pictures at the sizes that generators want."""

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
