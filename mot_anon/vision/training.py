"""The loop that trains the parser, the identity network and the generator.

A :class:`Learner` knows its networks and what one step is; :func:`train` does the rest: learning rates, moving
averages, log, checkpoints and resuming.  Devices and precision are accelerate's: on one CPU it computes in bfloat16,
on a GPU where there is one, and ``accelerate launch --num_processes N -m mot_anon train …`` uses N of them.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from mot_anon.errors import MissingExtraError, OptionError

Log = Callable[[str], None]
Self = TypeVar("Self", bound="TrainingConfig")
Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class TrainingConfig:
    """Settings that every training has; a name that is not there is an error.

    Attributes
    ----------
    steps, batch:
        Number of steps, and crops a step (of one device).
    learning_rate:
        At its highest.
    average:
        Decay per step of the moving average of the weights, which is what ships.
    seed:
        Of everything random.
    save_every:
        Steps between checkpoints, scores and sample sheets.
    """

    choices: ClassVar[dict[str, tuple[str, ...]]] = {}

    steps: int = 1000
    batch: int = 64
    learning_rate: float = 2e-3
    average: float = 0.998
    seed: int = 0
    save_every: int = 250

    def __post_init__(self) -> None:
        for name, allowed in self.choices.items():
            if getattr(self, name) not in allowed:
                raise OptionError(f"{name}={getattr(self, name)!r}; there is: {', '.join(allowed)}")
        for name, least in (("steps", 1), ("batch", 1), ("save_every", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise OptionError(f"{name}={getattr(self, name)}: at least {least}")

    @classmethod
    def from_settings(cls: type[Self], settings: dict[str, str]) -> Self:
        """Build from ``name → text``; raises :class:`OptionError` for an unknown name or a value of another type."""
        kinds = {field.name: type(getattr(cls, field.name)) for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, text in settings.items():
            key = name.replace("-", "_")
            if key not in kinds:
                raise OptionError(f"unknown setting {name!r}; there is: {', '.join(kinds)}")
            try:
                values[key] = kinds[key](text)
            except ValueError:
                raise OptionError(f"{name}={text!r} is not {kinds[key].__name__}") from None
        return cls(**values)


class Draw:
    """Where a training's randomness comes from; its state goes into the checkpoint."""

    def __init__(self, seed: int, process: int = 0) -> None:
        self.rng = np.random.default_rng((seed, process))
        self.generator = torch.Generator().manual_seed(seed * 1009 + process)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform numbers in ``low``…``high``, float32."""
        return torch.rand(*shape, generator=self.generator) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, float32."""
        return torch.randn(*shape, generator=self.generator)

    def integers(self, low: int, high: int, n: int) -> Tensor:
        """(n,) int64 in ``low``…``high - 1``."""
        return torch.randint(low, high, (n,), generator=self.generator)

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` needs."""
        return {"rng": self.rng.bit_generator.state, "generator": self.generator.get_state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from where ``state`` was taken."""
        self.rng.bit_generator.state = state["rng"]
        self.generator.set_state(state["generator"])


class Learner(ABC):
    """What is trained.

    Attributes
    ----------
    networks:
        Everything with weights that a checkpoint must hold.
    averages:
        Moving averages of some of them, under the same names.
    optimisers:
        Their learning rates are set by the loop: each group's ``rate`` times :meth:`schedule`.
    """

    networks: dict[str, nn.Module]
    averages: dict[str, nn.Module]
    optimisers: dict[str, Any]

    @abstractmethod
    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        """One step of optimisation, number ``number`` (from 0) at ``progress`` 0…1; returns what the log shows."""

    @abstractmethod
    def score(self, number: int) -> dict[str, float]:
        """Scores of the averaged networks on held-out people; may write a sample sheet."""

    @abstractmethod
    def export(self, out: Path) -> None:
        """Write the weights that ship."""

    def schedule(self, progress: float) -> float:
        """Factor of the learning rates: up over 2 % of the run, then down by a cosine."""
        return min(1.0, progress / 0.02 + 0.02) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-4


def train(learner: Learner, config: TrainingConfig, accelerator: Any, out: Path, log: Log = print) -> Path:
    """Run ``config.steps`` steps and export to ``out``.

    ``out`` with the suffix ``.checkpoint`` holds the state to resume from: a run that was interrupted goes on from its
    last checkpoint to the same result.

    Raises
    ------
    OptionError
        The checkpoint was made with other settings.
    """
    draw = Draw(config.seed, accelerator.process_index)
    checkpoint = out.with_suffix(".checkpoint")
    step = _resume(learner, config, draw, checkpoint)
    if step:
        log(f"resumed at step {step}")
    started, first, shown = time.monotonic(), step, step
    totals: dict[str, float] = {}
    for network in learner.networks.values():
        network.train()
    while step < config.steps:
        progress = step / config.steps
        for optimiser in learner.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = group["rate"] * learner.schedule(progress)
        for name, value in learner.step(draw, step, progress).items():
            totals[name] = totals.get(name, 0.0) + value
        step += 1
        for name, average in learner.averages.items():
            follow(average, accelerator.unwrap_model(learner.networks[name]), min(config.average, step / (step + 10)))
        if step % 50 == 0:
            pace = (time.monotonic() - started) / (step - first)
            told = " ".join(f"{name} {value / (step - shown):.3f}" for name, value in totals.items())
            log(f"step {step} {told} | {pace:.2f} s/step, {pace * (config.steps - step) / 60:.0f} min left")
            totals, shown = {}, step
        if (step % config.save_every == 0 or step == config.steps) and accelerator.is_main_process:
            _save(learner, config, draw, checkpoint, step)
            log(f"step {step} val " + " ".join(f"{name} {value:.3f}" for name, value in learner.score(step).items()))
    if accelerator.is_main_process:
        out.parent.mkdir(parents=True, exist_ok=True)
        learner.export(out)
        log(f"wrote {out}: {out.stat().st_size / 1e6:.2f} MB")
    return out


def make_accelerator() -> Any:
    """accelerate's entry: bfloat16 on the device that is there.

    Raises
    ------
    MissingExtraError
        accelerate is not installed.
    """
    try:
        from accelerate import Accelerator
    except ImportError:
        raise MissingExtraError('training needs accelerate: pip install "mot_anon[train]"') from None
    return Accelerator(mixed_precision="bf16")


def averaged(network: Network) -> Network:
    """A copy that follows."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move ``average`` towards ``network``: weights by ``1 - decay``, counters wholly."""
    source = network.state_dict()
    for name, value in average.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(source[name], 1 - decay)
        else:
            value.copy_(source[name])


class Proxies(nn.Module):
    """One point of the space of embeddings for each person, learnt with it (Movshovitz-Attias et al., ICCV 2017)."""

    def __init__(self, people: int, size: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(0.1 * torch.randn(people, size))

    def forward(self) -> Tensor:
        """All of them, (people, size)."""
        return self.rows


class EmbeddingLearner(Learner):
    """A learner of where pictures of people lie, beside a proxy for each of them.

    Its ``config`` has ``learning_rate``, ``proxy_learning_rate`` and ``weight_decay``.
    """

    config: Any
    accelerator: Any

    def assemble(
        self, name: str, network: nn.Module, proxies: nn.Module, learnt: Iterable[Tensor] | None = None
    ) -> None:
        """Take ``network``, called ``name``, and ``proxies`` into training; ``learnt`` are its weights that move."""
        accelerator, config = self.accelerator, self.config
        self.averages = {name: averaged(network).to(accelerator.device)}
        groups = [
            parameter_group(network.parameters() if learnt is None else learnt, config.learning_rate),
            parameter_group(proxies.parameters(), config.proxy_learning_rate),
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)
        network, proxies, optimiser = accelerator.prepare(network, proxies, optimiser)
        self.networks = {name: network, "proxies": proxies}
        self.optimisers = {name: optimiser}


def parameter_group(parameters: Any, rate: float) -> dict[str, Any]:
    """A group for an optimiser, with the highest learning rate that :func:`train` scales."""
    return {"params": parameters, "lr": rate, "rate": rate}


def _save(learner: Learner, config: TrainingConfig, draw: Draw, checkpoint: Path, step: int) -> None:
    state = {
        "config": dataclasses.asdict(config),
        "step": step,
        "draw": draw.state(),
        "networks": {name: network.state_dict() for name, network in learner.networks.items()},
        "averages": {name: network.state_dict() for name, network in learner.averages.items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in learner.optimisers.items()},
    }
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    partial = checkpoint.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(checkpoint)


def _resume(learner: Learner, config: TrainingConfig, draw: Draw, checkpoint: Path) -> int:
    if not checkpoint.is_file():
        return 0
    state = torch.load(checkpoint, weights_only=False)
    # The number of steps may be changed half-way: the learning rates are then those of the new number.
    if state["config"] | {"steps": config.steps} != dataclasses.asdict(config):
        raise OptionError(f"{checkpoint}: made with other settings; remove it or use the same")
    for kind in ("networks", "averages", "optimisers"):
        for name, part in getattr(learner, kind).items():
            part.load_state_dict(state[kind][name])
    draw.restore(state["draw"])
    return int(state["step"])
