"""From the numbers that a key draws to codes that somebody could have, and back.

Codes of people are uncorrelated and of unit variance, but far from normal: whoever wears black above seldom wears pink
below, and most wear something dark.  A code drawn from a normal distribution, or turned, asks for combinations that no
picture of anybody has, and a generator answers with mottles.  This map is a normalising flow (real NVP: Dinh et al.,
ICLR 2017) that learnt the codes of the training people: through it normal numbers become codes as people have them, and
people's codes become normal numbers, which can be turned and stay as likely as they were.  Codes of faces are nearly
normal as they are, and have no map.

Whoever turns numbers wants people to be as alike afterwards as they were before.  Two things help.  The map learns to
keep distances, and pays for it with a little likelihood.  And its numbers come in the order of how much they say about
looks (how far the identity network's embedding moves with them), so that the prominent ones can be turned among
themselves (:mod:`mot_anon.plan.identities`).
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

from mot_anon.gan.identity import CODE_SIZE, embed, load_identity
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
FORMAT = "mot_anon codes 2"
_LAYERS, _WIDTH = 8, 64
_STRETCH = 1.5  # largest logarithm of a layer's scale
_PAIRS = (1, 7, 31)  # how far apart in a batch those are whose distance is looked at


class CodeMap(nn.Module):
    """An invertible map of codes (N, 24): eight affine couplings, each of one half of the numbers by the other."""

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(_Coupling(number) for number in range(_LAYERS))
        self.register_buffer("mean", torch.zeros(CODE_SIZE))
        self.register_buffer("basis", torch.eye(CODE_SIZE))
        self.register_buffer("scale", torch.ones(CODE_SIZE))

    def scaled(self, codes: Tensor) -> Tensor:
        """Codes (N, 24) in the map's own directions, of zero mean and unit variance over the training people."""
        return (codes - self.mean) @ self.basis / self.scale

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes of people → normal numbers (N, 24), and the logarithm (N,) of how much the map spreads there."""
        numbers, spread = self.scaled(codes), torch.zeros(len(codes), device=codes.device)
        for coupling in self.couplings:
            numbers, more = coupling(numbers)
            spread = spread + more
        return numbers, spread

    def natural(self, numbers: Tensor) -> Tensor:
        """Normal numbers → codes as people have them, (N, 24) both."""
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, _Coupling)
            numbers = coupling.back(numbers)
        return numbers * self.scale @ self.basis.T + self.mean


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
    distances:
        Weight of the squared error of distances between people.
    weight_decay:
        Of AdamW.
    """

    steps: int = 2000
    batch: int = 512
    learning_rate: float = 2e-3
    average: float = 0.99
    save_every: int = 500
    plain: float = 0.8
    noise: float = 0.15
    distances: float = 10.0
    weight_decay: float = 1e-2


class CodeMapLearner(Learner):
    """Greatest likelihood of the codes of training people, at distances as they were.

    Parameters
    ----------
    codes, val:
        (W, N, 24): codes of N pictures in W kinds of clothes, the first their own.
    embeddings:
        (N, D): of the pictures as they are; their directions are the map's.
    """

    def __init__(self, config: CodeMapConfig, codes: Tensor, embeddings: Tensor, val: Tensor, accelerator: Any) -> None:
        self.config, self.codes, self.val, self.accelerator = config, codes, val, accelerator
        torch.manual_seed(config.seed)
        network = CodeMap()
        network.basis, weights = prominence(codes[0], embeddings)
        everybody = torch.cat([codes[0], codes[-1]])
        network.mean = everybody.mean(0)
        network.scale = ((everybody - network.mean) @ network.basis).std(0)
        network = network.to(accelerator.device)
        self.weights = weights.to(accelerator.device)
        # Not accelerate's to wrap: it is tiny, and logarithms of likelihoods want full precision.
        self.networks, self.averages = {"codes": network}, {"codes": averaged(network)}
        groups = [parameter_group(network.parameters(), config.learning_rate)]
        self.optimisers = {"codes": torch.optim.AdamW(groups, weight_decay=config.weight_decay)}

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step on random codes."""
        kinds, n = len(self.codes), self.config.batch
        kind = torch.where(draw.uniform(n) < self.config.plain, 0, draw.integers(min(1, kinds - 1), kinds, n))
        codes = self.codes[kind, draw.integers(0, self.codes.shape[1], n)]
        codes = (codes + self.config.noise * draw.normal(n, CODE_SIZE)).to(self.accelerator.device)
        network = self.networks["codes"]
        assert isinstance(network, CodeMap)
        numbers, spread = network(codes)
        surprise, bent = _surprise(numbers, spread), self._bent(network.scaled(codes), numbers)
        self.optimisers["codes"].zero_grad()
        self.accelerator.backward(surprise + self.config.distances * bent)
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        self.optimisers["codes"].step()
        return {"surprise": surprise.item(), "distances": bent.item()}

    def _bent(self, codes: Tensor, numbers: Tensor) -> Tensor:
        """Mean squared error of distances (codes of unit variance), each direction as much as it is prominent."""
        errors = [
            self._distances(numbers, numbers.roll(far, 0)) - self._distances(codes, codes.roll(far, 0))
            for far in _PAIRS
        ]
        return torch.stack(errors).square().mean()

    def _distances(self, some: Tensor, others: Tensor) -> Tensor:
        return (((some - others) ** 2) * self.weights).sum(1).clamp_min(1e-12).sqrt()

    @torch.no_grad()
    def score(self, number: int) -> dict[str, float]:
        """Surprise (nats) at people of ``val`` in two kinds of clothes; without couplings it is ``plainly``."""
        network = self.averages["codes"]
        assert isinstance(network, CodeMap)
        codes = torch.cat([self.val[0], self.val[-1]]).to(self.accelerator.device)
        numbers, spread = network(codes)
        return {
            "surprise": float(_surprise(numbers, spread)),
            "plainly": float(0.5 * (network.scaled(codes) ** 2).sum(1).mean()),
            "distances": float(self._bent(network.scaled(codes), numbers)),
            "spread": float(numbers.std(0).mean()),
        }

    def export(self, out: Path) -> None:
        """Write the average."""
        save_weights(self.averages["codes"], out, FORMAT)


def _surprise(numbers: Tensor, spread: Tensor) -> Tensor:
    """Negative log-likelihood (nats, up to what does not depend on the network)."""
    return (0.5 * (numbers**2).sum(1) - spread).mean()


def prominence(codes: Tensor, embeddings: Tensor) -> tuple[Tensor, Tensor]:
    """Directions of codes in the order of how far embeddings move along them, and by how much.

    Parameters
    ----------
    codes, embeddings:
        (N, 24) and (N, D) of the same pictures.

    Returns
    -------
    (24, 24), orthogonal, a direction a column; and (24,), of mean 1: squared lengths of what moves.
    """
    centred = (codes - codes.mean(0)).double()
    moves = torch.linalg.lstsq(centred, (embeddings - embeddings.mean(0)).double(), driver="gelsd").solution
    values, directions = torch.linalg.eigh(moves @ moves.T)
    values = values.clamp_min(0).flip(0)
    return directions.flip(1).float(), (values / values.mean().clamp_min(1e-12)).float()


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
    return f"codes-2-{content_digest(weights)}"


@lru_cache(maxsize=2)
def load_code_map(weights: Path = WEIGHTS) -> CodeMap:
    """The trained map, frozen, in double precision."""
    network = load_weights(CodeMap, weights, FORMAT).double()
    # Directions that were rounded for the file are not quite at right angles; the way back is their transpose.
    left, _, right = torch.linalg.svd(network.basis)
    network.basis = left @ right
    return network


def train_code_map(
    config: CodeMapConfig, data: Path, out: Path, log: Log = print, *, identity: Path = IDENTITY_WEIGHTS
) -> Path:
    """Learn the codes of the people of ``data``'s train split, score on val, write ``out``; resumes by itself."""
    from mot_anon.gan.data import Cast
    from mot_anon.vision.bodies import load_bodies

    bodies = load_bodies(data, "train")
    codes = Cast(bodies, identity, None, config.seed).codes
    embeddings = embed(load_identity(identity), bodies.pixels)
    val = Cast(load_bodies(data, "val"), identity, None, config.seed).codes
    accelerator = make_accelerator()
    return train(CodeMapLearner(config, codes, embeddings, val, accelerator), config, accelerator, out, log)
