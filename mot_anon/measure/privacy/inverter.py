"""A network that restores crops: published in, original out, learnt on other people."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from mot_anon.measure.privacy.backbone import AttackerNetwork
from mot_anon.measure.privacy.crops import Crops
from mot_anon.vision import augment
from mot_anon.vision.bodies import CROP_SIZE
from mot_anon.vision.cache import cache_folder
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
from mot_anon.vision.weights import load_weights, reduced_precision, save_weights

FORMAT = "mot_anon inverter 1"
WIDTHS = (32, 64, 96, 128)
_BATCH = 64


class InverterNetwork(nn.Module):
    """A U-Net that adds what it thinks is missing: (N, 3, 160, 80) in −1…1 → the same."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.first = _layer(3, a)
        self.down = nn.ModuleList([_layer(a, b, 2), _layer(b, c, 2), _layer(c, d, 2)])
        self.deep = nn.Sequential(_layer(d, d), _layer(d, d))
        self.up = nn.ModuleList([_layer(d + c, c), _layer(c + b, b), _layer(b + a, a)])
        self.last = nn.Conv2d(a, 3, 3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Published → restored."""
        maps, skips = self.first(images), []
        for layer in self.down:
            skips.append(maps)
            maps = layer(maps)
        maps = self.deep(maps)
        for layer, skip in zip(self.up, reversed(skips), strict=True):
            maps = layer(torch.cat([F.interpolate(maps, scale_factor=2.0, mode="nearest"), skip], 1))
        return (images + self.last(maps).float()).clamp(-1.2, 1.2)


def _layer(before: int, after: int, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


@dataclass(frozen=True)
class InverterConfig(TrainingConfig):
    """Settings of an inverter's training; ``recognise`` is the weight of looking like the person to the judge."""

    steps: int = 800
    batch: int = 32
    learning_rate: float = 2e-3
    save_every: int = 1000
    recognise: float = 1.0


class InverterLearner(Learner):
    """L1, and likeness in the eyes of the judge.

    Parameters
    ----------
    pairs:
        (published, original) crops, row by row the same; every batch takes one pair.
    judge:
        The network that restored crops are to be recognised by; None for L1 alone.
    """

    def __init__(
        self,
        config: InverterConfig,
        pairs: Sequence[tuple[Crops, Crops]],
        judge: AttackerNetwork | None,
        accelerator: Any,
    ) -> None:
        self.config, self.pairs, self.judge, self.accelerator = config, pairs, judge, accelerator
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = InverterNetwork().to(memory_format=torch.channels_last)
        self.averages = {"inverter": averaged(network).to(accelerator.device)}
        optimiser = torch.optim.AdamW([parameter_group(network.parameters(), config.learning_rate)])
        network, optimiser = accelerator.prepare(network, optimiser)
        self.networks = {"inverter": network}
        self.optimisers = {"inverter": optimiser}

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One batch of one publication."""
        published, original = self.pairs[number % len(self.pairs)]
        rows = draw.rng.choice(len(original), self.config.batch, replace=self.config.batch > len(original))
        theta = augment.affine(draw, len(rows), zoom=(0.95, 1.05), shift=0.03, stretch=0.03, turn=0.01)
        seen, true = (
            augment.warp(augment.to_images(side.pixels[rows]), theta, CROP_SIZE)
            .contiguous(memory_format=torch.channels_last)
            .to(self.accelerator.device)
            for side in (published, original)
        )
        restored = self.networks["inverter"](seen)
        loss = F.l1_loss(restored, true)
        told = {"l1": loss.item()}
        if self.judge is not None:
            with torch.no_grad():
                wanted = F.normalize(self.judge(true))
            unlike = 1 - (F.normalize(self.judge(restored)) * wanted).sum(1).mean()
            told["unlike"] = unlike.item()
            loss = loss + self.config.recognise * unlike
        self.optimisers["inverter"].zero_grad()
        self.accelerator.backward(loss)
        self.optimisers["inverter"].step()
        return told

    def score(self, number: int) -> dict[str, float]:
        """Nobody looks."""
        return {}

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["inverter"], out, FORMAT)


def trained_inverter(
    pairs: Sequence[tuple[Crops, Crops]], judge: AttackerNetwork | None, config: InverterConfig, log: Log
) -> InverterNetwork:
    """An inverter that learnt on the pairs; kept in the cache by their content."""
    whole = hashlib.sha256(repr(config).encode())
    for value in judge.state_dict().values() if judge is not None else ():
        whole.update(value.float().numpy().tobytes())
    for sides in pairs:
        for crops in sides:
            whole.update(crops.pixels.tobytes())
    out = cache_folder() / f"inverter-{whole.hexdigest()[:24]}.safetensors"
    if not out.is_file():
        accelerator = make_accelerator()
        train(InverterLearner(config, pairs, judge, accelerator), config, accelerator, out, log)
        out.with_suffix(".checkpoint").unlink(missing_ok=True)
    return load_weights(InverterNetwork, out, FORMAT)


@torch.inference_mode()
def restore(network: InverterNetwork, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 160, 80, 3) uint8 BGR published → restored."""
    rows = [np.zeros((0, *CROP_SIZE, 3), np.uint8)]
    for start in range(0, len(pixels), _BATCH):
        images = augment.to_images(pixels[start : start + _BATCH]).contiguous(memory_format=torch.channels_last)
        with reduced_precision():
            rows.append(augment.to_pixels(network(images).float().clamp(-1, 1)))
    return np.concatenate(rows)
