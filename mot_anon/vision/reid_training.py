"""Training of the re-ID network (``mot-anon train reid``).

Fifteen hundred people are few: a network learns them by heart and knows others badly.  So everybody comes in several
versions, as photographed and in clothes of other colours, each a class of its own, and before other people's walls.
With a teacher (:mod:`~mot_anon.vision.distil`) the network learns to see what that sees; without one it learns a
normalised softmax over the classes (Proxy-NCA, Movshovitz-Attias et al., ICCV 2017, in the form of Zhai & Wu, BMVC
2019).  The weights that ship are an exponential moving average.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.errors import OptionError
from mot_anon.vision import augment
from mot_anon.vision.bodies import Bodies, load_bodies
from mot_anon.vision.distil import Lessons, Teacher, take_lessons
from mot_anon.vision.embed import save_network
from mot_anon.vision.osnet import FEATURES, INPUT_SIZE, ReidNetwork, to_input
from mot_anon.vision.training import (
    Draw,
    EmbeddingLearner,
    Log,
    Proxies,
    TrainingConfig,
    make_accelerator,
    train,
)


@dataclass(frozen=True)
class ReidConfig(TrainingConfig):
    """Settings of the re-ID network's training.

    Attributes
    ----------
    versions, plain:
        In how many versions everybody comes, the first as photographed; share of crops that are of the first.
    proxy_learning_rate, weight_decay:
        Of the proxies, and of AdamW.
    scale, smoothing:
        Inverse temperature and label smoothing of the softmax without a teacher.
    trust, regression:
        With a teacher: how much of the answer is the teacher's and not the name; weight of the cosine to its features.
    """

    steps: int = 8000
    learning_rate: float = 3e-3
    save_every: int = 500
    versions: int = 4
    plain: float = 0.4
    proxy_learning_rate: float = 1e-2
    weight_decay: float = 5e-4
    scale: float = 16.0
    smoothing: float = 0.05
    trust: float = 0.7
    regression: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.versions < 1:
            raise OptionError(f"versions={self.versions}: there is at least one, as photographed")


class ReidLearner(EmbeddingLearner):
    """Learns to tell people apart, from names or from a teacher."""

    def __init__(
        self, config: ReidConfig, bodies: Bodies, val: Bodies, accelerator: Any, teacher: Teacher | None = None
    ) -> None:
        if config.batch > len(bodies):
            raise OptionError(f"batch={config.batch}: there are {len(bodies)} crops to train on")
        self.config, self.bodies, self.val, self.accelerator = config, bodies, val, accelerator
        self.people = int(bodies.person.max()) + 1
        self.backgrounds = augment.erase_crops(bodies.pixels, bodies.silhouettes)
        colours = augment.draw_colours(Draw(config.seed + 1), (config.versions - 1) * self.people)
        wardrobes = colours.reshape(config.versions - 1, self.people, *colours.shape[1:])
        self.versions = np.stack([bodies.pixels, *(dressed(bodies, part) for part in wardrobes)])
        self.labels = (bodies.person + self.people * np.arange(config.versions)[:, None]).astype(np.int64)
        self.lessons: Lessons | None = None
        if teacher is not None:
            shown = self.versions.reshape(-1, *self.versions.shape[2:])
            self.lessons = take_lessons(teacher, shown, self.labels.reshape(-1), FEATURES)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)  # layers draw their first weights from the global generator
            network = ReidNetwork().to(memory_format=torch.channels_last)
            proxies = Proxies(self.people * config.versions if teacher is None else 1, FEATURES)
        self.assemble("reid", network, proxies)

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step on random crops."""
        config, device = self.config, self.accelerator.device
        rows = draw.rng.choice(len(self.bodies), config.batch, replace=False)
        other = draw.rng.random(config.batch) >= config.plain
        version = other * draw.rng.integers(min(1, config.versions - 1), config.versions, config.batch)
        embeddings = self.networks["reid"](self.crops(rows, version, draw).to(device)).float()
        if self.lessons is None:
            logits = config.scale * F.normalize(embeddings) @ F.normalize(self.networks["proxies"]()).T
            labels = torch.from_numpy(self.labels[version, rows]).to(device)
            loss = F.cross_entropy(logits, labels, label_smoothing=config.smoothing)
            told = {"proxy-nca": loss.item()}
        else:
            where = torch.from_numpy(version * len(self.bodies) + rows)
            softmax, distance = self.lessons.losses(embeddings.cpu(), where, config.scale, config.trust)
            loss = softmax + config.regression * distance
            told = {"softmax": softmax.item(), "distance": distance.item()}
        self.optimisers["reid"].zero_grad()
        self.accelerator.backward(loss)
        self.optimisers["reid"].step()
        return told

    def crops(self, rows: NDArray[np.int64], version: NDArray[np.int64], draw: Draw) -> Tensor:
        """Augmented crops (N, 3, 128, 64): what tracking's crops suffer, and half of them before another's wall."""
        n = len(rows)
        theta = augment.affine(draw, n, zoom=(0.87, 1.15), shift=0.07)
        images = augment.warp(augment.to_images(self.versions[version, rows]), theta, INPUT_SIZE)
        moved = torch.nonzero(draw.uniform(n) < 0.5)[:, 0]
        walls = draw.rng.integers(0, len(self.backgrounds), len(moved))
        elsewhere = augment.warp(augment.to_images(self.backgrounds[walls]), theta[moved], INPUT_SIZE)
        silhouettes = augment.to_maps(self.bodies.silhouettes[rows[moved.numpy()]])
        silhouettes = augment.warp(silhouettes, theta[moved], INPUT_SIZE, outside="zeros")
        images[moved] = images[moved] * silhouettes + elsewhere * (1 - silhouettes)
        images = augment.coarsen(augment.light(images, draw), draw, share=0.25, smallest=0.25)
        images, _ = augment.patches(images, draw, share=0.25)
        return images.contiguous(memory_format=torch.channels_last)

    def score(self, number: int) -> dict[str, float]:
        """Rank-1 and mean average precision of the average across the cameras of ``val``."""
        return cross_camera(embed(self._average, self.val.pixels), self.val)

    def export(self, out: Path) -> None:
        """Write the average, with the gate that belongs to it."""
        save_network(self._average, out, gate=calibrate_gate(embed(self._average, self.bodies.pixels), self.bodies))

    @property
    def _average(self) -> ReidNetwork:
        network = self.averages["reid"]
        assert isinstance(network, ReidNetwork)
        return network


def dressed(bodies: Bodies, colours: Tensor, batch: int = 128) -> NDArray[np.uint8]:
    """All crops, (N, 160, 80, 3) uint8 BGR, with everybody in clothes of the ``colours`` (people, 2, 6)."""
    size = bodies.pixels.shape[1:3]
    redone = []
    for start in range(0, len(bodies), batch):
        part = slice(start, start + batch)
        maps = np.concatenate([bodies.silhouettes[part, None], bodies.parts[part]], 1)
        large = F.interpolate(augment.to_maps(maps), size=size, mode="bilinear")
        images = augment.to_images(bodies.pixels[part])
        chosen = colours[torch.from_numpy(bodies.person[part])]
        redone.append(augment.to_pixels(augment.recolour(images, large[:, :1], large[:, 1:], chosen)))
    return np.concatenate(redone)


@torch.inference_mode()
def embed(network: ReidNetwork, pixels: NDArray[np.uint8], batch: int = 128) -> NDArray[np.float32]:
    """(N, H, W, 3) uint8 BGR → (N, 256) float32 of unit length."""
    height, width = INPUT_SIZE
    small = np.stack([cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA) for crop in pixels])
    device = network.neck.weight.device
    rows = [network(to_input(torch.from_numpy(small[i : i + batch]).to(device))) for i in range(0, len(small), batch)]
    return np.asarray(F.normalize(torch.cat(rows)).cpu().numpy(), np.float32)


def cross_camera(embeddings: NDArray[np.float32], bodies: Bodies) -> dict[str, float]:
    """Rank-1 and mean average precision (fractions) of every crop of one camera against all crops of the other."""
    similarity = embeddings @ embeddings.T
    scores: dict[str, float] = {}
    for name, query, gallery in (("a→b", 0, 1), ("b→a", 1, 0)):
        rows, columns = np.flatnonzero(bodies.camera == query), np.flatnonzero(bodies.camera == gallery)
        order = np.argsort(-similarity[np.ix_(rows, columns)], axis=1, kind="stable")
        hits = bodies.person[columns][order] == bodies.person[rows][:, None]
        hits = hits[hits.any(1)]
        precision = np.cumsum(hits, 1) / np.arange(1, hits.shape[1] + 1)
        scores[f"rank-1 {name}"] = float(hits[:, 0].mean())
        scores[f"mAP {name}"] = float(((precision * hits).sum(1) / hits.sum(1)).mean())
    return scores


def calibrate_gate(embeddings: NDArray[np.float32], bodies: Bodies, false_accepts: float = 0.001) -> float:
    """Cosine distance below which at most ``false_accepts`` of pairs of *different* people in one camera fall.

    Pairs of different people are what the gate must keep apart, and unlike pairs of one person they say the same on
    crops that were trained on: the network was asked to separate people, and learnt to up to the margin that it has.
    """
    distances = []
    for camera in np.unique(bodies.camera):
        rows = np.flatnonzero(bodies.camera == camera)
        distance = 1 - embeddings[rows] @ embeddings[rows].T
        different = bodies.person[rows][:, None] != bodies.person[rows][None]
        distances.append(distance[different][::7])
    return float(np.quantile(np.concatenate(distances), false_accepts))


def train_reid(config: ReidConfig, data: Path, out: Path, log: Log = print, *, teacher: Teacher | None = None) -> Path:
    """Train on ``data``'s train split, score on val, write ``out`` (safetensors, float16); resumes by itself."""
    accelerator = make_accelerator()
    learner = ReidLearner(config, load_bodies(data, "train"), load_bodies(data, "val"), accelerator, teacher)
    return train(learner, config, accelerator, out, log)
