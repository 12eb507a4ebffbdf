"""People put into every kind of trouble, for the parser to learn from (``mot-anon train parser``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.vision import augment
from mot_anon.vision.bodies import Bodies
from mot_anon.vision.parse import SIZE
from mot_anon.vision.training import Draw, TrainingConfig

_SURE = 0.5
_GREY = 0.0
_PIECES, _PIECE = 8, (0.35, 0.2)  # in a cluttered background: how many, and half of the largest's width and height


@dataclass(frozen=True)
class ParserConfig(TrainingConfig):
    """Settings of the parser's training.

    Attributes
    ----------
    begin:
        With which weights the way down begins: ImageNet's, or none (``none``).
    easy:
        Share of the windows that show people as their crops do; the others are in trouble.
    nobody:
        Share of those in trouble in which there is no person whom the box means.
    pasted, crossed:
        Share of them whose background is another one; share with a second person before or behind the first.
    cluttered:
        Share of other backgrounds that are full of things.
    faint:
        Share of them who wear the colours of what is behind them.
    known:
        Rate of the way down, by that of the rest.
    weight_decay:
        Of AdamW.
    dice, parts, score:
        Weights of the losses beside the silhouette's cross-entropy.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {"begin": ("imagenet", "none")}

    begin: str = "imagenet"
    steps: int = 2200
    batch: int = 64
    learning_rate: float = 3e-3
    average: float = 0.997
    save_every: int = 500
    easy: float = 0.4
    nobody: float = 0.15
    pasted: float = 0.5
    crossed: float = 0.35
    cluttered: float = 0.35
    faint: float = 0.25
    known: float = 0.25
    weight_decay: float = 1e-4
    dice: float = 0.5
    parts: float = 1.0
    score: float = 0.3


@dataclass(frozen=True)
class Scenes:
    """Windows to read and what is right: ``images`` (N, 3, 128, 64), ``maps`` (N, 5, 128, 64), ``scores`` (N,)."""

    images: Tensor
    maps: Tensor
    scores: Tensor


@dataclass
class Stage:
    """Puts people into trouble.

    Attributes
    ----------
    bodies:
        The people; those whom the teacher was not sure of are left out.
    backdrops:
        (M, 160, 80, 3) uint8 BGR: views without people.
    """

    bodies: Bodies
    backdrops: NDArray[np.uint8] = field(init=False)
    rows: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = np.flatnonzero(self.bodies.presence > _SURE)
        erased = augment.erase_crops(self.bodies.pixels[self.rows[::3]], self.bodies.silhouettes[self.rows[::3]])
        strips = mirrored_strips(self.bodies.pixels, self.bodies.silhouettes)
        self.backdrops = np.concatenate([erased, strips]) if len(strips) else erased

    def person(self, rows: NDArray[np.int64], theta: Tensor) -> tuple[Tensor, Tensor]:
        """Images, and silhouettes with parts (N, 5, …), of ``rows`` under a :func:`~augment.affine`."""
        image = augment.warp(augment.to_images(self.bodies.pixels[rows]), theta, SIZE)
        maps = np.concatenate([self.bodies.silhouettes[rows][:, None], self.bodies.parts[rows]], 1)
        return image, augment.warp(augment.to_maps(maps), theta, SIZE, outside="zeros")

    def view(self, draw: Draw, n: int, cluttered: float) -> Tensor:
        """Backdrops (N, 3, 128, 64), a share of them ``cluttered``."""
        chosen = draw.rng.choice(len(self.backdrops), n)
        theta = augment.affine(draw, n, zoom=(0.5, 1.0), shift=0.2)
        plain = augment.warp(augment.to_images(self.backdrops[chosen]), theta, SIZE)
        return torch.where(_chosen(draw, n, cluttered), self.clutter(draw, n), plain)

    def clutter(self, draw: Draw, n: int) -> Tensor:
        """Shelves, signs and glass (N, 3, 128, 64): pieces of pictures beside each other, from near, in any light."""
        chosen = draw.rng.choice(len(self.bodies), n)
        theta = augment.affine(draw, n, zoom=(0.15, 0.6), shift=0.4)
        pieces = augment.warp(augment.to_images(self.bodies.pixels[chosen]), theta, SIZE)
        pieces = augment.light(pieces, draw, amount=0.5)
        view = pieces
        down, across = torch.linspace(0, 1, SIZE[0])[None, :, None], torch.linspace(0, 1, SIZE[1])[None, None, :]
        for other in range(1, 1 + _PIECES):
            x, y = draw.uniform(n, 1, 1), draw.uniform(n, 1, 1)
            width, height = (draw.uniform(n, 1, 1, low=0.04, high=most) for most in _PIECE)
            inside = ((across - x).abs() < width) & ((down - y).abs() < height)
            view = torch.where(inside[:, None], pieces.roll(other, 0), view)
        return view

    def scenes(self, draw: Draw, config: ParserConfig) -> Scenes:
        """A batch: some as they came, the others in trouble."""
        easy = round(config.easy * config.batch)
        both = [self.easy(draw, easy)] if easy else []
        both += [self.trouble(draw, config.batch - easy, config)] if easy < config.batch else []
        images = torch.cat([some.images for some in both]).contiguous(memory_format=torch.channels_last)
        return Scenes(images, torch.cat([s.maps for s in both]), torch.cat([s.scores for s in both]))

    def easy(self, draw: Draw, n: int) -> Scenes:
        """People as their crops show them, with more or less margin, in other light."""
        rows = draw.rng.choice(self.rows, n, replace=n > len(self.rows))
        image, maps = self.person(rows, augment.affine(draw, n, zoom=(0.96, 1.2), shift=0.04, stretch=0.06))
        return Scenes(augment.light(image, draw, amount=0.15), maps, torch.ones(n))

    def trouble(self, draw: Draw, n: int, config: ParserConfig) -> Scenes:
        """Windows in every kind of trouble."""
        rows = draw.rng.choice(self.rows, n, replace=n > len(self.rows))
        theta = augment.affine(draw, n, zoom=(0.92, 1.4), shift=0.1, stretch=0.15)
        nobody = draw.uniform(n) < config.nobody
        passing = nobody & (draw.uniform(n) < 0.4)
        # A box far off its person means nobody: what stands at the window's edge is not who is asked for.
        aside = torch.where(draw.uniform(n) < 0.5, -1.0, 1.0) * draw.uniform(n, low=0.95, high=1.4)
        theta[passing, 0, 2] = aside[passing]
        image, maps = self.person(rows, theta)
        dressed = augment.recolour(image, maps[:, :1], maps[:, 1:], augment.draw_colours(draw, n))
        image = torch.where(_chosen(draw, n, 0.3), dressed, image)
        view = self.view(draw, n, config.cluttered)
        # Beyond the crop there is nothing to see but its border's repetition: zoomed-out people stand elsewhere.
        wide = (theta[:, 1, 1].abs() > 1.15)[:, None, None, None] & _chosen(draw, n, 0.6)
        image = torch.where(_chosen(draw, n, config.pasted) | wide, _over(image, maps[:, :1], view), image)
        empty = (nobody & ~passing)[:, None, None, None]
        image, maps = torch.where(empty, view, image), torch.where(empty, 0.0, maps)
        image = fade(image, maps[:, :1], draw, share=config.faint)
        image, seen = self.cross(image, maps[:, :1], draw, config.crossed)
        image, free = augment.patches(image, draw, share=0.3)
        image, inside = cut_off(image, draw, share=0.2)
        maps = maps * (seen * free * inside)
        image = augment.coarsen(augment.light(image, draw, amount=0.25), draw, share=0.5, smallest=0.1)
        image = image + 0.04 * draw.uniform(n, 1, 1, 1) ** 2 * draw.normal(*image.shape)
        image = augment.recompress(image.clamp(-1, 1), draw, share=0.4)
        maps = torch.where(nobody[:, None, None, None], 0.0, maps)
        # Whoever is nearly hidden is neither: a score for them would teach nothing.
        scores = (maps[:, 0].mean((1, 2)) / 0.08).clamp(0, 1)
        return Scenes(image, maps, scores)

    def cross(self, image: Tensor, silhouette: Tensor, draw: Draw, share: float) -> tuple[Tensor, Tensor]:
        """Let a second person stand before or behind the first; returns also what is still seen of the first."""
        n = len(image)
        rows = draw.rng.choice(self.rows, n)
        theta = augment.affine(draw, n, zoom=(0.7, 1.8), shift=0.3)
        side = torch.where(draw.uniform(n) < 0.5, -1.0, 1.0)
        theta[:, 0, 2] = side * draw.uniform(n, low=0.35, high=1.2)
        other, maps = self.person(rows, theta)
        other = augment.light(other, draw, amount=0.2)
        their = maps[:, :1] * _chosen(draw, n, share)
        before = _chosen(draw, n, 0.5)
        visible = torch.where(before, their, their * (1 - silhouette))
        return _over(other, visible, image), torch.where(before, 1 - their, torch.ones_like(their))


def still_scenes(bodies: Bodies, zoom: float) -> Scenes:
    """The crops of which the teacher was sure, undisturbed, ``zoom`` times their size in view."""
    rows = np.flatnonzero(bodies.presence > _SURE)
    theta = (torch.eye(3)[:2] * zoom).expand(len(rows), 2, 3)
    image = augment.warp(augment.to_images(bodies.pixels[rows]), theta, SIZE)
    maps = np.concatenate([bodies.silhouettes[rows][:, None], bodies.parts[rows]], 1)
    return Scenes(image, augment.warp(augment.to_maps(maps), theta, SIZE, outside="zeros"), torch.ones(len(rows)))


def mirrored_strips(pixels: NDArray[np.uint8], silhouettes: NDArray[np.uint8], narrowest: int = 3) -> NDArray[np.uint8]:
    """Views without people, made of what stands beside them: the free edge of a crop, mirrored again and again.

    (N, H, W, 3) and (N, H/2, W/2) → (M, H, W, 3) uint8.  The upper and the lower half of a crop are made apart, each
    of its own wider edge; a crop gives none if either has no edge of ``narrowest`` columns of the silhouette.
    """
    made = []
    for image, silhouette in zip(pixels, silhouettes, strict=True):
        halves = [
            _mirrored(part, shape, narrowest)
            for part, shape in zip(np.split(image, 2), np.split(silhouette, 2), strict=True)
        ]
        if halves[0] is not None and halves[1] is not None:
            made.append(np.concatenate([halves[0], halves[1]]))
    return np.stack(made) if made else np.empty((0, *pixels.shape[1:]), np.uint8)


def _mirrored(image: NDArray[np.uint8], silhouette: NDArray[np.uint8], narrowest: int) -> NDArray[np.uint8] | None:
    width = image.shape[1]
    taken = np.flatnonzero((silhouette > 25).any(0))
    left, right = (taken[0], silhouette.shape[1] - 1 - taken[-1]) if len(taken) else (silhouette.shape[1], 0)
    if max(left, right) < narrowest:
        return None
    strip = 2 * int(max(left, right)) - 2
    edge = image[:, :strip] if left >= right else image[:, width - strip :]
    there_and_back = np.concatenate([edge, edge[:, ::-1]], 1)
    return np.tile(there_and_back, (1, -(-width // there_and_back.shape[1]), 1))[:, :width]


def fade(images: Tensor, silhouettes: Tensor, draw: Draw, *, share: float) -> Tensor:
    """Let a share of people, or of their legs, take on the colours of what is behind them: dark before dark."""
    n, height = len(images), images.shape[-2]
    free = F.avg_pool2d(1 - silhouettes, 4)
    near = F.avg_pool2d(F.avg_pool2d(images * (1 - silhouettes), 4), 9, 1, 4)
    behind = F.interpolate(near / F.avg_pool2d(free, 9, 1, 4).clamp_min(0.05), size=images.shape[-2:], mode="bilinear")
    rows = torch.linspace(0, 1, height)[None, None, :, None]
    starts = torch.where(draw.uniform(n) < 0.5, -1.0, draw.uniform(n, low=0.3, high=0.7))[:, None, None, None]
    amount = draw.uniform(n, 1, 1, 1, low=0.2, high=0.8) * torch.sigmoid((rows - starts) * 40)
    return torch.where(_chosen(draw, n, share), images + silhouettes * amount * (behind - images), images)


def cut_off(images: Tensor, draw: Draw, *, share: float) -> tuple[Tensor, Tensor]:
    """Let the frame end inside a share of the windows: grey from one side; returns also where the frame is."""
    n, _, height, width = images.shape
    inside = torch.ones(n, 1, height, width)
    for row in torch.nonzero(draw.uniform(n) < share)[:, 0].tolist():
        amount, side = float(draw.uniform(1, low=0.05, high=0.6)), int(draw.rng.integers(4))
        axis, length = (1, height) if side < 2 else (2, width)
        band = inside[row].narrow(axis, 0 if side % 2 else length - int(amount * length), int(amount * length))
        band.zero_()
    return images * inside + _GREY * (1 - inside), inside


def _chosen(draw: Draw, n: int, share: float) -> Tensor:
    return (draw.uniform(n) < share)[:, None, None, None]


def _over(image: Tensor, alpha: Tensor, below: Tensor) -> Tensor:
    return image * alpha + below * (1 - alpha)
