"""What the generator of heads learns from: the heads of pedestrians, and the places that they leave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan.data import Places, read_again
from mot_anon.gan.heads import SIZE
from mot_anon.vision import augment
from mot_anon.vision.bodies import CROP_SIZE, Bodies
from mot_anon.vision.heads import AROUND, brightest_box
from mot_anon.vision.parse import Parser
from mot_anon.vision.training import Draw
from mot_anon.vision.turned import drawn, emptied, head_shares, shown

_SEEN = 100  # of 255: how bright the parser has to draw a head for it to be learnt from
_PRESENT = 0.5
_SMALLEST = 0.125  # of a person's height: what a head measures at least
_WIDER = (2, 15)  # pixels by which more than the head is erased: regions are wider than heads
_RESTORED = 0.4  # share of places in which what stands behind a head is known


@dataclass(frozen=True)
class HeadPlaces(Places):
    """Places of heads, 64×64; ``shape`` is the opacity, the parser's head and its silhouette.

    ``seen`` (N, 1, 64, 64) in 0…1 is what lies inside the picture; ``real`` is 0 beyond, and nothing is judged there.
    """

    seen: Tensor


class HeadSource(Protocol):
    """Heads to learn from."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """Those that can be drawn."""

    def some(self, draw: Draw, n: int) -> NDArray[np.int64]:
        """``n`` of them, as training sees them."""

    def places(self, rows: NDArray[np.int64], draw: Draw, unread: float) -> HeadPlaces:
        """Places for training; a share is ``unread``."""

    def still(self, rows: NDArray[np.int64]) -> HeadPlaces:
        """Places to look at."""


class HeadCast:
    """The heads of a split's people, and where they are."""

    def __init__(self, bodies: Bodies, parser: Path | None) -> None:
        self.bodies = bodies
        taught = np.concatenate([bodies.silhouettes[:, None], bodies.parts], 1)
        self.maps = (taught if parser is None else read_again(bodies, Parser(parser)))[:, :4]
        self.rows = np.flatnonzero((bodies.presence > _PRESENT) & (self.maps[:, 1].max((1, 2)) >= _SEEN))
        self.windows = np.zeros((len(bodies), 4))
        for row in self.rows:
            self.windows[row] = head_window(self.maps[row, 1])

    def some(self, draw: Draw, n: int) -> NDArray[np.int64]:
        """``n`` heads."""
        return np.asarray(draw.rng.choice(self.rows, n), np.int64)

    def places(self, rows: NDArray[np.int64], draw: Draw, unread: float) -> HeadPlaces:
        """Places for training: a little beside, in other light, coarse, compressed."""
        n = len(rows)
        change = augment.affine(draw, n, zoom=(0.88, 1.15), shift=0.06, stretch=0.05, turn=0.06)
        theta = self._theta(rows, change)
        maps = augment.warp(augment.to_maps(self.maps[rows]), theta, SIZE, outside="zeros")
        images = augment.warp(augment.to_images(self.bodies.pixels[rows]), theta, SIZE)
        images = augment.light(images, draw, amount=0.3)
        images = augment.recompress(augment.coarsen(images, draw, share=0.3, smallest=0.35), draw, share=0.2)
        read = (draw.uniform(n) >= unread).float()[:, None, None]
        maps[:, 1] *= read
        wider = draw.integers(*_WIDER, n) * (draw.uniform(n) >= _RESTORED)
        return self._place(images, maps, theta, augment.blobs(images, draw, share=0.2), wider)

    def still(self, rows: NDArray[np.int64]) -> HeadPlaces:
        """Places to look at: undisturbed."""
        n = len(rows)
        theta = self._theta(rows, torch.eye(3)[:2].expand(n, 2, 3))
        maps = augment.warp(augment.to_maps(self.maps[rows]), theta, SIZE, outside="zeros")
        images = augment.warp(augment.to_images(self.bodies.pixels[rows]), theta, SIZE)
        return self._place(images, maps, theta, torch.zeros(n, 1, *SIZE), torch.full((n,), 6))

    def _theta(self, rows: NDArray[np.int64], change: Tensor) -> Tensor:
        """(N, 2, 3) for :func:`~mot_anon.vision.augment.warp`: from crops to windows, ``change`` before."""
        size = torch.tensor([CROP_SIZE[1], CROP_SIZE[0]])
        windows = torch.from_numpy(self.windows[rows]).float()
        scale = ((windows[:, 2:] - windows[:, :2]) / size)[:, :, None]
        middle = ((windows[:, :2] + windows[:, 2:]) / size - 1)[:, :, None]
        return torch.cat([scale * change[:, :, :2], scale * change[:, :, 2:] + middle], 2)

    @staticmethod
    def _place(images: Tensor, maps: Tensor, theta: Tensor, others: Tensor, wider: Tensor) -> HeadPlaces:
        n = len(images)
        inside = augment.warp(torch.ones(n, 1, *CROP_SIZE), theta, SIZE, outside="zeros")
        opaque = shown(head_shares(maps.numpy()))
        filled = []
        pixels, besides = augment.to_pixels(images), others[:, 0].numpy() > 0
        for image, other, head, more in zip(pixels, besides, opaque, wider.tolist(), strict=True):
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(more) + 1, 2 * int(more) + 1))
            region = cv2.dilate(drawn(head), kernel) > 0
            # Regions are wider than heads: first all of one is taken out, then what is drawn anew, as in frames.
            filled.append(emptied(augment.fill(image, region | other), head))
        seen, background = (inside > 0.99).float(), augment.to_images(np.stack(filled))
        hole = torch.from_numpy(opaque)[:, None]
        real = (hole * images + (1 - hole) * background) * seen
        return HeadPlaces(real, background, torch.cat([hole, maps[:, 1:2], maps[:, :1]], 1), hole, seen)


def head_window(head: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The square window (4,) x1, y1, x2, y2, in pixels of a crop, of the head in a parser's map of it."""
    box = brightest_box(head, np.array([0.0, 0.0, CROP_SIZE[1], CROP_SIZE[0]]))
    middle, half = box[:2] + box[2:] / 2, AROUND / 2 * max(*box[2:], _SMALLEST * CROP_SIZE[0])
    return np.concatenate([middle - half, middle + half])
