"""CIAGAN for bodies: everybody becomes somebody who does not exist, in the same pose, at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mot_anon.methods.base import CIAGAN, Item, Pixels, Shape
from mot_anon.threads import one_thread
from mot_anon.vision.look import seen_by

if TYPE_CHECKING:
    from mot_anon.gan.detail import Detail
    from mot_anon.gan.generate import Generator

_EDGE, _EDGE_OF_LARGE = (0.42, 0.78), (0.53, 0.67)  # of the silhouette: transparent below, opaque above
_DECIDED = (0.2, 0.6)  # of the silhouette that the generator sees: steadied ones are softer than those it learnt from
_STRONGEST, _STRONG, _FAINTEST = 0.995, 0.95, 0.2  # quantile of a part map, what it is brought to, and from where on
_SHARPEN = 0.6  # of a cell of the generator's: standard deviation of what is added to sharpen
_ADDED, _ADDED_TO_BODIES = 0.35, 0.8  # how much of it; with more, people fall into patches
_INSIDE = 0.9  # of the opacity: where a picture is looked at for how sharp it is
_FAR, _RISE = 0.9, 1.5  # pixels a cell: below which there is nothing to sharpen, and over how many it sets in
_LARGE = (1.5, 2.5)  # pixels a cell: from where on people count as large, and where they are so wholly


class Ciagan:
    """The generator that ships, at the resolution of the frame; whoever is near the camera passes a second stage.

    It sees where somebody stands, their silhouette, their pose and their code; never a pixel of them.

    Parameters
    ----------
    weights:
        Of the generator; None for those that ship.
    """

    name = CIAGAN
    targets = frozenset({"body", "both"})
    needs_raw = False
    uses_identity = True
    wants_silhouettes = True
    control = False

    def __init__(self, weights: Path | None = None) -> None:
        self._weights = weights
        self._made: Generator | None = None
        self._detail: Detail | None = None

    def parameters(self) -> dict[str, float | int | str]:
        """Which weights."""
        from mot_anon.gan import code_map

        return {
            "generator": self._generator().fingerprint,
            "detail": self._second_stage().fingerprint,
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
        return [
            _placed(item, shape, drawn[number], doubled.get(number), near[number])
            for number, (item, shape) in enumerate(zip(batch, shapes, strict=True))
        ]

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


def enlarged(picture: Pixels, size: tuple[int, int], added: float = _ADDED) -> Pixels:
    """A generated picture (h, w, 3) at another size (height, width), as sharp as a camera would have it.

    Enlarging spreads every edge over as many pixels as a cell has; an unsharp mask draws them together again.  What
    overshoots the colours round about is cut off.
    """
    height, width = size
    cell = height / picture.shape[0]
    if cell <= _FAR:
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32).clip(0, 1)
    large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
    near = np.ones((3, 3), np.uint8)
    low, high = (
        cv2.resize(bound(picture, near), (width, height), interpolation=cv2.INTER_LINEAR)
        for bound in (cv2.erode, cv2.dilate)
    )
    sharp = large + min(1.0, (cell - _FAR) / _RISE) * added * (large - cv2.GaussianBlur(large, (0, 0), _SHARPEN * cell))
    return np.asarray(np.clip(sharp, low, high), np.float32).clip(0, 1)


def opacity(silhouette: Pixels, large: float = 0.0) -> Pixels:
    """Alpha (H, W) of a silhouette in 0…1: its edge drawn in, so that nothing of the surroundings shines.

    The edge of whoever is ``large``, 0 to 1, is not as wide as the cells of their silhouette are.
    """
    low, high = (a + large * (b - a) for a, b in zip(_EDGE, _EDGE_OF_LARGE, strict=True))
    return _ramp(silhouette, (low, high))


def decided(silhouette: Pixels) -> Pixels:
    """What a generator sees of a silhouette (h, w) in 0…1: as firm as those it learnt from, and a cell wider.

    Cameras draw a line round everybody (those whose pictures it learnt from sharpen strongly), and so does the
    generator; a cell farther out the line lies where the picture is transparent (:func:`opacity`).
    """
    return np.asarray(cv2.dilate(_ramp(silhouette, _DECIDED), np.ones((3, 3), np.uint8)), np.float32)


def outspoken(parts: Pixels) -> Pixels:
    """Part maps (4, h, w) in 0…1, each as strong as where a parser is sure, if it says anything at all.

    Maps that were steadied along a track are fainter than those of single crops from which the generator learnt, and
    of faint heads it makes none.
    """
    strongest = np.quantile(parts, _STRONGEST, axis=(1, 2), keepdims=True)
    gain = np.where(strongest > _FAINTEST, _STRONG / np.maximum(strongest, _FAINTEST), 1)
    return np.asarray((parts * gain).clip(0, 1), np.float32)


def _ramp(silhouette: Pixels, edge: tuple[float, float]) -> Pixels:
    """0 below an edge, 1 above it, and smooth in between."""
    low, high = edge
    t = np.clip((silhouette - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


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
