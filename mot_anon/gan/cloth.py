"""Clothes without what generators weave into them: cloth is mostly plain, of one colour, and its edges are sharp."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.vision.bodies import PARTS

Pixels = NDArray[np.float32]

# Clothes of one colour: how far round about the colours of a garment are levelled (cells), how much of their lightness
# and of their hue is; from which distance to the garment's own colour on (in Lab) what differs is drawn nearer, and how
# much of what lies beyond is left; from where on a cell is sure to be of a garment, and how many such cells one has.
_ROUND, _LEVELLED, _OWN, _BEYOND = 5.0, (0.4, 0.7, 0.7), 30.0, 0.8
_SURE, _FEWEST = 0.6, 20
_NECK, _NEAR_HEADS = 2.0, 1.5  # cells round a head that keep their colours, and how surely


def plain(picture: Pixels, faint: float, wide: float, times: int = 1) -> Pixels:
    """A picture without what is fainter than its edges (bilateral filter: Tomasi and Manduchi, ICCV 1998).

    Parameters
    ----------
    picture:
        (h, w, 3) in 0…1.
    faint:
        How much neighbours differ within a pattern, summed over the three colours.
    wide:
        How far round about is looked, in pixels of the picture.
    times:
        How often.
    """
    for _ in range(times):
        picture = np.asarray(cv2.bilateralFilter(np.ascontiguousarray(picture), -1, faint, wide), np.float32)
    return picture


def levelled(picture: Pixels, silhouette: Pixels, parts: Pixels) -> Pixels:
    """A picture of somebody whose clothes above and below the waist have a colour each.

    A generator lets colours run through clothes and lays light patches on them.  Here slow changes of colour within a
    garment are levelled, and what is far from its median colour is drawn nearer to it; folds stay.

    Parameters
    ----------
    picture:
        (h, w, 3) RGB in 0…1.
    silhouette, parts:
        (h, w) and (4, h, w) in 0…1, the latter :data:`mot_anon.vision.bodies.PARTS`.

    Returns
    -------
    (h, w, 3) float32 RGB in 0…1; the head and what is beyond the silhouette keep their colours.
    """
    lab = cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2Lab)
    new = lab.copy()
    for share in _garments(silhouette, parts):
        sure = share > _SURE
        if sure.sum() < _FEWEST:
            continue
        own = np.median(lab[sure], 0)
        slow = _wide(lab * share[..., None], _ROUND) / (_wide(share, _ROUND)[..., None] + 1e-3)
        apart = lab + (own - slow) * np.array(_LEVELLED, np.float32) - own
        far = np.linalg.norm(apart, axis=-1, keepdims=True)
        nearer = np.minimum(1, (_OWN + _BEYOND * (far - _OWN)) / np.maximum(far, 1e-6))
        new += share[..., None] * (own + apart * nearer - lab)
    # What OpenCV makes of a colour and back again differs by a grey level; only what was changed may change.
    after, before = (cv2.cvtColor(colours.astype(np.float32), cv2.COLOR_Lab2RGB) for colours in (new, lab))
    return np.asarray(picture + (after - before), np.float32).clip(0, 1)


def _garments(silhouette: Pixels, parts: Pixels) -> tuple[Pixels, Pixels]:
    """What (h, w), in 0…1, is clothes above the waist and below: every cell is of the part that is nearer, softly."""
    head, torso, arms, legs = (parts[PARTS.index(name)] for name in ("head", "torso", "arms", "legs"))
    above, below = (_wide(part, _ROUND) + 1e-4 for part in (np.maximum(torso, arms) * (1 - head), legs))
    upper = ((above / (above + below) - 0.5) * 3 + 0.5).clip(0, 1)
    clothes = silhouette * (1 - _NEAR_HEADS * _wide(head, _NECK)).clip(0, 1)
    return upper * clothes, (1 - upper) * clothes


def _wide(maps: Pixels, cells: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(maps, (0, 0), cells), np.float32)
