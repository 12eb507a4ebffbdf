"""What the generator learns from: people erased from their places, and the codes of people in many clothes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.gan.identity import IdentityNetwork, embed, load_identity
from mot_anon.gan.networks import SIZE
from mot_anon.vision import augment
from mot_anon.vision.bodies import Bodies
from mot_anon.vision.parse import Parser
from mot_anon.vision.training import Draw

WARDROBE = 4
"""How many ways a person dresses; the first is their own."""
_SURE = 0.5
RIM = 4
"""Pixels (of 128) by which the hole round a silhouette is wider than the silhouette."""


@dataclass(frozen=True)
class Places:
    """A batch of places.

    Attributes
    ----------
    real:
        (N, 3, 128, 64) in −1…1: with the person.
    background:
        The same with everything in ``hole`` filled from round about.
    shape:
        (N, 5, 128, 64) in 0…1: silhouette and parts.
    hole:
        (N, 1, 128, 64) in 0…1: the silhouette and a rim, soft at its edge.
    """

    real: Tensor
    background: Tensor
    shape: Tensor
    hole: Tensor


@dataclass(frozen=True)
class Request:
    """What a step asks for: ``codes`` (2B, 24), the ``sources`` of the places, and where the two are ``swapped``.

    ``person`` (2B,) is the wanted training person where a classifier could know them, else −1.
    """

    codes: Tensor
    sources: Tensor
    swapped: Tensor
    person: Tensor


class Cast:
    """The people of a split: where they stand, and the codes of each of their crops in each of their clothes."""

    def __init__(self, bodies: Bodies, identity: Path, parser: Path | None, seed: int) -> None:
        self.bodies = bodies
        self.rows = np.flatnonzero(bodies.presence > _SURE)
        self.colours = augment.draw_colours(Draw(seed + 1), WARDROBE * (int(bodies.person.max()) + 1))
        self.colours = self.colours.reshape(WARDROBE, -1, *self.colours.shape[1:])
        network = load_identity(identity)
        self.codes = torch.stack([self._codes(network, dress) for dress in range(WARDROBE)])
        self.people = [rows[np.isin(rows, self.rows)] for rows in bodies.members()]
        self.people = [rows for rows in self.people if len(rows)]
        self.maps = np.concatenate([bodies.silhouettes[:, None], bodies.parts], 1)
        self.read = self.maps if parser is None else read_again(bodies, Parser(parser))

    def _codes(self, network: IdentityNetwork, dress: int) -> Tensor:
        colours = self.colours[dress] if dress else None
        return network.code(embed(network, self.bodies.pixels, self.bodies if dress else None, colours))

    def pairs(self, draw: Draw, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of ``n`` people, and of another picture of each (the same where there is but one)."""
        chosen = draw.rng.choice(len(self.people), n, replace=n > len(self.people))
        first, second = [], []
        for person in chosen:
            rows = self.people[person]
            pair = draw.rng.choice(rows, 2, replace=len(rows) < 2)
            first.append(pair[0])
            second.append(pair[1])
        return np.array(first), np.array(second)

    def places(self, rows: NDArray[np.int64], dress: Tensor, draw: Draw, misread: float) -> Places:
        """Places for training: a share ``misread`` has the shape as the parser reads it, some are partly hidden."""
        n = len(rows)
        theta = augment.affine(draw, n, zoom=(0.95, 1.3), shift=0.06)
        real = augment.warp(augment.to_images(self.bodies.pixels[rows]), theta, SIZE)
        true = augment.warp(augment.to_maps(self.maps[rows]), theta, SIZE, outside="zeros")
        read = augment.warp(augment.to_maps(self.read[rows]), theta, SIZE, outside="zeros")
        real = self.dressed(real, true, rows, dress)
        shape = torch.where((draw.uniform(n) < misread)[:, None, None, None], read, true)
        real, free = augment.patches(real, draw, share=0.2)
        real = augment.light(real, draw, amount=0.12)
        person = torch.maximum(true[:, :1], read[:, :1]) * free
        return place(real, person, shape * free, others=augment.blobs(real, draw, share=0.3))

    def still(self, rows: NDArray[np.int64], zoom: float = 1.15) -> Places:
        """Places to look at: undisturbed, with the margin that windows have."""
        theta = (torch.eye(3)[:2] * zoom).expand(len(rows), 2, 3)
        real = augment.warp(augment.to_images(self.bodies.pixels[rows]), theta, SIZE)
        shape = augment.warp(augment.to_maps(self.read[rows]), theta, SIZE, outside="zeros")
        return place(real, shape[:, :1], shape)

    def dressed(self, images: Tensor, maps: Tensor, rows: NDArray[np.int64], dress: Tensor) -> Tensor:
        """Images (N, 3, H, W) of ``rows`` in the clothes ``dress`` (N,)."""
        colours = self.colours[dress, torch.from_numpy(self.bodies.person[rows])]
        other = augment.recolour(images, maps[:, :1], maps[:, 1:], colours)
        return torch.where((dress > 0)[:, None, None, None], other, images)


def place(real: Tensor, person: Tensor, shape: Tensor, others: Tensor | None = None) -> Places:
    """Erase ``person`` (N, 1, H, W in 0…1) and a rim, and ``others`` besides, from ``real``."""
    hole = rim(person)
    holes = hole if others is None else torch.maximum(hole, others)
    pixels = augment.to_pixels(real)
    filled = [augment.fill(image, empty) for image, empty in zip(pixels, (holes[:, 0] > 0.02).numpy(), strict=True)]
    return Places(real, augment.to_images(np.stack(filled)), shape, hole)


def generator_input(places: Places, kind: str) -> Tensor:
    """What the generator may look at: the erased place, or (an ablation) the person or face themselves."""
    return places.real if kind in ("person", "face") else places.background


def repeated(maps: Tensor, copies: int) -> Tensor:
    """All of them, then all again."""
    return torch.cat([maps] * copies)


def rim(silhouettes: Tensor, width: int = RIM) -> Tensor:
    """Silhouettes (N, 1, H, W) widened by ``width`` pixels, soft over the outer half."""
    wide = F.max_pool2d((silhouettes > 0.25).float(), 2 * width - 1, 1, width - 1)
    return F.avg_pool2d(wide, 5, 1, 2, count_include_pad=False)


def read_again(bodies: Bodies, parser: Parser) -> NDArray[np.uint8]:
    """(N, 5, 80, 40) uint8: silhouettes and parts of all crops as the parser reads them."""
    height, width = bodies.silhouettes.shape[1:]
    found = np.empty((len(bodies), 5, height, width), np.uint8)
    for start in range(0, len(bodies), 64):
        part = slice(start, start + 64)
        crops = [cv2.resize(crop, SIZE[::-1], interpolation=cv2.INTER_AREA) for crop in bodies.pixels[part]]
        maps = torch.from_numpy(parser.read(np.stack(crops))[0])
        small = F.interpolate(maps, size=(height, width), mode="bilinear", antialias=True)
        found[part] = (255 * small).round().to(torch.uint8).numpy()
    return found
