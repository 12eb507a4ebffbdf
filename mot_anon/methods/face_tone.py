"""The light and colour of a drawn face: those of the neck below it, or else of the place, and no edge to be seen."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from mot_anon.methods.base import Pixels
from mot_anon.vision.heads import bare_face

_LUMA = np.tile(np.array([[0.299], [0.587], [0.114]], np.float32), 3)
_EDGE, _SMOOTH = 5.0, 1.5  # cells from a hole's edge in which its tone is matched, and how finely
_INTO_HAIR = 2.0  # cells over which the skin of a head goes over into its hair
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
_DARKEST, _BRIGHTEST = 0.45, 1.1  # least and largest light of a place


class Place(Protocol):
    """What is round somebody who is drawn: a :class:`~mot_anon.methods.base.FaceShape` is one."""

    @property
    def surroundings(self) -> Pixels:
        """(64, 64, 3) float32 RGB in 0…1."""
        ...

    @property
    def hole(self) -> Pixels:
        """(64, 64) float32 in 0…1: what is drawn anew."""
        ...

    @property
    def skin(self) -> Pixels | None:
        """(4,) the skin of the neck over the light of the place, and how sure that is; None: it is looked for."""
        ...


def toned(picture: Pixels, shape: Place) -> Pixels:
    """A picture (64, 64, 3) whose tone at the edge of the hole is that of what is round it, so that no edge is seen.

    Light is as it was drawn, but for a factor, and skin has one colour in all its light, with a breath of others lying
    smoothly over it: few people were known in colour, and fringes of it are the first that is seen of a fake.  The
    neck says what colour and how light, or where it does not show, the place; a picture without colours gets none.  At
    the edge only what is smooth is changed, less and less inwards: eyes that lie near the edge stay.
    """
    picture = skinned(picture, shape)
    distance = cv2.distanceTransform((shape.hole > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    share = np.clip(1 - distance / _EDGE, 0, 1)[..., None]
    difference = cv2.GaussianBlur(shape.surroundings - picture, (0, 0), _SMOOTH)
    difference *= np.exp(-((difference.mean(2, keepdims=True) / _EDGES) ** 2))
    whole = shape.surroundings + shape.hole[..., None] * (picture + share * difference - shape.surroundings)
    return np.asarray(whole.clip(0, 1), np.float32)


def with_skin(picture: Pixels, place: Place, points: Pixels) -> Pixels:
    """A head (64, 64, 3) with the skin of the neck, or else of the place; hair stays as it was drawn.

    ``points`` (68, 2) are its landmarks, as fractions of the picture.
    """
    bare = bare_face((picture.shape[0], picture.shape[1]), points).astype(np.float32)
    skin = cv2.GaussianBlur(bare, (0, 0), _INTO_HAIR)[..., None]
    return np.asarray((picture + skin * (skinned(picture, place) - picture)).clip(0, 1), np.float32)


def skinned(picture: Pixels, shape: Place) -> Pixels:
    """A picture (64, 64, 3) in the colour and light of the neck below its hole, or else of the place."""
    light = picture @ _LUMA
    colour, gain = _complexion(picture, light, shape)
    picture, light = picture * gain, light * gain
    skin = light * colour
    return np.asarray(skin + _LIPS * cv2.GaussianBlur(picture - skin, (0, 0), _TINT), np.float32)


def _complexion(picture: Pixels, light: Pixels, shape: Place) -> tuple[Pixels, float]:
    """(3,) the colour of a face's skin over its light, and by what the light that was drawn has to be multiplied."""
    near, inside = shape.surroundings, shape.hole[..., None]
    drawn = float((light * inside).mean(2).sum() / inside.sum().clip(1e-3))
    colour = (picture * inside).sum((0, 1)) / (inside.sum() * drawn).clip(1e-3)
    if _colourless(near):
        return colour, 1.0
    place = light_of(near)
    found, share = skin_near(shape) if shape.skin is None else (shape.skin[:3] * place, float(shape.skin[3]))
    lit = _SKIN * place
    bright = float(lit @ _LUMA[:, 0])
    colour = colour + _TANNED * (lit / bright - colour)
    wanted = drawn + _TANNED * max(0.0, _FACE_LIGHT * bright - drawn)
    if share > 0:
        bright = float(found @ _LUMA[:, 0])
        wanted += share * (bright - wanted)
        colour = colour + share * (found / max(bright, 1e-3) - colour)
    return np.asarray(colour, np.float32), float(np.clip(wanted / max(drawn, 1e-3), *_GAIN))


def skin_near(shape: Place) -> tuple[Pixels, float]:
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


def in_light(colour: Pixels, surroundings: Pixels) -> Pixels:
    """(3,) of what has a colour where white things are 1, in the light round a head; grey where all is grey."""
    light = light_of(surroundings)
    return np.asarray((colour @ _LUMA if _colourless(surroundings) else colour) * light, np.float32)


def _colourless(surroundings: Pixels) -> bool:
    return float(np.quantile(np.abs(surroundings - surroundings @ _LUMA), _SOMEWHERE)) < _COLOURLESS


def light_of(surroundings: Pixels) -> Pixels:
    """(3,) how bright each channel of a white thing would be here, from what is round a head."""
    mean = surroundings.reshape(-1, 3).mean(0)
    grey = float(mean.mean())
    # Half of the colour cast: a red shop front is a thing, not a light.
    cast = 1 + 0.25 * (mean - grey) / max(grey, 0.1)
    return (float(np.clip(0.42 + 0.75 * grey, _DARKEST, _BRIGHTEST)) * cast).astype(np.float32)
