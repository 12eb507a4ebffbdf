"""The tone of drawn faces: skin like the neck's, smooth colours, no edge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mot_anon.methods.base import FaceShape
from mot_anon.methods.face_tone import skin_near, toned, with_skin
from mot_anon.vision.landmarks import draw_holes
from tests.invented_faces import face_points

FACE = (face_points() * (0.3, 0.38) + (0.5, 0.55)).astype(np.float32)


def test_tone_is_matched_at_an_edge_unless_the_edge_is_that_of_hair() -> None:
    hole = draw_holes(FACE[None])[0, 0]
    rim = (hole > 0.99) & (cv2.erode((hole > 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0)
    for around, change in ((0.55, 0.02), (0.05, 0.01)):
        shape = FaceShape(np.array([0, 0, 64, 64]), np.full((64, 64, 3), around, np.float32), hole, hole, 0.9, True)
        moved = np.abs(toned(np.full((64, 64, 3), 0.6, np.float32), shape) - 0.6)
        assert moved[hole > 0.9].min() < 1e-4
        assert moved[rim].max() > change if around > 0.5 else moved[rim].max() < change


def a_shape(around: np.ndarray) -> FaceShape:
    hole = draw_holes(FACE[None])[0, 0]
    return FaceShape(np.array([0, 0, 64, 64]), around.astype(np.float32), hole, hole, 0.9, True)


@pytest.mark.parametrize("neck", [(0.75, 0.55, 0.45), (0.35, 0.22, 0.17)])
def test_a_face_has_the_skin_of_the_neck_below_it(neck: tuple[float, ...]) -> None:
    around = np.full((64, 64, 3), (0.4, 0.45, 0.5))
    around[50:] = neck
    made = toned(np.full((64, 64, 3), 0.5, np.float32), a_shape(around))
    assert np.abs(made[32, 32] - neck).max() < 0.05
    found, share = skin_near(a_shape(around))
    assert np.allclose(found, neck, atol=1e-5)
    assert share == 1


@pytest.mark.parametrize("below", [(0.1, 0.4, 0.25), (0.3, 0.26, 0.2), (0.9, 0.9, 0.9)])
def test_what_is_no_skin_lends_no_face_its_colour(below: tuple[float, ...]) -> None:
    around = np.full((64, 64, 3), (0.4, 0.45, 0.5))
    around[50:] = below  # a collar, hair, a wall
    assert skin_near(a_shape(around))[1] == 0
    red, green, blue = toned(np.full((64, 64, 3), 0.3, np.float32), a_shape(around))[32, 32]
    assert red > green > blue
    assert red > 0.4


def test_pictures_without_colour_stay_so() -> None:
    picture = np.random.default_rng(0).uniform(0.3, 0.6, (64, 64, 1)).astype(np.float32) + np.zeros(3, np.float32)
    made = toned(picture, a_shape(np.full((64, 64, 3), 0.4)))
    assert np.ptp(made, axis=2).max() < 1e-5


def test_colours_lie_smoothly_on_light_that_is_sharp() -> None:
    hole = draw_holes(FACE[None])[0, 0]
    shape = FaceShape(np.array([0, 0, 64, 64]), np.full((64, 64, 3), 0.5, np.float32), hole, hole, 0.9, True)
    luma, picture = np.array([0.299, 0.587, 0.114]), np.full((64, 64, 3), 0.5, np.float32)
    picture[:, ::2] += (0.2, 0, -0.2 * 0.299 / 0.114)  # a fringe as light as what is beside it
    picture[34] += 0.2
    made = toned(picture, shape)
    middle = slice(28, 36)
    assert np.abs(np.diff(made[30, middle], axis=0)).max() < 0.02
    assert np.diff(made[32:35, 32] @ luma).max() > 0.15


def test_a_whole_head_has_the_skin_of_the_neck_and_its_hair_stays() -> None:
    neck, around = np.array([0.75, 0.55, 0.45]), np.full((64, 64, 3), (0.4, 0.45, 0.5))
    around[50:] = neck
    picture = np.full((64, 64, 3), 0.5, np.float32)
    picture[:14] = (0.2, 0.1, 0.05)  # hair
    made = with_skin(picture, a_shape(around), FACE)
    assert np.abs(made[:8] - picture[:8]).max() < 1e-3
    share = made[38, 32] / made[38, 32].sum()
    assert np.abs(share - neck / neck.sum()).max() < 0.04
    assert np.array_equal(picture[38, 32], np.full(3, 0.5, np.float32))
