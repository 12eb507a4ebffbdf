"""The shape of a face follows from the code, and only the shape: not where it is, how large, or how it is turned."""

from __future__ import annotations

import numpy as np

from mot_anon.gan.face_shape import PROPORTIONS, keyed_shape, proportions
from mot_anon.vision.landmarks import KEPT, draw_holes, draw_landmarks
from tests.invented_faces import face_points

FACE = (face_points() * (0.3, 0.38) + (0.5, 0.55)).astype(np.float32)[None]
CODES = np.random.default_rng(0).standard_normal((40, 24)).astype(np.float32)
FACES = np.repeat(FACE, len(CODES), 0)


def test_a_code_means_the_same_proportions_in_every_frame() -> None:
    assert np.array_equal(keyed_shape(FACES[:3], CODES[[5, 5, 5]]), np.repeat(keyed_shape(FACE, CODES[5:6]), 3, 0))
    assert np.array_equal(keyed_shape(FACE, 7 * CODES[5:6]), keyed_shape(FACE, CODES[5:6]))


def test_two_codes_mean_two_shapes_within_bounds() -> None:
    scales = proportions(CODES)
    assert scales.shape == (40, len(PROPORTIONS))
    assert scales.std(0).min() > 0.03
    assert 0.8 < scales.min() < scales.max() < 1.2
    size = np.ptp(FACE[0], axis=0).max()
    moved = np.abs(keyed_shape(FACES, CODES) - FACES).max((1, 2)) / size
    assert moved.max() < 0.15
    assert moved.min() > 0.01


def test_shapes_move_grow_and_turn_with_the_face() -> None:
    turn = np.deg2rad(25)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    changed = keyed_shape((3 * FACES @ rotation.T + 5).astype(np.float32), CODES)
    assert np.allclose(changed, 3 * keyed_shape(FACES, CODES) @ rotation.T + 5, atol=1e-4)


def test_a_turned_head_stays_turned() -> None:
    """A face whose far half is foreshortened to a third keeps its ratio of halves, and the bridge its place."""
    turned = FACES.copy()
    middle = turned[:, 27:28, 0]
    turned[..., 0] = np.where(turned[..., 0] > middle, middle + (turned[..., 0] - middle) / 3, turned[..., 0])
    made = keyed_shape(turned, CODES)

    def halves(points: np.ndarray) -> np.ndarray:
        bridge = points[:, 27:31, 0].mean(1)
        return np.asarray((points[:, 16, 0] - bridge) / (bridge - points[:, 0, 0]))

    assert np.allclose(halves(made), halves(turned), rtol=0.02)
    assert np.allclose(made[:, 27], turned[:, 27], atol=1e-5)


def test_a_face_from_the_side_keeps_finite_shapes() -> None:
    flat = FACES.copy()
    flat[..., 0] = 0.5 + 0.02 * (flat[..., 0] - 0.5)
    made = keyed_shape(flat, CODES)
    assert np.isfinite(made).all()
    assert np.abs(made - flat).max() < 0.1


def test_what_is_drawn_changes_and_stays_in_the_hole() -> None:
    made = keyed_shape(FACES, CODES)
    drawn, hole = draw_landmarks(made), draw_holes(FACE)[0]
    assert (np.abs(drawn - draw_landmarks(FACES)).sum((1, 2, 3)) > 5).all()
    assert (drawn * (hole < 0.02)).sum() < 0.02 * drawn.sum()
    unmoved = sorted(set(range(68)) - set(KEPT) - set(range(31, 36)) - set(range(48, 60)))
    assert np.allclose(made[:, unmoved], FACES[:, unmoved], atol=1e-6)
