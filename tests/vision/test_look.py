"""How soft a camera is, read from what it made."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mot_anon.vision.look import Look, energies, look_of, seen_by

ALL = np.ones((192, 192), bool)


def scene(contrast: float = 0.1) -> NDArray[np.float32]:
    """(192, 192) in 0…1 with a power spectrum of 1/f²."""
    rng = np.random.default_rng(3)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(192), np.fft.fftfreq(192)))
    frequency[0, 0] = 1
    drawn = np.fft.ifft2(np.fft.fft2(rng.standard_normal((192, 192))) / frequency).real
    return np.asarray(0.5 + contrast * (drawn - drawn.mean()) / drawn.std(), np.float32)


def blurred(width: float, contrast: float = 0.1) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(scene(contrast), (0, 0), width), np.float32)


@pytest.mark.parametrize("width", [0.6, 0.9, 1.2])
@pytest.mark.parametrize("contrast", [0.02, 0.2])
def test_the_blur_of_a_picture_is_read_from_it_whatever_its_contrast(width: float, contrast: float) -> None:
    look = look_of(energies(blurred(width, contrast), ALL))
    assert look is not None
    assert look.softness == pytest.approx(width, abs=0.12)


def test_a_sharp_picture_becomes_as_soft_as_the_camera() -> None:
    camera = Look(1.0, 1.0)
    seen = seen_by(camera, np.repeat(blurred(0.5)[..., None], 3, 2), ALL)
    found = look_of(energies(np.ascontiguousarray(seen.mean(2)), ALL))
    assert found is not None
    assert found.softness == pytest.approx(1.0, abs=0.12)


def test_strong_detail_is_weakened_towards_the_cameras_and_weak_detail_is_left_alone() -> None:
    picture = np.repeat(blurred(0.8, 0.2)[..., None], 3, 2)
    mine = look_of(energies(blurred(0.8, 0.2), ALL))
    assert mine is not None
    weaker = seen_by(Look(0.0, mine.detail / 4), picture, ALL)
    detail = energies(np.ascontiguousarray(weaker.mean(2)), ALL)[2]
    assert mine.detail / 4 < detail < 0.5 * mine.detail
    assert np.array_equal(seen_by(Look(0.0, mine.detail), picture, ALL), picture)


def test_flat_and_tiny_pictures_stay_as_they_are() -> None:
    flat = np.full((40, 40, 3), 0.3, np.float32)
    assert look_of(energies(flat[..., 0], np.ones((40, 40), bool))) is None
    assert np.array_equal(seen_by(Look(1.0, 1e-3), flat, np.ones((40, 40), bool)), flat)
    few = np.zeros(ALL.shape, bool)
    few[:5, :5] = True
    picture = np.repeat(scene()[..., None], 3, 2)
    assert np.array_equal(seen_by(Look(1.0, 1e-3), picture, few), picture)
