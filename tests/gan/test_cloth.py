"""Patterns go from clothes, edges stay."""

from __future__ import annotations

import numpy as np

from mot_anon.gan.cloth import levelled, plain


def test_what_is_faint_goes_and_edges_stay() -> None:
    rng = np.random.default_rng(0)
    picture = np.full((40, 40, 3), 0.3, np.float32)
    picture[:, 20:] = 0.7
    woven = (picture + 0.02 * rng.standard_normal((40, 40, 1))).astype(np.float32)
    smooth = plain(woven, 0.2, 2.0, 2)
    assert smooth.dtype == np.float32
    assert smooth[:, :18].std() < 0.5 * woven[:, :18].std()
    assert np.abs(smooth[:, 19] - 0.3).max() < 0.06
    assert np.abs(smooth[:, 20] - 0.7).max() < 0.06


def somebody() -> tuple[np.ndarray, np.ndarray]:
    """A silhouette (128, 64) and parts (4, 128, 64): head, torso and legs, one below the other."""
    silhouette, parts = np.zeros((128, 64), np.float32), np.zeros((4, 128, 64), np.float32)
    silhouette[8:120, 16:48] = 1
    parts[0, 8:24, 16:48] = parts[1, 24:64, 16:48] = parts[3, 64:120, 16:48] = 1
    return silhouette, parts


def test_a_garment_gets_a_colour_of_its_own_and_keeps_its_folds() -> None:
    silhouette, parts = somebody()
    picture = np.full((128, 64, 3), 0.5, np.float32)
    picture[..., 0] = np.linspace(0.3, 0.7, 128)[:, None]  # redder downwards
    picture[64:] -= 0.25
    picture[:, 31:33] -= 0.1  # a fold
    colour = levelled(picture, silhouette, parts)
    jacket, legs = slice(36, 56), slice(76, 116)
    for rows in (jacket, legs):
        assert np.ptp(colour[rows, 20:28, 0].mean(1)) < 0.7 * np.ptp(picture[rows, 20:28, 0].mean(1))
        assert (colour[rows, 26] - colour[rows, 31]).mean() > 0.07
    assert colour[jacket, 20:28].mean() - colour[legs, 20:28].mean() > 0.15
    assert np.abs(colour[11:20, 20:44] - picture[11:20, 20:44]).max() < 1e-3  # the head
    assert np.abs(colour[:, :16] - picture[:, :16]).max() < 1e-3  # beyond the silhouette


def test_light_patches_on_dark_clothes_are_drawn_nearer_to_them() -> None:
    silhouette, parts = somebody()
    picture = np.full((128, 64, 3), 0.15, np.float32)
    picture[90:96, 28:34] = 0.9
    patch = levelled(picture, silhouette, parts)[92, 30].mean()
    assert 0.4 < patch < 0.8


def test_who_shows_hardly_anything_of_a_garment_stays_as_drawn() -> None:
    silhouette, parts = np.zeros((128, 64), np.float32), np.zeros((4, 128, 64), np.float32)
    silhouette[60:64, 30:34] = parts[3, 60:64, 30:34] = 1
    picture = np.random.default_rng(0).random((128, 64, 3), np.float32)
    assert np.abs(levelled(picture, silhouette, parts) - picture).max() < 1e-3
