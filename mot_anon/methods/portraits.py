"""Faces for people near the camera: a whole head is drawn over that of a drawn body, which is a few cells of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mot_anon.methods.base import Item, Pixels
from mot_anon.methods.drawing import enlarged, opacity, outspoken
from mot_anon.methods.face_tone import in_light, with_skin
from mot_anon.methods.hair import dyed, hair_colour, hair_of_portrait, skin_colour
from mot_anon.vision.augment import fill
from mot_anon.vision.heads import Portrait, portrait_ovals, portrait_skulls, portrait_windows
from mot_anon.vision.look import seen_by
from mot_anon.vision.windows import in_frame, window_pixels

if TYPE_CHECKING:
    from mot_anon.gan.portraits import PortraitGenerator

_SIZE = (64, 64)
_NEAR = 1.0  # whoever has a portrait is large
_LIMBS, _BODY = (1, 2), 2.0  # parts that are no head: torso and arms; and one over what they are from there on
_SOFT = 0.06  # of a portrait's side: over how much what is hidden of a body's own head begins
_NOTHING = 1e-4  # opacity below which no colour shows
_SHOWN = 0.9  # of the oval in which a head is drawn: near its rim there is background
_INSIDE = 0.9  # of the opacity: where a picture is looked at for how sharp it is

Drawn = tuple[Pixels, Pixels]


def with_portraits(items: Sequence[Item], drawn: Sequence[Drawn], generator: PortraitGenerator) -> list[Drawn]:
    """Drawn bodies (rgb (H, W, 3), alpha (H, W)) of items, those that have a portrait with its head.

    The generator sees no more of anybody than how their face is turned and where their silhouette is.
    """
    rows = [row for row, item in enumerate(items) if item.portrait is not None]
    if not rows:
        return list(drawn)
    given = [_given(items[row], _portrait(items[row]), *drawn[row]) for row in rows]
    surroundings, shapes = (np.stack(part) for part in zip(*given, strict=True))
    pictures = generator(surroundings, shapes, np.stack([items[row].code for row in rows]))
    made = list(drawn)
    for row, picture, around, shape in zip(rows, pictures, surroundings, shapes, strict=True):
        portrait = _portrait(items[row])
        points = _fractions(portrait)
        # The neck is drawn, too, and mostly a collar: it does not know.
        skin = np.append(skin_colour(items[row].code), np.float32(1))
        head = with_skin(picture, _Place(around, shape[0], skin), points)
        head = dyed(head, hair_of_portrait(points, shape[2]), in_light(hair_colour(items[row].code), around))
        made[row] = _laid(items[row], portrait, head, *drawn[row])
    return made


class _Place(NamedTuple):
    surroundings: Pixels
    hole: Pixels
    skin: Pixels | None = None


def window_of(portrait: Portrait) -> NDArray[np.int64]:
    """The square (4,) x1, y1, x2, y2 in which a portrait is drawn, in whole pixels."""
    x1, y1, x2, _ = portrait_windows(portrait.points[None])[0]
    low, side = np.rint([x1, y1]).astype(np.int64), max(4, round(x2 - x1))
    return np.concatenate([low, low + side])


def generator_input(
    window: NDArray[np.uint8], silhouette: Pixels, points: Pixels, code: Pixels
) -> tuple[Pixels, Pixels]:
    """What the generator sees of a window.

    Parameters
    ----------
    window:
        (64, 64, 3) uint8 RGB, without the head as far as that was taken out.
    silhouette:
        (64, 64) in 0…1, of the person.
    points:
        (68, 2) landmarks, as fractions of the window.
    code:
        (24,) of who is drawn: it changes their proportions.

    Returns
    -------
    Surroundings (64, 64, 3) RGB in 0…1, and shape (3, 64, 64).
    """
    from mot_anon.gan.face_shape import keyed_shape
    from mot_anon.gan.portraits import EMPTY, OUTLINE, portrait_shapes

    low, high = OUTLINE
    head = head_of(((silhouette - low) / (high - low)).clip(0, 1), points)
    shape = portrait_shapes(keyed_shape(points[None], code[None]), head[None, None])[0]
    return fill(window, shape[0] > EMPTY).astype(np.float32) / np.float32(255), shape


def head_opacity(silhouette: Pixels, points: Pixels) -> Pixels:
    """How much of a drawn head shows in its window, at any size (h, w): a silhouette in 0…1, as far as it is head."""
    return head_of(opacity(silhouette, _NEAR), points, _SHOWN)


def head_of(silhouette: Pixels, points: Pixels, share: float = 1.0) -> Pixels:
    """The head's part of a silhouette (h, w), which has holes where somebody wears what looks like the wall behind.

    ``points`` (68, 2) are landmarks, as fractions of it; ``share`` as in :func:`~mot_anon.vision.heads.portrait_ovals`.
    """
    size = (silhouette.shape[0], silhouette.shape[1])
    ovals, skulls = portrait_ovals(points[None], size, share), portrait_skulls(points[None], size)
    return np.maximum(silhouette * ovals[0, 0], skulls[0, 0])


def _given(item: Item, portrait: Portrait, rgb: Pixels, alpha: Pixels) -> tuple[Pixels, Pixels]:
    """What the generator sees of a body that is drawn."""
    window = window_of(portrait)
    body = item.erased + (alpha * (1 - _own_head(item, portrait)))[..., None] * (rgb - item.erased)
    picture = window_pixels(np.rint(255 * body.clip(0, 1)).astype(np.uint8), window, _SIZE)
    return generator_input(picture, _silhouette(item, window, _SIZE), _fractions(portrait), item.code)


def _laid(item: Item, portrait: Portrait, picture: Pixels, rgb: Pixels, alpha: Pixels) -> Drawn:
    """A body with its portrait over it, and without what of its own head sticks out."""
    window = window_of(portrait)
    x1, y1, x2, y2 = window.tolist()
    height, width = alpha.shape
    a1, b1, a2, b2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    if a2 <= a1 or b2 <= b1:
        return rgb, alpha
    inside, here = (slice(b1, b2), slice(a1, a2)), (slice(b1 - y1, b2 - y1), slice(a1 - x1, a2 - x1))
    size = (y2 - y1, x2 - x1)
    head = head_opacity(_silhouette(item, window, size), _fractions(portrait))[here]
    large = np.ascontiguousarray(enlarged(picture, size)[here])
    if item.look is not None:
        large = seen_by(item.look, large, head > _INSIDE)
    # The body without its own head, then the portrait over it; and of both together as much as shows.
    shown, own = portrait.share * head, alpha * (1 - _own_head(item, portrait))
    under = alpha + portrait.share * (own - alpha)
    under[inside] -= shown * own[inside]
    whole, mixed = under.copy(), under[..., None] * rgb
    whole[inside] += shown
    mixed[inside] += shown[..., None] * large
    rgb = np.where(whole[..., None] > _NOTHING, mixed / np.maximum(whole, _NOTHING)[..., None], rgb)
    return rgb, whole.clip(0, 1)


def _fractions(portrait: Portrait) -> Pixels:
    """Its landmarks (68, 2) as fractions of its window."""
    window = window_of(portrait)
    return ((portrait.points - window[:2]) / (window[2:] - window[:2])).astype(np.float32)


def _silhouette(item: Item, window: NDArray[np.int64], size: tuple[int, int]) -> Pixels:
    """An item's silhouette in a window of its crop, in 0…1."""
    found = window_pixels(np.rint(255 * item.silhouette).astype(np.uint8), window, size)
    return found.astype(np.float32) / np.float32(255)


def _own_head(item: Item, portrait: Portrait) -> Pixels:
    """(H, W) in 0…1: where a body that is drawn shows a head of its own: above the chin, and neither torso nor arms."""
    height, width = item.silhouette.shape
    x1, _, x2, _ = window_of(portrait).tolist()
    side, chin = x2 - x1, float(portrait.points[:, 1].max())
    rows, columns = np.arange(height, dtype=np.float32) + 0.5, np.arange(width, dtype=np.float32) + 0.5
    above = ((chin - rows) / (_SOFT * side)).clip(0, 1)
    beside = 1 - ((np.abs(columns - (x1 + x2) / 2) - side / 2) / (_SOFT * side)).clip(0, 1)
    shape = item.shape
    if shape is None:
        raise ValueError("a body that is drawn has a shape")
    limbs = np.rint(255 * outspoken(shape.parts)[list(_LIMBS)].max(0)).astype(np.uint8)
    laid = in_frame(limbs, shape.window, (0, 0, width, height)).astype(np.float32) / np.float32(255)
    free = 1 - (_BODY * laid).clip(0, 1)
    return above[:, None] * beside[None] * free


def _portrait(item: Item) -> Portrait:
    if item.portrait is None:
        raise ValueError("there is no portrait")
    return item.portrait
