"""What of somebody is their head, by a parser's word: for heads whose face cannot be read."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.vision.augment import fill
from mot_anon.vision.heads import head_oval

_ERASED, _RIM = 0.02, 5  # opacity from which nothing of a window is left, and pixels round that
_BODY = 2.0  # one over what torso and arms are from where on nothing is head
_EDGE = (0.4, 0.7)  # of a head's share: transparent below, opaque above

Pixels = NDArray[np.float32]


def head_shares(maps: Pixels) -> Pixels:
    """How much every cell of N windows is head or neck, (N, 64, 64) in 0…1.

    ``maps`` (N, 4, 64, 64) in 0…1: silhouettes, and heads, torsos and arms as a parser sees them.  What of somebody is
    neither torso nor arms, and near the window's middle, is head.
    """
    free = 1 - (_BODY * maps[:, 2:].max(1)).clip(0, 1)
    return np.asarray(maps[:, 0] * free * head_oval((maps.shape[2], maps.shape[3])), np.float32)


def shown(share: Pixels) -> Pixels:
    """Opacity of a head of its share, of any size, in 0…1."""
    low, high = _EDGE
    t = ((share - low) / (high - low)).clip(0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def drawn(opaque: Pixels) -> NDArray[np.uint8]:
    """Where anything of an opacity in 0…1, of any size, is drawn: 1, elsewhere 0."""
    return np.asarray(opaque > _ERASED, np.uint8)


def emptied(window: NDArray[np.uint8], opaque: Pixels) -> NDArray[np.uint8]:
    """A window (64, 64, 3) with what is drawn anew, (64, 64) in 0…1, and a rim filled from round about."""
    return fill(window, cv2.dilate(drawn(opaque), np.ones((_RIM, _RIM), np.uint8)) > 0)
