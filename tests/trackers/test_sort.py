from __future__ import annotations

import numpy as np
import pytest

from mot_anon.trackers import SortTracker

BOX = np.array([100.0, 100.0, 150.0, 220.0])
RIGHT = np.array([1.0, 0.0, 1.0, 0.0])


def see(tracker, *boxes, score=0.9):
    return tracker.update(np.array(boxes, dtype=float).reshape(-1, 4), np.full(len(boxes), score))


def ids(output):
    return output[:, 4].astype(int).tolist()


def test_who_is_there_from_the_first_frame_is_reported_from_the_first_frame():
    tracker = SortTracker()
    for _ in range(5):
        assert ids(see(tracker, BOX)) == [1]


def test_who_comes_later_is_reported_from_the_third_detection_in_a_row():
    tracker = SortTracker(min_hits=3)
    see(tracker)
    assert [ids(see(tracker, BOX)) for _ in range(4)] == [[], [], [1], [1]]


def test_a_miss_starts_the_probation_again():
    tracker = SortTracker(min_hits=3)
    for _ in range(3):
        see(tracker)
    seen = [ids(see(tracker, BOX) if there else see(tracker)) for there in (1, 1, 0, 1, 1, 1)]
    assert seen == [[], [], [], [], [], [1]]


def test_one_missed_frame_is_bridged_but_not_reported_and_two_end_the_track():
    tracker = SortTracker(max_age=1)
    see(tracker, BOX)
    assert ids(see(tracker)) == []
    assert ids(see(tracker, BOX)) == [1]
    see(tracker)
    see(tracker)
    see(tracker, BOX)
    assert tracker.last_ids.tolist() == [2]


def test_a_longer_memory_bridges_more():
    tracker = SortTracker(max_age=5)
    see(tracker, BOX)
    for _ in range(5):
        see(tracker)
    assert ids(see(tracker, BOX)) == [1]


def test_a_track_follows_its_prediction_through_a_gap():
    tracker = SortTracker(max_age=3)
    for n in range(20):
        see(tracker, BOX + 12 * n * RIGHT)
    for _ in range(3):
        see(tracker)
    # Three frames later the old box overlaps by less than 0.3.
    assert ids(see(tracker, BOX + 12 * 23 * RIGHT)) == [1]


def test_below_the_iou_threshold_it_is_somebody_else():
    tracker = SortTracker(iou_threshold=0.3)
    see(tracker, BOX)
    see(tracker, BOX + 40 * RIGHT)
    assert tracker.last_ids.tolist() == [2]


def test_the_score_is_the_detections_and_the_box_lies_between_prediction_and_detection():
    tracker = SortTracker()
    see(tracker, BOX, score=0.5)
    moved = BOX + 10 * RIGHT
    output = see(tracker, moved, score=0.25)
    assert output[0, 5] == 0.25
    assert BOX[0] < output[0, 0] < moved[0]
    assert output[0, 2] - output[0, 0] == pytest.approx(50)


def test_a_box_that_shrank_fast_stops_shrinking_when_it_is_lost():
    tracker = SortTracker(max_age=50, iou_threshold=0.0)
    for half in (60.0, 45.0, 32.0, 21.0):
        see(tracker, [500 - half, 500 - half, 500 + half, 500 + half])
    for _ in range(50):
        see(tracker)
        (box,) = tracker._tracks.boxes()
        assert np.isfinite(box).all()
        assert (box[2:] > box[:2]).all()


def test_tracks_whose_state_is_no_number_are_dropped():
    tracker = SortTracker()
    see(tracker, BOX, BOX + 300)
    tracker._tracks.filter.x[0] = np.nan
    assert ids(see(tracker, BOX + 300)) == [2]
    assert tracker._tracks.ids.tolist() == [2]


def test_crowds_of_many_frames_never_share_an_id():
    rng = np.random.default_rng(0)
    tracker = SortTracker()
    for _ in range(60):
        corners = rng.uniform(0, 300, (rng.integers(0, 40), 2))
        boxes = np.hstack([corners, corners + rng.uniform(5, 120, corners.shape)])
        output = tracker.update(boxes, np.ones(len(boxes)))
        assert len(set(ids(output))) == len(output)
        assert len(set(tracker.last_ids.tolist())) == len(boxes)
        assert set(ids(output)) <= set(tracker.last_ids.tolist())


def test_features_are_ignored():
    tracker = SortTracker()
    assert ids(tracker.update([BOX], [1.0], [[np.nan, 2.0]])) == [1]


@pytest.mark.parametrize("wrong", [{"max_age": -1}, {"min_hits": 0}, {"iou_threshold": 1.5}, {"iou_threshold": np.nan}])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SortTracker(**wrong)
