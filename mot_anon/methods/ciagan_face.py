"""CIAGAN for faces: everybody gets the face of somebody who does not exist, where theirs was and turned as it was.

Where no landmarks can be read there may be no face at all, and the whole head becomes somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mot_anon.methods.base import CIAGAN, FaceShape, Item, Pixels
from mot_anon.methods.drawing import enlarged
from mot_anon.methods.face_tone import in_light, light_of, toned
from mot_anon.methods.hair import dyed, hair_colour, hair_of_head, muted
from mot_anon.threads import one_thread
from mot_anon.vision.look import seen_by
from mot_anon.vision.turned import shown

if TYPE_CHECKING:
    from mot_anon.gan.faces import FaceGenerator
    from mot_anon.gan.heads import HeadGenerator

_INSIDE = 0.9  # of the opacity: where a picture is looked at for how sharp it is
_SHARP = 0.3  # pixels: softness of a camera that blurs no outline
_FEATHER = 0.06  # of a head's window: over how much a head that reaches the end of its region fades there


class CiaganFace:
    """The generators of faces and of heads that ship, at the resolution of the frame.

    That of faces sees what is round a face, a few lines that say how it is turned, and a code; never a pixel of the
    face.  The proportions of the lines come from the code (:func:`mot_anon.gan.face_shape.keyed_shape`).  A head
    without usable landmarks is drawn by that of heads, which sees no more of it than where a parser has it.

    Parameters
    ----------
    weights, heads:
        Of the two generators; None for those that ship.
    """

    name = CIAGAN
    targets = frozenset({"face"})
    needs_raw = False
    uses_identity = True
    wants_silhouettes = False
    wants_faces = True
    control = False

    def __init__(self, weights: Path | None = None, heads: Path | None = None) -> None:
        self._weights, self._head_weights = weights, heads
        self._made: FaceGenerator | None = None
        self._heads: HeadGenerator | None = None

    def parameters(self) -> dict[str, float | int | str]:
        """Which weights."""
        return {"generator": self._generator().fingerprint, "heads": self._head_generator().fingerprint}

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """Draw all faces of a frame at once, and all other heads; alpha is the soft edge of the region, or the head."""
        usable = [face_of(item).usable for item in batch]
        faces = iter(self.with_landmarks([item for item, use in zip(batch, usable, strict=True) if use]))
        heads = iter(self._without([item for item, use in zip(batch, usable, strict=True) if not use]))
        return [next(faces if use else heads) for use in usable]

    def with_landmarks(self, items: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """:meth:`render` of those whose landmarks are usable."""
        if not items:
            return []
        from mot_anon.gan.face_shape import keyed_shape
        from mot_anon.vision.landmarks import draw_landmarks

        shapes, codes = [face_of(item) for item in items], np.stack([item.code for item in items])
        lines = draw_landmarks(keyed_shape(np.stack([points_of(shape) for shape in shapes]), codes))[:, 0]
        with one_thread():
            pictures = self._generator()(
                np.stack([shape.surroundings for shape in shapes]),
                lines,
                np.stack([shape.hole for shape in shapes]),
                codes,
            )
        return [
            as_seen(item, placed(item, shape, toned(picture, shape)), item.silhouette)
            for item, shape, picture in zip(items, shapes, pictures, strict=True)
        ]

    def _without(self, items: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """:meth:`render` of the others."""
        if not items:
            return []
        shapes = [face_of(item) for item in items]
        with one_thread():
            pictures = self._head_generator()(
                np.stack([shape.surroundings for shape in shapes]),
                np.stack([turned_of(shape) for shape in shapes]),
                np.stack([item.code for item in items]),
            )
        return [
            as_seen(item, placed(item, shape, _dyed(item, shape, picture)), head_alpha(item, shape))
            for item, shape, picture in zip(items, shapes, pictures, strict=True)
        ]

    def _head_generator(self) -> HeadGenerator:
        if self._heads is None:
            from mot_anon.gan.heads import WEIGHTS, HeadGenerator

            self._heads = HeadGenerator(self._head_weights or WEIGHTS)
        return self._heads

    def _generator(self) -> FaceGenerator:
        if self._made is None:
            from mot_anon.gan.faces import GENERATOR_WEIGHTS, FaceGenerator

            self._made = FaceGenerator(self._weights or GENERATOR_WEIGHTS)
        return self._made


def placed(item: Item, shape: FaceShape, picture: Pixels) -> Pixels:
    """An item's crop (H, W, 3) with a picture (64, 64, 3) in its window, as sharp as the frame is there."""
    x1, y1, x2, y2 = shape.window.tolist()
    height, width = item.erased.shape[:2]
    a1, b1, a2, b2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    rgb = item.erased.copy()
    if a2 > a1 and b2 > b1:
        rgb[b1:b2, a1:a2] = enlarged(picture, (y2 - y1, x2 - x1))[b1 - y1 : b2 - y1, a1 - x1 : a2 - x1]
    return rgb


def head_alpha(item: Item, shape: FaceShape) -> Pixels:
    """How much of a drawn head shows in an item's crop, (H, W) float32 in 0…1: its outline, as far as its region."""
    x1, y1, x2, y2 = shape.window.tolist()
    height, width = item.silhouette.shape
    alpha = np.zeros((height, width), np.float32)
    a1, b1, a2, b2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    if a2 > a1 and b2 > b1:
        large = np.asarray(cv2.resize(shape.hole, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR), np.float32)
        alpha[b1:b2, a1:a2] = shown(large)[b1 - y1 : b2 - y1, a1 - x1 : a2 - x1]
    return softly(item, alpha) * ending(item, shape)


def softly(item: Item, alpha: Pixels) -> Pixels:
    """An outline (H, W) no sharper than the camera shows people."""
    if item.look is None or item.look.softness < _SHARP:
        return alpha
    # Blurring ones gives a little more than one.
    return np.asarray(cv2.GaussianBlur(alpha, (0, 0), item.look.softness), np.float32).clip(0, 1)


def as_seen(item: Item, rgb: Pixels, alpha: Pixels) -> tuple[Pixels, Pixels]:
    """What is drawn (H, W, 3) with its opacity (H, W), as the camera shows people."""
    return (rgb if item.look is None else seen_by(item.look, rgb, alpha > _INSIDE)), alpha


def ending(item: Item, shape: FaceShape) -> Pixels:
    """(H, W) float32 in 0…1: 0 where an item's region ends, and 1 a little inside of it."""
    side = float(shape.window[2] - shape.window[0])
    inside = cv2.distanceTransform(np.pad(item.silhouette > 0, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.clip(inside / max(1.0, _FEATHER * side), 0, 1).astype(np.float32)


def points_of(shape: FaceShape) -> Pixels:
    """The landmarks of a shape that has some."""
    if shape.points is None:
        raise ValueError("a usable face has landmarks")
    return shape.points


def _dyed(item: Item, shape: FaceShape, picture: Pixels) -> Pixels:
    """A head without landmarks with the hair of the code, and no colours that heads do not have."""
    light = light_of(shape.surroundings)
    picture = muted(picture, light)
    hair = hair_of_head(picture, shown(shape.hole), light)
    return dyed(picture, hair, in_light(hair_colour(item.code), shape.surroundings))


def turned_of(shape: FaceShape) -> Pixels:
    """What the generator of heads is told of a head without landmarks."""
    if shape.turned is None:
        raise ValueError("this head needs to be seen by a parser")
    return shape.turned


def face_of(item: Item) -> FaceShape:
    """Where an item's face is."""
    if item.face is None:
        raise ValueError("this method needs to know where faces are")
    return item.face
