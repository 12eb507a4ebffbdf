"""Drawing people: shapes, purity, and the weights that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.gan.code_map import natural_codes
from mot_anon.gan.generate import FORMAT, WEIGHTS, Generator, holes
from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.networks import SHAPE_CHANNELS, GeneratorNetwork, follow_whitening
from mot_anon.plan.identities import CODE_SIZE as PLANNED_SIZE
from mot_anon.vision.weights import save_weights

shipped = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the generator's weights are not there")

Request = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    out: Path = tmp_path_factory.mktemp("weights") / "generator.safetensors"
    save_weights(GeneratorNetwork(), out, FORMAT)
    return Generator(out)


@pytest.fixture(scope="module")
def request_of_three() -> Request:
    rng = np.random.default_rng(0)
    erased = np.full((3, 128, 64, 3), 0.5, np.float32)
    silhouettes = np.zeros((3, 128, 64), np.float32)
    silhouettes[:, 10:120, 18:46] = 1
    parts = np.zeros((3, 4, 128, 64), np.float32)
    parts[:, 0, 10:28, 24:40] = 0.5
    parts[:, 1, 30:66, 20:44] = 1
    parts[:, 3, 66:118, 20:44] = 1
    return erased, silhouettes, parts, rng.standard_normal((3, CODE_SIZE)).astype(np.float16)


def test_pictures_have_the_size_of_windows_and_lie_in_range(generator: Generator, request_of_three: Request) -> None:
    drawn = generator(*request_of_three)
    assert drawn.shape == (3, 128, 64, 3)
    assert drawn.dtype == np.float32
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_nobody_to_draw_is_no_error(generator: Generator, request_of_three: Request) -> None:
    assert generator(*(part[:0] for part in request_of_three)).shape == (0, 128, 64, 3)


def test_the_same_request_gives_the_same_pixels_and_neighbours_hardly_matter(
    generator: Generator, request_of_three: Request
) -> None:
    drawn = generator(*request_of_three)
    assert np.array_equal(drawn, generator(*request_of_three))
    alone = generator(*(part[1:2] for part in request_of_three))
    assert np.abs(alone[0] - drawn[1]).max() < 0.02


def test_another_code_is_another_person_and_its_length_means_nothing(
    generator: Generator, request_of_three: Request
) -> None:
    drawn = generator(*request_of_three)
    assert np.abs(drawn[0] - drawn[1]).max() > 0.01
    erased, silhouettes, parts, codes = request_of_three
    assert np.abs(generator(erased, silhouettes, parts, codes * 2) - drawn).max() < 0.02


def test_a_request_that_does_not_fit_together_is_refused(generator: Generator, request_of_three: Request) -> None:
    erased, silhouettes, parts, codes = request_of_three
    with pytest.raises(ValueError, match="is needed"):
        generator(erased, silhouettes, parts, codes[:, :8])


def test_codes_are_as_long_as_plans_make_them() -> None:
    assert CODE_SIZE == PLANNED_SIZE


def test_holes_hold_silhouettes_with_a_rim(request_of_three: Request) -> None:
    silhouettes = request_of_three[1]
    hole = holes(silhouettes)
    assert (hole[silhouettes > 0.5] == 1).all()
    assert hole[:, 12:118, 16].min() > 0.7  # two pixels beside
    assert hole[:, :, :8].max() == 0
    assert hole.min() >= 0
    assert hole.max() <= 1


@shipped
def test_the_shipped_generator_dresses_every_code_otherwise(request_of_three: Request) -> None:
    erased, silhouettes, parts, _ = (np.repeat(part[:1], 40, 0) for part in request_of_three)
    codes = natural_codes(np.random.default_rng(1).standard_normal((40, CODE_SIZE)))  # as a key draws them
    drawn = Generator()(erased, silhouettes, parts, codes)
    torso, legs = drawn[:, 36:62, 24:40].mean((1, 2)), drawn[:, 80:110, 24:40].mean((1, 2))
    assert torso.std(0).mean() > 0.08
    assert legs.std(0).mean() > 0.06
    # Outside the silhouette it goes over into the background.
    assert np.abs(drawn[:, :, :6] - 0.5).mean() < np.abs(drawn[:, 36:110, 24:40] - 0.5).mean() / 2


@shipped
def test_the_weights_for_bodies_are_small_together() -> None:
    sizes = {path.stem: path.stat().st_size for path in WEIGHTS.parent.glob("*.safetensors")}
    needed = ("parser", "identity", "codes", "generator", "detail", "landmarks", "portrait-generator")
    assert sum(sizes[name] for name in needed) < 20e6
    assert sum(sizes.values()) < 40e6


def test_a_generator_draws_the_same_people_after_codes_of_another_whitening() -> None:
    torch.manual_seed(0)
    network = GeneratorNetwork().eval()
    before, after = torch.eye(CODE_SIZE), torch.eye(CODE_SIZE) + 0.02 * torch.randn(CODE_SIZE, CODE_SIZE)
    embeddings = torch.randn(3, CODE_SIZE)
    first = network.style[0]
    assert isinstance(first, torch.nn.Linear)
    place = torch.rand(3, 3, 128, 64), torch.rand(3, SHAPE_CHANNELS, 128, 64)
    with torch.inference_mode():
        old = network(*place, embeddings @ before)
        strange = network(*place, embeddings @ after)
    with torch.no_grad():
        first.weight.copy_(follow_whitening(first, before, after))
    with torch.inference_mode():
        new = network(*place, embeddings @ after)
    assert (new - old).abs().mean() < 0.5 * (strange - old).abs().mean()


def test_a_layer_that_follows_codes_to_fewer_numbers_takes_what_is_no_longer_said_for_average() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(8, 5, bias=False)
    followed = follow_whitening(layer, torch.eye(8), torch.eye(8, 3))
    assert followed.shape == (5, 3)
    ratios = followed / layer.weight[:, :3]
    assert torch.allclose(ratios, ratios.mean(), atol=1e-5)
