"""Detail finer than a generator's cells: how cloth is woven and creased.

A person who is taller in the frame than a generator draws comes out soft, or, where edges are sharpened until a picture
counts as sharp, in patches.  Pictures of the world have as much energy in one octave of sizes as in the next (Field,
JOSA A 1987), so a texture of three octaves below the cells stands in for what the generator leaves out.  It is the same
for everybody, lies still on the person and knows nothing of who was there.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

_CELL = 8  # pixels of the texture a cell of the generator's
_COARSEST = 0.8  # of a cell: standard deviation of the widest Gaussian
_OCTAVES = (1.0, 1.0, 0.6)  # coarse to fine; the finest would look like a camera's noise
_STRENGTH = 0.15
_NEAR = 4.0  # cells: how far round a place tells how much detail there is
_MOST = (0.1, 0.08)  # of the brightness, and of black: dark cloth shows little

Pixels = NDArray[np.float32]


def woven(large: Pixels, picture: Pixels, share: float) -> Pixels:
    """A generated ``picture`` (h, w, 3), enlarged to ``large`` (H, W, 3), with a texture of cloth; both in 0…1.

    ``share`` of it, 0 to 1: nobody who is as small as a generator draws needs any.  There is more of it where the
    picture has more detail, and it changes brightness alone.
    """
    if share <= 0:
        return large
    height, width = large.shape[:2]
    grey = picture.mean(2)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.0)
    detail = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), _NEAR))
    part, black = _MOST
    amount = np.minimum(detail, part * (cv2.GaussianBlur(grey, (0, 0), _NEAR / 2) + black))
    amount = cv2.resize(amount, (width, height), interpolation=cv2.INTER_LINEAR)
    cells = cv2.resize(_texture(*picture.shape[:2]), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(large + (share * _STRENGTH * amount * cells)[..., None], np.float32).clip(0, 1)


@lru_cache(maxsize=2)
def _texture(rows: int, columns: int) -> Pixels:
    """(8 · rows, 8 · columns): octaves of noise, each of the standard deviation that it has in the sum."""
    noise = np.random.default_rng(0).standard_normal((_CELL * rows, _CELL * columns)).astype(np.float32)
    soft = [cv2.GaussianBlur(noise, (0, 0), _COARSEST * _CELL / 2**octave) for octave in range(len(_OCTAVES) + 1)]
    found = np.zeros_like(noise)
    for strength, coarse, fine in zip(_OCTAVES, soft[:-1], soft[1:], strict=True):
        found += strength * (fine - coarse) / (fine - coarse).std()
    return found
