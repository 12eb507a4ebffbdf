"""The second stage: what it makes of pictures, and a few steps of its training on invented people."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import OptionError
from mot_anon.gan.detail import FORMAT, WEIGHTS, Detail, DetailNetwork, calmed
from mot_anon.gan.detail_training import DetailConfig, DetailLearner, halved
from mot_anon.gan.generate import FORMAT as GENERATOR_FORMAT
from mot_anon.gan.identity import FORMAT as IDENTITY_FORMAT
from mot_anon.gan.identity import IdentityNetwork
from mot_anon.gan.networks import GeneratorNetwork
from mot_anon.vision.training import Draw, make_accelerator, train
from mot_anon.vision.weights import save_weights
from tests.invented_bodies import write_bodies

TINY = DetailConfig(steps=2, batch=2, save_every=1, onlooker="none")

shipped = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the weights of the second stage are not there")


@pytest.fixture(scope="module")
def detail(tmp_path_factory: pytest.TempPathFactory) -> Detail:
    out: Path = tmp_path_factory.mktemp("weights") / "detail.safetensors"
    save_weights(DetailNetwork(), out, FORMAT)
    return Detail(out)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DetailLearner:
    return learner(tmp_path_factory.mktemp("data"))


def learner(place: Path) -> DetailLearner:
    data = place / "bodies"
    if not data.is_dir():
        write_bodies(data, train=4, val=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_weights(IdentityNetwork(), place / "identity.safetensors", IDENTITY_FORMAT)
        save_weights(GeneratorNetwork(), place / "generator.safetensors", GENERATOR_FORMAT)
    return DetailLearner(
        TINY,
        data,
        make_accelerator(),
        identity=place / "identity.safetensors",
        parser=None,
        generator=place / "generator.safetensors",
    )


@pytest.mark.parametrize(("height", "width"), [(64, 32), (128, 64), (10, 6)])
def test_pictures_are_doubled_and_stay_in_range(detail: Detail, height: int, width: int) -> None:
    rng = np.random.default_rng(0)
    small = rng.random((2, height, width, 3), np.float32)
    shape = rng.random((2, 5, 2 * height, 2 * width), np.float32)
    large = detail(small, shape)
    assert large.shape == (2, 2 * height, 2 * width, 3)
    assert large.dtype == np.float32
    assert large.min() >= 0
    assert large.max() <= 1
    assert np.array_equal(large, detail(small, shape))


def test_a_generators_picture_comes_out_twice_as_large_and_without_its_single_cells(detail: Detail) -> None:
    rng = np.random.default_rng(0)
    drawn, shape = rng.random((2, 128, 64, 3), np.float32), rng.random((2, 5, 128, 64), np.float32)
    swapped = drawn.reshape(2, 64, 2, 32, 2, 3)[:, :, ::-1].reshape(drawn.shape)  # the same mean of every four cells
    large = detail.nearer(drawn, shape)
    assert large.shape == (2, 256, 128, 3)
    # Cloth is smoothed before it is halved, so that not every cell's value drops out exactly.
    assert np.abs(large - detail.nearer(swapped, shape)).mean() < 0.01


def test_nobody_to_double_is_no_error(detail: Detail) -> None:
    none = detail(np.zeros((0, 64, 32, 3), np.float32), np.zeros((0, 5, 128, 64), np.float32))
    assert none.shape == (0, 128, 64, 3)


def test_a_shape_of_another_size_is_refused(detail: Detail) -> None:
    with pytest.raises(ValueError, match=r"shapes are \(1, 5, 64, 32\)"):
        detail(np.zeros((1, 64, 32, 3), np.float32), np.zeros((1, 5, 64, 32), np.float32))


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    def run(name: str, stop: str | None = None) -> Path:
        def log(line: str) -> None:
            if stop and line.startswith(stop):
                raise KeyboardInterrupt

        return train(learner(tmp_path), TINY, make_accelerator(), tmp_path / name, log)

    whole = run("whole.safetensors")
    with pytest.raises(KeyboardInterrupt):
        run("part.safetensors", "step 1")
    assert run("part.safetensors").read_bytes() == whole.read_bytes()
    Detail(whole)


def test_the_generator_stays_as_it_is_and_the_second_stage_moves(made: DetailLearner) -> None:
    frozen = [value.clone() for value in made.generator.state_dict().values()]
    moving = [parameter.clone() for parameter in made.networks["generator"].parameters()]
    told = made.step(Draw(0), 0, 0.5)
    assert {"critic", "adversarial", "reconstruction", "kept"} == set(told)
    assert all(torch.equal(a, b) for a, b in zip(frozen, made.generator.state_dict().values(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(moving, made.networks["generator"].parameters(), strict=True))


def test_drawn_people_must_keep_their_colours(made: DetailLearner) -> None:
    """A picture that is what was drawn, only larger, costs nothing; one that is brighter by 0.2 costs 0.2."""
    places, request = made.ask(Draw(0))
    n = len(places.real)
    made.make(Draw(0), places, request)
    there = torch.cat([places.real, torch.nn.functional.interpolate(made.halves, scale_factor=2)])
    assert halved(there[n:]).allclose(made.halves)
    with torch.no_grad():
        same, brighter = (made.losses(there, there + change, places, request)["kept"] for change in (0, 0.2))
    assert same.item() == pytest.approx(0, abs=1e-6)
    assert brighter.item() == pytest.approx(TINY.kept * 0.2, rel=1e-3)


def test_settings_without_effect_cannot_be_chosen() -> None:
    with pytest.raises(OptionError, match="there is: none"):
        DetailConfig.from_settings({"identity_guidance": "siamese"})
    assert dataclasses.replace(TINY, batch=3).batch == 3


@shipped
def test_the_weights_that_ship_double_a_person_without_changing_their_colours() -> None:
    small = np.full((1, 64, 32, 3), (0.7, 0.3, 0.3), np.float32)
    shape = np.zeros((1, 5, 128, 64), np.float32)
    shape[:, 0, 10:120, 18:46] = 1
    shape[:, 2, 30:66, 20:44] = 1
    large = Detail()(small, shape)
    assert np.abs(large[0, 35:60, 24:40].mean((0, 1)) - small[0, 0, 0]).max() < 0.12


@shipped
def test_seen_from_nearer_cloth_is_plain_and_edges_stay() -> None:
    rng = np.random.default_rng(0)
    drawn = np.full((1, 128, 64, 3), 0.75, np.float32)
    drawn[:, 10:120, 18:46] = (0.25, 0.3, 0.35)
    drawn = (drawn + 0.06 * rng.standard_normal((1, 64, 32, 1)).repeat(2, 1).repeat(2, 2).astype(np.float32)).clip(0, 1)
    shape = np.zeros((1, 5, 128, 64), np.float32)
    shape[:, 0, 10:120, 18:46] = 1
    detail = Detail()
    maps = shape.repeat(2, 2).repeat(2, 3)
    woven = detail(detail(np.ascontiguousarray(drawn[:, ::2, ::2]), shape), maps)[0].mean(2)
    plain = detail.nearer(drawn, shape)[0].mean(2)

    def steepest(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture[60:200, 24:50], axis=1)).max(1).mean())  # across the left edge

    def pattern(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture[60:200, 50:80], axis=0)).mean())

    assert pattern(plain) < 0.8 * pattern(woven)
    assert steepest(plain) > 0.7 * steepest(woven)  # the woven picture's noise makes its edges steeper


@shipped
def test_a_head_of_a_dozen_cells_has_no_stripes() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.random((1, 128, 64, 3), np.float32)
    shape = np.zeros((1, 5, 128, 64), np.float32)
    shape[:, 0, 10:120, 18:46] = 1
    headed = shape.copy()
    headed[:, 1, 12:28, 24:40] = 1
    plain, soft = (Detail().nearer(drawn, maps)[0].mean(2) for maps in (shape, headed))

    def rough(picture: np.ndarray) -> float:
        return float(np.abs(np.diff(picture[30:50, 54:74], axis=1)).mean())

    assert rough(soft) < 0.5 * rough(plain)


def test_mottles_of_cloth_are_gone_and_the_head_stays_as_it_was() -> None:
    rng = np.random.default_rng(0)
    picture = np.full((128, 64, 3), 0.4, np.float32)
    picture[64:] = 0.7  # where the jacket ends
    mottled = (picture + 0.04 * rng.standard_normal(picture.shape)).astype(np.float32).clip(0, 1)
    shape = np.zeros((5, 128, 64), np.float32)
    shape[0] = shape[1, :20] = shape[2, 20:64] = shape[4, 64:] = 1
    calm = calmed(mottled, shape)
    assert np.array_equal(calm[:20], mottled[:20])
    for rows in (slice(30, 60), slice(70, 120)):
        assert calm[rows].std() < 0.5 * mottled[rows].std()
    assert calm[70:].mean() - calm[30:60].mean() > 0.28
