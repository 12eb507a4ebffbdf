"""A cover for heads whose faces cannot be drawn: seen from behind, too small, too blurred."""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.methods.base import Item, Pixels

_UNIT = NormalDist()
_SKINS = np.array([[0.93, 0.76, 0.66], [0.85, 0.65, 0.53], [0.68, 0.48, 0.37], [0.45, 0.31, 0.24]], np.float32)
_HAIRS = np.array([[0.10, 0.08, 0.07], [0.22, 0.15, 0.11], [0.38, 0.27, 0.17], [0.55, 0.45, 0.32]], np.float32)
"""RGB in 0…1 in the light of noon, from light to dark and the other way; codes lie between them."""
_WIDE, _HIGH = 0.36, 0.46  # half axes of a head by its window's side
_SOFT = 0.16  # of a head: over how much its edge fades
_HAIRLINE = 0.12  # how far below the middle of a head hair goes over into skin, by half its height
_STRANDS = (3, 7)  # rows and columns of the light and dark places of hair
_DARK, _BRIGHT = 0.45, 1.1  # least and largest light


def head_oval(size: tuple[int, int]) -> Pixels:
    """Where a head is in its window, (height, width) float32 in 0…1, with a soft edge."""
    return _oval(*_grid(np.array([0, 0, size[1], size[0]]), size))


def cover_head(item: Item) -> tuple[Pixels, Pixels]:
    """Cover a head with hair above and skin below, as its code says, in the light of what is round it.

    Nothing of the head's own pixels goes into it; in the next frame it looks the same at another place.

    Parameters
    ----------
    item:
        Of target ``face``, with a ``face``; ``usable`` does not matter.

    Returns
    -------
    rgb (H, W, 3) and alpha (H, W) float32 in 0…1, to be laid over ``erased``: outside the oval the region shows what is
    filled in from round about.
    """
    if item.face is None:
        raise ValueError("this cover needs to know where the head is")
    height, width = item.silhouette.shape
    across, down = _grid(item.face.window, (height, width))
    oval = _oval(across, down)
    skin, hair = _between(_SKINS, float(item.code[-1])), _between(_HAIRS, float(item.code[-2]))
    share = _smooth((down - _HAIRLINE + 0.12 * across**2) / 0.9 + 0.5)[..., None]
    strands = _strands(item.code, across, down)[..., None]
    colour = share * skin + (1 - share) * hair * (1 + 0.35 * strands)
    # Round: darker towards the rim and below, a little lighter where the sky is.
    shade = 1.04 - 0.28 * (across**2 + down**2).clip(0, 1.2) ** 1.5 - 0.1 * down.clip(-1, 1)
    rgb = colour * shade[..., None] * light_of(item.face.surroundings)
    # The oval must reach wherever the region is a face's, but the region's end is where it ends.
    inside = cv2.blur((item.silhouette > 0).astype(np.float32), (3, 3)) if min(height, width) > 8 else item.silhouette
    alpha = oval * np.minimum(inside, 1)
    return rgb.clip(0, 1).astype(np.float32), alpha.clip(0, 1).astype(np.float32)


def _grid(window: NDArray[np.int64], size: tuple[int, int]) -> tuple[Pixels, Pixels]:
    """Places of pixels in a head's own coordinates: −1…1 from ear to ear, and from crown to chin."""
    x1, y1, x2, y2 = window.tolist()
    side = max(1, x2 - x1)
    across = (np.arange(size[1], dtype=np.float32) + 0.5 - (x1 + x2) / 2) / (_WIDE * side)
    down = (np.arange(size[0], dtype=np.float32) + 0.5 - (y1 + y2) / 2) / (_HIGH * side)
    first, second = np.meshgrid(across, down)
    return first.astype(np.float32), second.astype(np.float32)


def _oval(across: Pixels, down: Pixels) -> Pixels:
    return _smooth((1 + _SOFT / 2 - np.hypot(across, down)) / _SOFT)


def _between(colours: NDArray[np.float32], number: float) -> NDArray[np.float32]:
    place = _UNIT.cdf(number) * (len(colours) - 1)
    low = min(int(place), len(colours) - 2)
    return colours[low] + (place - low) * (colours[low + 1] - colours[low])


def _strands(code: NDArray[np.float32], across: Pixels, down: Pixels) -> Pixels:
    """Light and dark places of hair, −1…1, that go with the head."""
    rows, columns = _STRANDS
    pattern = np.tanh(code[: rows * columns].reshape(rows, columns)).astype(np.float32)
    x, y = (across + 1.2) / 2.4 * (columns - 1), (down + 1.2) / 2.4 * (rows - 1)
    return np.asarray(
        cv2.remap(pattern, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE),
        np.float32,
    )


def light_of(surroundings: Pixels) -> NDArray[np.float32]:
    """(3,) how bright each channel of a white thing would be here, from what is round the head."""
    mean = surroundings.reshape(-1, 3).mean(0)
    grey = float(mean.mean())
    # Half of the colour cast: a red shop front is a thing, not a light.
    cast = 1 + 0.25 * (mean - grey) / max(grey, 0.1)
    return (float(np.clip(0.42 + 0.75 * grey, _DARK, _BRIGHT)) * cast).astype(np.float32)


def _smooth(t: NDArray[np.floating]) -> Pixels:
    clipped = np.clip(t, 0, 1)
    return np.asarray(clipped * clipped * (3 - 2 * clipped), np.float32)
