"""What happens to crops while networks learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.vision import augment
from mot_anon.vision.training import Draw


def people(n: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    images = torch.full((n, 3, 128, 64), -0.3)
    silhouettes, parts = torch.zeros(n, 1, 128, 64), torch.zeros(n, 4, 128, 64)
    silhouettes[:, :, 10:120, 16:48] = 1
    parts[:, 0, 10:24, 24:40] = 0.6
    parts[:, 1, 30:64, 18:46] = 1
    parts[:, 3, 66:118, 20:44] = 1
    return images, silhouettes, parts


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_other_clothes_change_nothing_outside_the_person_and_nothing_of_the_head(seed: int) -> None:
    images, silhouettes, parts = people()
    dressed = augment.recolour(images, silhouettes, parts, augment.draw_colours(Draw(seed), 3))
    changed = (dressed - images).abs()
    assert changed[(silhouettes == 0).expand_as(changed)].max() == 0
    assert changed[:, :, 12:22, 26:38].max() < 1e-6


def test_shirt_and_trousers_get_colours_of_their_own() -> None:
    images, silhouettes, parts = people(1)
    colours = torch.tensor([[[0, 1, 1, 0.0, 0.3, 0.0], [0, 1, 1, 0.0, -0.3, 0.0]]])
    dressed = augment.recolour(images, silhouettes, parts, colours)
    assert dressed[0, 2, 45, 30] > images[0, 2, 45, 30] + 0.1  # blue
    assert dressed[0, 2, 95, 30] < images[0, 2, 95, 30] - 0.1


def test_filling_lets_nothing_of_the_hole_through_and_keeps_the_rest() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (128, 64, 3)).astype(np.uint8)
    holes = np.zeros((128, 64), bool)
    holes[20:110, 15:50] = True
    other = image.copy()
    other[holes] = rng.integers(0, 256, (holes.sum(), 3))
    filled = augment.fill(image, holes)
    assert np.array_equal(filled, augment.fill(other, holes))
    assert np.array_equal(filled[~holes], image[~holes])


def test_a_hole_without_surroundings_becomes_grey() -> None:
    assert (augment.fill(np.zeros((16, 8, 3), np.uint8), np.ones((16, 8), bool)) == 127).all()


def test_what_is_held_before_people_is_reported_as_hiding_them() -> None:
    images = torch.rand(12, 3, 128, 64)
    covered, seen = augment.patches(images, Draw(3), share=0.7)
    same = (covered == images).all(1, keepdim=True)
    assert same[seen == 1].all()
    assert 0 < (seen == 0).float().mean() < 0.6


def test_pixels_survive_the_way_into_tensors_and_back() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 8, 3)).astype(np.uint8)
    assert np.array_equal(augment.to_pixels(augment.to_images(pixels)), pixels)


def test_the_same_draw_gives_the_same_crops() -> None:
    images = torch.rand(4, 3, 128, 64) * 2 - 1

    def disturbed(seed: int) -> torch.Tensor:
        draw = Draw(seed)
        return augment.recompress(
            augment.coarsen(augment.light(images, draw), draw, share=0.5, smallest=0.1), draw, share=0.5
        )

    assert torch.equal(disturbed(1), disturbed(1))
    assert not torch.equal(disturbed(1), disturbed(2))


@pytest.mark.parametrize("outside", ["border", "zeros"])
def test_an_undisturbed_warp_only_resizes(outside: str) -> None:
    maps = torch.rand(1, 1, 8, 8).repeat_interleave(16, 2).repeat_interleave(8, 3)
    still = torch.eye(3)[:2][None]
    assert torch.allclose(augment.warp(maps, still, (128, 64), outside=outside), maps, atol=1e-5)
