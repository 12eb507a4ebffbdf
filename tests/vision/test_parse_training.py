"""Training of the parser, on invented people in trouble."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from mot_anon.errors import OptionError
from mot_anon.vision.bodies import load_bodies
from mot_anon.vision.lite import pretrained
from mot_anon.vision.parse import EYES, Parser, load_parser
from mot_anon.vision.parse_scenes import ParserConfig, Stage, cut_off, fade, mirrored_strips
from mot_anon.vision.parse_training import overlap, parser_losses, train_parser
from mot_anon.vision.training import Draw
from tests.invented_bodies import write_bodies


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bodies(tmp_path_factory.mktemp("bodies"))


@pytest.fixture(scope="module")
def stage(folder: Path) -> Stage:
    return Stage(load_bodies(folder, "train"))


def test_a_training_runs_repeats_and_ships_a_parser(folder: Path, tmp_path: Path) -> None:
    config = ParserConfig(steps=2, batch=4, save_every=2, begin="none")
    first = train_parser(config, folder, tmp_path / "a.safetensors", lambda line: None, samples=tmp_path / "look")
    second = train_parser(config, folder, tmp_path / "b.safetensors", lambda line: None)
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in (tmp_path / "look").iterdir()] == ["parser-000002.png"]
    Parser(first).read(np.zeros((1, 128, 64, 3), np.uint8))


def test_unknown_settings_fail() -> None:
    with pytest.raises(OptionError, match="unknown setting 'colour'"):
        ParserConfig.from_settings({"colour": "red"})


def test_the_way_down_begins_with_weights_of_imagenet(folder: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec(EYES.package) is None:
        pytest.skip(f"{EYES.package} is not installed")
    out = train_parser(
        ParserConfig(steps=1, batch=4, learning_rate=0.0), folder, tmp_path / "parser", lambda line: None
    )
    stem = pretrained(EYES).state_dict()["_conv_stem.weight"]
    assert torch.allclose(load_parser(out).eyes.state_dict()["_conv_stem.weight"], stem, atol=1e-3)


def test_a_cluttered_background_has_edges_where_plain_ones_have_none(stage: Stage) -> None:
    def edges(cluttered: float) -> float:
        view = stage.view(Draw(0), 16, cluttered)
        assert view.shape == (16, 3, 128, 64)
        return float((view[..., 1:] - view[..., :-1]).abs().mean())

    assert edges(1.0) > 1.4 * edges(0.0)


def test_where_nobody_is_meant_nothing_is_to_be_seen(stage: Stage) -> None:
    scenes = stage.scenes(Draw(0), ParserConfig(batch=24, easy=0.0, nobody=1.0))
    assert scenes.maps.max() == 0
    assert scenes.scores.max() == 0


def test_scenes_without_trouble_show_whole_people(stage: Stage) -> None:
    scenes = stage.scenes(Draw(0), ParserConfig(batch=16, easy=0.5, nobody=0.0, crossed=0.0))
    assert (scenes.scores > 0.9).float().mean() > 0.7
    assert scenes.images.abs().max() <= 1


def test_whoever_stands_behind_somebody_loses_what_is_hidden(stage: Stage) -> None:
    rows = np.zeros(16, np.int64)
    image, maps = stage.person(rows, torch.eye(3)[:2].expand(16, 2, 3))
    crossed, seen = stage.cross(image, maps[:, :1], Draw(1), share=1.0)
    before = (seen < 0.5).flatten(1).any(1)
    assert 0 < before.sum() < 16
    person = (maps[:, :1] > 0.99).expand_as(image)
    # Those behind the first person change no pixel of theirs.
    changed = ((crossed - image).abs() > 1e-4) & person
    assert not changed[~before].any()
    assert changed[before].any()


def test_strips_repeat_the_free_edge_and_nothing_else() -> None:
    image = np.zeros((1, 160, 80, 3), np.uint8)
    image[0, :, :20] = 50
    image[0, :, 20:] = 200
    silhouette = np.zeros((1, 80, 40), np.uint8)
    silhouette[0, :, 12:] = 255
    strips = mirrored_strips(image, silhouette)
    assert strips.shape == (1, 160, 80, 3)
    assert set(np.unique(strips)) == {50, 200}
    silhouette[0, 10, 0] = silhouette[0, 10, -1] = 255
    assert len(mirrored_strips(image, silhouette)) == 0


def test_beyond_the_frame_it_is_grey() -> None:
    images, inside = cut_off(torch.ones(10, 3, 128, 64), Draw(0), share=1.0)
    assert (images[(inside == 0).expand_as(images)] == 0).all()
    assert (images[(inside == 1).expand_as(images)] == 1).all()
    assert all(0.03 < (1 - one).mean() < 0.62 for one in inside)


def test_losses_are_small_for_what_is_right_and_leave_the_nearly_hidden_out_of_the_score() -> None:
    true = (torch.rand(2, 5, 128, 64) > 0.5).float()
    right = parser_losses(20 * (true - 0.5), torch.tensor([9.0, -9.0]), true, torch.tensor([1.0, 0.0]))
    wrong = parser_losses(20 * (0.5 - true), torch.tensor([-9.0, 9.0]), true, torch.tensor([1.0, 0.0]))
    assert all(right[name] < 0.01 for name in right)
    assert all(wrong[name] > 0.9 for name in wrong)
    unsure = parser_losses(20 * (true - 0.5), torch.tensor([9.0, 9.0]), true, torch.tensor([1.0, 0.4]))
    assert unsure["score"] < 0.01


def test_overlap_of_hand_made_masks() -> None:
    a, b = torch.zeros(3, 4, 4), torch.zeros(3, 4, 4)
    a[0, :2], b[0, 1:3] = 1, 1
    a[1], b[1] = 1, 1
    assert torch.allclose(overlap(a, b), torch.tensor([1 / 3, 1.0, 1.0]))


def test_whoever_fades_takes_on_the_colours_behind_and_the_background_stays() -> None:
    draw = Draw(2)
    behind = torch.full((40, 3, 128, 64), -0.6)
    silhouettes = torch.zeros(40, 1, 128, 64)
    silhouettes[:, :, 20:120, 20:44] = 1
    images = torch.where(silhouettes > 0, 0.8, behind)
    faded = fade(images, silhouettes, draw, share=0.5)
    assert torch.equal(faded * (1 - silhouettes), images * (1 - silhouettes))
    chest, feet = faded[:, 0, 25, 32], faded[:, 0, 115, 32]
    changed = feet < 0.75
    assert 0.25 < changed.float().mean() < 0.75
    assert feet[changed].min() > -0.6
    legs_only = changed & (chest > 0.79)
    assert legs_only.any()
    assert (changed & ~legs_only).any()
    assert (chest[~changed] > 0.79).all()
    assert torch.equal(fade(images, silhouettes, draw, share=0.0), images)
