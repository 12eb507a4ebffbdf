"""CIAGAN for faces: everybody gets the face of somebody who does not exist, where theirs was and turned as it was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mot_anon.methods.base import CIAGAN, FaceShape, Item, Pixels
from mot_anon.methods.ciagan import enlarged
from mot_anon.methods.heads import cover_head, light_of
from mot_anon.threads import one_thread

if TYPE_CHECKING:
    from mot_anon.gan.faces import FaceGenerator


_LUMA = np.tile(np.array([[0.299], [0.587], [0.114]], np.float32), 3)
_EDGE, _SMOOTH = 5.0, 1.5  # cells from a hole's edge in which its tone is matched, and how finely
_TINT, _LIPS = 4.0, 0.3  # cells over which colours are even; and how much of what differs from the skin's is left
_SKIN = np.array([1.19, 0.94, 0.82], np.float32)  # red, green and blue of skin over its light, as cameras see it
_TANNED = 0.8  # how far a face comes towards it, and towards the light that is expected
_COLOURLESS, _SOMEWHERE = 0.015, 0.9  # least colour of a window that is not grey, and quantile that has it
_NEAR, _CHIN = 14.0, 0.75  # cells from a hole's edge in which skin is looked for, and from where of its height
_FEW, _ENOUGH = 10, 40.0  # cells of skin that say nothing, and how many more are enough
_RUDDY = (0.13, 0.25)  # by how much skin is redder than green over its light; what is dark and less so is hair
_SHADE, _BLUE = 0.5, 0.62  # light below which it is dark, where white is 1; and least blue of skin over its light
_PALE, _DARK = 0.95, 0.12  # light of what is no skin
_BRIGHTER = 0.55  # quantile of light among what may be skin, from which it is: darker is hair, or in the shade
_GAIN = (0.5, 2.0)  # least and most by which a face's light is changed
_FACE_LIGHT = 0.8  # light of a face where white things are 1
_EDGES = 0.15  # of 0…1: differences of tone beyond are no wrong light but skin beside hair


class CiaganFace:
    """The face generator that ships, at the resolution of the frame.

    It sees what is round a face, a few lines that say how it is turned, and a code; never a pixel of the face.  The
    proportions of the lines come from the code (:func:`mot_anon.gan.face_shape.keyed_shape`).  A head without usable
    landmarks is covered instead (:func:`mot_anon.methods.heads.cover_head`).

    Parameters
    ----------
    weights:
        Of the generator; None for those that ship.
    """

    name = CIAGAN
    targets = frozenset({"face"})
    needs_raw = False
    uses_identity = True
    wants_silhouettes = False
    wants_faces = True
    control = False

    def __init__(self, weights: Path | None = None) -> None:
        self._weights = weights
        self._made: FaceGenerator | None = None

    def parameters(self) -> dict[str, float | int | str]:
        """Which weights."""
        return {"generator": self._generator().fingerprint}

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """Draw all faces of a frame at once, and cover the other heads; alpha is the soft edge of the region."""
        shapes = [_face(item) for item in batch]
        drawn = iter(self._draw([item for item, shape in zip(batch, shapes, strict=True) if shape.usable]))
        return [
            (placed(item, shape, toned(next(drawn), shape)), item.silhouette) if shape.usable else cover_head(item)
            for item, shape in zip(batch, shapes, strict=True)
        ]

    def _draw(self, items: Sequence[Item]) -> Pixels:
        if not items:
            return np.zeros((0, 1, 1, 3), np.float32)
        from mot_anon.gan.face_shape import keyed_shape
        from mot_anon.vision.landmarks import draw_landmarks

        shapes, codes = [_face(item) for item in items], np.stack([item.code for item in items])
        lines = draw_landmarks(keyed_shape(np.stack([_points(shape) for shape in shapes]), codes))[:, 0]
        with one_thread():
            return self._generator()(
                np.stack([shape.surroundings for shape in shapes]),
                lines,
                np.stack([shape.hole for shape in shapes]),
                codes,
            )

    def _generator(self) -> FaceGenerator:
        if self._made is None:
            from mot_anon.gan.faces import GENERATOR_WEIGHTS, FaceGenerator

            self._made = FaceGenerator(self._weights or GENERATOR_WEIGHTS)
        return self._made


def toned(picture: Pixels, shape: FaceShape) -> Pixels:
    """A picture (64, 64, 3) whose tone at the edge of the hole is that of what is round it, so that no edge is seen.

    Light is as it was drawn, but for a factor, and skin has one colour in all its light, with a breath of others lying
    smoothly over it: few people were known in colour, and fringes of it are the first that is seen of a fake.  The
    neck says what colour and how light, or where it does not show, the place; a picture without colours gets none.  At
    the edge only what is smooth is changed, less and less inwards: eyes that lie near the edge stay.
    """
    light = picture @ _LUMA
    colour, gain = _complexion(picture, light, shape)
    picture, light = picture * gain, light * gain
    skin = light * colour
    picture = skin + _LIPS * cv2.GaussianBlur(picture - skin, (0, 0), _TINT)
    distance = cv2.distanceTransform((shape.hole > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    share = np.clip(1 - distance / _EDGE, 0, 1)[..., None]
    difference = cv2.GaussianBlur(shape.surroundings - picture, (0, 0), _SMOOTH)
    difference *= np.exp(-((difference.mean(2, keepdims=True) / _EDGES) ** 2))
    whole = shape.surroundings + shape.hole[..., None] * (picture + share * difference - shape.surroundings)
    return np.asarray(whole.clip(0, 1), np.float32)


def _complexion(picture: Pixels, light: Pixels, shape: FaceShape) -> tuple[Pixels, float]:
    """(3,) the colour of a face's skin over its light, and by what the light that was drawn has to be multiplied."""
    near, inside = shape.surroundings, shape.hole[..., None]
    drawn = float((light * inside).mean(2).sum() / inside.sum().clip(1e-3))
    colour = (picture * inside).sum((0, 1)) / (inside.sum() * drawn).clip(1e-3)
    if float(np.quantile(np.abs(near - near @ _LUMA), _SOMEWHERE)) < _COLOURLESS:
        return colour, 1.0
    found, share = skin_near(shape)
    lit = _SKIN * light_of(near)
    bright = float(lit @ _LUMA[:, 0])
    colour = colour + _TANNED * (lit / bright - colour)
    wanted = drawn + _TANNED * max(0.0, _FACE_LIGHT * bright - drawn)
    if share > 0:
        bright = float(found @ _LUMA[:, 0])
        wanted += share * (bright - wanted)
        colour = colour + share * (found / max(bright, 1e-3) - colour)
    return np.asarray(colour, np.float32), float(np.clip(wanted / max(drawn, 1e-3), *_GAIN))


def skin_near(shape: FaceShape) -> tuple[Pixels, float]:
    """(3,) RGB of the neck below a hole, where hair seldom is, and how far enough of it shows, 0…1."""
    away = cv2.distanceTransform((shape.hole <= 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    rows, columns = (np.flatnonzero((shape.hole > 0.5).any(axis)) for axis in (1, 0))
    if not len(rows):
        return np.zeros(3, np.float32), 0.0
    below = np.zeros(shape.hole.shape, bool)
    below[round(rows[0] + _CHIN * (rows[-1] - rows[0])) :, columns[0] : columns[-1] + 1] = True
    pixels = shape.surroundings[below & (shape.hole < 0.02) & (away <= _NEAR)]
    light = (pixels @ _LUMA)[:, 0]
    red, green, blue = (pixels / light.clip(1e-3)[:, None]).T
    ruddy = np.where(light >= _SHADE * float(light_of(shape.surroundings).mean()), *_RUDDY)
    skin = (red - green >= ruddy) & (green >= blue) & (blue >= _BLUE) & (light >= _DARK) & (light <= _PALE)
    if skin.sum() < _FEW:
        return np.zeros(3, np.float32), 0.0
    bright = pixels[skin & (light >= np.quantile(light[skin], _BRIGHTER))]
    return np.asarray(np.median(bright, 0), np.float32), min(1.0, (float(skin.sum()) - _FEW) / _ENOUGH)


def placed(item: Item, shape: FaceShape, picture: Pixels) -> Pixels:
    """An item's crop (H, W, 3) with a picture (64, 64, 3) in its window, as sharp as the frame is there."""
    x1, y1, x2, y2 = shape.window.tolist()
    height, width = item.erased.shape[:2]
    a1, b1, a2, b2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    rgb = item.erased.copy()
    if a2 > a1 and b2 > b1:
        rgb[b1:b2, a1:a2] = enlarged(picture, (y2 - y1, x2 - x1))[b1 - y1 : b2 - y1, a1 - x1 : a2 - x1]
    return rgb


def _points(shape: FaceShape) -> Pixels:
    if shape.points is None:
        raise ValueError("a usable face has landmarks")
    return shape.points


def _face(item: Item) -> FaceShape:
    if item.face is None:
        raise ValueError("this method needs to know where faces are")
    return item.face
