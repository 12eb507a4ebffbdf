"""The identity network: codes that fill their space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import OptionError
from mot_anon.gan.identity import (
    CODE_SIZE,
    FORMAT,
    WEIGHTS,
    IdentityConfig,
    IdentityLearner,
    IdentityNetwork,
    correlation,
    embed,
    load_identity,
    train_identity,
    whitening,
)
from mot_anon.gan.reader import IdentityReader
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.training import Draw, make_accelerator
from mot_anon.vision.weights import save_weights
from tests.invented_bodies import write_bodies
from tests.realdata import BODIES, needs_bodies

shipped = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the identity network's weights are not there")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bodies(tmp_path_factory.mktemp("bodies"))


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(folder: Path, tmp_path: Path) -> None:
    config = IdentityConfig(steps=4, batch=8, save_every=2)
    whole = train_identity(config, folder, tmp_path / "whole.safetensors", lambda line: None)

    def killed(line: str) -> None:
        if line.startswith("step 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_identity(config, folder, tmp_path / "part.safetensors", killed)
    part = train_identity(config, folder, tmp_path / "part.safetensors", lambda line: None)
    assert part.read_bytes() == whole.read_bytes()
    assert not load_identity(part).training


def test_other_clothes_are_another_person(folder: Path) -> None:
    bodies = load_bodies(folder, "train")
    learner = IdentityLearner(IdentityConfig(batch=8), bodies, bodies, make_accelerator())
    _, labels = learner.crops(torch.arange(32).numpy(), Draw(0))
    people = torch.from_numpy(bodies.person)
    assert ((labels == people) | (labels == people + 8)).all()
    assert 0 < (labels != people).sum() < 32


def test_codes_have_unit_covariance_and_no_mean() -> None:
    torch.manual_seed(0)
    embeddings = torch.randn(5000, 6) @ (torch.eye(6) + 0.2 * torch.randn(6, 6)) + 3
    mean, root = whitening(embeddings, np.arange(5000) // 2)
    white = (embeddings - mean) @ root
    assert torch.allclose(torch.cov(white.T), torch.eye(6), atol=0.02)
    assert white.mean(0).abs().max() < 1e-4


def test_codes_keep_what_two_cameras_agree_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mot_anon.gan.identity.CODE_SIZE", 2)
    torch.manual_seed(0)
    person, camera = np.repeat(np.arange(800), 4), np.tile([0, 0, 1, 1], 800)
    own, place = torch.randn(800, 2)[person], torch.randn(1600, 2)[2 * person + camera]
    # Numbers 0 and 1 are the person's, faintly; 2 and 3 the camera's; 4 and 5 nobody's, and the loudest.
    embeddings = torch.cat([0.3 * own, place, 5 * torch.randn(3200, 2)], 1) + 0.05 * torch.randn(3200, 6)
    _, root = whitening(embeddings, person, camera)
    weights = (root / root.norm(dim=0)).abs()
    assert root.shape == (6, 2)
    assert (weights[:2].square().sum(0) > 0.95).all()


def test_correlation_is_nothing_for_independent_numbers_and_much_for_copies() -> None:
    independent = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert correlation(independent) == 0
    copied = independent[:, :1].expand(-1, 2)
    assert float(correlation(copied)) == pytest.approx((4 / 3) ** 2)


def test_a_code_does_not_depend_on_who_else_is_in_the_batch() -> None:
    network = IdentityNetwork().eval()
    crops = torch.rand(4, 3, 128, 64) * 2 - 1
    assert torch.allclose(network(crops)[:1], network(crops[:1]), atol=1e-4)


def test_codes_are_read_from_frames_one_a_box(tmp_path: Path) -> None:
    save_weights(IdentityNetwork(), tmp_path / "identity.safetensors", FORMAT)
    reader = IdentityReader(tmp_path / "identity.safetensors")
    frame = np.random.default_rng(0).integers(0, 256, (120, 90, 3)).astype(np.uint8)
    boxes = np.array([[5, 5, 40, 100], [-10, 30, 20, 130], [50, 0, 90, 110.0]])
    codes = reader(frame, boxes)
    assert codes.shape == (3, CODE_SIZE)
    assert np.abs(codes[:1] - reader(frame, boxes[:1])).max() < 0.1
    assert reader(frame, np.empty((0, 4))).shape == (0, CODE_SIZE)


def test_unknown_settings_fail() -> None:
    with pytest.raises(OptionError, match="unknown setting 'proxies'"):
        IdentityConfig.from_settings({"proxies": "9"})


@shipped
@needs_bodies
def test_shipped_codes_know_people_again_and_look_like_what_a_key_draws() -> None:
    bodies = load_bodies(BODIES, "val")
    network = load_identity()
    codes = network.code(embed(network, bodies.pixels))
    similarity = torch.nn.functional.normalize(codes) @ torch.nn.functional.normalize(codes).T
    camera, person = torch.from_numpy(bodies.camera), torch.from_numpy(bodies.person)
    similarity[camera[:, None] == camera[None]] = -2
    assert (person[similarity.argmax(1)] == person).float().mean() > 0.22  # chance is 0.01
    assert codes.mean().abs() < 0.1
    assert 0.5 < codes.var() < 1.5
