"""Whole heads for people whose bodies stay: somebody else's face and hair, turned as theirs were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mot_anon.methods.base import WHOLE_HEADS, FaceShape, Item, Pixels
from mot_anon.methods.ciagan_face import CiaganFace, as_seen, ending, face_of, placed, points_of, softly
from mot_anon.methods.face_tone import in_light, with_skin
from mot_anon.methods.hair import dyed, hair_colour, hair_of_portrait
from mot_anon.methods.portraits import generator_input, head_of, head_opacity
from mot_anon.threads import one_thread

if TYPE_CHECKING:
    from mot_anon.gan.portraits import PortraitGenerator


class WholeHeads(CiaganFace):
    """The generators of portraits and of heads that ship, at the resolution of the frame.

    Nothing of a head stays but hair that hangs below the jaw, while
    :class:`~mot_anon.methods.ciagan_face.CiaganFace` leaves forehead and hair, by which people are known.  A
    face is drawn with the head to it; its generator sees landmarks, in proportions that the code has, the silhouette,
    and what is round the head.

    Parameters
    ----------
    portraits, heads:
        Weights of the two generators; None for those that ship.
    """

    name = WHOLE_HEADS
    wants_heads = True

    def __init__(self, portraits: Path | None = None, heads: Path | None = None) -> None:
        super().__init__(heads=heads)
        self._portrait_weights = portraits
        self._portraits: PortraitGenerator | None = None

    def parameters(self) -> dict[str, float | int | str]:
        """Which weights."""
        return {"portraits": self._portrait_generator().fingerprint, "heads": self._head_generator().fingerprint}

    def with_landmarks(self, items: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """:meth:`render` of those whose landmarks are usable."""
        if not items:
            return []
        shapes = [face_of(item) for item in items]
        given = [
            generator_input(
                np.rint(255 * shape.surroundings).astype(np.uint8), _silhouette(shape), points_of(shape), item.code
            )
            for item, shape in zip(items, shapes, strict=True)
        ]
        surroundings, maps = (np.stack(part) for part in zip(*given, strict=True))
        with one_thread():
            pictures = self._portrait_generator()(surroundings, maps, np.stack([item.code for item in items]))
        heads = [_coloured(*three) for three in zip(items, shapes, pictures, strict=True)]
        return [
            as_seen(item, placed(item, shape, head), softly(item, _alpha(item, shape)) * ending(item, shape))
            for item, shape, head in zip(items, shapes, heads, strict=True)
        ]

    def _portrait_generator(self) -> PortraitGenerator:
        if self._portraits is None:
            from mot_anon.gan.portraits import WEIGHTS, PortraitGenerator

            self._portraits = PortraitGenerator(self._portrait_weights or WEIGHTS)
        return self._portraits


def _coloured(item: Item, shape: FaceShape, picture: Pixels) -> Pixels:
    """A portrait with the skin of the neck and the hair of the code."""
    points = points_of(shape)
    head = with_skin(picture, shape, points)
    hair = hair_of_portrait(points, head_of(_silhouette(shape), points))
    return dyed(head, hair, in_light(hair_colour(item.code), shape.surroundings))


def _silhouette(shape: FaceShape) -> Pixels:
    """(64, 64) in 0…1: where a parser sees the person, or where none looked, anywhere."""
    return np.ones_like(shape.hole) if shape.head is None or not shape.head.any() else shape.head


def _alpha(item: Item, shape: FaceShape) -> Pixels:
    """How much of a drawn head shows in an item's crop, (H, W) float32 in 0…1."""
    x1, y1, x2, y2 = shape.window.tolist()
    height, width = item.silhouette.shape
    alpha = np.zeros((height, width), np.float32)
    a1, b1, a2, b2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    if a2 > a1 and b2 > b1:
        silhouette = cv2.resize(_silhouette(shape), (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)
        shown = head_opacity(np.asarray(silhouette, np.float32), points_of(shape))
        alpha[b1:b2, a1:a2] = shown[b1 - y1 : b2 - y1, a1 - x1 : a2 - x1]
    return alpha
