from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mot_anon.errors import FormatError, NotFoundError
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.embed import (
    WEIGHTS,
    Embedder,
    OsnetEmbedder,
    RandomEmbedder,
    calibrated_gate,
    cut,
    load_network,
    save_network,
)
from mot_anon.vision.osnet import FEATURES, INPUT_SIZE, ReidNetwork, to_input
from mot_anon.vision.reid_training import cross_camera, embed
from tests.realdata import BODIES, needs_bodies

FRAME = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
BOXES = np.random.default_rng(1).uniform([0, 0, 20, 40], [250, 150, 60, 120], (70, 4))
BOXES[:, 2:] += BOXES[:, :2]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = ReidNetwork().train()
        network(torch.rand(16, 3, *INPUT_SIZE) * 2 - 1)  # fills the running means of its batch norms
    path = tmp_path_factory.mktemp("weights") / "sub" / "reid.safetensors"
    save_network(network, path, gate=0.12345)
    return path


# Crops


def test_a_crop_is_the_part_of_the_box_inside_the_frame() -> None:
    frame = np.zeros((100, 100, 3), np.uint8)
    frame[10:40, 20:30] = 200
    assert (cut(frame, np.array([20, 10, 30, 40]), (60, 20)) == 200).all()
    frame[:30, :10] = 90
    assert (cut(frame, np.array([-500, -500, 10, 30]), (60, 20)) == 90).all()


@pytest.mark.parametrize("box", [[-20, 0, 0, 50], [100, 0, 120, 50], [50, 50, 50, 50], [60, 60, 40, 40]])
def test_a_box_without_pixels_is_grey(box: list[float]) -> None:
    assert (cut(FRAME[:100, :100], np.array(box), (60, 20)) == 127).all()


def test_the_network_is_given_red_green_and_blue_from_minus_one_to_one() -> None:
    crops = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    crops[..., 2] = 255
    assert to_input(crops)[0, :, 0, 0].tolist() == [1, -1, -1]


# The network in its file


def test_features_are_of_unit_length_and_the_same_every_time(weights: Path) -> None:
    first, second = OsnetEmbedder(weights)(FRAME, BOXES), OsnetEmbedder(weights)(FRAME.copy(), BOXES.copy())
    assert first.shape == (len(BOXES), FEATURES)
    assert first.dtype == np.float32
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
    assert first.tobytes() == second.tobytes()


def test_a_boxs_features_do_not_depend_on_the_others_of_its_frame(weights: Path) -> None:
    embedder = OsnetEmbedder(weights)
    together = embedder(FRAME, BOXES)
    alone = np.concatenate([embedder(FRAME, box[None]) for box in BOXES[:8]])
    assert np.abs(together[:8] - alone).max() <= 1e-5
    assert np.abs(together[::-1] - embedder(FRAME, BOXES[::-1])).max() <= 1e-5


def test_no_box_has_no_features(weights: Path) -> None:
    assert OsnetEmbedder(weights)(FRAME, np.zeros((0, 4))).shape == (0, FEATURES)


def test_different_boxes_have_different_features(weights: Path) -> None:
    features = OsnetEmbedder(weights)(FRAME, BOXES[:10])
    similarity = features @ features.T
    assert similarity[~np.eye(10, dtype=bool)].max() < 1 - 1e-4


def test_the_gate_and_the_fingerprint_come_from_the_file(weights: Path, tmp_path: Path) -> None:
    assert calibrated_gate(weights) == pytest.approx(0.1235, abs=1e-4)
    other = tmp_path / "other.safetensors"
    save_network(load_network(weights)[0], other, gate=0.3)
    assert OsnetEmbedder(other).fingerprint != OsnetEmbedder(weights).fingerprint


def test_loading_draws_nothing_from_torchs_global_generator(weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(weights.read_bytes())
    state = torch.get_rng_state()
    load_network(copy)
    assert torch.equal(torch.get_rng_state(), state)


def test_weights_that_are_missing_broken_or_of_another_network_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="install mot_anon again"):
        load_network(tmp_path / "none.safetensors")
    cut_off = tmp_path / "cut.safetensors"
    cut_off.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(FormatError, match="broken weights"):
        load_network(cut_off)
    other = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(2)}, other, metadata={"gate": "0.1"})
    with pytest.raises(FormatError, match="another network"):
        load_network(other)
    bare = tmp_path / "bare.safetensors"
    save_file(load_file(weights), bare)
    with pytest.raises(FormatError, match="another network"):
        load_network(bare)


# The control


def test_random_features_know_the_boxes_numbers_and_nothing_else() -> None:
    embedder = RandomEmbedder()
    first = embedder(FRAME, BOXES)
    assert np.array_equal(first, embedder(None, BOXES)), "neither pixels nor earlier calls count"
    assert np.linalg.norm(first, axis=1) == pytest.approx(1, abs=1e-5)
    similarity = first @ first.T
    assert np.abs(similarity[~np.eye(len(first), dtype=bool)]).max() < 0.4
    moved = embedder(None, BOXES + 0.01)
    assert np.abs((first * moved).sum(1)).max() < 0.4
    assert RandomEmbedder(16)(None, BOXES[:0]).shape == (0, 16)
    assert isinstance(embedder, Embedder)


# The weights that ship


def test_the_shipped_gate_is_a_cosine_distance() -> None:
    assert 0.02 < calibrated_gate() < 1


@needs_bodies
def test_the_shipped_network_finds_people_again_in_another_camera() -> None:
    val = load_bodies(BODIES, "val")
    scores = cross_camera(embed(load_network(WEIGHTS)[0], val.pixels), val)
    ways = scores["rank-1 a→b"], scores["rank-1 b→a"]
    assert np.mean(ways) >= 0.56
    assert min(ways) >= 0.5495


@needs_bodies
def test_the_shipped_networks_features_do_not_depend_on_the_batch() -> None:
    pixels = load_bodies(BODIES, "val").pixels[:40]
    network = load_network(WEIGHTS)[0]
    assert np.abs(embed(network, pixels, batch=40) - embed(network, pixels, batch=1)).max() <= 1e-5
