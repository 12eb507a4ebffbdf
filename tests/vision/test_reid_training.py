"""Training of the re-ID network, on twelve invented people of one colour each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from mot_anon.errors import FormatError, NotFoundError, OptionError
from mot_anon.vision.embed import calibrated_gate, load_network
from mot_anon.vision.reid_training import (
    Crops,
    ReidConfig,
    augment,
    calibrate_gate,
    cross_camera,
    embed,
    load_crops,
    train_reid,
)

TINY = ReidConfig(steps=4, people=4, crops=2, save_every=2)


@pytest.fixture(scope="module")
def bodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bodies")
    rng = np.random.default_rng(1)
    lines = ["split,name,person,camera,source,width,height,teacher_presence"]
    for split, people in (("train", 8), ("val", 4)):
        (folder / split / "images").mkdir(parents=True)
        for person in range(people):
            colour = rng.integers(0, 256, 3)
            for camera in ("a", "b"):
                for shot in range(2):
                    name = f"{person:02d}{camera}{shot}"
                    picture = np.clip(colour + rng.normal(0, 20, (160, 80, 3)), 0, 255).astype(np.uint8)
                    cv2.imwrite(str(folder / split / "images" / f"{name}.jpg"), picture)
                    lines.append(f"{split},{name},{split}{person},{camera},invented,80,160,1.0")
    (folder / "index.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


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
        if line.startswith("step 4"):
            raise KeyboardInterrupt  # after the checkpoint of step 2, before that of step 4

    out = tmp_path / "reid.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_reid(TINY, bodies, out, interrupt)
    assert not out.exists()
    train_reid(TINY, bodies, out, lines.append)
    assert "resumed at step 2" in lines
    assert same_weights(undisturbed, out)


def test_a_checkpoint_of_other_settings_is_refused(bodies: Path, tmp_path: Path) -> None:
    out = tmp_path / "reid.safetensors"
    train_reid(dataclasses.replace(TINY, steps=1), bodies, out, lambda line: None)
    with pytest.raises(OptionError, match="other settings"):
        train_reid(TINY, bodies, out, lambda line: None)


def test_the_file_has_the_gate_of_its_own_network_on_train_crops(bodies: Path, undisturbed: Path) -> None:
    crops = load_crops(bodies, "train")
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


def test_more_people_a_batch_than_there_are_is_an_error(bodies: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="there are 8 people"):
        train_reid(dataclasses.replace(TINY, people=9), bodies, tmp_path / "x.safetensors", lambda line: None)


def test_a_folder_without_crops_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"index\.csv"):
        load_crops(tmp_path, "train")
    index = tmp_path / "index.csv"
    index.write_text("split,name,person\n", encoding="utf-8")
    with pytest.raises(FormatError, match="no column camera"):
        load_crops(tmp_path, "train")
    index.write_text("split,name,person,camera\ntrain,1,2,3\n", encoding="utf-8")
    with pytest.raises(FormatError, match="'val'"):
        load_crops(tmp_path, "val")
    with pytest.raises(FormatError, match="cannot be read as a picture"):
        load_crops(tmp_path, "train")


def test_augmented_crops_stay_pictures_and_repeat_with_the_generator() -> None:
    images = torch.rand(6, 3, 128, 64) * 2 - 1
    first = augment(images.clone(), torch.Generator().manual_seed(3))
    second = augment(images.clone(), torch.Generator().manual_seed(3))
    assert torch.equal(first, second)
    assert first.shape == images.shape
    assert first.abs().max() <= 1
    assert not torch.equal(first, images)


def crops_of(person: list[int], camera: list[int]) -> Crops:
    return Crops(np.zeros((len(person), 128, 64, 3), np.uint8), np.array(person), np.array(camera))


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
