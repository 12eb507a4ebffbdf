"""Heads: the generator, a few steps of its training on invented people, and how they are laid into frames."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import OptionError
from mot_anon.gan import heads as networks
from mot_anon.gan.head_cast import head_window
from mot_anon.gan.head_training import HeadConfig, HeadLearner
from mot_anon.gan.heads import HeadGenerator
from mot_anon.gan.identity import CODE_SIZE
from mot_anon.gan.networks import move_codes
from mot_anon.methods.base import FaceShape, Item
from mot_anon.methods.ciagan_face import CiaganFace, softly
from mot_anon.vision.heads import AROUND, head_oval
from mot_anon.vision.look import Look
from mot_anon.vision.training import Draw, make_accelerator, train
from mot_anon.vision.turned import shown
from mot_anon.vision.weights import save_weights
from tests.invented_bodies import write_bodies

TINY = HeadConfig(steps=2, batch=3, save_every=1, onlooker="none")

shipped = pytest.mark.skipif(not networks.WEIGHTS.is_file(), reason="the weights of the generator of heads are absent")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bodies(tmp_path_factory.mktemp("data") / "bodies", train=4, val=2)


@pytest.fixture(scope="module")
def made(folder: Path) -> HeadLearner:
    return learner(folder)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("weights") / "heads.safetensors"
    save_weights(networks.head_generator(), out, networks.FORMAT)
    return out


def learner(folder: Path, **settings: object) -> HeadLearner:
    config = dataclasses.replace(TINY, **settings)  # type: ignore[arg-type]
    return HeadLearner(config, folder, make_accelerator(), parser=None)


def codes(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, CODE_SIZE)).astype(np.float32)


def test_heads_are_drawn_purely_and_differ_by_code(weights: Path) -> None:
    make, rng = HeadGenerator(weights), np.random.default_rng(0)
    around, told = rng.random((2, 64, 64, 3), np.float32), np.stack([np.stack([head_oval((64, 64))] * 3)] * 2)
    given = (np.repeat(around[:1], 2, 0), told, codes(2))
    drawn = make(*given)
    assert drawn.shape == (2, 64, 64, 3)
    assert drawn.dtype == np.float32
    assert 0 <= drawn.min() <= drawn.max() <= 1
    assert np.array_equal(drawn, make(*given))
    assert np.abs(drawn[0] - drawn[1]).max() > 0.01
    assert make(around[:0], told[:0], codes(0)).shape == (0, 64, 64, 3)


def test_windows_of_another_size_are_refused(weights: Path) -> None:
    with pytest.raises(ValueError, match=r"\(1, 32, 64, 3\)"):
        HeadGenerator(weights)(np.zeros((1, 32, 64, 3), np.float32), np.zeros((1, 3, 64, 64), np.float32), codes(1))


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    def run(name: str, stop: str | None = None) -> Path:
        def log(line: str) -> None:
            if stop and line.startswith(stop):
                raise KeyboardInterrupt

        return train(learner(folder), TINY, make_accelerator(), tmp_path / name, log)

    whole = run("whole.safetensors")
    with pytest.raises(KeyboardInterrupt):
        run("part.safetensors", "step 1")
    assert run("part.safetensors").read_bytes() == whole.read_bytes()
    HeadGenerator(whole)


def test_generator_and_encoder_learn_together(made: HeadLearner) -> None:
    both = made.networks["generator"]
    before = {name: value.clone() for name, value in both.named_parameters()}
    told = made.step(Draw(0), 0, 0.5)
    assert set(told) == {"critic", "adversarial", "reconstruction", "narrow", "calm"}
    moved = {name.split(".")[0] for name, value in both.named_parameters() if not torch.equal(value, before[name])}
    assert moved == {"generator", "encoder"}


def test_heads_lie_in_the_middle_of_their_windows(made: HeadLearner) -> None:
    """The invented head is a disc of ten pixels round (40, 19) of a crop."""
    cast = made.heads
    windows = cast.windows[cast.rows]
    assert np.abs((windows[:, :2] + windows[:, 2:]) / 2 - (40, 19)).max() < 3
    assert np.allclose(windows[:, 2] - windows[:, 0], windows[:, 3] - windows[:, 1])
    places = cast.still(cast.rows[:4])
    head = places.shape[:, 1]
    assert head[:, 28:36, 28:36].min() > 0.4
    assert head[:, :, :6].max() < 0.1
    assert places.hole[:, :, 28:36, 28:36].min() > 0.9
    small = np.zeros((80, 40), np.uint8)
    small[10, 20] = 255
    assert np.ptp(head_window(small)[[0, 2]]) == pytest.approx(AROUND * 20)


def test_nothing_of_a_head_goes_into_what_the_generator_sees(made: HeadLearner) -> None:
    cast, rows = made.heads, made.heads.rows[:3]
    before = cast.still(rows).background
    kept = cast.bodies.pixels
    changed = kept.copy()
    down, across = np.mgrid[:160, :80]
    disc = np.hypot(across - 40, down - 19) <= 9
    changed[:, disc] = 255 - changed[:, disc]
    cast.bodies = dataclasses.replace(cast.bodies, pixels=changed)
    after = cast.still(rows).background
    cast.bodies = dataclasses.replace(cast.bodies, pixels=kept)
    assert torch.equal(before, after)


def test_what_lies_beyond_the_picture_is_not_judged(made: HeadLearner) -> None:
    places, request = made.ask(Draw(0))
    n = len(places.real)
    assert float(places.seen.mean()) < 0.95  # type: ignore[attr-defined]
    pictures = made.make(Draw(0), places, request).detach()
    beyond = 1 - torch.cat([places.seen, places.seen])  # type: ignore[attr-defined]
    made.networks["critic"].eval()  # while it learns, its norms move whenever it looks
    one, other = (made.scores(picture, places, request.codes) for picture in (pictures, pictures + beyond))
    made.networks["critic"].train()
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert len(pictures) == 2 * n


def test_normal_numbers_become_codes_that_heads_have(made: HeadLearner) -> None:
    matrix, mean = made.natural()
    assert matrix.shape == (CODE_SIZE, CODE_SIZE)
    assert torch.allclose(matrix, matrix.T, atol=1e-5)
    assert torch.linalg.eigvalsh(matrix).min() > 0
    layer = torch.nn.Linear(CODE_SIZE, 5)
    before = torch.nn.Linear(CODE_SIZE, 5)
    before.load_state_dict(layer.state_dict())
    move_codes(layer, matrix, mean)
    numbers = torch.from_numpy(codes(3))
    assert torch.allclose(layer(numbers), before(numbers @ matrix.T + mean), atol=1e-5)


def test_settings_without_effect_cannot_be_chosen() -> None:
    with pytest.raises(OptionError, match="there is: none"):
        HeadConfig.from_settings({"identity_guidance": "siamese"})


def an_item(code: int = 0, *, window: tuple[int, ...] = (10, 5, 70, 65), grey: float = 0.5) -> Item:
    size = (70, 80)
    around = np.full((64, 64, 3), grey, np.float32)
    seen, share = np.zeros((2, 64, 64), np.float32)
    seen[20:44, 22:42] = 0.5
    share[16:48, 18:46] = 1
    told = np.stack([shown(share), seen, share])
    shape = FaceShape(np.array(window), around, np.zeros_like(seen), share, 0.0, False, turned=told)
    below = np.full((*size, 3), grey, np.float32)
    return Item(below, np.ones(size, np.float32), codes(code + 1)[code], 20.0, 0, face=shape)


def test_a_drawn_head_has_its_outline_and_ends_softly(weights: Path) -> None:
    method = CiaganFace(heads=weights)
    rgb, alpha = method.render([an_item()])[0]
    assert rgb.shape == (70, 80, 3)
    assert alpha.shape == (70, 80)
    assert rgb.dtype == alpha.dtype == np.float32
    assert alpha[35, 40] == 1
    assert alpha[:, :24].max() == alpha[:, 58:].max() == 0
    large = dataclasses.replace(an_item(window=(-20, -20, 100, 100)), silhouette=np.ones((70, 80), np.float32))
    soft = method.render([large])[0][1]
    assert 0.01 < ((soft > 0) & (soft < 1)).sum() / (soft > 0).sum() < 0.4


@pytest.mark.parametrize("softness", np.linspace(0.8, 2.0, 25))
def test_a_softened_outline_is_no_opacity_beyond_one(softness: float) -> None:
    item = dataclasses.replace(an_item(), look=Look(softness, 1.0))
    alpha = softly(item, np.ones((70, 80), np.float32))
    assert alpha.max() <= 1
    assert alpha.min() >= 0


def test_it_fades_where_its_region_ends(weights: Path) -> None:
    half = an_item()
    mask = half.silhouette.copy()
    mask[45:] = 0
    _, alpha = CiaganFace(heads=weights).render([dataclasses.replace(half, silhouette=mask)])[0]
    assert alpha[45:].max() == 0
    assert 0 < alpha[44, 40] < 0.6
    assert alpha[35, 40] == 1


@pytest.mark.parametrize("size", [(4, 4), (3, 9)])
def test_the_smallest_heads_are_drawn_too(weights: Path, size: tuple[int, int]) -> None:
    small = an_item(window=(0, 0, 4, 4))
    tiny = dataclasses.replace(small, erased=np.zeros((*size, 3), np.float32), silhouette=np.ones(size, np.float32))
    rgb, alpha = CiaganFace(heads=weights).render([tiny])[0]
    assert np.isfinite(rgb).all()
    assert 0 < alpha.max() <= 1


@shipped
def test_what_ships_draws_different_heads_and_dark_ones_in_the_dark() -> None:
    method, middle = CiaganFace(), (slice(25, 45), slice(30, 50))
    looks = np.array([method.render([an_item(code)])[0][0][middle].mean((0, 1)) for code in range(12)])
    assert np.ptp(looks, axis=0).min() > 0.03
    dark, bright = (method.render([an_item(grey=grey)])[0][0][middle].mean() for grey in (0.1, 0.8))
    assert dark < 0.8 * bright
