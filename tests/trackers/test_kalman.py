from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.trackers.kalman import BatchKalman
from mot_anon.trackers.motion import DEEPSORT, SORT, Motion

MOTIONS = pytest.mark.parametrize("motion", [SORT, DEEPSORT], ids=lambda motion: motion.name)


class OneByOne:
    """The same tracks, each in a filterpy KalmanFilter of its own, with the noise of its height."""

    def __init__(self, motion: Motion) -> None:
        self.motion, self.filters = motion, []

    def add(self, measurements: np.ndarray) -> None:
        for measurement in measurements:
            single = self.motion.model()
            single.x = np.zeros((len(single.F), 1))
            single.x[:4, 0] = measurement
            single.P = self.scaled(single.P, single.x)
            self.filters.append(single)

    def scaled(self, matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
        factors = np.diag(self.motion.height(x[None, :4, 0])[0] ** np.array(self.motion.powers[: len(matrix)], float))
        return factors @ matrix @ factors

    def predict(self) -> None:
        for single in self.filters:
            single.predict(Q=self.scaled(single.Q, single.x))

    def update(self, rows: np.ndarray, measurements: np.ndarray) -> None:
        for row, measurement in zip(rows, measurements, strict=True):
            single = self.filters[row]
            single.update(measurement[:, None], R=self.scaled(single.R, single.x))

    def keep(self, mask: np.ndarray) -> None:
        self.filters = [single for single, kept in zip(self.filters, mask, strict=True) if kept]


def some_boxes(rng: np.random.Generator, n: int) -> np.ndarray:
    corners, height = rng.uniform(-200, 1800, (n, 2)), rng.uniform(15, 600, n)
    return np.hstack([corners, corners + np.column_stack([height * rng.uniform(0.2, 1.0, n), height])])


@MOTIONS
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 25))
def test_the_batch_is_filterpy_for_every_track(motion, seed, steps):
    rng = np.random.default_rng(seed)
    batch, single = motion.filter(), OneByOne(motion)
    places = np.zeros((0, 4))
    for _ in range(steps):
        for size, rate in motion.sizes:  # as Tracks does: a box that shrank to nothing has no height to scale noise by
            for row in np.flatnonzero(batch.x[:, size] + batch.x[:, rate] <= 0):
                batch.x[row, rate] = single.filters[row].x[rate] = 0.0
        batch.predict()
        single.predict()
        # Some are detected near where they were, some are not, some disappear, and new ones come.
        rows = np.flatnonzero(rng.random(len(places)) < 0.8)
        sides = np.tile(places[rows, 2:] - places[rows, :2], 2)
        places[rows] += sides * rng.normal(0, 0.05, (len(rows), 2))[:, [0, 1, 0, 1]]
        detected = places[rows] + sides * rng.normal(0, 0.05, (len(rows), 4))
        measurements = motion.measure(detected)
        batch.update(rows, measurements)
        single.update(rows, measurements)
        mask = rng.random(len(places)) < 0.95
        batch.keep(mask)
        single.keep(mask)
        new = some_boxes(rng, rng.integers(0, 4))
        batch.add(motion.measure(new))
        single.add(motion.measure(new))
        places = np.vstack([places[mask], new])
    assert len(batch) == len(single.filters) == len(places)
    assert np.isfinite(batch.x).all()
    for row, other in enumerate(single.filters):
        np.testing.assert_allclose(batch.x[row], other.x[:, 0], rtol=1e-9, atol=1e-9)
        # Covariances in units of the standard deviations: those of areas are of the order of 10¹⁰ beside ratios'.
        deviations = np.sqrt(np.diag(other.P))
        np.testing.assert_allclose(
            batch.P[row] / np.outer(deviations, deviations),
            other.P / np.outer(deviations, deviations),
            rtol=0,
            atol=1e-9,
        )


@MOTIONS
def test_the_mahalanobis_distance_is_filterpys(motion):
    rng = np.random.default_rng(3)
    batch, single = motion.filter(), OneByOne(motion)
    start, others = motion.measure(some_boxes(rng, 4)), motion.measure(some_boxes(rng, 3))
    for either in (batch, single):
        either.add(start)
        either.predict()
    distances = batch.squared_mahalanobis(np.array([2, 0]), others)
    for i, row in enumerate([2, 0]):
        for j, other in enumerate(others):
            reference = single.filters[row]
            reference.R = single.scaled(motion.model().R, reference.x)
            reference.update(other[:, None])
            assert distances[i, j] == pytest.approx(reference.mahalanobis**2, rel=1e-9)
            reference.x, reference.P = reference.x_prior, reference.P_prior


@MOTIONS
def test_boxes_survive_the_way_into_the_state_and_back(motion):
    boxes = some_boxes(np.random.default_rng(1), 50)
    np.testing.assert_allclose(motion.boxes(motion.measure(boxes)), boxes, atol=1e-9)
    np.testing.assert_allclose(motion.height(motion.measure(boxes)), boxes[:, 3] - boxes[:, 1])


@MOTIONS
def test_the_same_scene_in_another_resolution_moves_alike(motion):
    boxes = some_boxes(np.random.default_rng(5), 6)
    drift = np.linspace(0, 20, 6)[:, None]
    results = []
    for scale in (1.0, 3.0):
        batch = motion.filter()
        batch.add(motion.measure(scale * boxes))
        for n in range(1, 8):
            batch.predict()
            batch.update(np.arange(6), motion.measure(scale * (boxes + n * drift)))
        results.append(motion.boxes(batch.x[:, :4]) / scale)
    np.testing.assert_allclose(results[0], results[1], rtol=1e-9)


@MOTIONS
def test_a_steady_walk_is_learned(motion):
    batch = motion.filter()
    box = np.array([[100.0, 100.0, 140.0, 200.0]])
    batch.add(motion.measure(box))
    for n in range(1, 60):
        batch.predict()
        batch.update(np.array([0]), motion.measure(box + 3.0 * n * np.array([1, 0, 1, 0])))
    for _ in range(10):
        batch.predict()
    np.testing.assert_allclose(motion.boxes(batch.x[:, :4])[0, 0], 100 + 3 * 69, atol=1.0)


def test_models_that_do_not_fit_are_refused():
    model = SORT.model()
    with pytest.raises(ValueError, match="go together"):
        BatchKalman(model, scale=SORT.height)
    with pytest.raises(ValueError, match="powers has 2 entries for 7"):
        BatchKalman(model, SORT.height, (1, 1))
    model.H = np.roll(model.H, 1, axis=1)
    with pytest.raises(ValueError, match="first columns"):
        BatchKalman(model)


def test_without_a_scale_all_tracks_share_the_models_noise():
    model = SORT.model()
    batch = BatchKalman(model)
    batch.add(SORT.measure(some_boxes(np.random.default_rng(0), 2)))
    np.testing.assert_array_equal(batch.P[0], model.P)
    np.testing.assert_array_equal(batch.P[1], model.P)
