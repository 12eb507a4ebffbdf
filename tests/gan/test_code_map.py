"""From normal numbers to codes as people have them, and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from mot_anon.errors import OptionError
from mot_anon.gan import code_map
from mot_anon.gan.code_map import (
    WEIGHTS,
    CodeMap,
    CodeMapConfig,
    CodeMapLearner,
    natural_codes,
    normal_codes,
    prominence,
    train_code_map,
)
from mot_anon.gan.identity import CODE_SIZE, IdentityNetwork, embed, load_identity
from mot_anon.gan.identity import FORMAT as IDENTITY_FORMAT
from mot_anon.plan import identities
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.training import Draw, make_accelerator, train
from mot_anon.vision.weights import save_weights
from tests.invented_bodies import write_bodies
from tests.realdata import BODIES, needs_bodies


def bent(n: int, seed: int) -> torch.Tensor:
    """Codes (n, 24) whose second half depends on the first: nothing that is normal."""
    numbers = torch.randn(n, CODE_SIZE, generator=torch.Generator().manual_seed(seed))
    half = CODE_SIZE // 2
    return torch.cat([numbers[:, :half], numbers[:, :half] ** 2 - 1 + 0.2 * numbers[:, half:]], 1)


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / "codes.safetensors"
    config = CodeMapConfig(steps=400, batch=256, save_every=400, noise=0.05, distances=0.0)
    accelerator = make_accelerator()
    learner = CodeMapLearner(config, bent(4000, 0)[None], bent(4000, 0), bent(500, 1)[None], accelerator)
    return train(learner, config, accelerator, out, lambda line: None)


def test_the_way_back_leads_to_where_one_came_from(learnt: Path) -> None:
    codes = bent(50, 2)
    numbers = normal_codes(codes, learnt)
    assert numbers.shape == (50, CODE_SIZE)
    back = code_map.load_code_map(learnt).natural(numbers.double())
    assert (back - codes).abs().max() < 0.01


def test_what_was_bent_becomes_normal_and_what_is_drawn_is_bent(learnt: Path) -> None:
    half = CODE_SIZE // 2

    def bend(codes: torch.Tensor) -> float:
        return float(torch.corrcoef(torch.stack([codes[:, 0] ** 2, codes[:, half]]))[0, 1])

    assert bend(bent(2000, 3)) > 0.9
    assert abs(bend(normal_codes(bent(2000, 3), learnt))) < 0.35
    drawn = natural_codes(np.random.default_rng(0).standard_normal((2000, CODE_SIZE)), learnt)
    assert bend(torch.from_numpy(drawn)) > 0.4  # of normal numbers it is 0


def test_whoever_pays_for_distances_keeps_them_better() -> None:
    def error(distances: float) -> float:
        config = CodeMapConfig(steps=150, batch=128, save_every=150, noise=0.05, distances=distances)
        learner = CodeMapLearner(config, bent(2000, 0)[None], bent(2000, 0), bent(500, 1)[None], make_accelerator())
        draw = Draw(0)
        for number in range(config.steps):
            learner.step(draw, number, number / config.steps)
        with torch.no_grad():
            codes = bent(500, 1)
            network = learner.networks["codes"]
            assert isinstance(network, CodeMap)
            before, after = torch.pdist(network.scaled(codes)), torch.pdist(network(codes)[0])
        return float((after - before).square().mean())

    assert error(10.0) < 0.5 * error(0.0)


def test_directions_come_in_the_order_of_what_they_move() -> None:
    codes = torch.randn(3000, CODE_SIZE, generator=torch.Generator().manual_seed(0))
    moves = torch.linspace(0.1, 3, CODE_SIZE)
    basis, weights = prominence(codes, 5 + codes * moves)
    assert torch.allclose(basis.abs(), torch.eye(CODE_SIZE).flip(1), atol=1e-3)
    assert torch.allclose(weights.sqrt() / weights[0].sqrt(), moves.flip(0) / 3, atol=1e-3)
    assert float(weights.mean()) == pytest.approx(1)
    flat, even = prominence(codes, torch.zeros(3000, 4))  # an untrained network tells nobody apart
    assert torch.isfinite(flat).all()
    assert torch.isfinite(even).all()


def test_codes_of_plans_are_as_long_as_those_of_pictures() -> None:
    assert CODE_SIZE == identities.CODE_SIZE


def test_how_a_map_spreads_is_the_determinant_of_its_derivative(learnt: Path) -> None:
    network, code = code_map.load_code_map(learnt), bent(1, 4).double()
    derivative = torch.autograd.functional.jacobian(lambda codes: network(codes)[0], code)[0, :, 0]
    more = -float(network.scale.log().sum())  # of the part that no coupling has
    assert float(network(code)[1]) + more == pytest.approx(float(torch.linalg.slogdet(derivative)[1]), abs=1e-6)


def test_a_code_does_not_depend_on_the_others(learnt: Path) -> None:
    numbers = np.random.default_rng(0).standard_normal((7, CODE_SIZE))
    assert (natural_codes(numbers, learnt)[3] == natural_codes(numbers[3:4], learnt)[0]).all()
    assert natural_codes(np.zeros((0, CODE_SIZE)), learnt).shape == (0, CODE_SIZE)


def test_it_is_trained_on_crops_and_resumes_to_the_same(tmp_path: Path) -> None:
    folder = write_bodies(tmp_path / "bodies", train=4, val=2)
    save_weights(IdentityNetwork(), tmp_path / "identity.safetensors", IDENTITY_FORMAT)
    config = CodeMapConfig(steps=2, batch=8, save_every=1)

    def run(name: str, log: object) -> Path:
        return train_code_map(config, folder, tmp_path / name, log, identity=tmp_path / "identity.safetensors")  # type: ignore[arg-type]

    def killed(line: str) -> None:
        if line.startswith("step 1"):
            raise KeyboardInterrupt

    whole = run("whole.safetensors", lambda line: None)
    with pytest.raises(KeyboardInterrupt):
        run("part.safetensors", killed)
    assert run("part.safetensors", lambda line: None).read_bytes() == whole.read_bytes()


def test_an_untrained_map_only_scales() -> None:
    network = CodeMap()
    numbers, spread = network(bent(3, 0))
    assert torch.allclose(numbers, bent(3, 0), atol=1e-6)
    assert (spread == 0).all()


def test_unknown_settings_fail() -> None:
    with pytest.raises(OptionError, match="unknown setting 'layers'"):
        CodeMapConfig.from_settings({"layers": "9"})


@needs_bodies
@pytest.mark.skipif(not WEIGHTS.is_file(), reason="the map's weights are not there")
def test_the_map_that_ships_makes_codes_like_those_of_people() -> None:
    network = load_identity()
    codes = network.code(embed(network, load_bodies(BODIES, "val").pixels))
    numbers = normal_codes(codes)
    assert 0.8 < float(numbers.std(0).mean()) < 1.2
    drawn = np.random.default_rng(0).standard_normal((500, CODE_SIZE))

    def nearest(some: torch.Tensor) -> float:
        return float((F.normalize(some) @ F.normalize(codes).T).max(1).values.mean())

    # What is drawn lies where people are, and not only in the same box.
    assert nearest(torch.from_numpy(natural_codes(drawn))) > nearest(torch.from_numpy(drawn).float()) + 0.05
