"""The cover for heads that cannot be drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mot_anon.methods.base import FaceShape, Item
from mot_anon.methods.heads import cover_head, head_oval

SIZE = (60, 80)


def item(seed: int = 0, window: tuple[int, ...] = (20, 5, 60, 45), grey: float = 0.5, code: int = 0) -> Item:
    rng = np.random.default_rng(seed)
    erased = rng.uniform(grey - 0.05, grey + 0.05, (*SIZE, 3)).astype(np.float32)
    around = np.full((64, 64, 3), grey, np.float32)
    empty = np.zeros((64, 64), np.float32)
    shape = FaceShape(np.array(window), around, empty, head_oval((64, 64)), 0.0, False)
    numbers = np.random.default_rng(code).normal(size=128).astype(np.float32)
    return Item(erased, np.ones(SIZE, np.float32), numbers, 20.0, 0, None, None, shape)


def test_it_lies_where_the_head_is_and_ends_softly() -> None:
    rgb, alpha = cover_head(item())
    assert rgb.shape == (*SIZE, 3)
    assert alpha.shape == SIZE
    assert rgb.dtype == alpha.dtype == np.float32
    assert alpha[25, 40] == 1
    assert alpha[25, 22:58].min() >= 0
    assert alpha[:, :18].max() == alpha[:, 62:].max() == alpha[50:].max() == 0
    assert 0.05 < ((alpha > 0) & (alpha < 1)).sum() / (alpha > 0).sum() < 0.6


def test_nothing_of_what_is_below_goes_into_it() -> None:
    one, other = (cover_head(item(seed)) for seed in (0, 1))
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])


def test_it_looks_the_same_wherever_it_is() -> None:
    (here, _), (there, alpha) = cover_head(item()), cover_head(item(window=(27, 9, 67, 49)))
    assert np.allclose(here[5:45, 20:60], there[9:49, 27:67], atol=1e-5)
    assert alpha[29, 47] == 1


def test_another_code_is_somebody_else_and_dark_places_make_dark_heads() -> None:
    looks = np.array([cover_head(item(code=code))[0][5:45, 20:60].mean((0, 1)) for code in range(12)])
    assert np.ptp(looks, axis=0).min() > 0.05
    dark, bright = (cover_head(item(grey=grey))[0][25, 40].mean() for grey in (0.1, 0.9))
    assert dark < 0.7 * bright


def test_hair_is_above_and_skin_below() -> None:
    rgb, _ = cover_head(item(code=3))
    assert rgb[10, 40].mean() < rgb[36, 40].mean()
    assert rgb[36, 40, 0] > rgb[36, 40, 2]


def test_it_stays_inside_its_region() -> None:
    half = item()
    mask = half.silhouette.copy()
    mask[:, 40:] = 0
    _, alpha = cover_head(replace(half, silhouette=mask))
    assert alpha[:, 42:].max() == 0
    assert alpha[25, 36] == 1


@pytest.mark.parametrize("size", [(4, 4), (1, 9)])
def test_the_smallest_heads_are_covered_too(size: tuple[int, int]) -> None:
    small = item()
    assert small.face is not None
    face = replace(small.face, window=np.array([0, 0, 4, 4]))
    tiny = replace(small, erased=np.zeros((*size, 3), np.float32), silhouette=np.ones(size, np.float32), face=face)
    rgb, alpha = cover_head(tiny)
    assert np.isfinite(rgb).all()
    assert 0 < alpha.max() <= 1


def test_it_needs_to_know_where_the_head_is() -> None:
    with pytest.raises(ValueError, match="where the head is"):
        cover_head(replace(item(), face=None))
