"""The identity network: who somebody is, as a code (CIAGAN, section 3.2: Proxy-NCA on real images first).

Its codes are what the generator is asked for.  A key draws codes from a normal distribution, and a camera may turn
them, so every direction of a code must mean something that can be seen of somebody.  Of an embedding's many directions
most are noise, which no generator can draw and which a rotation would fill with most of what is known of a person.  So
a matrix that is stored with the weights keeps those few directions in which two cameras agree on a person, each with
unit variance over people (canonical directions of the two views, after whitening).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from mot_anon.vision import augment
from mot_anon.vision.bodies import Bodies, load_bodies
from mot_anon.vision.training import (
    Draw,
    EmbeddingLearner,
    Log,
    Proxies,
    TrainingConfig,
    make_accelerator,
    train,
)
from mot_anon.vision.weights import load_weights, reduced_precision, save_weights

INPUT_SIZE = (128, 64)
"""Height and width of a crop."""
EMBEDDING_SIZE = 128
"""Length of an embedding."""
CODE_SIZE = 24
"""Length of a code: with more, people of ``val`` are found less often by their codes."""
WIDTHS = (32, 32, 64, 64, 128, 128, 256)
WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "identity.safetensors"
FORMAT = "mot_anon identity 2"


class IdentityNetwork(nn.Module):
    """Crops in, embeddings out; :meth:`code` takes from them what says who somebody is.

    Parameters
    ----------
    widths:
        Channels of the stem and of every block; a block that widens halves the size.
    grid:
        Height and width of the last maps where places in the crop mean something (aligned faces); None takes mean and
        maximum over them.
    grey:
        Sees no colour: nobody is known by it.
    """

    mean: Tensor
    whitening: Tensor

    def __init__(self, widths: Sequence[int] = WIDTHS, grid: tuple[int, int] | None = None, grey: bool = False) -> None:
        super().__init__()
        self.grid, self.grey = grid, grey
        self.stem = nn.Sequential(
            nn.Conv2d(1 if grey else 3, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.blocks = nn.ModuleList(_Residual(a, b) for a, b in itertools.pairwise(widths))
        pooled = widths[-1] * (2 if grid is None else grid[0] * grid[1])
        self.project = nn.Linear(pooled, EMBEDDING_SIZE, bias=False)
        self.neck = nn.BatchNorm1d(EMBEDDING_SIZE, affine=False)
        self.register_buffer("mean", torch.zeros(EMBEDDING_SIZE))
        self.register_buffer("whitening", torch.eye(EMBEDDING_SIZE, CODE_SIZE))

    def features(self, crops: Tensor) -> list[Tensor]:
        """(N, 3, 128, 64) in −1…1 → the maps of every block, fine to coarse."""
        maps, found = self.stem(augment.luma(crops) if self.grey else crops), []
        for block in self.blocks:
            maps = block(maps)
            found.append(maps)
        return found

    def head(self, maps: Tensor) -> Tensor:
        """The last maps of :meth:`features` → embeddings (N, 128), float32."""
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1) if self.grid is None else maps.flatten(1)
        with torch.autocast(pooled.device.type, enabled=False):
            return self.neck(self.project(pooled.float()))

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 3, 128, 64) float32 in −1…1 → embeddings (N, 128), zero mean and unit variance over people."""
        return self.head(self.features(crops)[-1])

    def code(self, embeddings: Tensor) -> Tensor:
        """Embeddings (N, 128) → codes (N, 24): uncorrelated over people, as standard normal numbers are."""
        return (embeddings.float() - self.mean) @ self.whitening


class _Residual(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        stride = 1 if before == after else 2
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.skip = nn.Identity() if before == after else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.body(maps) + self.skip(maps))


@dataclass(frozen=True)
class IdentityConfig(TrainingConfig):
    """Settings of the identity network's training.

    Attributes
    ----------
    proxy_learning_rate, weight_decay:
        Of the proxies, and of AdamW.
    scale, smoothing:
        Inverse temperature and label smoothing of Proxy-NCA.
    decorrelation:
        Weight of the penalty on correlated numbers; five times as much in the second half, when people are known.
    """

    steps: int = 1600
    batch: int = 96
    learning_rate: float = 3e-3
    proxy_learning_rate: float = 1e-2
    weight_decay: float = 5e-4
    scale: float = 16.0
    smoothing: float = 0.05
    decorrelation: float = 0.1


class IdentityLearner(EmbeddingLearner):
    """Proxy-NCA over the training people, and over each of them once more in other clothes."""

    def __init__(self, config: IdentityConfig, bodies: Bodies, val: Bodies, accelerator: Any) -> None:
        self.config, self.bodies, self.val, self.accelerator = config, bodies, val, accelerator
        torch.manual_seed(config.seed)
        people = int(bodies.person.max()) + 1
        self.begin(IdentityNetwork(), 2 * people)
        self.colours = augment.draw_colours(Draw(config.seed + 1), people)
        self.backgrounds = augment.erase_crops(bodies.pixels, bodies.silhouettes)

    def begin(self, network: IdentityNetwork, people: int) -> None:
        """Take a network into training, with a proxy for each of ``people``."""
        self.assemble("identity", network.to(memory_format=torch.channels_last), Proxies(people, EMBEDDING_SIZE))

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step on random crops."""
        images, labels = self.crops(self.rows(draw), draw)
        embeddings = self.networks["identity"](images.to(self.accelerator.device))
        loss, penalty = self.losses(embeddings, labels.to(self.accelerator.device))
        self.optimisers["identity"].zero_grad()
        weight = self.config.decorrelation * (1 if progress < 0.5 else 5)
        self.accelerator.backward(loss + weight * penalty)
        self.optimisers["identity"].step()
        return {"proxy-nca": loss.item(), "correlation": penalty.item()}

    def rows(self, draw: Draw) -> NDArray[np.int64]:
        """Which crops a step learns from."""
        return draw.rng.choice(len(self.bodies), self.config.batch, replace=False)

    def losses(self, embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Proxy-NCA, and the squared correlations of the numbers of a code (per number)."""
        proxies = self.networks["proxies"]()
        logits = self.config.scale * F.normalize(embeddings) @ F.normalize(proxies).T
        loss = F.cross_entropy(logits, labels, label_smoothing=self.config.smoothing)
        return loss, correlation(embeddings)

    def crops(self, rows: NDArray[np.int64], draw: Draw) -> tuple[Tensor, Tensor]:
        """Augmented crops of ``rows`` and their labels: half of them in the person's other clothes."""
        n = len(rows)
        theta = augment.affine(draw, n, zoom=(0.85, 1.2), shift=0.08)
        images = augment.warp(augment.to_images(self.bodies.pixels[rows]), theta, INPUT_SIZE)
        silhouettes = augment.warp(augment.to_maps(self.bodies.silhouettes[rows]), theta, INPUT_SIZE, outside="zeros")
        parts = augment.warp(augment.to_maps(self.bodies.parts[rows]), theta, INPUT_SIZE, outside="zeros")
        people = torch.from_numpy(self.bodies.person[rows])
        other = draw.uniform(n) < 0.5
        dressed = augment.recolour(images, silhouettes, parts, self.colours[people])
        images = torch.where(other[:, None, None, None], dressed, images)
        labels = people + other * len(self.colours)
        # Nobody is to be known by the wall behind them.
        moved = draw.rng.permutation(rows)
        elsewhere = augment.warp(augment.to_images(self.backgrounds[moved]), theta, INPUT_SIZE)
        pasted = images * silhouettes + elsewhere * (1 - silhouettes)
        images = torch.where((draw.uniform(n) < 0.5)[:, None, None, None], pasted, images)
        images = augment.coarsen(augment.light(images, draw), draw, share=0.3, smallest=0.2)
        images, _ = augment.patches(images, draw, share=0.3)
        return images.contiguous(memory_format=torch.channels_last), labels

    def score(self, number: int) -> dict[str, float]:
        """Cross-camera rank-1 of the average on ``val``, and how uneven its codes' variances are."""
        network = self.averages["identity"]
        assert isinstance(network, IdentityNetwork)
        embeddings = embed(network, self.val.pixels)
        variances = torch.linalg.eigvalsh(torch.cov(embeddings.T))
        similarity = F.normalize(embeddings) @ F.normalize(embeddings).T
        camera, person = torch.from_numpy(self.val.camera), torch.from_numpy(self.val.person)
        similarity[camera[:, None] == camera[None]] = -2
        hits = person[similarity.argmax(1)] == person
        return {"rank-1": float(hits.float().mean()), "least": float(variances[0]), "most": float(variances[-1])}

    def export(self, out: Path) -> None:
        """Measure on the training crops what makes codes of embeddings, and write the average.

        The mean is that of people in both wardrobes; directions and variances are those of people as they came, since
        recoloured ones wear all colours alike.
        """
        network = self.averages["identity"]
        assert isinstance(network, IdentityNetwork)
        plain = embed(network, self.bodies.pixels)
        dressed = embed(network, self.bodies.pixels, self.bodies, self.colours)
        network.whitening = whitening(plain, self.bodies.person, self.bodies.camera)[1]
        network.mean = torch.cat([plain, dressed]).mean(0)
        save_weights(network, out, FORMAT)


def correlation(embeddings: Tensor) -> Tensor:
    """Sum of squared covariances of different numbers, over how many numbers there are; 0 for white embeddings."""
    centred = embeddings - embeddings.mean(0)
    covariance = centred.T @ centred / (len(embeddings) - 1)
    return (covariance - torch.diag(covariance.diag())).square().sum() / embeddings.shape[1]


def whitening(
    embeddings: Tensor, person: NDArray[np.integer[Any]], view: NDArray[np.integer[Any]] | None = None
) -> tuple[Tensor, Tensor]:
    """Mean (D,) and matrix (D, CODE_SIZE) after which embeddings have unit covariance and say who somebody is.

    Parameters
    ----------
    embeddings:
        (N, D), of pictures of people.
    person, view:
        (N,): whose picture it is, and by which camera; None where every picture is a view of its own.
    """
    mean = embeddings.double().mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(embeddings.double().T))
    root = vectors @ torch.diag(values.clamp_min(0.02).rsqrt()) @ vectors.T
    _, directions = torch.linalg.eigh(agreement((embeddings.double() - mean) @ root, person, view))
    return mean.float(), (root @ directions.flip(1)[:, :CODE_SIZE]).float()


def agreement(
    embeddings: Tensor, person: NDArray[np.integer[Any]], view: NDArray[np.integer[Any]] | None = None
) -> Tensor:
    """(D, D): covariance of embeddings (N, D) between different views of one person, over people seen twice."""
    total, people = torch.zeros(embeddings.shape[1], embeddings.shape[1], dtype=embeddings.dtype), 0
    views = np.arange(len(person)) if view is None else view
    for rows in np.split(np.argsort(person, kind="stable"), np.flatnonzero(np.diff(np.sort(person))) + 1):
        seen = torch.stack([embeddings[rows[views[rows] == one]].mean(0) for one in np.unique(views[rows])])
        if len(seen) > 1:
            both = seen.sum(0)[:, None] * seen.sum(0) - seen.T @ seen
            total, people = total + both / (len(seen) * (len(seen) - 1)), people + 1
    return total / max(1, people)


@torch.inference_mode()
def embed(
    network: IdentityNetwork, pixels: NDArray[np.uint8], bodies: Bodies | None = None, colours: Tensor | None = None
) -> Tensor:
    """(N, H, W, 3) uint8 BGR → (N, 128) float32; with ``bodies`` and ``colours`` in everybody's other clothes."""
    device, rows = network.mean.device, []
    still = torch.eye(3)[:2]
    for start in range(0, len(pixels), 128):
        part = slice(start, start + 128)
        images = augment.to_images(pixels[part])
        theta = still.expand(len(images), 2, 3)
        images = augment.warp(images, theta, INPUT_SIZE)
        if bodies is not None and colours is not None:
            silhouettes = augment.warp(augment.to_maps(bodies.silhouettes[part]), theta, INPUT_SIZE)
            parts = augment.warp(augment.to_maps(bodies.parts[part]), theta, INPUT_SIZE)
            images = augment.recolour(images, silhouettes, parts, colours[torch.from_numpy(bodies.person[part])])
        with reduced_precision(device.type):
            rows.append(network(images.contiguous(memory_format=torch.channels_last).to(device)).float().cpu())
    return torch.cat(rows).clone()


@lru_cache(maxsize=2)
def load_identity(weights: Path = WEIGHTS) -> IdentityNetwork:
    """The trained network, frozen."""
    return load_weights(IdentityNetwork, weights, FORMAT)


def train_identity(config: IdentityConfig, data: Path, out: Path, log: Log = print) -> Path:
    """Train on ``data``'s train split, score on val, write ``out`` (safetensors, float16); resumes by itself."""
    accelerator = make_accelerator()
    learner = IdentityLearner(config, load_bodies(data, "train"), load_bodies(data, "val"), accelerator)
    return train(learner, config, accelerator, out, log)
