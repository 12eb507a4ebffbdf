"""CIAGAN for bodies: everybody becomes somebody who does not exist, in the same pose, at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mot_anon.methods.base import CIAGAN, Item, Pixels, Shape
from mot_anon.methods.drawing import decided, enlarged, opacity, outspoken
from mot_anon.methods.portraits import with_portraits
from mot_anon.threads import one_thread
from mot_anon.vision.look import seen_by

if TYPE_CHECKING:
    from mot_anon.gan.detail import Detail
    from mot_anon.gan.generate import Generator
    from mot_anon.gan.portraits import PortraitGenerator

_ADDED_TO_BODIES = 0.8  # how much is added to sharpen; with more, people fall into patches
_INSIDE = 0.9  # of the opacity: where a picture is looked at for how sharp it is
_LARGE = (1.5, 2.5)  # pixels a cell: from where on people count as large, and where they are so wholly


class Ciagan:
    """The generator that ships, at the resolution of the frame; whoever is near the camera passes a second stage.

    It sees where somebody stands, their silhouette, their pose and their code; never a pixel of them.  Whose face is
    large enough to be seen gets a head of its own (:mod:`mot_anon.methods.portraits`).

    Parameters
    ----------
    weights:
        Of the generator; None for those that ship.
    portraits:
        Of that of portraits; None for those that ship.
    """

    name = CIAGAN
    targets = frozenset({"body", "both"})
    needs_raw = False
    uses_identity = True
    wants_silhouettes = True
    control = False

    def __init__(self, weights: Path | None = None, portraits: Path | None = None) -> None:
        self._weights, self._portrait_weights = weights, portraits
        self._made: Generator | None = None
        self._detail: Detail | None = None
        self._portraits: PortraitGenerator | None = None

    def parameters(self) -> dict[str, float | int | str]:
        """Which weights."""
        from mot_anon.gan import code_map

        return {
            "generator": self._generator().fingerprint,
            "detail": self._second_stage().fingerprint,
            "portraits": self._portrait_generator().fingerprint,
            "codes": code_map.fingerprint(),
        }

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """Draw everybody of a frame at once; alpha is the silhouette with a narrow edge."""
        if not batch:
            return []
        from mot_anon.gan.code_map import natural_codes

        shapes = [_shape(item) for item in batch]
        silhouettes = np.stack([decided(shape.silhouette) for shape in shapes])
        parts = np.stack([outspoken(shape.parts) for shape in shapes])
        with one_thread():
            drawn = self._generator()(
                np.stack([shape.surroundings for shape in shapes]),
                silhouettes,
                parts,
                natural_codes(np.stack([item.code for item in batch])),
            )
            maps = np.concatenate([silhouettes[:, None], parts], 1)
            near = [_nearness(shape) for shape in shapes]
            large = [number for number, share in enumerate(near) if share > 0]
            doubled = dict(zip(large, self._second_stage().nearer(drawn[large], maps[large]), strict=True))
        bodies = [
            _placed(item, shape, drawn[number], doubled.get(number), near[number])
            for number, (item, shape) in enumerate(zip(batch, shapes, strict=True))
        ]
        if all(item.portrait is None for item in batch):
            return bodies
        with one_thread():
            return with_portraits(batch, bodies, self._portrait_generator())

    def _portrait_generator(self) -> PortraitGenerator:
        if self._portraits is None:
            from mot_anon.gan.portraits import WEIGHTS, PortraitGenerator

            self._portraits = PortraitGenerator(self._portrait_weights or WEIGHTS)
        return self._portraits

    def _second_stage(self) -> Detail:
        if self._detail is None:
            from mot_anon.gan.detail import Detail

            self._detail = Detail()
        return self._detail

    def _generator(self) -> Generator:
        if self._made is None:
            from mot_anon.gan.generate import WEIGHTS, Generator

            self._made = Generator(self._weights or WEIGHTS)
        return self._made


def _placed(item: Item, shape: Shape, picture: Pixels, doubled: Pixels | None, near: float) -> tuple[Pixels, Pixels]:
    x1, y1, x2, y2 = shape.window.tolist()
    size = (y2 - y1, x2 - x1)
    large = enlarged(picture, size, _ADDED_TO_BODIES)
    if doubled is not None:
        large = large + near * (enlarged(doubled, size, _ADDED_TO_BODIES) - large)
    height, width = item.erased.shape[:2]
    rgb = item.erased.copy()
    a1, b1, a2, b2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
    alpha = np.zeros((height, width), np.float32)
    if a2 > a1 and b2 > b1:
        alpha[b1:b2, a1:a2] = opacity(item.silhouette[b1:b2, a1:a2], near)
        part = np.ascontiguousarray(large[b1 - y1 : b2 - y1, a1 - x1 : a2 - x1])
        if item.look is not None:
            part = seen_by(item.look, part, alpha[b1:b2, a1:a2] > _INSIDE)
        rgb[b1:b2, a1:a2] = part
    return rgb, alpha


def _nearness(shape: Shape) -> float:
    """0 of whoever is as small as the generator draws, 1 of whoever is large."""
    far, near = _LARGE
    cell = (shape.window[3] - shape.window[1]) / shape.silhouette.shape[0]
    return float(min(1.0, max(0.0, (cell - far) / (near - far))))


def _shape(item: Item) -> Shape:
    if item.shape is None:
        raise ValueError("this method needs to know where silhouettes and parts are")
    return item.shape
