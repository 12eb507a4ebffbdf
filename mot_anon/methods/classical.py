"""Methods without a generator: solid, pixelate, blur, and the controls recolor and none."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from mot_anon.errors import OptionError
from mot_anon.methods.base import Factory, Item, Pixels

_ALL = frozenset({"body", "face", "both"})
_UNIT = NormalDist()
SMALLEST_CELL = 4
"""Pixels; a mosaic of finer cells can be read."""
TALK_FACE = 128
"""Width in pixels of the faces that the talk's blur kernels were meant for."""


class _Base:
    """A method that covers its whole silhouette."""

    targets = _ALL
    needs_raw = True
    uses_identity = False
    wants_silhouettes = False
    control = False

    def parameters(self) -> dict[str, float | int | str]:
        """No settings."""
        return {}

    def render(self, batch: Sequence[Item]) -> list[tuple[Pixels, Pixels]]:
        """Paint every item's whole silhouette; no raw pixel at the rim."""
        return [(self.paint(item), (item.silhouette > 0).astype(np.float32)) for item in batch]

    def paint(self, item: Item) -> Pixels:
        """The colours of one item, (H, W, 3) float32 RGB in 0…1."""
        raise NotImplementedError


class Solid(_Base):
    """One colour for each identity code."""

    name = "solid"
    needs_raw = False
    uses_identity = True

    def paint(self, item: Item) -> Pixels:
        """A flat colour that the code determines."""
        return np.broadcast_to(code_colour(item.code), item.erased.shape).astype(np.float32)


class Pixelate(_Base):
    """Means over square cells, ``strength`` of them across a head.

    A cell has at least 4 px.  Where the head is too small for that many cells, the whole region becomes its mean.  In a
    tight silhouette cells are means of what is covered of them.
    """

    name = "pixelate"

    def __init__(self, cells: int = 8) -> None:
        self.cells = cells

    def parameters(self) -> dict[str, float | int | str]:
        """Cells across a head."""
        return {"strength": self.cells}

    def paint(self, item: Item) -> Pixels:
        """Cell means, the grid anchored to the region so that it moves with the person."""
        raw = _raw(item)
        cell = round(item.head / self.cells)
        if item.head / self.cells < SMALLEST_CELL:
            inside = item.silhouette > 0
            return np.broadcast_to(raw[inside].mean(0) if inside.any() else raw.mean((0, 1)), raw.shape)
        return cell_means_inside(raw, item.silhouette > 0, cell) if item.tight else cell_means(raw, cell)


class Blur(_Base):
    """A Gaussian whose kernel (9 or 17, the talk's) is meant for a face 128 px wide and follows the head's size.

    It does not shrink without end: the standard deviation stays at a quarter of the kernel in pixels (2.25 or 4.25),
    so that small faces, number plates and shirt texts lose more than large ones, not less.
    """

    name = "blur"

    def __init__(self, kernel: int = 17) -> None:
        self.kernel = kernel

    def parameters(self) -> dict[str, float | int | str]:
        """The kernel for a face 128 px wide."""
        return {"strength": self.kernel}

    def sigma(self, head: float) -> float:
        """Standard deviation in pixels for a head of ``head`` pixels; OpenCV's rule turns the kernel into one."""
        talk = 0.3 * ((self.kernel - 1) * 0.5 - 1) + 0.8
        return max(talk * head / TALK_FACE, self.kernel / 4)

    def paint(self, item: Item) -> Pixels:
        """The blurred crop."""
        return gaussian(_raw(item), self.sigma(item.head))


class Recolor(_Base):
    """A control: hues turned by one keyed angle for everybody of a camera.

    The rotation about the grey axis of the RGB cube is an isometry of colours: it keeps how different people look from
    each other, keeps their faces, and can be undone.
    """

    name = "recolor"
    control = True

    def paint(self, item: Item) -> Pixels:
        """The crop in turned colours."""
        turned = _raw(item) @ hue_rotation(item.recolouring).T
        return np.clip(turned, 0, 1).astype(np.float32)


class Unchanged(_Base):
    """A control: everybody as they were; only the encoding is new."""

    name = "none"
    control = True

    def paint(self, item: Item) -> Pixels:
        """The crop itself."""
        return _raw(item)


class Grey(_Base):
    """A control of measurements: every region the same grey, which leaves place and size and nothing else."""

    name = "grey"
    needs_raw = False
    control = True

    def paint(self, item: Item) -> Pixels:
        """Middle grey."""
        return np.full(item.erased.shape, 0.5, np.float32)


def strong_blur(item: Item) -> Pixels:
    """What covers a region of which nobody is sure that it is a person: a blur that leaves a colour or two."""
    height = item.silhouette.shape[0]
    return gaussian(_raw(item), max(8.0, item.head, height / 10))


def gaussian(pixels: Pixels, sigma: float) -> Pixels:
    """Gaussian blur with mirrored borders; large ones at a lower resolution, where they cost as much as small ones."""
    height, width = pixels.shape[:2]
    shrink = max(1, int(sigma / 6))
    size = (max(1, math.ceil(width / shrink)), max(1, math.ceil(height / shrink)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if shrink > 1 else pixels
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REFLECT)
    if shrink > 1:
        blurred = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(blurred, np.float32)


def cell_means(pixels: Pixels, cell: int) -> Pixels:
    """Replace every ``cell`` × ``cell`` square, counted from the top left, by its mean.

    What is left over at the right and at the bottom goes to the last whole cell: a sliver of its own could be a single
    raw pixel.
    """
    rows, columns = (_starts(side, cell) for side in pixels.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.float64), rows, 0), columns, 1)
    heights, widths = np.diff([*rows, pixels.shape[0]]), np.diff([*columns, pixels.shape[1]])
    means = (sums / (heights[:, None] * widths)[..., None]).astype(np.float32)
    return means.repeat(heights, 0).repeat(widths, 1)


def cell_means_inside(pixels: Pixels, inside: NDArray[np.bool_], cell: int) -> Pixels:
    """The same over the pixels ``inside`` (H, W) alone, for regions beside which the frame stays as it was.

    Of a cell at the rim no more may be told than of any other: where less than half of it is inside, its mean is that
    of the three by three cells round it, and where that is not enough either, that of the whole region.
    """
    rows, columns = (_starts(side, cell) for side in pixels.shape[:2])
    known = inside[..., None].astype(np.float64)
    both = np.concatenate([pixels * known, known], 2)
    cells = np.add.reduceat(np.add.reduceat(both, rows, 0), columns, 1)
    padded = np.pad(cells, ((1, 1), (1, 1), (0, 0)))
    height, width = cells.shape[:2]
    around = sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3))
    for more in (around, np.broadcast_to(cells.sum((0, 1)), cells.shape)):
        cells = np.where(cells[..., 3:] < cell * cell / 2, more, cells)
    means = (cells[..., :3] / np.maximum(1, cells[..., 3:])).astype(np.float32)
    heights, widths = np.diff([*rows, pixels.shape[0]]), np.diff([*columns, pixels.shape[1]])
    return means.repeat(heights, 0).repeat(widths, 1)


def _starts(side: int, cell: int) -> NDArray[np.int64]:
    return np.arange(max(1, side // cell), dtype=np.int64) * cell


def code_colour(code: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3,) RGB in 0…1: a bright colour that the first three numbers of a code determine."""
    hue, saturation, value = (_UNIT.cdf(float(number)) for number in code[:3])
    return np.array(colorsys.hsv_to_rgb(hue, 0.35 + 0.55 * saturation, 0.4 + 0.55 * value), np.float32)


def hue_rotation(bits: int) -> NDArray[np.float32]:
    """(3, 3) rotation about the grey axis by 60° to 300° (Rodrigues' formula)."""
    angle = math.radians(60 + 240 * bits / 2**32)
    axis = np.full(3, 1 / math.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return rotation.astype(np.float32)


def _raw(item: Item) -> Pixels:
    if item.raw is None:
        raise ValueError("this method needs the raw crop")
    return item.raw


def _plain(make: type[_Base]) -> Factory:
    def factory(strength: int | None) -> _Base:
        made = make()
        if strength is not None:
            raise OptionError(f"method {made.name} has no --strength")  # type: ignore[attr-defined]
        return made

    return factory  # type: ignore[return-value]


def _with_strength(name: str, make: type[Pixelate] | type[Blur], allowed: tuple[int, ...]) -> Factory:
    def factory(strength: int | None) -> Pixelate | Blur:
        if strength is None:
            return make()
        if strength not in allowed:
            raise OptionError(f"--strength {strength} for {name}; it is {' or '.join(map(str, allowed))}")
        return make(strength)

    return factory


METHODS: dict[str, Factory] = {
    "solid": _plain(Solid),
    "pixelate": _with_strength("pixelate", Pixelate, (8, 16)),
    "blur": _with_strength("blur", Blur, (9, 17)),
    "recolor": _plain(Recolor),
    "none": _plain(Unchanged),
    "grey": _plain(Grey),
}
