from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.trackers.gallery import Gallery


def unit(rng: np.random.Generator, n: int, d: int = 6) -> np.ndarray:
    rows = rng.normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 2**32 - 1), budget=st.integers(1, 5))
def test_distances_are_the_smallest_to_the_last_features_of_each_track(seed, budget):
    rng = np.random.default_rng(seed)
    gallery, expected = Gallery(budget), []
    for _ in range(30):
        some = np.flatnonzero(rng.random(len(expected)) < 0.7)
        features = unit(rng, len(some))
        gallery.add(some, features)
        for track, feature in zip(some, features, strict=True):
            expected[track] = [*expected[track], feature][-budget:]
        new = unit(rng, rng.integers(0, 3))
        gallery.start(new)
        expected += [[feature] for feature in new]
        mask = rng.random(len(expected)) < 0.85
        gallery.keep(mask)
        expected = [rows for rows, kept in zip(expected, mask, strict=True) if kept]
    asked = rng.permutation(len(expected))
    queries = unit(rng, 4)
    distances = gallery.distances(asked, queries)
    assert distances.shape == (len(asked), 4)
    for row, track in enumerate(asked):
        wanted = 1 - (np.array(expected[track]) @ queries.T).max(axis=0)
        np.testing.assert_allclose(distances[row], wanted, atol=1e-6)


def test_memory_is_for_what_is_stored_and_used_again():
    rng = np.random.default_rng(0)
    gallery = Gallery(100)
    for _ in range(200):
        gallery.start(unit(rng, 50))
        gallery.keep(np.zeros(50, dtype=bool))
    assert len(gallery._pool) < 1000


def test_features_of_another_size_are_refused():
    gallery = Gallery(3)
    gallery.start(unit(np.random.default_rng(0), 2, 6))
    with pytest.raises(ValueError, match="6 columns before and have 5 now"):
        gallery.add(np.array([0]), np.ones((1, 5), dtype=np.float32))
    with pytest.raises(ValueError, match="6 columns before and have 5 now"):
        gallery.distances(np.array([0]), np.ones((1, 5), dtype=np.float32))
