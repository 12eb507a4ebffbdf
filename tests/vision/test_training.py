"""The loop that every network is trained by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from torch import nn

from mot_anon.errors import OptionError
from mot_anon.vision.training import Draw, Learner, TrainingConfig, averaged, parameter_group, train
from mot_anon.vision.weights import save_weights

HERE = SimpleNamespace(process_index=0, is_main_process=True, unwrap_model=lambda network: network)


@dataclass(frozen=True)
class Config(TrainingConfig):
    steps: int = 6
    save_every: int = 2
    taste: str = "sweet"
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"taste": ("sweet", "sour")}


class Line(Learner):
    """Fits a line to noise."""

    def __init__(self) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = nn.Linear(4, 1)
        self.networks, self.averages = {"line": network}, {"line": averaged(network)}
        self.optimisers = {"line": torch.optim.AdamW([parameter_group(network.parameters(), 0.1)])}
        self.rates: list[float] = []

    def step(self, draw: Draw, number: int, progress: float) -> dict[str, float]:
        self.rates.append(self.optimisers["line"].param_groups[0]["lr"])
        loss = (self.networks["line"](draw.normal(8, 4)) - draw.rng.random()).square().mean()
        self.optimisers["line"].zero_grad()
        loss.backward()
        self.optimisers["line"].step()
        return {"loss": loss.item()}

    def score(self, number: int) -> dict[str, float]:
        return {"steps": number}

    def export(self, out: Path) -> None:
        save_weights(self.averages["line"], out, "line")


def quiet(line: str) -> None:
    pass


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole = train(Line(), Config(), HERE, tmp_path / "whole.safetensors", quiet)

    def killed(line: str) -> None:
        if line.startswith("step 4"):
            raise KeyboardInterrupt

    part = tmp_path / "part.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(Line(), Config(), HERE, part, killed)
    told: list[str] = []
    train(Line(), Config(), HERE, part, told.append)
    assert told[0] == "resumed at step 4"
    assert part.read_bytes() == whole.read_bytes()


def test_a_checkpoint_of_other_settings_is_refused_but_steps_may_change(tmp_path: Path) -> None:
    out = tmp_path / "line.safetensors"
    train(Line(), Config(), HERE, out, quiet)
    with pytest.raises(OptionError, match="other settings"):
        train(Line(), Config(seed=1), HERE, out, quiet)
    train(Line(), Config(steps=8), HERE, out, quiet)


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    first = train(Line(), Config(), HERE, tmp_path / "a.safetensors", quiet)
    second = train(Line(), Config(seed=1), HERE, tmp_path / "b.safetensors", quiet)
    assert first.read_bytes() != second.read_bytes()


def test_learning_rates_rise_and_fall(tmp_path: Path) -> None:
    learner = Line()
    train(learner, Config(steps=100, save_every=100), HERE, tmp_path / "line.safetensors", quiet)
    assert learner.rates[0] < max(learner.rates)
    assert max(learner.rates) <= 0.1 * 1.001
    assert learner.rates[-1] < 0.001


def test_settings_come_from_text_and_unknown_ones_fail() -> None:
    config = Config.from_settings({"steps": "9", "learning-rate": "0.5", "taste": "sour"})
    assert (config.steps, config.learning_rate, config.taste) == (9, 0.5, "sour")
    with pytest.raises(OptionError, match="unknown setting 'stepps'"):
        Config.from_settings({"stepps": "9"})
    with pytest.raises(OptionError, match="not int"):
        Config.from_settings({"steps": "many"})
    with pytest.raises(OptionError, match="there is: sweet, sour"):
        Config.from_settings({"taste": "bitter"})
    for name, value in (("save_every", 0), ("steps", 0), ("batch", 0), ("seed", -1)):
        with pytest.raises(OptionError, match=f"{name}={value}: at least {value + 1}"):
            Config.from_settings({name: str(value)})
