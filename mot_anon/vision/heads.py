"""Where heads are: in what a parser drew of them, and in the square windows in which somebody draws them anew."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

AROUND = 2.0
"""Side of the window of a head by the head's size: shoulders are in it, and say which way somebody stands."""
_WIDE, _HIGH = 0.4, 0.44  # half axes of the oval by its window's side: hair is in it
_SOFT = 0.16  # of the oval: over how much its edge fades
_FULL = 130  # of 255: what a head is drawn with that the parser learns from; where the face is it is brighter
_EDGE = 0.5  # share of that, or of the brightest, from which a cell belongs to the head
_PORTRAIT, _RAISED = 1.9, 0.17  # side of a portrait's window by the longer side of landmarks, and how far up it lies
_FACE_ASIDE, _HAIR, _CHIN = 0.55, 0.4, 0.03  # the same of what is head for sure; its width by that of the landmarks
_FOREHEAD = 0.25  # of the face's height, by which skin reaches above the brows at least
_ROOM = 1.15  # of the box of what is head for sure: it is covered without its corners
_ASIDE, _ABOVE, _BELOW = 0.75, 0.58, 0.05  # of that side: how far a head reaches from their middle, brows and chin


@dataclass(frozen=True)
class Portrait:
    """A face that shows: its landmarks ``points`` (68, 2) float32 in pixels, and the ``share``, 0…1, that it shows."""

    points: NDArray[np.float32] = field(repr=False)
    share: float


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


def portrait_windows(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """The square windows in which heads with landmarks are drawn, hair and all.

    Parameters
    ----------
    points:
        (N, 68, 2) in any unit.

    Returns
    -------
    (N, 4) x1, y1, x2, y2 in that unit.
    """
    low, high, size = _extent(points)
    middle = (low + high) / 2 - size * np.array([0.0, _RAISED])
    half = _PORTRAIT / 2 * size
    return np.concatenate([middle - half, middle + half], 1)


def portrait_ovals(points: NDArray[np.float32], size: tuple[int, int], share: float = 1.0) -> NDArray[np.float32]:
    """Where heads with landmarks can be at most: not below the chin, where shoulders are.

    Parameters
    ----------
    points:
        (N, 68, 2): x, y as fractions of the picture.
    size:
        Its height and width.
    share:
        How far of that they reach aside and above.

    Returns
    -------
    (N, 1, height, width) float32 in 0…1, with a soft edge.
    """
    _, _, side = _extent(points)
    return _ellipses(points, size, share * _ASIDE * side, share * _ABOVE, _BELOW)


def portrait_skulls(points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Where heads with landmarks are at least, whatever a silhouette says; as :func:`portrait_ovals`."""
    low, high, _ = _extent(points)
    return _ellipses(points, size, _FACE_ASIDE * (high - low)[:, :1], _HAIR, _CHIN)


def bare_face(size: tuple[int, int], points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Where there is skin for sure, (height, width) of 0 and 1: from the chin to the middle of the forehead.

    ``points`` (68, 2) are landmarks, as fractions of the picture.
    """
    places = points.astype(np.float64) * size[::-1]
    skin = np.concatenate([places, places[17:27] + _FOREHEAD * (places[17:27].mean(0) - places[8])])
    face = np.zeros(size, np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(skin).astype(np.int32)), 1)
    return face


def skull_box(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """The box (4,) x, y, w, h round what is head for sure of landmarks (68, 2), with some room, in their unit."""
    low, high, side = (values[0] for values in _extent(points[None]))
    half = _FACE_ASIDE * (high - low)[0]
    x, top, bottom = (low + high)[0] / 2, low[1] - _HAIR * side[0], high[1] + _CHIN * side[0]
    size = _ROOM * np.array([2 * half, bottom - top])
    return np.concatenate([np.array([x, (top + bottom) / 2]) - size / 2, size])


def _ellipses(
    points: NDArray[np.float32], size: tuple[int, int], half: NDArray[np.float64], above: float, below: float
) -> NDArray[np.float32]:
    """Upright ellipses about landmarks: ``half`` (N, 1) aside; above and below by the landmarks' longer side."""
    low, high, side = _extent(points)
    top, bottom = low[:, 1] - above * side[:, 0], high[:, 1] + below * side[:, 0]
    across = ((np.arange(size[1]) + 0.5) / size[1] - ((low + high) / 2)[:, :1]) / half
    down = (np.arange(size[0]) + 0.5) / size[0] - ((top + bottom) / 2)[:, None]
    down = down / ((bottom - top) / 2)[:, None]
    share = ((1 + _SOFT / 2 - np.hypot(across[:, None, :], down[:, :, None])) / _SOFT).clip(0, 1)
    return (share * share * (3 - 2 * share)).astype(np.float32)[:, None]


def _extent(points: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    """Of landmarks (N, 68, 2): lowest and highest (N, 2), and the longer side (N, 1)."""
    places = np.asarray(points, np.float64).reshape(len(points), -1, 2)
    low, high = places.min(1), places.max(1)
    return low, high, (high - low).max(1, keepdims=True)
