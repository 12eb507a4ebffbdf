"""What holds for every tracker of the house, whatever is seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mot_anon.trackers import long_memory_tracker, make_tracker

MAKERS = pytest.mark.parametrize(
    "make",
    [lambda: make_tracker("sort"), lambda: make_tracker("reid"), long_memory_tracker],
    ids=["sort", "reid", "long memory"],
)
FEW = settings(max_examples=12, deadline=None)
SIZE = np.array([50.0, 110.0])
SEEDS = st.integers(0, 2**32 - 1)


def scene(rng, n_frames=30):
    """People who come, walk, meet, hide and go; some are detected twice in the very same box; some frames are empty."""
    looks = rng.normal(size=(6, 12)).astype(np.float32)
    places, steps = rng.uniform(0, 300, (6, 2)), rng.uniform(-6, 6, (6, 2))
    frames = []
    for number in range(n_frames):
        there = np.flatnonzero(rng.random(6) < (0.8 if rng.random() < 0.9 else 0.0))
        there = np.sort(np.append(there, there[: rng.integers(0, 2)]))
        corners = np.round((places + number * steps)[there])
        boxes = np.hstack([corners, corners + SIZE])
        noise = np.where(np.diff(there, prepend=-1)[:, None] > 0, rng.normal(0, 0.1, (len(there), 12)), 0.0)
        frames.append((boxes, np.full(len(there), 0.5), (looks[there] + noise).astype(np.float32)))
    return frames


@MAKERS
@FEW
@given(seed=SEEDS)
def test_the_same_input_gives_the_same_tracks_whatever_other_instances_do(make, seed):
    frames = scene(np.random.default_rng(seed))
    first, second, other = make(), make(), make()
    for boxes, scores, features in frames:
        one = first.update(boxes, scores, features)
        other.update(boxes[::-1] + 7, scores, features)
        np.testing.assert_array_equal(second.update(boxes, scores, features), one)


@MAKERS
@FEW
@given(seed=SEEDS)
def test_the_order_of_detections_changes_nothing(make, seed):
    rng = np.random.default_rng(seed)
    straight, shuffled = make(), make()
    for boxes, scores, looks in scene(rng):
        order = rng.permutation(len(boxes))
        # Two detections in one box come from the same pixels, so they look the same.
        features = looks[[int((boxes == box).all(axis=1).argmax()) for box in boxes]]
        output = straight.update(boxes, scores, features)
        np.testing.assert_array_equal(shuffled.update(boxes[order], scores[order], features[order]), output)
        alone = np.array([(boxes == box).all(axis=1).sum() == 1 for box in boxes], dtype=bool)[order]
        np.testing.assert_array_equal(shuffled.last_ids[alone], straight.last_ids[order][alone])


@MAKERS
@FEW
@given(seed=SEEDS)
def test_every_detection_has_a_track_of_its_own_and_every_row_is_one_of_them(make, seed):
    tracker = make()
    for boxes, scores, features in scene(np.random.default_rng(seed)):
        output = tracker.update(boxes, scores, features)
        assert output.shape[1:] == (6,)
        assert output.dtype == np.float64
        assert tracker.last_ids.shape == (len(boxes),)
        assert (tracker.last_ids > 0).all()
        assert len(set(tracker.last_ids.tolist())) == len(boxes)
        assert set(output[:, 4]) <= set(tracker.last_ids.tolist())
        assert (np.diff(output[:, 4]) > 0).all()
        assert (output[:, 2:4] > output[:, :2]).all()


@MAKERS
def test_frames_without_detections_are_frames(make):
    tracker = make()
    for empty in ([], np.zeros((0, 4))):
        output = tracker.update(empty, [])
        assert output.shape == (0, 6)
        assert output.dtype == np.float64
        assert tracker.last_ids.shape == (0,)
    assert tracker.update(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 12))).shape == (0, 6)


@MAKERS
@pytest.mark.parametrize(
    ("boxes", "scores", "message"),
    [
        ([[0, 0, 10, 20]], [1.0, 0.5], "1 boxes need a vector of as many scores"),
        ([[0, 0, 10]], [1.0], r"\(N, 4\)"),
        ([[0, 0, 10, 20], [0, 0, np.nan, 20]], [1.0, 1.0], "detection 1 is not finite"),
        ([[0, 0, 10, 20]], [np.inf], "detection 0 is not finite"),
        ([[0, 0, 10, 20], [5, 5, 5, 20]], [1.0, 1.0], "detection 1 has no area"),
        ([[0, 20, 10, 0]], [1.0], "detection 0 has no area"),
    ],
)
def test_what_is_no_detection_is_refused(make, boxes, scores, message):
    with pytest.raises(ValueError, match=message):
        make().update(boxes, scores, np.ones((len(boxes), 3)))
