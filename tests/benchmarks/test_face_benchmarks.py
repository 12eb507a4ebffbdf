"""What the benchmarks of faces count, on faces whose answers are known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from face_ablations import WholeFace, frechet
from face_parrot import MOST, practice
from face_swaps import swapped
from faces import Filled, Taken, people_of, published, recall, verified

from mot_anon.gan import faces as networks
from mot_anon.methods.ciagan_face import CiaganFace
from mot_anon.vision.face_data import load_faces
from mot_anon.vision.landmarks import draw_holes
from mot_anon.vision.weights import save_weights
from tests.invented_faces import write_faces

PERSON = np.repeat(np.arange(40), 3)


def embeddings(noise: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((40, 64))[PERSON] + noise * rng.standard_normal((len(PERSON), 64))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_who_looks_alike_is_found_and_who_does_not_is_not() -> None:
    assert recall(embeddings(0.1), embeddings(0.1), PERSON).mean() == 1
    assert recall(embeddings(30), embeddings(0.1), PERSON).mean() < 0.1


def test_verification_accepts_what_is_alike_and_one_in_a_thousand_of_the_rest() -> None:
    assert np.mean(verified(embeddings(0.1), embeddings(0.1), PERSON)) > 0.99
    assert np.mean(verified(embeddings(30), embeddings(0.1), PERSON)) < 0.02


def test_the_distance_of_distributions_is_nothing_between_the_same_and_grows_with_the_difference() -> None:
    one = embeddings(0.3)
    assert abs(frechet(one, one)) < 1e-3
    near, far = frechet(one, one + np.float32(0.05)), frechet(one, one + np.float32(0.1))
    assert near == pytest.approx(64 * 0.05**2, rel=0.05)
    assert far == pytest.approx(4 * near, rel=0.05)


def test_a_swap_takes_the_face_of_somebody_else_and_leaves_what_is_round_it(tmp_path: Path) -> None:
    grey, _ = people_of(write_faces(tmp_path / "faces", grey=60), "train", 2)
    made = swapped(grey)
    changed = np.abs(made.astype(int) - grey.pixels).max(3) > 0
    side = grey.pixels.shape[1]
    middles = np.rint(grey.landmarks[:, 27:48].mean(1) * side).astype(int)
    cells = np.arange(-5, 6)
    rows, columns = middles[:, 1, None] + cells, middles[:, 0, None] + cells
    assert changed[np.arange(len(changed))[:, None, None], rows[:, :, None], columns[:, None]].mean() > 0.5
    holes = draw_holes(grey.landmarks, (side, side))[:, 0]
    assert not changed[holes == 0].any()
    assert np.array_equal(made, swapped(grey))
    assert not np.array_equal(made, swapped(grey, 1))


def test_who_practises_sees_everybody_as_they_were_and_under_two_codes(tmp_path: Path) -> None:
    weights = tmp_path / "generator.safetensors"
    save_weights(networks.face_generator(), weights, networks.GENERATOR_FORMAT)
    faces = load_faces(write_faces(tmp_path / "faces", grey=20), ("train",))
    examples = practice(faces, CiaganFace(weights))
    first, second, third = (examples.of(rows) for rows in np.split(np.arange(len(examples)), 3))
    assert np.unique(first.person, return_counts=True)[1].max() <= MOST
    assert np.array_equal(first.person, second.person)
    assert np.array_equal(first.person, third.person)
    assert not np.array_equal(second.pixels, third.pixels)
    again = faces.of(faces.detected)
    assert np.array_equal(first.pixels[0], again.pixels[0])  # the originals stay


@pytest.mark.parametrize(("method", "sees"), [(CiaganFace, False), (WholeFace, True)])
def test_only_the_ablation_sees_the_face_that_it_replaces(method: type[CiaganFace], sees: bool, tmp_path: Path) -> None:
    weights = tmp_path / "generator.safetensors"
    save_weights(networks.face_generator(), weights, networks.GENERATOR_FORMAT)
    grey, _ = people_of(write_faces(tmp_path / "faces", grey=60), "train", 2)
    other = dataclasses.replace(grey, pixels=grey.pixels.copy())
    for picture, points in zip(other.pixels, grey.landmarks, strict=True):
        x, y = np.rint(points[27:48].mean(0) * picture.shape[0]).astype(int)
        picture[y - 6 : y + 6, x - 6 : x + 6] = 255 - picture[y - 6 : y + 6, x - 6 : x + 6]
    one, two = (published(faces, method(weights)) for faces in (grey, other))
    assert np.array_equal(one, two) != sees


def test_the_floor_of_whole_heads_has_no_hair_and_that_of_faces_has(tmp_path: Path) -> None:
    grey, _ = people_of(write_faces(tmp_path / "faces", grey=60, hair=True), "train", 2)
    filled, taken = (published(grey, method).astype(int) for method in (Filled(), Taken()))
    changed, more = ((np.abs(made - grey.pixels).max(3) > 0) for made in (filled, taken))
    assert more.mean() > 1.3 * changed.mean()
    side = grey.pixels.shape[1]
    for picture, points in zip(more, grey.landmarks, strict=True):
        x, brows = np.rint(side * np.array([points[:, 0].mean(), points[:, 1].min()])).astype(int)
        assert picture[brows - 4, x]
        assert not picture[min(side - 1, round(side * points[:, 1].max()) + 8), x]
