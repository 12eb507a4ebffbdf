"""The colours of somebody's hair and skin: a code decides, so that they are the same from all sides.

Heads are drawn by two networks, and neither knows hair: one has learnt from grey pictures, in which it is as light as
skin, and one from people who nearly all have black hair.
"""

from __future__ import annotations

from math import erf, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.methods.base import Pixels

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Share of people, and red, green and blue of their hair where white things are 1: as pictures have them.
_COLOURS = (
    (0.28, (0.13, 0.12, 0.115)),
    (0.30, (0.22, 0.175, 0.145)),
    (0.17, (0.34, 0.27, 0.21)),
    (0.13, (0.60, 0.51, 0.38)),
    (0.12, (0.52, 0.51, 0.50)),
)
_SKINS, _FAIRER = ((0.92, 0.74, 0.66), (0.44, 0.32, 0.26)), 2.0  # skin, as hair; and a power: more people are fair
_HAIRLINE = 0.42  # of the face's height, by which skin reaches above the brows
_SOFT = 1.6  # cells over which skin goes over into hair
_JAW, _BROWS, _NOSE, _LIP = 8, slice(17, 27), 33, 57  # of 68 landmarks
_CONTRAST, _LEAST, _MOST = 1.3, 0.4, 1.7  # power of light and shade in hair, and their bounds over its mean
_COLOURFUL = 0.3  # by how much a channel of skin or hair differs from its light at the most, over that
_DARK = (0.3, 0.5)  # light up to which what is drawn is hair, and from which it is none, where white things are 1
_RUDDY = (0.3, 0.6)  # red over blue by light, from where on skin in the shade begins, and is for sure


def hair_colour(code: NDArray[np.float32]) -> Pixels:
    """(3,) RGB of the hair of a code (24,), where white things are 1; the code's length does not matter."""
    bounds = np.cumsum([some for some, _ in _COLOURS])
    return np.array(_COLOURS[min(int(np.searchsorted(bounds, _told(code, 0))), len(_COLOURS) - 1)][1], np.float32)


def skin_colour(code: NDArray[np.float32]) -> Pixels:
    """(3,) RGB of the skin of a code (24,), as :func:`hair_colour`; fair more often than dark."""
    fair, dark = (np.array(kind, np.float32) for kind in _SKINS)
    return np.asarray(fair + _told(code, 1) ** _FAIRER * (dark - fair), np.float32)


def _told(code: NDArray[np.float32], what: int) -> float:
    """A number that a code says, uniform in 0…1 over codes as keys draw them."""
    direction = np.random.default_rng(what).standard_normal(len(code))
    along = float(direction @ code / (np.linalg.norm(direction) * np.linalg.norm(code)).clip(1e-6)) * sqrt(len(code))
    return 0.5 + 0.5 * erf(along / sqrt(2))


def hair_of_portrait(points: NDArray[np.float32], outline: Pixels) -> Pixels:
    """(h, w) in 0…1: where a drawn head has hair: beyond its face, and above its mouth.

    ``points`` (68, 2) are its landmarks, as fractions of the picture, and ``outline`` (h, w) is how much is head.
    """
    places = points * np.array(outline.shape[::-1], np.float32)
    forehead = places[_BROWS] + _HAIRLINE * (places[_BROWS].mean(0) - places[_JAW])
    face = np.zeros(outline.shape, np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(np.concatenate([places, forehead])).astype(np.int32)), 1)
    skin = cv2.GaussianBlur(face.astype(np.float32), (0, 0), _SOFT)
    nose, lip = float(places[_NOSE, 1]), float(places[_LIP, 1])
    above = ((lip - np.arange(len(outline)) - 0.5) / max(1.0, lip - nose)).clip(0, 1)
    return np.asarray(outline * (1 - skin) * above[:, None], np.float32)


def hair_of_head(picture: Pixels, outline: Pixels, light: Pixels) -> Pixels:
    """(h, w) in 0…1: where a head (h, w, 3) that was drawn without landmarks has hair: it is dark there, and no skin.

    ``light`` (3,) is how bright white things are.
    """
    bright = picture @ _LUMA
    dark, ruddy = bright / float(light.mean()), (picture[..., 0] - picture[..., 2]) / bright.clip(0.05)
    hair = ((_DARK[1] - dark) / (_DARK[1] - _DARK[0])).clip(0, 1)
    return np.asarray(outline * hair * ((_RUDDY[1] - ruddy) / (_RUDDY[1] - _RUDDY[0])).clip(0, 1), np.float32)


def muted(picture: Pixels, light: Pixels) -> Pixels:
    """A head (h, w, 3) no more colourful than skin and hair are where white things are ``light`` (3,)."""
    bright = (picture @ _LUMA)[..., None]
    grey = bright * light / float(light.mean())
    return np.asarray(
        (grey + np.clip(picture - grey, -_COLOURFUL * bright, _COLOURFUL * bright)).clip(0, 1), np.float32
    )


def dyed(picture: Pixels, hair: Pixels, colour: Pixels) -> Pixels:
    """A picture (h, w, 3) whose hair (h, w) in 0…1 has a mean colour (3,), with its light and shade."""
    total = float(hair.sum())
    if total < 1:
        return picture
    bright = picture @ _LUMA
    shade = (bright / max(float((bright * hair).sum()) / total, 1e-3)).clip(0) ** _CONTRAST
    painted = shade.clip(_LEAST, _MOST)[..., None] * colour
    return np.asarray((picture + hair[..., None] * (painted - picture)).clip(0, 1), np.float32)
