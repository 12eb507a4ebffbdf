from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.errors import OptionError
from mot_anon.methods.base import TARGETS, Item, Method, Pixels, make_method
from mot_anon.methods.classical import (
    METHODS,
    SMALLEST_CELL,
    Blur,
    cell_means,
    cell_means_inside,
    code_colour,
    gaussian,
    hue_rotation,
    strong_blur,
)

sides = st.integers(1, 50)


def pixels(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def item(height: int = 240, width: int = 90, *, head: float | None = None, code: int = 0, raw: bool = True) -> Item:
    crop = pixels(height, width)
    silhouette = np.zeros((height, width), np.float32)
    silhouette[height // 8 :, width // 6 :] = 1
    numbers = np.random.default_rng(code).standard_normal(24).astype(np.float32)
    return Item(
        np.zeros_like(crop), silhouette, numbers, height / 8 if head is None else head, 7, crop if raw else None
    )


def painted(name: str, given_item: Item, strength: int | None = None) -> Pixels:
    ((rgb, _),) = make_method(name, strength).render([given_item])
    return rgb


# The seam


@pytest.mark.parametrize("name", METHODS)
def test_a_method_paints_the_whole_silhouette_with_colours_and_nothing_beside_it(name: str) -> None:
    method = make_method(name)
    assert isinstance(method, Method)
    assert method.targets <= set(TARGETS)
    wanted = item(raw=method.needs_raw)
    ((rgb, alpha),) = method.render([wanted])
    assert rgb.shape == (240, 90, 3)
    assert np.array_equal(alpha, wanted.silhouette)
    assert (rgb.dtype, alpha.dtype) == (np.float32, np.float32)
    assert rgb.min() >= 0
    assert rgb.max() <= 1


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_pure(name: str) -> None:
    method = make_method(name)
    batch = [item(code=1), item(120, 50, code=2), item(30, 12, code=3)]
    before = [entry.raw.copy() for entry in batch if entry.raw is not None]
    together = method.render(batch)
    alone = [pair for entry in batch[::-1] for pair in make_method(name).render([entry])][::-1]
    for (rgb, alpha), (other, beta) in zip(together, alone, strict=True):
        assert np.array_equal(rgb, other)
        assert np.array_equal(alpha, beta)
    assert all(np.array_equal(entry.raw, crop) for entry, crop in zip(batch, before, strict=True))


def test_controls_are_marked_and_only_solid_has_identities() -> None:
    assert {name for name in METHODS if make_method(name).control} == {"recolor", "none", "grey"}
    assert {name for name in METHODS if make_method(name).uses_identity} == {"solid"}
    assert {name for name in METHODS if not make_method(name).needs_raw} == {"solid", "grey"}


def test_an_unknown_method_lists_those_there_are() -> None:
    with pytest.raises(OptionError, match="no method 'mosaic'; there is: solid, pixelate, blur, recolor, none, grey"):
        make_method("mosaic")


@pytest.mark.parametrize(
    ("name", "strength", "said"),
    [
        ("pixelate", 9, "--strength 9 for pixelate; it is 8 or 16"),
        ("blur", 0, "--strength 0 for blur; it is 9 or 17"),
        ("solid", 8, "method solid has no --strength"),
        ("none", 8, "method none has no --strength"),
    ],
)
def test_an_unknown_strength_is_refused(name: str, strength: int, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        make_method(name, strength)


def test_the_talks_strengths_are_the_defaults_and_are_reported() -> None:
    assert make_method("pixelate").parameters() == {"strength": 8}
    assert make_method("pixelate", 16).parameters() == {"strength": 16}
    assert make_method("blur").parameters() == {"strength": 17}
    assert make_method("solid").parameters() == {}


# Solid


def test_a_solid_colour_belongs_to_the_code_alone() -> None:
    one, same, other = (painted("solid", entry) for entry in (item(code=1), item(50, 20, code=1), item(code=2)))
    assert (one == one[0, 0]).all()
    assert np.array_equal(one[0, 0], same[0, 0])
    assert np.abs(one[0, 0] - other[0, 0]).max() > 0.05


def test_solid_colours_are_spread_and_never_black_or_white() -> None:
    colours = np.array([code_colour(code) for code in np.random.default_rng(0).standard_normal((500, 24))])
    assert colours.max(1).min() >= 0.4
    assert colours.min(1).max() < 0.7
    assert (colours.std(0) > 0.15).all()


# Pixelate


@given(sides, sides, st.integers(4, 12))
def test_a_mosaic_has_whole_cells_only_and_keeps_the_mean(height: int, width: int, cell: int) -> None:
    crop = pixels(height, width)
    mosaic = cell_means(crop, cell)
    assert mosaic.shape == crop.shape
    assert mosaic.mean((0, 1)) == pytest.approx(crop.mean((0, 1)), abs=1e-4)
    assert (mosaic == mosaic[0, 0])[: min(cell, height), : min(cell, width)].all()
    for axis, side in ((0, height), (1, width)):
        line = np.moveaxis(mosaic, axis, 0)
        changes = np.flatnonzero((line[1:] != line[:-1]).any((1, 2))) + 1
        assert (changes % cell == 0).all()
        assert not len(changes) or side - changes[-1] >= cell, "a sliver at the rim"


@pytest.mark.parametrize(("head", "strength", "cell"), [(32, 8, 4), (80, 8, 10), (64, 16, 4), (200, 16, 12)])
def test_a_head_is_so_many_cells_across(head: float, strength: int, cell: int) -> None:
    given_item = item(head * 8 // 2, 60, head=head)
    assert np.array_equal(painted("pixelate", given_item, strength), cell_means(given_item.raw, cell))


@pytest.mark.parametrize(("head", "strength"), [(31.9, 8), (5, 8), (63, 16), (0.5, 8)])
def test_where_cells_would_be_too_small_the_region_is_one_colour(head: float, strength: int) -> None:
    given_item = item(head=head)
    rgb = painted("pixelate", given_item, strength)
    assert (rgb == rgb[0, 0]).all()
    assert rgb[0, 0] == pytest.approx(given_item.raw[given_item.silhouette > 0].mean(0), abs=1e-4)
    assert head / strength < SMALLEST_CELL


# Blur


def test_the_blur_grows_with_the_head_and_has_a_floor() -> None:
    for kernel, talk in ((9, 1.7), (17, 2.9)):
        blur = Blur(kernel)
        assert blur.sigma(128 * 4) == pytest.approx(4 * talk)
        assert blur.sigma(1) == blur.sigma(60) == kernel / 4
    assert Blur(17).sigma(30) > Blur(9).sigma(30)


def test_a_blurred_small_head_is_a_smear() -> None:
    head = np.zeros((20, 20, 3), np.float32)
    head[8:10, 5:8] = head[8:10, 12:15] = head[15:17, 6:14] = 1  # two eyes and a mouth
    blurred = painted("blur", Item(head * 0, np.ones((20, 20), np.float32), np.zeros(24, np.float32), 20, 7, head))
    assert np.ptp(blurred) < 0.25


@given(st.integers(2, 60), st.integers(2, 60), st.floats(1.5, 40))
@settings(max_examples=40)
def test_blurring_neither_adds_light_nor_leaves_a_raw_pixel_at_the_rim(height: int, width: int, sigma: float) -> None:
    crop = pixels(height, width)
    blurred = gaussian(crop, sigma)
    assert blurred.shape == crop.shape
    assert blurred.min() >= crop.min() - 1e-5
    assert blurred.max() <= crop.max() + 1e-5
    dot = np.zeros((height, width, 3), np.float32)
    dot[0, 0] = 1
    assert gaussian(dot, sigma)[0, 0, 0] < 0.6
    flat = np.full((height, width, 3), 0.3, np.float32)
    assert gaussian(flat, sigma) == pytest.approx(flat, abs=1e-4)


def test_large_blurs_computed_small_are_as_large() -> None:
    edge = np.zeros((80, 200, 3), np.float32)
    edge[:, 100:] = 1
    for sigma in (5.0, 11.0, 24.0, 37.0):
        profile = gaussian(edge, sigma)[40, :, 0]
        width = np.interp(0.841, profile, np.arange(200)) - np.interp(0.159, profile, np.arange(200))
        assert width == pytest.approx(2 * sigma, rel=0.12)


def test_a_doubtful_region_keeps_a_colour_or_two() -> None:
    given_item = item(160, 60)
    assert strong_blur(given_item)[40:120, 20:40].std((0, 1)).max() < 0.02


# Controls


@given(st.integers(0, 2**32 - 1))
def test_turned_hues_keep_how_different_two_colours_are(bits: int) -> None:
    rotation = hue_rotation(bits).astype(float)
    assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-5)
    assert rotation @ np.full(3, 0.5) == pytest.approx(np.full(3, 0.5), abs=1e-5)
    assert np.abs(rotation @ [1, 0, 0] - [1, 0, 0]).max() > 0.3


def test_everybody_of_a_camera_is_recoloured_alike_and_the_next_camera_otherwise() -> None:
    first, second = item(code=1), item(code=2)
    assert np.array_equal(painted("recolor", first), painted("recolor", second))
    other = Item(first.erased, first.silhouette, first.code, first.head, 2**31, first.raw)
    assert not np.array_equal(painted("recolor", first), painted("recolor", other))


def test_none_is_the_crop_and_grey_is_nothing_of_it() -> None:
    given_item = item()
    assert np.array_equal(painted("none", given_item), given_item.raw)
    assert (painted("grey", given_item) == 0.5).all()


# Silhouettes beside which the frame stays as it was


@given(st.integers(12, 60), st.integers(12, 60), st.integers(4, 9), st.integers(0, 99))
def test_a_tight_mosaic_knows_only_what_is_inside_and_no_pixel_well(h: int, w: int, cell: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inside = np.zeros((h, w), bool)
    inside[rng.integers(0, 3) : h - rng.integers(0, 3), rng.integers(0, 3) : w - rng.integers(0, 3)] = True
    inside &= np.add.outer(np.arange(h), np.arange(w)) > rng.integers(0, h // 2)
    crop = pixels(h, w, seed)
    mosaic = cell_means_inside(crop, inside, cell)
    assert np.isfinite(mosaic).all()
    beside = np.where(inside[..., None], crop, 1 - crop).astype(np.float32)
    assert np.array_equal(cell_means_inside(beside, inside, cell)[inside], mosaic[inside])
    y, x = rng.choice(np.argwhere(inside))
    touched = crop.copy()
    touched[y, x] += 1
    share = np.abs(cell_means_inside(touched, inside, cell) - mosaic)[inside].max()
    assert share <= 2 / min(cell * cell, inside.sum()) + 1e-5


def test_a_tight_mosaic_over_whole_cells_is_the_mosaic() -> None:
    crop = pixels(48, 24)
    assert cell_means_inside(crop, np.ones((48, 24), bool), 8) == pytest.approx(cell_means(crop, 8), abs=1e-6)
