"""From the numbers that a key draws to codes that somebody could have, and back.

Codes of people are uncorrelated and of unit variance, but far from normal: whoever wears black above seldom wears pink
below, and most wear something dark.  A code drawn from a normal distribution, or turned, asks for combinations that no
picture of anybody has, and a generator answers with mottles.  This map is a normalising flow (real NVP: Dinh et al.,
ICLR 2017) that learnt the codes of the training people: through it normal numbers become codes as people have them, and
people's codes become normal numbers, which can be turned and stay as likely as they were.  Codes of faces are nearly
normal as they are, and have no map.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.identity import WEIGHTS as IDENTITY_WEIGHTS
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
from mot_anon.vision.weights import content_digest, load_weights, save_weights

WEIGHTS = Path(__file__).resolve().parent.parent / "weights" / "codes.safetensors"
FORMAT = "mot_anon codes 1"
_LAYERS, _WIDTH = 8, 64
_STRETCH = 1.5  # largest logarithm of a layer's scale


class CodeMap(nn.Module):
    """An invertible map of codes (N, 24): eight affine couplings, each of one half of the numbers by the other."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(_Coupling(number) for number in range(_LAYERS))
        self.register_buffer("mean", torch.zeros(CODE_SIZE))
        self.register_buffer("scale", torch.ones(CODE_SIZE))

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes of people → normal numbers (N, 24), and the logarithm (N,) of how much the map spreads there."""
        numbers, spread = (codes - self.mean) / self.scale, torch.zeros(len(codes), device=codes.device)
        for coupling in self.couplings:
            numbers, more = coupling(numbers)
            spread = spread + more
        return numbers, spread

    def natural(self, numbers: Tensor) -> Tensor:
        """Normal numbers → codes as people have them, (N, 24) both."""
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, _Coupling)
            numbers = coupling.back(numbers)
        return numbers * self.scale + self.mean


class _Coupling(nn.Module):
    order: Tensor
    back_order: Tensor

    def __init__(self, number: int) -> None:
        super().__init__()
        order = torch.randperm(CODE_SIZE, generator=torch.Generator().manual_seed(number))
        self.register_buffer("order", order)
        self.register_buffer("back_order", torch.argsort(order))
        half = CODE_SIZE // 2
        self.network = nn.Sequential(
            nn.Linear(half, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, _WIDTH), nn.SiLU(), nn.Linear(_WIDTH, 2 * half)
        )
        for parameter in self.network[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        first, second = numbers[:, self.order].chunk(2, 1)
        offset, stretch = self._affine(first)
        moved = (second - offset) * torch.exp(-stretch)
        return torch.cat([first, moved], 1)[:, self.back_order], -stretch.sum(1)

    def back(self, numbers: Tensor) -> Tensor:
        """The opposite."""
        first, second = numbers[:, self.order].chunk(2, 1)
        offset, stretch = self._affine(first)
        return torch.cat([first, second * torch.exp(stretch) + offset], 1)[:, self.back_order]

    def _affine(self, first: Tensor) -> tuple[Tensor, Tensor]:
        offset, stretch = self.network(first).chunk(2, 1)
        return offset, _STRETCH * torch.tanh(stretch / _STRETCH)


@dataclass(frozen=True)
class CodeMapConfig(TrainingConfig):
    """Settings of the map's training.

    Attributes
    ----------
    plain:
        Share of the people of a step in their own clothes; the others are recoloured.
    noise:
        Standard deviation of what is added to codes, so that the map learns where people are and not who.
    weight_decay:
        Of AdamW.
    """

    steps: int = 2000
    batch: int = 512
    learning_rate: float = 2e-3
    average: float = 0.99
    save_every: int = 500
    plain: float = 0.5
    noise: float = 0.15
    weight_decay: float = 1e-2


class CodeMapLearner(Learner):
    """Greatest likelihood of the codes of training people.

    Parameters
    ----------
    codes, val:
        (W, N, 24): codes of N pictures in W kinds of clothes, the first their own.
    """

    def __init__(self, config: CodeMapConfig, codes: Tensor, val: Tensor, accelerator: Any) -> None:
        self.config, self.codes, self.val, self.accelerator = config, codes, val, accelerator
        torch.manual_seed(config.seed)
        network = CodeMap()
        everybody = torch.cat([codes[0], codes[-1]])
        network.mean, network.scale = everybody.mean(0), everybody.std(0)
        network = network.to(accelerator.device)
        # Not accelerate's to wrap: it is tiny, and logarithms of likelihoods want full precision.
        self.networks, self.averages = {"codes": network}, {"codes": averaged(network)}
        groups = [parameter_group(network.parameters(), config.learning_rate)]
        self.optimisers = {"codes": torch.optim.AdamW(groups, weight_decay=config.weight_decay)}

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step on random codes."""
        kinds, n = len(self.codes), self.config.batch
        kind = torch.where(draw.uniform(n) < self.config.plain, 0, draw.integers(min(1, kinds - 1), kinds, n))
        codes = self.codes[kind, draw.integers(0, self.codes.shape[1], n)]
        codes = codes + self.config.noise * draw.normal(n, CODE_SIZE)
        loss = _surprise(self.networks["codes"], codes.to(self.accelerator.device))
        self.optimisers["codes"].zero_grad()
        self.accelerator.backward(loss)
        nn.utils.clip_grad_norm_(self.networks["codes"].parameters(), 5.0)
        self.optimisers["codes"].step()
        return {"surprise": loss.item()}

    @torch.no_grad()
    def score(self, number: int) -> dict[str, float]:
        """Surprise (nats) at people of ``val`` in two kinds of clothes; without couplings it is ``plainly``."""
        network = self.averages["codes"]
        assert isinstance(network, CodeMap)
        codes = torch.cat([self.val[0], self.val[-1]]).to(self.accelerator.device)
        plainly = 0.5 * (((codes - network.mean) / network.scale) ** 2).sum(1).mean()
        numbers, _ = network(codes)
        return {
            "surprise": float(_surprise(network, codes)),
            "plainly": float(plainly),
            "spread": float(numbers.std(0).mean()),
        }

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["codes"], out, FORMAT)


def _surprise(network: nn.Module, codes: Tensor) -> Tensor:
    """Negative log-likelihood (nats, up to what does not depend on the network)."""
    numbers, spread = network(codes)
    return (0.5 * (numbers**2).sum(1) - spread).mean()


def natural_codes(numbers: NDArray[np.floating[Any]], weights: Path = WEIGHTS) -> NDArray[np.float32]:
    """Numbers (N, 24) as a key draws or turns them → codes (N, 24) as people have them, for a generator.

    Rounded to float16, so that neither the batch nor the processor is seen in them.
    """
    network, given = load_code_map(weights), torch.from_numpy(np.array(numbers, np.float64))
    with torch.inference_mode():
        return np.asarray(network.natural(given).numpy().astype(np.float16), np.float32)


def normal_codes(codes: Tensor, weights: Path = WEIGHTS) -> Tensor:
    """Codes (N, 24) of people → normal numbers (N, 24) float32, that may be turned."""
    network = load_code_map(weights)
    with torch.inference_mode():
        return network(codes.double())[0].float().clone()


def fingerprint(weights: Path = WEIGHTS) -> str:
    """Of the map, for records and caches."""
    return f"codes-1-{content_digest(weights)}"


@lru_cache(maxsize=2)
def load_code_map(weights: Path = WEIGHTS) -> CodeMap:
    """The trained map, frozen, in double precision."""
    return load_weights(CodeMap, weights, FORMAT).double()


def train_code_map(
    config: CodeMapConfig, data: Path, out: Path, log: Log = print, *, identity: Path = IDENTITY_WEIGHTS
) -> Path:
    """Learn the codes of the people of ``data``'s train split, score on val, write ``out``; resumes by itself."""
    from mot_anon.gan.data import Cast
    from mot_anon.vision.bodies import load_bodies

    codes, val = (Cast(load_bodies(data, split), identity, None, config.seed).codes for split in ("train", "val"))
    accelerator = make_accelerator()
    return train(CodeMapLearner(config, codes, val, accelerator), config, accelerator, out, log)
