"""Training of the re-ID network, on twelve invented people of one colour each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

from mot_anon.errors import OptionError
from mot_anon.vision.bodies import Bodies, load_bodies
from mot_anon.vision.distil import Lessons, reduced
from mot_anon.vision.embed import calibrated_gate, load_network
from mot_anon.vision.reid_training import (
    ReidConfig,
    ReidLearner,
    calibrate_gate,
    cross_camera,
    embed,
    train_reid,
)
from mot_anon.vision.training import Draw, make_accelerator
from tests.invented_bodies import write_bodies

TINY = ReidConfig(steps=4, batch=8, save_every=2, versions=2)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bodies(tmp_path_factory.mktemp("bodies"))


class MeanColour:
    """A teacher that sees nothing but mean colours of a few stripes."""

    fingerprint = "mean colour 1"

    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        stripes = pixels.reshape(len(pixels), 8, -1, *pixels.shape[2:]).mean((2, 3))
        return np.asarray(stripes.reshape(len(pixels), -1) - 127, np.float32)


@pytest.fixture(scope="module")
def undisturbed(bodies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_reid(TINY, bodies, tmp_path_factory.mktemp("whole") / "reid.safetensors", lambda line: None)


def same_weights(a: Path, b: Path) -> bool:
    first, second = load_file(a), load_file(b)
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def test_a_run_can_be_repeated_from_its_seed(bodies: Path, undisturbed: Path, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    again = train_reid(TINY, bodies, tmp_path / "again.safetensors", lambda line: None)
    assert same_weights(undisturbed, again)
    assert torch.equal(state, torch.get_rng_state()), "torch's global generator was used up"
    other = train_reid(dataclasses.replace(TINY, seed=1), bodies, tmp_path / "other.safetensors", lambda line: None)
    assert not same_weights(undisturbed, other)


def test_an_interrupted_run_goes_on_to_the_same_result(bodies: Path, undisturbed: Path, tmp_path: Path) -> None:
    lines: list[str] = []

    def interrupt(line: str) -> None:
        lines.append(line)
        if line.startswith("step 2"):
            raise KeyboardInterrupt  # after the checkpoint of step 2

    out = tmp_path / "reid.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_reid(TINY, bodies, out, interrupt)
    assert not out.exists()
    train_reid(TINY, bodies, out, lines.append)
    assert "resumed at step 2" in lines
    assert same_weights(undisturbed, out)


def test_a_checkpoint_of_other_settings_is_refused(bodies: Path, tmp_path: Path) -> None:
    out = tmp_path / "reid.safetensors"
    train_reid(dataclasses.replace(TINY, steps=1, seed=1), bodies, out, lambda line: None)
    with pytest.raises(OptionError, match="other settings"):
        train_reid(TINY, bodies, out, lambda line: None)


def test_the_file_has_the_gate_of_its_own_network_on_train_crops(bodies: Path, undisturbed: Path) -> None:
    crops = load_bodies(bodies, "train")
    gate = calibrate_gate(embed(load_network(undisturbed)[0], crops.pixels), crops)
    assert calibrated_gate(undisturbed) == pytest.approx(gate, abs=0.002)  # weights are stored as float16


def test_settings_come_from_text() -> None:
    config = ReidConfig.from_settings({"steps": "7", "learning_rate": "1e-4"})
    assert (config.steps, config.learning_rate) == (7, 1e-4)


@pytest.mark.parametrize(
    ("settings", "said"), [({"step": "7"}, "unknown setting 'step'"), ({"steps": "many"}, "is not int")]
)
def test_a_wrong_setting_is_an_error(settings: dict[str, str], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        ReidConfig.from_settings(settings)


def test_more_crops_a_batch_than_there_are_is_an_error(bodies: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there are 32 crops"):
        train_reid(dataclasses.replace(TINY, batch=33), bodies, tmp_path / "x.safetensors", lambda line: None)


def test_everybody_comes_in_several_clothes_each_a_class_of_its_own(bodies: Path) -> None:
    crops = load_bodies(bodies, "train")
    learner = ReidLearner(dataclasses.replace(TINY, versions=3), crops, crops, make_accelerator())
    assert learner.versions.shape == (3, *crops.pixels.shape)
    assert np.array_equal(learner.versions[0], crops.pixels)
    assert (np.abs(learner.versions[1].astype(int) - crops.pixels).mean((1, 2, 3)) > 2).all()
    assert len(np.unique(learner.labels)) == 24
    images = learner.crops(np.arange(8), np.zeros(8, np.int64), Draw(0))
    assert images.shape == (8, 3, 128, 64)
    assert images.abs().max() < 1.001


def test_a_pupil_comes_to_see_what_its_teacher_sees(bodies: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MOT_ANON_CACHE", str(tmp_path / "cache"))
    crops = load_bodies(bodies, "train")
    learner = ReidLearner(dataclasses.replace(TINY, steps=30, batch=24), crops, crops, make_accelerator(), MeanColour())
    draw = Draw(0)
    told = [learner.step(draw, number, number / 30)["distance"] for number in range(30)]
    assert np.mean(told[-5:]) < 0.8 * np.mean(told[:5])
    out = train_reid(TINY, bodies, tmp_path / "taught.safetensors", lambda line: None, teacher=MeanColour())
    assert out.is_file()


def test_fewer_numbers_keep_how_alike_people_are() -> None:
    rows = torch.randn(50, 6, generator=torch.Generator().manual_seed(1)) @ torch.randn(6, 40)
    small = reduced(rows, 6)
    large = torch.nn.functional.normalize(rows)
    assert torch.allclose(small @ small.T, large @ large.T, atol=1e-3)


def test_a_lesson_is_learnt_when_the_pupil_says_what_the_teacher_says() -> None:
    features = torch.nn.functional.normalize(torch.randn(12, 8, generator=torch.Generator().manual_seed(0)))
    labels = torch.arange(12) // 3
    centres = torch.nn.functional.normalize(torch.zeros(4, 8).index_add_(0, labels, features))
    lessons = Lessons(features, centres, labels)
    rows = torch.arange(12)
    right, wrong = (lessons.losses(e, rows, 16.0, 0.7) for e in (lessons.targets(rows), -lessons.targets(rows)))
    assert right[1] < 1e-5 < wrong[1]
    assert right[0] < wrong[0]


def crops_of(person: list[int], camera: list[int]) -> Bodies:
    n = len(person)
    maps, pixels = np.zeros((n, 4, 8, 4), np.uint8), np.zeros((n, 16, 8, 3), np.uint8)
    return Bodies(pixels, maps[:, 0], maps, np.array(person), np.array(camera), np.ones(n, np.float32))


def test_rank_1_counts_the_nearest_crop_of_the_other_camera() -> None:
    # Two people; camera 1's crop of person 1 looks like person 0.
    embeddings = np.array([[1, 0], [0, 1], [1, 0], [0.8, 0.6]], np.float32)
    scores = cross_camera(embeddings, crops_of([0, 1, 0, 1], [0, 0, 1, 1]))
    assert scores["rank-1 a→b"] == 1.0
    assert scores["rank-1 b→a"] == 0.5
    assert scores["mAP b→a"] == pytest.approx(0.75)


def test_the_gate_lets_few_strangers_through() -> None:
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((300, 16)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    crops = crops_of(list(range(300)), [0] * 300)
    gate = calibrate_gate(embeddings, crops, false_accepts=0.01)
    distance = 1 - embeddings @ embeddings.T
    strangers = distance[~np.eye(300, dtype=bool)]
    assert 0.005 < (strangers < gate).mean() < 0.015
