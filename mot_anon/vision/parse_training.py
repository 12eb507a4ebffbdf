"""Training of the parser (``mot-anon train parser``): the teacher's silhouettes, in every kind of trouble."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.vision import augment
from mot_anon.vision.bodies import Bodies, load_bodies
from mot_anon.vision.parse import FORMAT, SIZE, ParserNetwork
from mot_anon.vision.training import (
    Draw,
    Learner,
    Log,
    TrainingConfig,
    averaged,
    make_accelerator,
    parameter_group,
    train,
)
from mot_anon.vision.weights import save_weights

_SURE = 0.5
_GREY = 0.0


@dataclass(frozen=True)
class ParserConfig(TrainingConfig):
    """Settings of the parser's training.

    Attributes
    ----------
    easy:
        Share of the windows that show people as their crops do; the others are in trouble.
    nobody:
        Share of those in trouble in which there is no person whom the box means.
    pasted, crossed:
        Share of them whose background is another one; share with a second person before or behind the first.
    weight_decay:
        Of AdamW.
    dice, parts, score:
        Weights of the losses beside the silhouette's cross-entropy.
    """

    steps: int = 3000
    batch: int = 64
    learning_rate: float = 3e-3
    average: float = 0.997
    easy: float = 0.4
    nobody: float = 0.15
    pasted: float = 0.5
    crossed: float = 0.35
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

    def view(self, draw: Draw, n: int) -> Tensor:
        """Backdrops (N, 3, 128, 64)."""
        chosen = draw.rng.choice(len(self.backdrops), n)
        theta = augment.affine(draw, n, zoom=(0.5, 1.0), shift=0.2)
        return augment.warp(augment.to_images(self.backdrops[chosen]), theta, SIZE)

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
        view = self.view(draw, n)
        # Beyond the crop there is nothing to see but its border's repetition: zoomed-out people stand elsewhere.
        wide = (theta[:, 1, 1].abs() > 1.15)[:, None, None, None] & _chosen(draw, n, 0.6)
        image = torch.where(_chosen(draw, n, config.pasted) | wide, _over(image, maps[:, :1], view), image)
        empty = (nobody & ~passing)[:, None, None, None]
        image, maps = torch.where(empty, view, image), torch.where(empty, 0.0, maps)
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


class ParserLearner(Learner):
    """Cross-entropy and dice on silhouettes, cross-entropy on parts and score."""

    def __init__(
        self, config: ParserConfig, bodies: Bodies, val: Bodies, accelerator: Any, samples: Path | None
    ) -> None:
        self.config, self.accelerator, self.samples = config, accelerator, samples
        self.stage, self.val = Stage(bodies), val
        self.hard = Stage(val).trouble(Draw(config.seed + 1), min(512, len(val)), ParserConfig())
        torch.manual_seed(config.seed)
        network = ParserNetwork().to(memory_format=torch.channels_last)
        self.averages = {"parser": averaged(network).to(accelerator.device)}
        groups = [parameter_group(network.parameters(), config.learning_rate)]
        optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        network, optimiser = accelerator.prepare(network, optimiser)
        self.networks, self.optimisers = {"parser": network}, {"parser": optimiser}

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step on new scenes."""
        scenes = self.stage.scenes(draw, self.config)
        device = self.accelerator.device
        maps, scores = self.networks["parser"](scenes.images.to(device))
        losses = parser_losses(maps.float(), scores.float(), scenes.maps.to(device), scenes.scores.to(device))
        weights = {"silhouette": 1.0, "dice": self.config.dice, "parts": self.config.parts, "score": self.config.score}
        self.optimisers["parser"].zero_grad()
        self.accelerator.backward(sum(weights[name] * loss for name, loss in losses.items()))
        self.optimisers["parser"].step()
        return {name: loss.item() for name, loss in losses.items()}

    def score(self, number: int) -> dict[str, float]:
        """Mean IoU on val: crops as they are, with the margin that a window has, and in trouble; how sure it is."""
        plain, margin = (still_scenes(self.val, zoom) for zoom in (1.0, 1.15))
        maps, scores = self.read(self.hard.images)
        if self.samples is not None:
            rows = [self.hard.images[:24], maps[:24, :1], self.hard.maps[:24, :1]]
            rows += [maps[:24, 1:4] * 2 - 1, self.hard.maps[:24, 1:4] * 2 - 1]
            self.samples.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(self.samples / f"parser-{number:06d}.png"), augment.sheet([list(row) for row in rows]))
        some = self.hard.scores >= 1
        return {
            "IoU": float(overlap(self.read(plain.images)[0][:, 0], plain.maps[:, 0]).mean()),
            "IoU in a window": float(overlap(self.read(margin.images)[0][:, 0], margin.maps[:, 0]).mean()),
            "IoU in trouble": float(overlap(maps[some, 0], self.hard.maps[some, 0]).mean()),
            "score of somebody": float((scores[some] > 0.5).float().mean()),
            "score of nobody": float((scores[self.hard.scores == 0] > 0.5).float().mean()),
        }

    @torch.inference_mode()
    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Maps and scores in 0…1 by the average."""
        device, maps, scores = self.accelerator.device, [], []
        for start in range(0, len(images), 128):
            with self.accelerator.autocast():
                some, sure = self.averages["parser"](images[start : start + 128].to(device))
            maps.append(torch.sigmoid(some.float()).cpu())
            scores.append(torch.sigmoid(sure.float()).cpu())
        return torch.cat(maps), torch.cat(scores)

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["parser"], out, FORMAT)


def parser_losses(maps: Tensor, scores: Tensor, true_maps: Tensor, true_scores: Tensor) -> dict[str, Tensor]:
    """Losses of logits (N, 5, H, W) and (N,) against values in 0…1.

    ``score`` leaves out scenes whose person is nearly hidden (a true score strictly between 0 and 1).
    """
    sure = ((true_scores == 0) | (true_scores == 1)).float()
    score = F.binary_cross_entropy_with_logits(scores, true_scores, reduction="none")
    silhouette, true = torch.sigmoid(maps[:, 0]), true_maps[:, 0]
    common = 2 * (silhouette * true).sum((1, 2)) + 1
    return {
        "silhouette": F.binary_cross_entropy_with_logits(maps[:, 0], true),
        "dice": (1 - common / (silhouette.square().sum((1, 2)) + true.square().sum((1, 2)) + 1)).mean(),
        "parts": F.binary_cross_entropy_with_logits(maps[:, 1:], true_maps[:, 1:]),
        "score": (score * sure).sum() / sure.sum().clamp_min(1),
    }


def overlap(found: Tensor, true: Tensor) -> Tensor:
    """Intersection over union (N,) of maps (N, H, W), both cut at 0.5; 1 where both are empty."""
    a, b = found > 0.5, true > 0.5
    union = (a | b).sum((1, 2))
    return torch.where(union > 0, (a & b).sum((1, 2)) / union.clamp_min(1), 1.0)


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


def train_parser(config: ParserConfig, data: Path, out: Path, log: Log = print, *, samples: Path | None = None) -> Path:
    """Train on ``data``'s train split, score on val, write ``out`` (safetensors, float16); resumes by itself.

    Pictures of what it reads go to the folder ``samples``; they show real people.
    """
    accelerator = make_accelerator()
    learner = ParserLearner(config, load_bodies(data, "train"), load_bodies(data, "val"), accelerator, samples)
    return train(learner, config, accelerator, out, log)
