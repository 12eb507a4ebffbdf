"""Where heads are: in what a parser drew of them, and in the square window in which somebody draws them anew."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

AROUND = 2.4
"""Side of the window of a head by the head's size: shoulders are in it, and say which way somebody stands."""
_WIDE, _HIGH = 0.26, 0.32  # half axes of the oval by its window's side: hair is in it
_SOFT = 0.16  # of the oval: over how much its edge fades
_FULL = 130  # of 255: what a head is drawn with that the parser learns from; where the face is it is brighter
_EDGE = 0.5  # share of that, or of the brightest, from which a cell belongs to the head


def brightest_box(head: NDArray[np.uint8], window: NDArray[np.float64]) -> NDArray[np.float64]:
    """The head in a parser's map of heads.

    Parameters
    ----------
    head:
        (h, w) uint8; not 0 everywhere.
    window:
        (4,) x1, y1, x2, y2: what the map shows.

    Returns
    -------
    The box (4,) x, y, w, h, in the window's unit, of what hangs together with the brightest cell.
    """
    level = max(1.0, _EDGE * min(_FULL, int(head.max())))
    _, parts = cv2.connectedComponents((head >= level).astype(np.uint8))
    down, across = np.nonzero(parts == parts.reshape(-1)[head.argmax()])
    cell = (window[2:] - window[:2]) / (head.shape[1], head.shape[0])
    low = window[:2] + cell * (across.min(), down.min())
    return np.concatenate([low, cell * (across.max() + 1 - across.min(), down.max() + 1 - down.min())])


def head_oval(size: tuple[int, int], window: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
    """Where a head may be, (height, width) float32 in 0…1, with a soft edge.

    Parameters
    ----------
    size:
        Height and width of the picture.
    window:
        (4,) x1, y1, x2, y2: where the head's window lies in the picture; None: it is the picture.
    """
    x1, y1, x2, y2 = (0, 0, size[1], size[0]) if window is None else window.tolist()
    side = max(1, x2 - x1)
    across = (np.arange(size[1], dtype=np.float32) + 0.5 - (x1 + x2) / 2) / (_WIDE * side)
    down = (np.arange(size[0], dtype=np.float32) + 0.5 - (y1 + y2) / 2) / (_HIGH * side)
    share = ((1 + _SOFT / 2 - np.hypot(across[None], down[:, None])) / _SOFT).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
