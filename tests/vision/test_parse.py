"""Reading people: the seam, and the weights that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import FormatError, NotFoundError
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.parse import FORMAT, WEIGHTS, Parser, ParserNetwork, cut_window, load_parser, widen
from mot_anon.vision.parse_scenes import still_scenes
from mot_anon.vision.parse_training import overlap
from mot_anon.vision.weights import save_weights
from tests.realdata import BODIES, needs_bodies

shipped = pytest.mark.skipif(not WEIGHTS.is_file(), reason="the parser's weights are not there")


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / "parser.safetensors"
    save_weights(ParserNetwork(), out, FORMAT)
    return out


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (120, 200, 3)).astype(np.uint8)


BOXES = np.array([[10, 10, 50, 100], [150, 60, 230, 180], [-30, -40, -5, -2.0]])


def test_everybody_gets_maps_and_a_score_between_nothing_and_certainty(untrained: Path, frame: np.ndarray) -> None:
    parsed = Parser(untrained)(frame, BOXES)
    assert parsed.silhouettes.shape == (3, 128, 64)
    assert parsed.parts.shape == (3, 4, 128, 64)
    assert parsed.scores.shape == (3,)
    for values in (parsed.silhouettes, parsed.parts, parsed.scores):
        assert values.dtype == np.float32
        assert values.min() >= 0
        assert values.max() <= 1


def test_a_frame_without_boxes_is_no_error(untrained: Path, frame: np.ndarray) -> None:
    assert Parser(untrained)(frame, np.empty((0, 4))).silhouettes.shape == (0, 128, 64)


def test_the_same_frame_is_read_the_same_and_neighbours_hardly_matter(untrained: Path, frame: np.ndarray) -> None:
    parser = Parser(untrained)
    all_of_them, again, first = parser(frame, BOXES), parser(frame, BOXES), parser(frame, BOXES[:1])
    assert np.array_equal(all_of_them.silhouettes, again.silhouettes)
    assert np.abs(all_of_them.silhouettes[0] - first.silhouettes[0]).max() < 0.02


def test_loading_leaves_global_randomness_alone(untrained: Path) -> None:
    state = torch.get_rng_state()
    load_parser.cache_clear()
    load_parser(untrained)
    assert torch.equal(state, torch.get_rng_state())


def test_missing_and_foreign_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.safetensors"):
        Parser(tmp_path / "nothing.safetensors")
    save_weights(torch.nn.Linear(1, 1), tmp_path / "other.safetensors", "a line")
    with pytest.raises(FormatError, match="'a line' where 'mot_anon parser 3'"):
        Parser(tmp_path / "other.safetensors")


def test_a_window_is_its_box_with_a_margin() -> None:
    assert np.allclose(widen(np.array([[100, 200, 140, 300.0]])), [[97, 192.5, 143, 307.5]])


def test_a_window_is_grey_beyond_the_frame_and_the_frame_within(frame: np.ndarray) -> None:
    crop = cut_window(frame, np.array([-64, 0, 64, 128.0]), (128, 128))
    assert (crop[:, :63] == 127).all()
    assert (crop[120:] == 127).all()
    assert np.array_equal(crop[:120, 64:], frame[:, :64])


@shipped
def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 3.5e6


@shipped
@needs_bodies
def test_the_shipped_parser_agrees_with_its_teacher_on_people_it_never_saw() -> None:
    scenes = still_scenes(load_bodies(BODIES, "val"), 1.0)
    pixels = ((scenes.images[::10] + 1) * 127.5).round().to(torch.uint8).flip(1).permute(0, 2, 3, 1).numpy()
    maps, scores = Parser().read(np.ascontiguousarray(pixels))
    assert float(overlap(torch.from_numpy(maps[:, 0]), scenes.maps[::10, 0]).mean()) > 0.8
    assert (scores > 0.5).mean() > 0.95


@shipped
def test_the_shipped_parser_sees_nobody_on_a_wall() -> None:
    walls = [np.full((128, 64, 3), shade, np.uint8) for shade in (20, 90, 160, 230)]
    noise = np.random.default_rng(0).integers(90, 150, (4, 128, 64, 3)).astype(np.uint8)
    maps, scores = Parser().read(np.concatenate([np.stack(walls), noise]))
    assert (scores < 0.5).all()
    assert maps[:, 0].mean() < 0.05
