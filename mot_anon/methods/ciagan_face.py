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
from mot_anon.methods.face_tone import toned
from mot_anon.threads import one_thread
from mot_anon.vision.heads import head_oval

if TYPE_CHECKING:
    from mot_anon.gan.faces import FaceGenerator
    from mot_anon.gan.heads import HeadGenerator

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
        shapes = [_face(item) for item in batch]
        faces = iter(self._draw([item for item, shape in zip(batch, shapes, strict=True) if shape.usable]))
        heads = iter(self._draw_heads([item for item, shape in zip(batch, shapes, strict=True) if not shape.usable]))
        return [
            (placed(item, shape, toned(next(faces), shape)), item.silhouette)
            if shape.usable
            else (placed(item, shape, next(heads)), head_alpha(item, shape))
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

    def _draw_heads(self, items: Sequence[Item]) -> Pixels:
        if not items:
            return np.zeros((0, 1, 1, 3), np.float32)
        shapes = [_face(item) for item in items]
        with one_thread():
            return self._head_generator()(
                np.stack([shape.surroundings for shape in shapes]),
                np.stack([shape.hole for shape in shapes]),
                np.stack([shape.landmarks for shape in shapes]),
                np.stack([item.code for item in items]),
            )

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
    """How much of a drawn head shows in an item's crop, (H, W) float32 in 0…1: it ends softly, and with its region."""
    side = float(shape.window[2] - shape.window[0])
    inside = cv2.distanceTransform(np.pad(item.silhouette > 0, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    ends = np.clip(inside / max(1.0, _FEATHER * side), 0, 1).astype(np.float32)
    height, width = item.silhouette.shape
    return head_oval((height, width), shape.window) * ends


def _points(shape: FaceShape) -> Pixels:
    if shape.points is None:
        raise ValueError("a usable face has landmarks")
    return shape.points


def _face(item: Item) -> FaceShape:
    if item.face is None:
        raise ValueError("this method needs to know where faces are")
    return item.face
