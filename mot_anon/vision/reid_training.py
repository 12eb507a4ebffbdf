"""Training of the re-ID network (``mot-anon train reid``).

One loop: P people × K crops a batch and a normalised softmax over the training people (Proxy-NCA, Movshovitz-Attias
et al., ICCV 2017, in the form of Zhai & Wu, BMVC 2019).  A batch-hard triplet beside it kept a network that starts from
nothing from learning at all.  The weights that ship are an exponential moving average.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mot_anon.errors import FormatError, NotFoundError, OptionError
from mot_anon.vision.osnet import FEATURES, INPUT_SIZE, ReidNetwork, to_input

Log = Callable[[str], None]


@dataclass(frozen=True)
class ReidConfig:
    """Settings of one training run; a name that is not here is an error.

    Attributes
    ----------
    steps, people, crops:
        Number of steps; people a batch and crops of each.
    learning_rate, proxy_learning_rate, weight_decay:
        Of AdamW; the learning rates rise over the first 2 % of the run and fall by a cosine.
    scale, smoothing:
        Inverse temperature and label smoothing of the softmax.
    average:
        Decay per step of the moving average of the weights.
    seed:
        Of everything random.
    save_every:
        Steps between checkpoints and scores on ``val``.
    """

    steps: int = 9000
    people: int = 32
    crops: int = 2
    learning_rate: float = 3e-3
    proxy_learning_rate: float = 1e-2
    weight_decay: float = 5e-4
    scale: float = 16.0
    smoothing: float = 0.05
    average: float = 0.998
    seed: int = 0
    save_every: int = 500

    @classmethod
    def from_settings(cls, settings: dict[str, str]) -> ReidConfig:
        """Build from ``name → text``; raises :class:`OptionError` for an unknown name or a value of another type."""
        fields: dict[str, type[Any]] = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, text in settings.items():
            if name not in fields:
                raise OptionError(f"unknown setting {name!r}; there is: {', '.join(fields)}")
            try:
                values[name] = fields[name](text)
            except ValueError:
                raise OptionError(f"{name}={text!r} is not {fields[name].__name__}") from None
        return cls(**values)


@dataclass(frozen=True)
class Crops:
    """One split in memory: ``pixels`` (N, 128, 64, 3) uint8 BGR, ``person`` and ``camera`` (N,) int64."""

    pixels: NDArray[np.uint8]
    person: NDArray[np.int64]
    camera: NDArray[np.int64]


def load_crops(data: Path, split: str) -> Crops:
    """Read one split of a ``bodies`` folder (``index.csv``, ``SPLIT/images/NAME.jpg``)."""
    index = data / "index.csv"
    if not index.is_file():
        raise NotFoundError(f"{index}: not there; --data is a folder with index.csv and SPLIT/images/NAME.jpg")
    with index.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"split", "name", "person", "camera"} - set(reader.fieldnames or [])
        if missing:
            raise FormatError(index, 1, f"has no column {', '.join(sorted(missing))}")
        rows = [row for row in reader if row["split"] == split]
    if not rows:
        raise FormatError(index, None, f"has no rows of the split {split!r}")
    height, width = INPUT_SIZE
    pixels = np.empty((len(rows), height, width, 3), np.uint8)
    for position, row in enumerate(rows):
        path = data / split / "images" / f"{row['name']}.jpg"
        image = cv2.imread(str(path))
        if image is None:
            raise FormatError(path, None, "cannot be read as a picture")
        pixels[position] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    people = {name: number for number, name in enumerate(sorted({row["person"] for row in rows}))}
    cameras = {name: number for number, name in enumerate(sorted({row["camera"] for row in rows}))}
    return Crops(
        pixels,
        np.array([people[row["person"]] for row in rows], np.int64),
        np.array([cameras[row["camera"]] for row in rows], np.int64),
    )


def train_reid(config: ReidConfig, data: Path, out: Path, log: Log = print) -> Path:
    """Train on ``data``'s train split, score on val, write ``out`` (safetensors, float16).

    ``out`` with the suffix ``.checkpoint`` holds the state to resume from; a run that was interrupted goes on from its
    last checkpoint to the same result.  Returns ``out``.
    """
    crops, val = load_crops(data, "train"), load_crops(data, "val")
    people = int(crops.person.max()) + 1
    if config.people > people:
        raise OptionError(f"people={config.people}: there are {people} people to train on")
    run = _Run(config, people)
    checkpoint = out.with_suffix(".checkpoint")
    if checkpoint.is_file():
        run.resume(checkpoint)
        log(f"resumed at step {run.step}")
    members = [np.flatnonzero(crops.person == person) for person in range(people)]
    started, first, losses = time.monotonic(), run.step, []
    while run.step < config.steps:
        chosen = run.rng.choice(people, config.people, replace=False)
        rows = np.concatenate(
            [run.rng.choice(members[p], config.crops, replace=len(members[p]) < config.crops) for p in chosen]
        )
        losses.append(run.learn(crops.pixels[rows], crops.person[rows]))
        if run.step % 100 == 0:
            pace = (time.monotonic() - started) / (run.step - first)
            left = pace * (config.steps - run.step) / 60
            log(f"step {run.step} loss {np.mean(losses[-100:]):.3f} {pace:.2f} s/step, {left:.0f} min left")
        if run.step % config.save_every == 0 or run.step == config.steps:
            scores = cross_camera(embed(run.average, val.pixels), val)
            log(f"step {run.step} val " + " ".join(f"{name} {value:.3f}" for name, value in scores.items()))
            run.save(checkpoint)
    average = run.average
    gate = calibrate_gate(embed(average, crops.pixels), crops)
    from mot_anon.vision.embed import save_network

    save_network(average, out, gate=gate)
    log(f"wrote {out}: {out.stat().st_size / 1e6:.2f} MB, gate {gate:.3f}")
    return out


class _Run:
    """Everything that changes during training, and what a checkpoint therefore holds."""

    def __init__(self, config: ReidConfig, people: int) -> None:
        self.config = config
        self.step = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)  # layers draw their first weights from the global generator
            self.network = ReidNetwork().to(memory_format=torch.channels_last)
            self.average = ReidNetwork()
            self.proxies = torch.nn.Parameter(torch.randn(people, FEATURES) * 0.1)
        self.average.load_state_dict(self.network.state_dict())
        self.average.requires_grad_(False).eval()
        groups: list[dict[str, Any]] = [{"params": self.network.parameters()}, {"params": [self.proxies]}]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.rng = np.random.default_rng(config.seed)
        self.network.train()

    def learn(self, pixels: NDArray[np.uint8], person: NDArray[np.int64]) -> float:
        """One step on a batch of crops; returns its loss."""
        config, rate = self.config, _schedule(self.step / self.config.steps)
        self.optimiser.param_groups[0]["lr"] = config.learning_rate * rate
        self.optimiser.param_groups[1]["lr"] = config.proxy_learning_rate * rate
        images = augment(to_input(torch.from_numpy(pixels)), self.generator)
        logits = config.scale * F.normalize(self.network(images)) @ F.normalize(self.proxies).T
        loss = F.cross_entropy(logits, torch.from_numpy(person), label_smoothing=config.smoothing)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.step += 1
        _follow(self.average, self.network, min(config.average, self.step / (self.step + 10)))
        return loss.item()

    def save(self, checkpoint: Path) -> None:
        """Write the state; a kill leaves the file before it."""
        state = {"config": dataclasses.asdict(self.config), "network": self.network.state_dict(), "step": self.step}
        state |= {"average": self.average.state_dict(), "optimiser": self.optimiser.state_dict()}
        state |= {"proxies": self.proxies.data, "generator": self.generator.get_state()}
        state |= {"rng": self.rng.bit_generator.state}
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)

    def resume(self, checkpoint: Path) -> None:
        """Read the state; raises :class:`OptionError` where it was made with other settings."""
        state = torch.load(checkpoint, weights_only=True)
        if state["config"] != dataclasses.asdict(self.config):
            raise OptionError(f"{checkpoint}: made with other settings; remove it or use the same")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.proxies.data.copy_(state["proxies"])
        self.generator.set_state(state["generator"])
        self.rng.bit_generator.state = state["rng"]
        self.step = state["step"]


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """What tracking crops suffer: flips, loose boxes, light, occlusion from below and beside, low resolution, noise.

    (N, 3, H, W) float32 in −1…1 → the same.
    """
    n, _, height, width = images.shape

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return torch.rand(*shape, generator=generator) * (high - low) + low

    flip = torch.where(uniform(n) < 0.5, -1.0, 1.0)
    zoom_x, zoom_y = uniform(n, low=0.8, high=1.15), uniform(n, low=0.85, high=1.1)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = flip * zoom_x, zoom_y
    theta[:, 0, 1] = uniform(n, low=-0.1, high=0.1)
    theta[:, 0, 2], theta[:, 1, 2] = uniform(n, low=-0.1, high=0.1), uniform(n, low=-0.08, high=0.08)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    images = images * uniform(n, 1, 1, 1, low=0.85, high=1.15) + uniform(n, 1, 1, 1, low=-0.15, high=0.15)
    images = images + uniform(n, 3, 1, 1, low=-0.04, high=0.04)
    images = images + 0.03 * uniform(n, 1, 1, 1) * torch.randn(images.shape, generator=generator)
    coarse = torch.nonzero(uniform(n) < 0.3)[:, 0]
    if len(coarse):
        factor = float(uniform(1, low=0.25, high=0.7))
        small = F.interpolate(images[coarse], scale_factor=factor, mode="bilinear", antialias=True)
        images[coarse] = F.interpolate(small, size=(height, width), mode="bilinear")
    for position in torch.nonzero(uniform(n) < 0.35)[:, 0].tolist():
        h, w = (
            int(uniform(1, low=low, high=high) * side) for low, high, side in ((0.1, 0.5, height), (0.15, 0.7, width))
        )
        top = height - h if uniform(1) < 0.4 else int(uniform(1) * (height - h))
        left = int(uniform(1) * (width - w))
        images[position, :, top : top + h, left : left + w] = uniform(3, 1, 1, low=-1.0)
    return images.clamp(-1, 1).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def embed(network: ReidNetwork, pixels: NDArray[np.uint8], batch: int = 128) -> NDArray[np.float32]:
    """(N, 128, 64, 3) uint8 BGR → (N, 256) float32 of unit length."""
    rows = [network(to_input(torch.from_numpy(pixels[i : i + batch]))) for i in range(0, len(pixels), batch)]
    return F.normalize(torch.cat(rows)).numpy()


def cross_camera(embeddings: NDArray[np.float32], crops: Crops) -> dict[str, float]:
    """Rank-1 and mean average precision (fractions) of every crop of one camera against all crops of the other."""
    similarity = embeddings @ embeddings.T
    scores: dict[str, float] = {}
    for name, query, gallery in (("a→b", 0, 1), ("b→a", 1, 0)):
        rows, columns = np.flatnonzero(crops.camera == query), np.flatnonzero(crops.camera == gallery)
        order = np.argsort(-similarity[np.ix_(rows, columns)], axis=1, kind="stable")
        hits = crops.person[columns][order] == crops.person[rows][:, None]
        hits = hits[hits.any(1)]
        precision = np.cumsum(hits, 1) / np.arange(1, hits.shape[1] + 1)
        scores[f"rank-1 {name}"] = float(hits[:, 0].mean())
        scores[f"mAP {name}"] = float(((precision * hits).sum(1) / hits.sum(1)).mean())
    return scores


def calibrate_gate(embeddings: NDArray[np.float32], crops: Crops, false_accepts: float = 0.001) -> float:
    """Cosine distance below which at most ``false_accepts`` of pairs of *different* people in one camera fall.

    Pairs of different people are what the gate must keep apart, and unlike pairs of one person they say the same on
    crops that were trained on: the network was asked to separate people, and learnt to up to the margin that it has.
    """
    distances = []
    for camera in np.unique(crops.camera):
        rows = np.flatnonzero(crops.camera == camera)
        distance = 1 - embeddings[rows] @ embeddings[rows].T
        different = crops.person[rows][:, None] != crops.person[rows][None]
        distances.append(distance[different][::7])
    return float(np.quantile(np.concatenate(distances), false_accepts))


def _schedule(progress: float) -> float:
    warm = min(1.0, progress / 0.02 + 0.02)
    return warm * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-4


@torch.no_grad()
def _follow(average: ReidNetwork, network: ReidNetwork, decay: float) -> None:
    source = network.state_dict()
    for name, value in average.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(source[name], 1 - decay)
        else:
            value.copy_(source[name])
